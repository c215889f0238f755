// Package ping measures hosts by ICMP echo (RFC 792, RFC 4443): whether they answer, and how fast. One socket of each family serves all hosts. It is a
// ping socket where the system lets everybody have one, and a raw socket where we may have that.
package ping

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ErrUnavailable is wrapped where the system lets us have no socket for ICMP.
var ErrUnavailable = errors.New("no ICMP socket")

// DefaultTimeout is how long an echo is waited for.
const DefaultTimeout = time.Second

// reopenAfter is how long after a socket was refused it is tried again: what a person was told to do may have been done.
const reopenAfter = time.Minute

// Conn is a socket of one family that ICMP messages are read from and written to.
type Conn interface {
	ReadFrom(b []byte) (int, net.Addr, error)
	WriteTo(b []byte, to net.Addr) (int, error)
	Close() error
}

// Options of a Pinger. The zero Options are of use.
type Options struct {
	Timeout time.Duration // for one echo; 0 is DefaultTimeout
	// Listen opens a socket for IPv4 or IPv6, and says whether it is a ping socket, whose addresses are those of UDP; nil: the system's.
	Listen func(v6 bool) (c Conn, udp bool, err error)
	Log    *slog.Logger // nil: nothing is logged
}

// Result is what a host answered.
type Result struct {
	Sent, Received int
	Min, Avg, Max  time.Duration // round trips of what was received
}

// Loss returns the share of echoes that were not answered, 0 to 1.
func (r Result) Loss() float64 {
	if r.Sent == 0 {
		return 0
	}
	return float64(r.Sent-r.Received) / float64(r.Sent)
}

// Pinger sends echo requests and takes replies. Its methods may be called by any goroutine; Close ends it.
type Pinger struct {
	options Options
	reading sync.WaitGroup

	mu     sync.Mutex
	closed bool
	family [2]family // of IPv4 and IPv6
}

// family is the socket of one family.
type family struct {
	conn    Conn
	udp     bool
	refused time.Time // when the system last refused one
	err     error
	waiting map[uint64]*echo // by the token that the request carries
}

// echo is a request that waits for its reply.
type echo struct {
	from  netip.Addr
	reply chan time.Time // of capacity 1
}

// New returns a Pinger, which opens no socket before it needs it.
func New(o Options) *Pinger {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Listen == nil {
		o.Listen = listen
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Pinger{options: o}
}

// listen opens the system's socket.
func listen(v6 bool) (Conn, bool, error) {
	networks, address := [2]string{"udp4", "ip4:icmp"}, "0.0.0.0"
	if v6 {
		networks, address = [2]string{"udp6", "ip6:ipv6-icmp"}, "::"
	}
	c, err := icmp.ListenPacket(networks[0], address)
	if err == nil {
		return c, true, nil
	}
	c, raw := icmp.ListenPacket(networks[1], address)
	if raw == nil {
		return c, false, nil
	}
	return nil, false, errors.Join(err, raw)
}

// hint is what a person can do who wants a socket for ICMP.
func hint() string {
	switch runtime.GOOS {
	case "linux":
		return `allow everybody to ping (sysctl -w net.ipv4.ping_group_range="0 2147483647"), or give the program CAP_NET_RAW; or write ping: never`
	case "darwin":
		return "ping: never turns this off"
	}
	return "it takes the rights of an administrator; or write ping: never"
}

// socketLocked returns the family's socket, open.
func (p *Pinger) socketLocked(v6 bool) (*family, error) {
	f := &p.family[0]
	if v6 {
		f = &p.family[1]
	}
	switch {
	case p.closed:
		return nil, net.ErrClosed
	case f.conn != nil:
		return f, nil
	case f.err != nil && time.Since(f.refused) < reopenAfter:
		return nil, f.err
	}
	c, udp, err := p.options.Listen(v6)
	if err != nil {
		if f.err == nil {
			p.options.Log.Warn("hosts cannot be pinged: a host that is down cannot be told from one whose SNMP is silent", "ipv6", v6, "hint", hint(), "err", err)
		}
		f.err, f.refused = fmt.Errorf("%w: %w", ErrUnavailable, err), time.Now()
		return nil, f.err
	}
	if f.err != nil {
		p.options.Log.Info("hosts can be pinged now", "ipv6", v6)
	}
	f.conn, f.udp, f.err, f.waiting = c, udp, nil, map[uint64]*echo{}
	p.reading.Go(func() { p.read(f, c, v6) })
	return f, nil
}

// Ping sends up to count echo requests to a host, each when the one before was answered or given up, and returns what came back. With first it stops at the
// first reply. An error is that nothing can be sent at all, or ctx's end before anything was known; it wraps ErrUnavailable if there is no socket.
func (p *Pinger) Ping(ctx context.Context, host netip.Addr, count int, first bool) (Result, error) {
	var r Result
	var sum time.Duration
	for range count {
		took, answered, err := p.one(ctx, host.Unmap())
		switch {
		case err != nil && r.Sent == 0:
			return r, err
		case err != nil:
			return r, nil
		}
		r.Sent++
		if !answered {
			continue
		}
		r.Received++
		sum += took
		r.Avg = sum / time.Duration(r.Received)
		r.Max = max(r.Max, took)
		if r.Received == 1 || took < r.Min {
			r.Min = took
		}
		if first {
			break
		}
	}
	return r, nil
}

// one sends one echo request and waits for the reply.
func (p *Pinger) one(ctx context.Context, host netip.Addr) (took time.Duration, answered bool, err error) {
	e := &echo{from: host.WithZone(""), reply: make(chan time.Time, 1)}
	token := rand.Uint64()
	sent, f, err := p.send(e, token, host)
	if err != nil {
		return 0, false, err
	}
	defer func() {
		p.mu.Lock()
		delete(f.waiting, token)
		p.mu.Unlock()
	}()
	timer := time.NewTimer(p.options.Timeout)
	defer timer.Stop()
	select {
	case at := <-e.reply:
		return at.Sub(sent), true, nil
	case <-timer.C:
		return 0, false, nil
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

// send sends a request and notes that its reply is waited for. That the host cannot be reached from here is no error: it does not answer, then.
func (p *Pinger) send(e *echo, token uint64, host netip.Addr) (time.Time, *family, error) {
	v6 := host.Is6()
	p.mu.Lock()
	f, err := p.socketLocked(v6)
	if err != nil {
		p.mu.Unlock()
		return time.Time{}, nil, err
	}
	f.waiting[token] = e
	conn, udp := f.conn, f.udp
	p.mu.Unlock()
	b, err := request(token, v6)
	if err != nil {
		return time.Time{}, nil, err
	}
	var to net.Addr = &net.IPAddr{IP: host.AsSlice(), Zone: host.Zone()}
	if udp {
		to = &net.UDPAddr{IP: host.AsSlice(), Zone: host.Zone()}
	}
	sent := time.Now()
	if _, err := conn.WriteTo(b, to); err != nil {
		p.options.Log.Debug("an echo request could not be sent", "to", host, "err", err)
	}
	return sent, f, nil
}

// request is an echo request with the token as its data. Of a ping socket the system writes the identifier.
func request(token uint64, v6 bool) ([]byte, error) {
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(token >> 48), Seq: int(token & 0xffff), Data: binary.BigEndian.AppendUint64(nil, token)}}
	if v6 {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	return m.Marshal(nil)
}

// read takes replies until the socket is closed.
func (p *Pinger) read(f *family, c Conn, v6 bool) {
	protocol, want := 1, icmp.Type(ipv4.ICMPTypeEchoReply) // as IANA numbers them
	if v6 {
		protocol, want = 58, ipv6.ICMPTypeEchoReply
	}
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		now := time.Now()
		if err != nil {
			p.mu.Lock()
			over := p.closed
			if !over { // the next request opens another
				_ = c.Close()
				f.conn = nil
			}
			p.mu.Unlock()
			return
		}
		m, err := icmp.ParseMessage(protocol, b[:n])
		if err != nil || m.Type != want {
			continue
		}
		reply, ok := m.Body.(*icmp.Echo)
		if !ok || len(reply.Data) != 8 {
			continue
		}
		p.mu.Lock()
		if e := f.waiting[binary.BigEndian.Uint64(reply.Data)]; e != nil && e.from == address(from) {
			select {
			case e.reply <- now:
			default: // it came twice
			}
		}
		p.mu.Unlock()
	}
}

func address(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.IPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	}
	out, _ := netip.AddrFromSlice(ip)
	return out.Unmap()
}

// Close closes the sockets and waits for their readers. Who waits for a reply waits until its time is over.
func (p *Pinger) Close() error {
	p.mu.Lock()
	p.closed = true
	var errs []error
	for i := range p.family {
		if c := p.family[i].conn; c != nil {
			errs = append(errs, c.Close())
		}
	}
	p.mu.Unlock()
	p.reading.Wait()
	return errors.Join(errs...)
}
