package mib2

import (
	"context"
	"net/netip"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// processOf returns the process that has a socket open, as the process columns of TCP-MIB and UDP-MIB have it: 0 where there is
// none that we can see (a connection in TIME_WAIT, a socket of the kernel's or of another user's process while we are not root).
// It is the only column of two of the tables, whose rows would be lost with it. It is false where the system does not tell
// owners at all.
func (m *MIB) processOf(ctx context.Context, q *mib.Request, inode uint32) (snmp.Value, bool) {
	owners, err := m.costly(q, machine.PartSocketOwners).SocketOwners(ctx)
	return snmp.Gauge32(owners[inode]), err == nil
}

// wildcard returns the address that a listening socket is listed with: none, which is unknown(0), if it takes the traffic of
// both versions of IP.
func wildcard(a netip.Addr, v6Only bool) netip.Addr {
	if a.Is6() && a.IsUnspecified() && !v6Only {
		return netip.Addr{}
	}
	return a
}

const (
	tcpConnectionState   = 7
	tcpConnectionProcess = 8
)

// tcpConnectionTable has the connections of both versions of IP; an IPv4 connection of an IPv6 socket is of IPv4.
func (m *MIB) tcpConnectionTable() mib.Group {
	return mib.Group{
		Entry:   tcpGroup.Append(19, 1),
		Columns: []uint32{tcpConnectionState, tcpConnectionProcess},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.tcpSockets(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			cell := func(s *machine.TCPSocket, column uint32) (snmp.Value, bool) {
				if column == tcpConnectionProcess {
					return m.processOf(ctx, q, s.Inode)
				}
				state := tcpState(s.State)
				return snmp.Integer(state), state != 0
			}
			return m.connections.of(q, list, tcpConnections).snapshot(cell)
		},
	}
}

func tcpConnections(list []machine.TCPSocket) *table[machine.TCPSocket] {
	at := make([]int32, 0, len(list))
	p := newPacker(len(list), 14)
	for i := range list {
		s := &list[i]
		if s.State == machine.TCPListen {
			continue
		}
		p.inetAddress(s.Local.Addr().Unmap(), s.Link)
		p.number(uint32(s.Local.Port()))
		p.inetAddress(s.Remote.Addr().Unmap(), s.Link)
		p.number(uint32(s.Remote.Port()))
		p.end()
		at = append(at, int32(i))
	}
	return newTableOf(p, list, at)
}

const tcpListenerProcess = 4

func (m *MIB) tcpListenerTable() mib.Group {
	return mib.Group{
		Entry:   tcpGroup.Append(20, 1),
		Columns: []uint32{tcpListenerProcess},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.tcpSockets(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			cell := func(s *machine.TCPSocket, _ uint32) (snmp.Value, bool) { return m.processOf(ctx, q, s.Inode) }
			return m.listeners.of(q, list, tcpListeners).snapshot(cell)
		},
	}
}

func tcpListeners(list []machine.TCPSocket) *table[machine.TCPSocket] {
	var rows []machine.TCPSocket
	p := newPacker(0, 0)
	for _, s := range list {
		if s.State == machine.TCPListen {
			p.inetAddress(wildcard(s.Local.Addr(), s.V6Only).Unmap(), s.Link)
			p.number(uint32(s.Local.Port()))
			p.end()
			rows = append(rows, s)
		}
	}
	return newTable(p, rows)
}

const udpEndpointProcess = 8

// udpEndpointTable has the sockets of both versions of IP. Sockets of the same addresses are told apart by their inode.
func (m *MIB) udpEndpointTable() mib.Group {
	return mib.Group{
		Entry:   udpGroup.Append(7, 1),
		Columns: []uint32{udpEndpointProcess},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.udpSockets(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			cell := func(s *machine.UDPSocket, _ uint32) (snmp.Value, bool) { return m.processOf(ctx, q, s.Inode) }
			return m.endpoints.of(q, list, udpEndpoints).snapshot(cell)
		},
	}
}

func udpEndpoints(list []machine.UDPSocket) *table[machine.UDPSocket] {
	p := newPacker(len(list), 12)
	for _, s := range list {
		connected := s.Remote.Port() != 0
		p.inetAddress(wildcard(s.Local.Addr(), s.V6Only || connected).Unmap(), s.Link)
		p.number(uint32(s.Local.Port()))
		remote := s.Remote.Addr()
		if !connected {
			remote = netip.Addr{}
		}
		p.inetAddress(remote.Unmap(), s.Link)
		p.number(uint32(s.Remote.Port()))
		p.number(max(s.Inode, 1)) // udpEndpointInstance begins at 1
		p.end()
	}
	return newTable(p, list)
}
