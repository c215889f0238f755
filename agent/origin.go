package agent

import (
	"log/slog"
	"net"
	"net/netip"
)

// origin is where a message came from.
type origin struct {
	addr   netip.Addr // not valid if it came by a unix socket
	socket string     // the path of that unix socket
	stream bool       // by a connection: the other end is where it says to be

	transport *TransportState // of a connection whose transport is secure; nil of the others
}

// streamOrigin returns the origin of what conn, which l accepted, carries.
func streamOrigin(l net.Listener, conn net.Conn) origin {
	out := origin{stream: true}
	if secure, ok := conn.(SecureConn); ok {
		out.transport = secure.TransportState()
	}
	if remote, ok := conn.RemoteAddr().(interface{ AddrPort() netip.AddrPort }); ok {
		out.addr = remote.AddrPort().Addr()
		return out
	}
	if out.socket = l.Addr().String(); out.socket == "" {
		out.socket = "unnamed"
	}
	return out
}

// String implements fmt.Stringer.
func (o origin) String() string {
	if o.socket != "" {
		return "unix:" + o.socket
	}
	return o.addr.String()
}

// LogValue implements slog.LogValuer.
func (o origin) LogValue() slog.Value { return slog.StringValue(o.String()) }

// sourceBits6 is how much of an IPv6 address tells one source from another: whoever has one address of a network has them all.
const sourceBits6 = 64

// source returns what stands for o where something is limited by source; the zero Addr for all unix sockets.
func (o origin) source() netip.Addr {
	a := o.addr.Unmap()
	if !a.Is6() || a.IsLinkLocalUnicast() || a.IsLoopback() {
		return a
	}
	p, err := a.WithZone("").Prefix(sourceBits6)
	if err != nil { // no address has fewer bits
		return a
	}
	return p.Addr()
}
