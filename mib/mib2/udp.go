package mib2

import (
	"context"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// udpScalars count the datagrams of IPv4, as RFC 1213 has it. 8 and 9 are of UDP-MIB.
func (m *MIB) udpScalars() mib.Group {
	return m.statisticsGroup(udpGroup, counters(map[uint32]machine.Stat{
		1: machine.UDPInDatagrams, 2: machine.UDPNoPorts, 3: machine.UDPInErrors, 4: machine.UDPOutDatagrams,
	}).with(statistics{
		8: {machine.UDPInDatagrams, snmp.KindCounter64},
		9: {machine.UDPOutDatagrams, snmp.KindCounter64},
	}))
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
