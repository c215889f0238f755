package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"walkabout/snmp"
)

// PacketConn is what Sockets needs of a socket; *net.UDPConn is one. Close makes a waiting read return net.ErrClosed.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// Network is where sockets and addresses come from.
type Network interface {
	// Listen opens a socket at any free port of source; an unspecified source is any address of its family.
	Listen(ctx context.Context, source netip.Addr) (PacketConn, error)
	// Lookup returns the addresses of a host's name, at least one.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// window is how many requests may be under way at a time through all sockets: more answers at once than the socket's buffers hold
// would be lost.
const window = 1024

// Sockets are the UDP sockets that all sessions of v1 and v2c share, a few for each address that requests leave from. They are opened
// when they are first needed. Methods may be called by any goroutine.
type Sockets struct {
	network Network
	window  chan struct{} // a token for each request that is under way

	mu     sync.Mutex
	open   map[netip.Addr][]*socket // by source
	next   int                      // which of several the next session gets
	closed bool
}

// NewSockets returns Sockets of the system's network.
func NewSockets() *Sockets { return NewSocketsOn(system{}) }

// NewSocketsOn returns Sockets of n.
func NewSocketsOn(n Network) *Sockets {
	return &Sockets{network: n, window: make(chan struct{}, window), open: map[netip.Addr][]*socket{}}
}

// Close closes the sockets, and with them every session that uses one. No goroutine is left when it returns.
func (s *Sockets) Close() error {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	var errs []error
	for _, sockets := range open {
		for _, k := range sockets {
			errs = append(errs, k.close())
		}
	}
	return errors.Join(errs...)
}

// Open resolves the host and returns a session with it. Nothing is sent yet, so it does not tell whether the agent is there; an
// error means that the name cannot be resolved or the system gives no socket.
func (s *Sockets) Open(ctx context.Context, o Options) (Client, error) {
	if err := o.Credential.Validate(); err != nil {
		return nil, err
	}
	if o.Credential.Version == snmp.V3 {
		return openV3(ctx, o)
	}
	remote, err := s.resolve(ctx, o.Host, o.Source)
	if err != nil {
		return nil, err
	}
	k, err := s.socket(ctx, o.Source, remote)
	if err != nil {
		return nil, err
	}
	return newCommunity(s, k, netip.AddrPortFrom(remote, o.Port), o), nil
}

// resolve returns the first address of host that can be reached from source.
func (s *Sockets) resolve(ctx context.Context, host string, source netip.Addr) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	all, err := s.network.Lookup(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range all {
		if a = a.Unmap(); !source.IsValid() || source.Is4() == a.Is4() {
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s has no address of the family of the source %v", host, source)
}

// socket returns one of the sockets for requests from source, or from any address, to remote.
func (s *Sockets) socket(ctx context.Context, source, remote netip.Addr) (*socket, error) {
	switch {
	case source.IsValid():
	case remote.Is4():
		source = netip.IPv4Unspecified()
	default:
		source = netip.IPv6Unspecified()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	few := min(4, runtime.GOMAXPROCS(0))
	if list := s.open[source]; len(list) == few {
		s.next++
		return list[s.next%few], nil
	}
	conn, err := s.network.Listen(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("a socket: %w", err)
	}
	k := &socket{conn: conn, pending: map[int32]*request{}, done: make(chan struct{})}
	go k.read()
	s.open[source] = append(s.open[source], k)
	return k, nil
}

// socket is one UDP socket, the goroutine that reads it, and the requests that wait for answers from it.
type socket struct {
	conn PacketConn
	done chan struct{} // closed when nobody reads any more

	mu      sync.Mutex
	pending map[int32]*request
}

// request is one that waits for its answer. The socket's reader owns it while it is pending, the session before and after.
type request struct {
	id        int32
	remote    netip.AddrPort
	anySource bool // the answer may come from another address
	version   snmp.Version
	community []byte
	stats     *Stats

	answer []byte     // the datagram
	result chan error // of capacity 1: nil when answer is there, else why there will be none

	// take, if not nil, is called by the reader with the datagram instead, which is good until it returns; without the socket's lock.
	take func(b []byte, came time.Time)
}

// add gives r a new request-id, and makes it pending.
func (k *socket) add(r *request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		r.id = rand.Int32()
		if _, taken := k.pending[r.id]; !taken && r.id != 0 { // agents are known that take 0 for none
			break
		}
	}
	k.pending[r.id] = r
}

// remove ends r's being pending. What has come for it until then is in r.result.
func (k *socket) remove(r *request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pending, r.id)
}

func (k *socket) close() error {
	err := k.conn.Close()
	<-k.done
	return err
}

// pause keeps a reader from spinning on a socket that fails again and again.
const pause = 10 * time.Millisecond

// read hands out answers until the socket is closed.
func (k *socket) read() {
	defer close(k.done)
	defer k.failAll(net.ErrClosed)
	b := make([]byte, snmp.MaxMessageSize+1)
	for {
		n, from, err := k.conn.ReadFromUDPAddrPort(b)
		switch {
		case err == nil:
			k.deliver(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
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

// deliver hands a datagram to the request that it answers.
func (k *socket) deliver(b []byte, from netip.AddrPort) {
	if take := k.match(b, from); take != nil {
		take(b, time.Now())
	}
}

// match finds the request that b answers, which is then not pending any more, and gives it b, unless it wants to take b itself.
func (k *socket) match(b []byte, from netip.AddrPort) (take func([]byte, time.Time)) {
	h, err := readHeader(b)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.failLocked(from, fmt.Errorf("%w: %w", ErrMalformed, err))
		return nil
	}
	r := k.pending[h.requestID]
	switch {
	case r == nil:
		k.strayLocked(from)
	case r.remote != from && !r.anySource:
		r.stats.Foreign.Add(1)
	case h.version != r.version, h.tag != byte(snmp.Response), subtle.ConstantTimeCompare(h.community, r.community) == 0:
		r.stats.Dropped.Add(1)
	case r.take != nil:
		delete(k.pending, r.id)
		return r.take
	default:
		r.answer = append(r.answer[:0], b...)
		r.tell(nil)
		delete(k.pending, r.id)
	}
	return nil
}

// tell sets the result; an earlier one that nobody has taken yet is gone. Its callers hold the socket's lock.
func (r *request) tell(err error) {
	r.forget()
	select {
	case r.result <- err:
	default: // a pipeline has come first: its requests share a result
	}
}

// forget drops a result that nobody has taken.
func (r *request) forget() {
	select {
	case <-r.result: //nolint:errcheck // it is to be dropped
	default:
	}
}

// strayLocked counts an answer that nobody waits for, if one of the requests is to where it came from.
func (k *socket) strayLocked(from netip.AddrPort) {
	for _, r := range k.pending {
		if r.remote == from {
			r.stats.Dropped.Add(1)
			return
		}
	}
}

// failLocked tells the requests to remote of err. They stay pending: they may be sent again, and still be answered.
func (k *socket) failLocked(remote netip.AddrPort, err error) {
	for _, r := range k.pending {
		if r.remote == remote {
			r.tell(err)
		}
	}
}

// failAll ends all requests.
func (k *socket) failAll(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.pending {
		r.tell(err)
	}
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

// system is the Network of the system.
type system struct{}

// receiveBuffer is for the answers to a whole window, at an Ethernet frame each and what the kernel adds to it.
const receiveBuffer = 4 << 20

func (system) Listen(ctx context.Context, source netip.Addr) (PacketConn, error) {
	network := "udp6"
	if source.Is4() {
		network = "udp4"
	}
	lc := net.ListenConfig{Control: control}
	conn, err := lc.ListenPacket(ctx, network, netip.AddrPortFrom(source, 0).String())
	if err != nil {
		return nil, err
	}
	u := conn.(*net.UDPConn)           // as the network's name says
	_ = u.SetReadBuffer(receiveBuffer) // as large as the system allows
	return u, nil
}

func (system) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b netip.Addr) int { // IPv4 first, as ever
		switch a4, b4 := a.Unmap().Is4(), b.Unmap().Is4(); {
		case a4 == b4:
			return 0
		case a4:
			return -1
		}
		return 1
	})
	return all, nil
}
