package mib2

import (
	"math"
	"strings"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	ifIndex           = 1
	ifDescr           = 2
	ifTypeColumn      = 3
	ifMtu             = 4
	ifSpeed           = 5
	ifPhysAddress     = 6
	ifAdminStatus     = 7
	ifOperStatus      = 8
	ifLastChange      = 9
	ifInOctets        = 10
	ifInUcastPkts     = 11
	ifInNUcastPkts    = 12
	ifInDiscards      = 13
	ifInErrors        = 14
	ifInUnknownProtos = 15
	ifOutOctets       = 16
	ifOutUcastPkts    = 17
	ifOutNUcastPkts   = 18
	ifOutDiscards     = 19
	ifOutErrors       = 20
	ifOutQLen         = 21
	ifSpecific        = 22
)

func (m *MIB) ifTable() mib.Group {
	return mib.Group{
		Entry: ifEntry,
		Columns: []uint32{
			ifIndex, ifDescr, ifTypeColumn, ifMtu, ifSpeed, ifPhysAddress, ifAdminStatus, ifOperStatus, ifLastChange,
			ifInOctets, ifInUcastPkts, ifInNUcastPkts, ifInDiscards, ifInErrors, ifInUnknownProtos,
			ifOutOctets, ifOutUcastPkts, ifOutNUcastPkts, ifOutDiscards, ifOutErrors, ifOutQLen, ifSpecific,
		},
		Open: m.openInterfaces(m.ifCell),
	}
}

func (m *MIB) ifCell(v *view, row int, column uint32) (snmp.Value, bool) {
	if column >= ifInOctets && column <= ifOutQLen {
		return v.ifCounter(row, column)
	}
	l := v.links.List[row]
	switch column {
	case ifIndex:
		return snmp.Integer(int32(l.Index)), true
	case ifDescr:
		return snmp.OctetString(l.Name), true
	case ifTypeColumn:
		return snmp.Integer(ifType(l.Type)), true
	case ifMtu:
		return snmp.Integer(int32(min(l.MTU, math.MaxInt32))), true
	case ifSpeed:
		return snmp.Gauge32(uint32(min(l.Speed, math.MaxUint32))), l.Speed != 0 || hasNoSpeed(l.Type)
	case ifPhysAddress:
		return snmp.OctetString(physAddress(l)), true
	case ifAdminStatus:
		return snmp.Integer(ifAdminStatusOf(l)), true
	case ifOperStatus:
		return snmp.Integer(ifOperStatusOf(l)), true
	case ifLastChange:
		// A link that appeared later entered its state then, if not after.
		if l.Created.After(l.LastChange) {
			return m.ticks(l.Created), true
		}
		return m.ticks(l.LastChange), true
	case ifSpecific:
		return zeroDotZero, true
	}
	return snmp.Value{}, false
}

// physAddress returns the link layer's address, empty for a link that has none: lo and unbound tunnels have one of zeros.
func physAddress(l *machine.Link) string {
	if strings.Trim(l.Address, "\x00") == "" {
		return ""
	}
	return l.Address
}

// ifCounter returns a counter of ifTable.
func (v *view) ifCounter(row int, column uint32) (snmp.Value, bool) {
	const kind = snmp.KindCounter32
	switch column {
	case ifInOctets:
		return v.stat(row, machine.RxBytes, kind)
	case ifInUcastPkts:
		return v.computed(row, unicastIn, kind)
	case ifInNUcastPkts:
		return v.stat(row, machine.Multicast, kind)
	case ifInDiscards:
		return v.computed(row, discardedIn, kind)
	case ifInErrors:
		return v.stat(row, machine.RxErrors, kind)
	case ifOutOctets:
		return v.stat(row, machine.TxBytes, kind)
	case ifOutUcastPkts:
		return v.stat(row, machine.TxPackets, kind)
	case ifOutNUcastPkts:
		_, known := v.stat(row, machine.TxPackets, kind)
		return snmp.Counter32(0), known // ifOutUcastPkts has them all
	case ifOutDiscards:
		return v.stat(row, machine.TxDropped, kind)
	case ifOutErrors:
		return v.stat(row, machine.TxErrors, kind)
	}
	return snmp.Value{}, false
}
