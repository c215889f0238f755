package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
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
// would be lost. One that waits for longer than patience does not count.
const window = 1024

// sessionsASocket is how many sessions are opened before another socket is: one reader with much to do is woken less often than several with
// little, but it keeps one processor busy at the most.
const sessionsASocket = 2000

// Sockets are the UDP sockets that all sessions share, a few for each address that requests leave from. They are opened
// when they are first needed. Methods may be called by any goroutine.
type Sockets struct {
	network   Network
	window    chan struct{} // a token for each request that is under way
	exchanges sync.Pool     // of *exchange
	keys      keyring

	mu       sync.Mutex
	open     map[netip.Addr][]*socket // by source
	sessions int                      // that were opened
	closed   bool
}

// NewSockets returns Sockets of the system's network.
func NewSockets() *Sockets { return NewSocketsOn(system{}) }

// NewSocketsOn returns Sockets of n.
func NewSocketsOn(n Network) *Sockets {
	s := &Sockets{network: n, window: make(chan struct{}, window), open: map[netip.Addr][]*socket{}}
	s.exchanges.New = func() any { return newExchange() }
	return s
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
	remote, err := s.resolve(ctx, o.Host, o.Source)
	if err != nil {
		return nil, err
	}
	k, err := s.socket(ctx, o.Source, remote)
	if err != nil {
		return nil, err
	}
	return newClient(s, k, netip.AddrPortFrom(remote, o.Port), o), nil
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
	s.sessions++
	few := min(4, runtime.GOMAXPROCS(0), 1+s.sessions/sessionsASocket)
	if list := s.open[source]; len(list) >= few {
		return list[s.sessions%len(list)], nil
	}
	conn, err := s.network.Listen(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("a socket: %w", err)
	}
	k := newSocket(conn)
	go k.read()
	s.open[source] = append(s.open[source], k)
	return k, nil
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
	return inBatches(u)
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
