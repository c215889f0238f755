package machine

import "net/netip"

// TCPSocket is a TCP socket of this namespace, of either family. An IPv4 connection of an IPv6 socket has IPv4-mapped
// addresses (Addr.Is4In6) on both ends.
type TCPSocket struct {
	Local, Remote netip.AddrPort // a wildcard is the family's unspecified address and port 0
	State         TCPState
	V6Only        bool   // a listening IPv6 socket takes no IPv4 connections; false where the system does not tell
	Link          uint32 // index of the link that it is bound to; 0 if none
	Inode         uint32 // of the socket, as in /proc/PID/fd; 0 if it has no owner (a connection in TIME_WAIT) or is not told
}

// TCPState is the kernel's (net/tcp_states.h).
type TCPState uint8

const (
	TCPEstablished TCPState = 1
	TCPSynSent     TCPState = 2
	TCPSynReceived TCPState = 3
	TCPFinWait1    TCPState = 4
	TCPFinWait2    TCPState = 5
	TCPTimeWait    TCPState = 6
	TCPClosed      TCPState = 7
	TCPCloseWait   TCPState = 8
	TCPLastAck     TCPState = 9
	TCPListen      TCPState = 10
	TCPClosing     TCPState = 11
	TCPNewSynRecv  TCPState = 12 // a request socket; sock_diag tells it as TCPSynReceived
)

// UDPSocket is a UDP socket of this namespace that is bound to a port, of either family.
type UDPSocket struct {
	Local, Remote netip.AddrPort // Remote has port 0 unless the socket is connected
	V6Only        bool           // an IPv6 socket takes no IPv4 datagrams; false where the system does not tell
	Link          uint32         // index of the link that it is bound to; 0 if none
	Inode         uint32         // of the socket, as in /proc/PID/fd; 0 where that is not told
}

// inetSocket is what the kernel's lists tell of a TCP or UDP socket.
type inetSocket struct {
	local, remote netip.AddrPort
	state         uint8
	v6Only        bool
	link, inode   uint32
}

func (s inetSocket) tcp() TCPSocket {
	return TCPSocket{Local: s.local, Remote: s.remote, State: TCPState(s.state), V6Only: s.v6Only, Link: s.link, Inode: s.inode}
}

func (s inetSocket) udp() UDPSocket {
	return UDPSocket{Local: s.local, Remote: s.remote, V6Only: s.v6Only, Link: s.link, Inode: s.inode}
}

// SocketOwners is the process that has a socket open, by the socket's Inode. A socket of a process that we may not look into is
// not in it.
type SocketOwners map[uint32]uint32
