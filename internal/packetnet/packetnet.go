// Package packetnet is a datagram network in memory, for tests of what speaks UDP: with loss, delay, duplicates and
// reordering that a seed decides, and with channels and timers only, so that it works under testing/synctest.
package packetnet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// queueLen is how many datagrams wait at a socket before more are lost, as in a socket's buffer.
const queueLen = 256

// Faults says what the network does to each datagram. Shares are of 0 to 1.
type Faults struct {
	Loss      float64
	Duplicate float64
	Delay     time.Duration // what every datagram takes
	Jitter    time.Duration // up to so much more, which reorders
}

// Network connects sockets. Its methods may be called from any goroutine.
type Network struct {
	mu      sync.Mutex
	random  *rand.Rand
	faults  Faults
	sockets map[netip.AddrPort]*Conn
	free    uint16
}

// New returns a network whose faults follow seed.
func New(seed uint64, f Faults) *Network {
	return &Network{random: rand.New(rand.NewPCG(seed, seed)), faults: f, sockets: make(map[netip.AddrPort]*Conn), free: 49152}
}

// SetFaults changes what happens to datagrams sent from now on.
func (n *Network) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Listen opens a socket at addr; port 0 is any free one. An address in use is an error.
func (n *Network) Listen(addr netip.AddrPort) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port() == 0 {
		n.free++
		addr = netip.AddrPortFrom(addr.Addr(), n.free)
	}
	if n.sockets[addr] != nil {
		return nil, fmt.Errorf("listen %v: address in use", addr)
	}
	c := &Conn{network: n, addr: addr, queue: make(chan datagram, queueLen), closed: make(chan struct{}), deadline: newDeadline()}
	n.sockets[addr] = c
	return c, nil
}

// Dial returns a socket at any free port of local that is connected to remote: it hears nobody else.
func (n *Network) Dial(local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	c, err := n.Listen(netip.AddrPortFrom(local, 0))
	if err != nil {
		return nil, err
	}
	return &connected{c, remote}, nil
}

type connected struct {
	*Conn
	remote netip.AddrPort
}

// Read implements net.Conn.
func (c *connected) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFromAddrPort(b)
		if err != nil || from == c.remote {
			return n, err
		}
	}
}

// Write implements net.Conn.
func (c *connected) Write(b []byte) (int, error) { return c.WriteToAddrPort(b, c.remote) }

// RemoteAddr implements net.Conn.
func (c *connected) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.remote) }

type datagram struct {
	from    netip.AddrPort
	payload []byte
}

// send decides over a datagram's way. What it delays is delivered by a timer, to whatever socket then has the address.
func (n *Network) send(from, to netip.AddrPort, payload []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	copies := 1
	if n.random.Float64() < n.faults.Duplicate {
		copies = 2
	}
	for range copies {
		if n.random.Float64() < n.faults.Loss {
			continue
		}
		d := datagram{from, append([]byte(nil), payload...)}
		delay := n.faults.Delay
		if n.faults.Jitter > 0 {
			delay += time.Duration(n.random.Int64N(int64(n.faults.Jitter)))
		}
		if delay == 0 {
			n.deliverLocked(to, d)
			continue
		}
		time.AfterFunc(delay, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.deliverLocked(to, d)
		})
	}
}

func (n *Network) deliverLocked(to netip.AddrPort, d datagram) {
	c := n.sockets[to]
	if c == nil {
		return
	}
	select {
	case c.queue <- d:
	default: // the socket's buffer is full
	}
}

// Conn is a socket: a net.PacketConn with netip methods beside.
type Conn struct {
	network *Network
	addr    netip.AddrPort
	queue   chan datagram
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex
	deadline deadline
	timer    *time.Timer
}

// deadline is a read deadline: its channels are closed when it has passed, and when there is another.
type deadline struct{ passed, replaced chan struct{} }

func newDeadline() deadline { return deadline{make(chan struct{}), make(chan struct{})} }

var _ net.PacketConn = (*Conn)(nil)

// AddrPort returns the address of c.
func (c *Conn) AddrPort() netip.AddrPort { return c.addr }

// ReadFromAddrPort reads one datagram; what does not fit in b is cut off.
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		select {
		case <-c.closed:
			return 0, netip.AddrPort{}, c.opError("read", net.ErrClosed)
		case <-deadline.passed:
			return 0, netip.AddrPort{}, c.opError("read", os.ErrDeadlineExceeded)
		case d := <-c.queue:
			return copy(b, d.payload), d.from, nil
		case <-deadline.replaced:
		}
	}
}

// WriteToAddrPort sends b.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, c.opError("write", net.ErrClosed)
	default:
	}
	c.network.send(c.addr, to, b)
	return len(b), nil
}

// ReadFrom implements net.PacketConn.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteTo implements net.PacketConn; to must be a *net.UDPAddr.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.opError("write", errors.New("not a UDP address"))
	}
	return c.WriteToAddrPort(b, u.AddrPort())
}

// Close implements net.PacketConn.
func (c *Conn) Close() error {
	err := c.opError("close", net.ErrClosed)
	c.once.Do(func() {
		c.network.mu.Lock()
		delete(c.network.sockets, c.addr)
		c.network.mu.Unlock()
		c.mu.Lock()
		if c.timer != nil {
			c.timer.Stop()
		}
		c.mu.Unlock()
		close(c.closed)
		err = nil
	})
	return err
}

// LocalAddr implements net.PacketConn.
func (c *Conn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

// SetReadDeadline implements net.PacketConn. It holds for a read that waits, too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	close(c.deadline.replaced)
	c.deadline = newDeadline()
	passed := c.deadline.passed
	if t.IsZero() {
		return nil
	}
	if d := time.Until(t); d > 0 {
		c.timer = time.AfterFunc(d, func() { close(passed) })
	} else {
		close(passed)
	}
	return nil
}

// SetWriteDeadline implements net.PacketConn; writing never waits.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.PacketConn.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "packetnet", Addr: c.LocalAddr(), Err: err}
}
