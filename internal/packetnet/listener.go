package packetnet

import (
	"net"
	"sync"
)

// Listener is a net.Listener of connections within the process, such as net.Pipe's. Its methods may be called from any goroutine.
type Listener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener returns a Listener whose Addr is addr.
func NewListener(addr net.Addr) *Listener {
	return &Listener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Give has the next Accept return conn, and waits for it.
func (l *Listener) Give(conn net.Conn) { l.conns <- conn }

// Accept implements net.Listener; after Close its error is net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error { l.once.Do(func() { close(l.closed) }); return nil }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }
