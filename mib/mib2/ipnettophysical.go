package mib2

import (
	"context"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	ipNetToPhysicalPhysAddress = 4
	ipNetToPhysicalLastUpdated = 5
	ipNetToPhysicalType        = 6
	ipNetToPhysicalState       = 7
	ipNetToPhysicalRowStatus   = 8
)

// ipNetToPhysicalTable has what ARP and neighbour discovery know, what is not resolved too.
func (m *MIB) ipNetToPhysicalTable() mib.Group {
	return mib.Group{
		Entry: ipGroup.Append(35, 1),
		Columns: []uint32{
			ipNetToPhysicalPhysAddress, ipNetToPhysicalLastUpdated, ipNetToPhysicalType, ipNetToPhysicalState, ipNetToPhysicalRowStatus,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			a, b, ok := inetLists(ctx, r.IPv4Neighbours, r.IPv6Neighbours)
			if !ok {
				return mib.Snapshot{}
			}
			return m.inetNeighbours.of(q, a, b, inetNeighbourTable).snapshot(m.ipNetToPhysicalCell)
		},
	}
}

func inetNeighbourTable(list []machine.Neighbour) *table[machine.Neighbour] {
	p := newPacker(len(list), 19)
	for i := range list {
		p.number(list[i].Link)
		p.inetAddress(list[i].Addr, list[i].Link)
		p.end()
	}
	return newTable(p, list)
}

func (m *MIB) ipNetToPhysicalCell(n *machine.Neighbour, column uint32) (snmp.Value, bool) {
	switch column {
	case ipNetToPhysicalPhysAddress:
		return snmp.OctetString(n.Address), true
	case ipNetToPhysicalLastUpdated:
		return m.ticks(n.Updated), !n.Updated.IsZero()
	case ipNetToPhysicalType:
		return snmp.Integer(physicalType(n)), true
	case ipNetToPhysicalState:
		return snmp.Integer(physicalState(n.State)), true
	case ipNetToPhysicalRowStatus:
		return snmp.Integer(1), true // active
	}
	return snmp.Value{}, false
}

func physicalType(n *machine.Neighbour) int32 {
	const other, invalid, dynamic, static = 1, 2, 3, 4
	switch {
	case n.Kind() == machine.NeighbourIsStatic:
		return static
	case n.State&machine.NeighbourFailed != 0:
		return invalid
	case n.State&machine.NeighbourIncomplete != 0, n.Kind() == machine.NeighbourIsDynamic:
		return dynamic
	default:
		return other
	}
}

func physicalState(s machine.NeighbourState) int32 {
	const reachable, stale, delay, probe, invalid, unknown, incomplete = 1, 2, 3, 4, 5, 6, 7
	switch {
	case s&machine.NeighbourFailed != 0:
		return invalid
	case s&machine.NeighbourIncomplete != 0:
		return incomplete
	case s&(machine.NeighbourReachable|machine.NeighbourPermanent|machine.NeighbourNoARP) != 0:
		return reachable
	case s&machine.NeighbourStale != 0:
		return stale
	case s&machine.NeighbourDelay != 0:
		return delay
	case s&machine.NeighbourProbe != 0:
		return probe
	default:
		return unknown
	}
}
