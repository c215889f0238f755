package mib2

import (
	"cmp"
	"context"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// tcpScalars count the segments of both versions of IP, as the kernel does. 17 and 18 are of TCP-MIB.
func (m *MIB) tcpScalars() mib.Group {
	return m.statisticsGroup(tcpGroup, counters(map[uint32]machine.Stat{
		5: machine.TCPActiveOpens, 6: machine.TCPPassiveOpens, 7: machine.TCPAttemptFails, 8: machine.TCPEstabResets,
		10: machine.TCPInSegs, 11: machine.TCPOutSegs, 12: machine.TCPRetransSegs, 14: machine.TCPInErrs, 15: machine.TCPOutRsts,
	}).with(statistics{
		1:  {machine.TCPRtoAlgorithm, snmp.KindInteger},
		2:  {machine.TCPRtoMin, snmp.KindInteger},
		3:  {machine.TCPRtoMax, snmp.KindInteger},
		4:  {machine.TCPMaxConn, snmp.KindInteger},
		9:  {machine.TCPCurrEstab, snmp.KindGauge32},
		17: {machine.TCPInSegs, snmp.KindCounter64},
		18: {machine.TCPOutSegs, snmp.KindCounter64},
	}))
}

const (
	tcpConnState        = 1
	tcpConnLocalAddress = 2
	tcpConnLocalPort    = 3
	tcpConnRemAddress   = 4
	tcpConnRemPort      = 5
)

func (m *MIB) tcpConnTable() mib.Group {
	return mib.Group{
		Entry:   tcpGroup.Append(13, 1),
		Columns: []uint32{tcpConnState, tcpConnLocalAddress, tcpConnLocalPort, tcpConnRemAddress, tcpConnRemPort},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.tcpSockets(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.tcp.of(q, list, connectionTable).snapshot(tcpConnCell)
		},
	}
}

// connection is a row of tcpConnTable.
type connection struct {
	local, remote endpoint
	state         machine.TCPState
}

// newConnection returns the row of s; false if s is of IPv6 alone. A listening socket of IPv6 that takes IPv4 connections too
// listens on 0.0.0.0.
func newConnection(s *machine.TCPSocket) (connection, bool) {
	listens := s.State == machine.TCPListen
	local, ok := ipv4Endpoint(s.Local, listens && !s.V6Only)
	if !ok {
		return connection{}, false
	}
	if listens {
		return connection{local: local, state: s.State}, true
	}
	remote, ok := ipv4Endpoint(s.Remote, false)
	return connection{local, remote, s.State}, ok
}

// connectionTable makes the table of sockets in any order. Sockets of the same addresses stand once.
func connectionTable(list []machine.TCPSocket) *table[connection] {
	rows := make([]connection, 0, len(list))
	for i := range list {
		if c, ok := newConnection(&list[i]); ok {
			rows = append(rows, c)
		}
	}
	slices.SortFunc(rows, func(a, b connection) int {
		return cmp.Or(cmp.Compare(a.local, b.local), cmp.Compare(a.remote, b.remote), cmp.Compare(a.state, b.state))
	})
	rows = slices.CompactFunc(rows, func(a, b connection) bool { return a.local == b.local && a.remote == b.remote })
	p := newPacker(len(rows), 10)
	for _, c := range rows {
		c.local.pack(p)
		c.remote.pack(p)
		p.end()
	}
	return &table[connection]{index: p.index(), rows: rows}
}

func tcpConnCell(c *connection, column uint32) (snmp.Value, bool) {
	switch column {
	case tcpConnState:
		state := tcpState(c.state)
		return snmp.Integer(state), state != 0
	case tcpConnLocalAddress:
		return snmp.IPAddress(c.local.addr()), true
	case tcpConnLocalPort:
		return snmp.Integer(int32(c.local.port())), true
	case tcpConnRemAddress:
		return snmp.IPAddress(c.remote.addr()), true
	case tcpConnRemPort:
		return snmp.Integer(int32(c.remote.port())), true
	}
	return snmp.Value{}, false
}

// tcpState returns tcpConnState; 0 for a state that it does not know.
func tcpState(s machine.TCPState) int32 {
	switch s {
	case machine.TCPClosed:
		return 1
	case machine.TCPListen:
		return 2
	case machine.TCPSynSent:
		return 3
	case machine.TCPSynReceived, machine.TCPNewSynRecv:
		return 4
	case machine.TCPEstablished:
		return 5
	case machine.TCPFinWait1:
		return 6
	case machine.TCPFinWait2:
		return 7
	case machine.TCPCloseWait:
		return 8
	case machine.TCPLastAck:
		return 9
	case machine.TCPClosing:
		return 10
	case machine.TCPTimeWait:
		return 11
	default:
		return 0
	}
}
