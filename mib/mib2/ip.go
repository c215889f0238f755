package mib2

import (
	"context"
	"math"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	ipForwarding      = 1
	ipDefaultTTL      = 2
	ipReasmTimeout    = 13
	ipRoutingDiscards = 23
)

// ipScalars is the statistics of IPv4 with its settings among them.
func (m *MIB) ipScalars() mib.Group {
	g := m.statisticsGroup(ipGroup, counters(map[uint32]machine.Stat{
		3: machine.IPInReceives, 4: machine.IPInHdrErrors, 5: machine.IPInAddrErrors, 6: machine.IPForwDatagrams,
		7: machine.IPInUnknownProtos, 8: machine.IPInDiscards, 9: machine.IPInDelivers, 10: machine.IPOutRequests,
		11: machine.IPOutDiscards, 12: machine.IPOutNoRoutes, 14: machine.IPReasmReqds, 15: machine.IPReasmOKs,
		16: machine.IPReasmFails, 17: machine.IPFragOKs, 18: machine.IPFragFails, 19: machine.IPFragCreates,
	}))
	g.Columns = append(g.Columns, ipForwarding, ipDefaultTTL, ipReasmTimeout, ipRoutingDiscards)
	openStatistics := g.Open
	g.Open = func(ctx context.Context, q *mib.Request) mib.Snapshot {
		statistics := openStatistics(ctx, q)
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			switch column {
			case ipForwarding, ipDefaultTTL, ipReasmTimeout:
				settings, err := m.reading(q).IPv4Settings(ctx)
				if err != nil {
					return snmp.Value{}, false
				}
				return ipSetting(&settings, column)
			case ipRoutingDiscards:
				return snmp.Value{}, false
			default:
				return statistics.Cell(0, column)
			}
		})
	}
	return g
}

func ipSetting(s *machine.IPv4Settings, column uint32) (snmp.Value, bool) {
	n := s.DefaultTTL
	switch column {
	case ipForwarding:
		if s.Forwarding < 0 {
			return snmp.Value{}, false
		}
		return truthValue(s.Forwarding > 0) // forwarding(1) and notForwarding(2) are the same numbers
	case ipReasmTimeout:
		n = s.ReassemblyTimeout
	}
	return snmp.Integer(int32(min(n, math.MaxInt32))), n >= 0
}

const (
	ipAdEntAddr         = 1
	ipAdEntIfIndex      = 2
	ipAdEntNetMask      = 3
	ipAdEntBcastAddr    = 4
	ipAdEntReasmMaxSize = 5
)

// maxDatagram is the largest IPv4 datagram, which hosts of today reassemble (on Linux ip_frag_reasm).
const maxDatagram = 65535

func (m *MIB) ipAddrTable() mib.Group {
	return mib.Group{
		Entry:   ipGroup.Append(20, 1),
		Columns: []uint32{ipAdEntAddr, ipAdEntIfIndex, ipAdEntNetMask, ipAdEntBcastAddr, ipAdEntReasmMaxSize},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.reading(q).IPv4Addresses(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.addresses.of(q, list, addressTable).snapshot(ipAddrCell)
		},
	}
}

// addressTable makes the table of a list in order. An address on several links stands once, on the first.
func addressTable(list []machine.Address) *table[machine.Address] {
	rows := make([]machine.Address, 0, len(list))
	for i := range list {
		a := list[i].Prefix.Addr()
		if last := len(rows) - 1; !a.Is4() || last >= 0 && rows[last].Prefix.Addr() == a {
			continue
		}
		rows = append(rows, list[i])
	}
	p := newPacker(len(rows), 4)
	for i := range rows {
		p.address(rows[i].Prefix.Addr())
		p.end()
	}
	return &table[machine.Address]{index: p.index(), rows: rows}
}

func ipAddrCell(a *machine.Address, column uint32) (snmp.Value, bool) {
	switch column {
	case ipAdEntAddr:
		return snmp.IPAddress(a.Prefix.Addr()), true
	case ipAdEntIfIndex:
		return snmp.Integer(int32(a.Link)), true
	case ipAdEntNetMask:
		return netMask(a.Prefix.Bits()), true
	case ipAdEntBcastAddr: // its last bit
		if !a.Broadcast.Is4() {
			return snmp.Value{}, false
		}
		octets := a.Broadcast.As4()
		return snmp.Integer(int32(octets[3] & 1)), true
	case ipAdEntReasmMaxSize:
		return snmp.Integer(maxDatagram), true
	}
	return snmp.Value{}, false
}
