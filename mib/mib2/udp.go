package mib2

import (
	"context"
	"maps"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// udpStats are the scalars of UDP-MIB (RFC 4113) by column, in UDP over IPv4 and over IPv6. It counts the datagrams of both, unlike RFC 1213, whose
// objects these are.
var udpStats = map[uint32]struct {
	v4, v6 machine.Stat
	kind   snmp.Kind
}{
	1: {machine.UDPInDatagrams, machine.UDP6InDatagrams, snmp.KindCounter32},
	2: {machine.UDPNoPorts, machine.UDP6NoPorts, snmp.KindCounter32},
	3: {machine.UDPInErrors, machine.UDP6InErrors, snmp.KindCounter32},
	4: {machine.UDPOutDatagrams, machine.UDP6OutDatagrams, snmp.KindCounter32},
	8: {machine.UDPInDatagrams, machine.UDP6InDatagrams, snmp.KindCounter64},
	9: {machine.UDPOutDatagrams, machine.UDP6OutDatagrams, snmp.KindCounter64},
}

func (m *MIB) udpScalars() mib.Group {
	return mib.Group{
		Entry:   udpGroup,
		Columns: slices.Sorted(maps.Keys(udpStats)),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			stats, err := r.Stats(ctx)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				if err != nil {
					return snmp.Value{}, false
				}
				c := udpStats[column]
				n, known := stats.Get(c.v4)
				wide := stats.Wide
				if six, err := r.Stats6(ctx); err == nil { // there is none in a kernel without IPv6
					more, _ := six.Get(c.v6)
					n, wide = n+more, wide && six.Wide
				}
				return counter(c.kind, wide, n, known)
			})
		},
	}
}

const (
	udpLocalAddress = 1
	udpLocalPort    = 2
)

func (m *MIB) udpTable() mib.Group {
	return mib.Group{
		Entry:   udpGroup.Append(5, 1),
		Columns: []uint32{udpLocalAddress, udpLocalPort},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.udpSockets(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.udp.of(q, list, listenerTable).snapshot(udpCell)
		},
	}
}

// listenerTable makes the table of sockets in any order. Sockets of one address stand once; an IPv6 socket that takes IPv4
// datagrams too listens on 0.0.0.0.
func listenerTable(list []machine.UDPSocket) *table[endpoint] {
	rows := make([]endpoint, 0, len(list))
	for i := range list {
		s := &list[i]
		if e, ok := ipv4Endpoint(s.Local, !s.V6Only && s.Remote.Port() == 0); ok {
			rows = append(rows, e)
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	p := newPacker(len(rows), 5)
	for _, e := range rows {
		e.pack(p)
		p.end()
	}
	return &table[endpoint]{index: p.index(), rows: rows}
}

func udpCell(e *endpoint, column uint32) (snmp.Value, bool) {
	switch column {
	case udpLocalAddress:
		return snmp.IPAddress(e.addr()), true
	case udpLocalPort:
		return snmp.Integer(int32(e.port())), true
	}
	return snmp.Value{}, false
}
