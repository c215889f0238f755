package session

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"walkabout/snmp"
)

// socket is one UDP socket, the goroutine that reads it, and the requests that wait for answers from it.
type socket struct {
	conn PacketConn
	done chan struct{} // closed when nobody reads any more

	mu      sync.Mutex
	pending map[int32]*slot
}

func newSocket(conn PacketConn) *socket {
	return &socket{conn: conn, pending: map[int32]*slot{}, done: make(chan struct{})}
}

// add gives s a new request-id, and makes it pending.
func (k *socket) add(s *slot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		s.id = rand.Int32()
		if _, taken := k.pending[s.id]; !taken && s.id != 0 { // agents are known that take 0 for none
			break
		}
	}
	k.pending[s.id] = s
}

// remove ends s' being pending.
func (k *socket) remove(s *slot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pending, s.id)
}

func (k *socket) close() error {
	err := k.conn.Close()
	<-k.done
	return err
}

// batches is a PacketConn that moves several datagrams with one call to the system.
type batches interface {
	PacketConn
	// ReadBatch waits for datagrams and hands each to take, whose octets are good until it returns. What take writes by WriteToUDPAddrPort of
	// the sender that it gets is sent before ReadBatch returns.
	ReadBatch(take func(b []byte, from netip.AddrPort, at arrival, w sender)) error
}

// arrival is when a datagram came, and when it was read, which is later: what it makes be sent is not sent before.
type arrival struct{ came, read time.Time }

// pause keeps a reader from spinning on a socket that fails again and again.
const pause = 10 * time.Millisecond

// read hands out answers until the socket is closed.
func (k *socket) read() {
	defer close(k.done)
	defer k.failAll(net.ErrClosed)
	one := k.readOne()
	if b, ok := k.conn.(batches); ok {
		one = func() error { return b.ReadBatch(k.deliver) }
	}
	for {
		err := one()
		switch {
		case err == nil:
		case errors.Is(err, net.ErrClosed):
			return
		default:
			if !k.refusals() {
				slog.Debug("reading answers", "err", err)
				time.Sleep(pause)
			}
		}
	}
}

// readOne returns a function that reads one datagram at a time.
func (k *socket) readOne() func() error {
	var b []byte
	return func() error {
		if b == nil {
			b = make([]byte, snmp.MaxMessageSize+1)
		}
		n, from, err := k.conn.ReadFromUDPAddrPort(b)
		if err == nil {
			now := time.Now()
			k.deliver(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), arrival{now, now}, k.conn)
		}
		return err
	}
}

// deliver hands a datagram to the request that it may answer, which sends by w.
func (k *socket) deliver(b []byte, from netip.AddrPort, at arrival, w sender) {
	h, err := readHeader(b)
	if err != nil {
		k.failFrom(from, fmt.Errorf("%w: %w", ErrMalformed, err))
		return
	}
	if s := k.match(h, from); s != nil {
		s.take(b, h, at, w)
	}
}

// match returns the request that a message from there may answer, nil if there is none.
func (k *socket) match(h header, from netip.AddrPort) *slot {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.pending[h.id]
	switch {
	case s == nil:
		k.strayLocked(from)
		return nil
	case s.remote != from && !s.anySource:
		s.stats.Foreign.Add(1)
		return nil
	}
	return s
}

// strayLocked counts an answer that nobody waits for, if one of the requests is to where it came from.
func (k *socket) strayLocked(from netip.AddrPort) {
	for _, s := range k.pending {
		if s.remote == from {
			s.stats.Dropped.Add(1)
			return
		}
	}
}

// failFrom tells the requests to remote of err.
func (k *socket) failFrom(remote netip.AddrPort, err error) {
	for s, id := range k.of(func(s *slot) bool { return s.remote == remote }) {
		s.fail(id, err)
	}
}

// failAll ends all requests.
func (k *socket) failAll(err error) {
	for s, id := range k.of(func(*slot) bool { return true }) {
		s.fail(id, err)
	}
}

// of returns the pending requests that are chosen, and their ids.
func (k *socket) of(choose func(*slot) bool) map[*slot]int32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	chosen := map[*slot]int32{}
	for id, s := range k.pending {
		if choose(s) {
			chosen[s] = id
		}
	}
	return chosen
}

// isRefusal reports whether err is what the system makes of an ICMP message about an earlier datagram.
func isRefusal(err error) bool {
	for _, icmp := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN} {
		if errors.Is(err, icmp) {
			return true
		}
	}
	return false
}
