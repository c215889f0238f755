//go:build !linux

package agent

import (
	"net"
	"net/netip"
)

// newPacketConn returns the fastest means to use conn.
func newPacketConn(conn *net.UDPConn) (packetConn, error) { return polledConn{conn}, nil }

// polledConn is a socket of the runtime's poller.
type polledConn struct{ conn *net.UDPConn }

func (c polledConn) read(b, oob []byte) (n, oobn int, from netip.AddrPort, err error) {
	if oob == nil {
		n, from, err = c.conn.ReadFromUDPAddrPort(b)
		return n, 0, from, err
	}
	n, oobn, _, from, err = c.conn.ReadMsgUDPAddrPort(b, oob)
	return n, oobn, from, err
}

func (c polledConn) write(b, oob []byte, to netip.AddrPort) error {
	if oob == nil {
		_, err := c.conn.WriteToUDPAddrPort(b, to)
		return err
	}
	_, _, err := c.conn.WriteMsgUDPAddrPort(b, oob, to)
	return err
}

func (c polledConn) close() error { return c.conn.Close() }

func (c polledConn) dropped() (uint32, bool) { return 0, false }

// The sizes that the system gives are not known here; they are taken for those that were asked.
func (c polledConn) setReadBuffer(n int) (int, error)  { return n, c.conn.SetReadBuffer(n) }
func (c polledConn) setWriteBuffer(n int) (int, error) { return n, c.conn.SetWriteBuffer(n) }
