package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// UDP is a UDP socket as Datagrams. Bound to a wildcard address, it answers from the address that was asked (RFC 1122
// section 3.3.4.2, RFC 1123 section 2.3), or managers with connected sockets would never see the answer.
type UDP struct {
	local   netip.AddrPort
	packets packetConn
	control control   // where the system tells the address that was asked
	oob     sync.Pool // of *[]byte of oobSize
}

const oobSize = 128

// ListenUDP is Socket.ListenUDP of the zero Socket.
func ListenUDP(ctx context.Context, network string, addr netip.AddrPort) (*UDP, error) {
	return Socket{}.ListenUDP(ctx, network, addr)
}

// ListenUDP opens a socket of network "udp4" or "udp6" (which takes no IPv4) on addr. An addr without an address is the
// wildcard; port 0 is any free one, which LocalAddr then tells.
func (o Socket) ListenUDP(ctx context.Context, network string, addr netip.AddrPort) (*UDP, error) {
	if network != "udp4" && network != "udp6" {
		return nil, fmt.Errorf("listen %s: %w", network, net.UnknownNetworkError(network))
	}
	address := listenAddress(addr)
	pc, err := o.config().ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err // a *net.OpError names the operation and the address
	}
	conn := pc.(*net.UDPConn) // what ListenPacket documents for these networks
	u := &UDP{local: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	u.oob.New = func() any { b := make([]byte, oobSize); return &b }
	if u.LocalAddr().Addr().IsUnspecified() {
		if u.control, err = newControl(conn, network); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("listen %s %s: %w", network, address, err)
		}
	}
	if u.packets, err = newPacketConn(conn); err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", network, address, err)
	}
	return u, nil
}

// LocalAddr returns the address that the socket is bound to.
func (u *UDP) LocalAddr() netip.AddrPort { return u.local }

// SetReadBuffer asks the system for room for n octets of requests that wait, its own bookkeeping included, and returns the room that there
// is then. An unprivileged program gets what the system allows (net.core.rmem_max on Linux), which is no error.
func (u *UDP) SetReadBuffer(n int) (int, error) { return u.packets.setReadBuffer(n) }

// SetWriteBuffer is SetReadBuffer for answers that wait (net.core.wmem_max).
func (u *UDP) SetWriteBuffer(n int) (int, error) { return u.packets.setWriteBuffer(n) }

// Drops returns how many datagrams the system had to throw away before they were read, modulo 2^32; false if it does not tell.
func (u *UDP) Drops() (uint32, bool) { return u.packets.dropped() }

// ReadPacket implements Datagrams.
func (u *UDP) ReadPacket(b []byte) (int, Peer, error) {
	if u.control == nil {
		n, _, remote, err := u.packets.read(b, nil)
		return n, Peer{Remote: remote}, err
	}
	oob := u.oob.Get().(*[]byte)
	defer u.oob.Put(oob)
	n, oobn, remote, err := u.packets.read(b, *oob)
	p := Peer{Remote: remote}
	if err == nil {
		p.Local, p.Zone = u.control.parse((*oob)[:oobn])
	}
	return n, p, err
}

// WritePacket implements Datagrams.
func (u *UDP) WritePacket(b []byte, to Peer) error {
	if u.control == nil || !to.Local.IsValid() {
		return u.packets.write(b, nil, to.Remote)
	}
	oob := u.oob.Get().(*[]byte)
	defer u.oob.Put(oob)
	return u.packets.write(b, u.control.append((*oob)[:0], to.Local, to.Zone), to.Remote)
}

// Close implements Datagrams.
func (u *UDP) Close() error { return u.packets.close() }

// packetConn reads and writes datagrams with their ancillary data; nil is none. To close it ends a read that waits, with net.ErrClosed.
type packetConn interface {
	read(b, oob []byte) (n, oobn int, from netip.AddrPort, err error)
	write(b, oob []byte, to netip.AddrPort) error
	close() error

	setReadBuffer(n int) (int, error)
	setWriteBuffer(n int) (int, error)
	dropped() (uint32, bool)
}

// control reads and writes the ancillary data that holds the own address of a datagram.
type control interface {
	parse(oob []byte) (local netip.Addr, zone int)
	append(oob []byte, local netip.Addr, zone int) []byte
}
