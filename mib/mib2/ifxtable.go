package mib2

import (
	"math"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	ifName                     = 1
	ifInMulticastPkts          = 2
	ifInBroadcastPkts          = 3
	ifOutMulticastPkts         = 4
	ifOutBroadcastPkts         = 5
	ifHCInOctets               = 6
	ifHCInUcastPkts            = 7
	ifHCInMulticastPkts        = 8
	ifHCInBroadcastPkts        = 9
	ifHCOutOctets              = 10
	ifHCOutUcastPkts           = 11
	ifHCOutMulticastPkts       = 12
	ifHCOutBroadcastPkts       = 13
	ifLinkUpDownTrapEnable     = 14
	ifHighSpeed                = 15
	ifPromiscuousMode          = 16
	ifConnectorPresent         = 17
	ifAlias                    = 18
	ifCounterDiscontinuityTime = 19
)

// maxAlias is the size of ifAlias; the kernel's may be four times as long.
const maxAlias = 64

func (m *MIB) ifXTable() mib.Group {
	return mib.Group{
		Entry: ifXEntry,
		Columns: []uint32{
			ifName, ifInMulticastPkts, ifInBroadcastPkts, ifOutMulticastPkts, ifOutBroadcastPkts,
			ifHCInOctets, ifHCInUcastPkts, ifHCInMulticastPkts, ifHCInBroadcastPkts,
			ifHCOutOctets, ifHCOutUcastPkts, ifHCOutMulticastPkts, ifHCOutBroadcastPkts,
			ifLinkUpDownTrapEnable, ifHighSpeed, ifPromiscuousMode, ifConnectorPresent, ifAlias, ifCounterDiscontinuityTime,
		},
		Open: m.openInterfaces(m.ifXCell),
	}
}

func (m *MIB) ifXCell(v *view, row int, column uint32) (snmp.Value, bool) {
	if column >= ifInMulticastPkts && column <= ifHCOutBroadcastPkts {
		return v.ifXCounter(row, column)
	}
	l := v.links.List[row]
	switch column {
	case ifName:
		return snmp.OctetString(l.Name), true
	case ifLinkUpDownTrapEnable:
		return m.linkTraps(v.layout, l), true
	case ifHighSpeed:
		return snmp.Gauge32(megabits(l.Speed)), l.Speed != 0 || hasNoSpeed(l.Type)
	case ifPromiscuousMode:
		return truthValue(l.Promiscuity > 0 || l.Flags&machine.FlagPromisc != 0)
	case ifConnectorPresent:
		if l.Connector == machine.PresenceUnknown {
			return snmp.Value{}, false
		}
		return truthValue(l.Connector == machine.Present)
	case ifAlias:
		return snmp.OctetString(cut(l.Alias, maxAlias)), true
	case ifCounterDiscontinuityTime:
		if i := v.countersOf(row); i >= 0 {
			return m.ticks(v.counters.List[i].Discontinuity), true
		}
	}
	return snmp.Value{}, false
}

// megabits rounds bits a second to ifHighSpeed's unit.
func megabits(speed uint64) uint32 {
	return uint32(min(speed/1_000_000+(speed%1_000_000)/500_000, math.MaxUint32))
}

// ifXCounter returns a counter of ifXTable; see ifCounter for which are known.
func (v *view) ifXCounter(row int, column uint32) (snmp.Value, bool) {
	const kind = snmp.KindCounter64
	switch column {
	case ifInMulticastPkts:
		return v.stat(row, machine.Multicast, snmp.KindCounter32)
	case ifHCInOctets:
		return v.stat(row, machine.RxBytes, kind)
	case ifHCInUcastPkts:
		return v.computed(row, unicastIn, kind)
	case ifHCInMulticastPkts:
		return v.stat(row, machine.Multicast, kind)
	case ifHCOutOctets:
		return v.stat(row, machine.TxBytes, kind)
	case ifHCOutUcastPkts:
		return v.stat(row, machine.TxPackets, kind)
	}
	return snmp.Value{}, false
}
