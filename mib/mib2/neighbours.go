package mib2

import (
	"context"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// neighbourRows are the entries of the ARP table that map an address to something. Those whose resolution is under way or
// failed are left out, as RFC 1213 allows for entries that are not in use.
func neighbourRows(list []machine.Neighbour) []machine.Neighbour {
	rows := make([]machine.Neighbour, 0, len(list))
	for i := range list {
		n := &list[i]
		if !n.Addr.Is4() || n.Address == "" || n.Kind() == machine.NeighbourIsInvalid {
			continue
		}
		if last := len(rows) - 1; last >= 0 && rows[last].Link == n.Link && rows[last].Addr == n.Addr {
			continue
		}
		rows = append(rows, *n)
	}
	return rows
}

// neighbourTable returns a table indexed by the link, the given arcs and the address.
func neighbourTable(list []machine.Neighbour, between ...uint32) *table[machine.Neighbour] {
	rows := neighbourRows(list)
	p := newPacker(len(rows), 5+len(between))
	for i := range rows {
		p.number(rows[i].Link)
		for _, arc := range between {
			p.number(arc)
		}
		p.address(rows[i].Addr)
		p.end()
	}
	return &table[machine.Neighbour]{index: p.index(), rows: rows}
}

const (
	atIfIndex     = 1
	atPhysAddress = 2
	atNetAddress  = 3
)

// atTable is indexed by atIfIndex, 1 and the address: a NetworkAddress says its protocol first, and 1 is IP (RFC 1212 section 4.1.6).
func (m *MIB) atTable() mib.Group {
	build := func(list []machine.Neighbour) *table[machine.Neighbour] { return neighbourTable(list, 1) }
	return mib.Group{
		Entry:   atGroup.Append(1, 1),
		Columns: []uint32{atIfIndex, atPhysAddress, atNetAddress},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.reading(q).IPv4Neighbours(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.atRows.of(q, list, build).snapshot(atCell)
		},
	}
}

func atCell(n *machine.Neighbour, column uint32) (snmp.Value, bool) {
	switch column {
	case atIfIndex:
		return snmp.Integer(int32(n.Link)), true
	case atPhysAddress:
		return snmp.OctetString(n.Address), true
	case atNetAddress:
		return snmp.IPAddress(n.Addr), true
	}
	return snmp.Value{}, false
}

const (
	ipNetToMediaIfIndex     = 1
	ipNetToMediaPhysAddress = 2
	ipNetToMediaNetAddress  = 3
	ipNetToMediaType        = 4
)

func (m *MIB) ipNetToMediaTable() mib.Group {
	build := func(list []machine.Neighbour) *table[machine.Neighbour] { return neighbourTable(list) }
	return mib.Group{
		Entry:   ipGroup.Append(22, 1),
		Columns: []uint32{ipNetToMediaIfIndex, ipNetToMediaPhysAddress, ipNetToMediaNetAddress, ipNetToMediaType},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.reading(q).IPv4Neighbours(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.netToMediaRows.of(q, list, build).snapshot(ipNetToMediaCell)
		},
	}
}

func ipNetToMediaCell(n *machine.Neighbour, column uint32) (snmp.Value, bool) {
	switch column {
	case ipNetToMediaIfIndex:
		return snmp.Integer(int32(n.Link)), true
	case ipNetToMediaPhysAddress:
		return snmp.OctetString(n.Address), true
	case ipNetToMediaNetAddress:
		return snmp.IPAddress(n.Addr), true
	case ipNetToMediaType:
		switch n.Kind() {
		case machine.NeighbourIsDynamic:
			return snmp.Integer(3), true
		case machine.NeighbourIsStatic:
			return snmp.Integer(4), true
		default:
			return snmp.Integer(1), true // other
		}
	}
	return snmp.Value{}, false
}
