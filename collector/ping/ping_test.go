package ping_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"walkabout/collector/ping"
)

// hosts plays hosts that answer after a time, each; what is not there does not. A lie is the address that answers in its place.
type hosts struct {
	v6     bool
	udp    bool
	rtt    map[string]time.Duration
	lie    map[string]string
	every  map[string]int // only each n-th request is answered
	asked  map[string]int
	mu     sync.Mutex
	closed chan struct{}
	queue  chan packet
}

type packet struct {
	b    []byte
	from net.Addr
}

func (h *hosts) listen(v6 bool) (ping.Conn, bool, error) {
	h.v6, h.closed, h.queue, h.asked = v6, make(chan struct{}), make(chan packet, 10), map[string]int{}
	return h, h.udp, nil
}

func (h *hosts) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-h.queue:
		return copy(b, p.b), p.from, nil
	case <-h.closed:
		return 0, nil, net.ErrClosed
	}
}

func (h *hosts) WriteTo(b []byte, to net.Addr) (int, error) {
	protocol, reply := 1, icmp.Type(ipv4.ICMPTypeEchoReply)
	if h.v6 {
		protocol, reply = 58, ipv6.ICMPTypeEchoReply
	}
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil {
		return 0, err
	}
	host := to.String()
	if h.udp {
		host = to.(*net.UDPAddr).IP.String()
	}
	h.mu.Lock()
	h.asked[host]++
	n := h.asked[host]
	h.mu.Unlock()
	rtt, ok := h.rtt[host]
	if every := h.every[host]; !ok || every > 0 && n%every != 0 {
		return len(b), nil
	}
	answer, err := (&icmp.Message{Type: reply, Body: m.Body}).Marshal(nil)
	if err != nil {
		return 0, err
	}
	from := host
	if h.lie[host] != "" {
		from = h.lie[host]
	}
	var source net.Addr = &net.IPAddr{IP: net.ParseIP(from)}
	if h.udp {
		source = &net.UDPAddr{IP: net.ParseIP(from)}
	}
	time.AfterFunc(rtt, func() {
		h.queue <- packet{[]byte{8, 0}, source}
		h.queue <- packet{answer, source}
		h.queue <- packet{answer, source}
	})
	return len(b), nil
}

func (h *hosts) Close() error { close(h.closed); return nil }

func TestPing(t *testing.T) {
	tests := map[string]struct {
		hosts *hosts
		host  string
		first bool
		want  ping.Result
		took  time.Duration
	}{
		"answers":            {&hosts{rtt: map[string]time.Duration{"192.0.2.1": 20 * time.Millisecond}}, "192.0.2.1", false, ping.Result{Sent: 3, Received: 3, Min: 20e6, Avg: 20e6, Max: 20e6}, 60 * time.Millisecond},
		"a ping socket":      {&hosts{udp: true, rtt: map[string]time.Duration{"192.0.2.1": 20 * time.Millisecond}}, "192.0.2.1", false, ping.Result{Sent: 3, Received: 3, Min: 20e6, Avg: 20e6, Max: 20e6}, 60 * time.Millisecond},
		"IPv6":               {&hosts{rtt: map[string]time.Duration{"2001:db8::1": time.Millisecond}}, "2001:db8::1", false, ping.Result{Sent: 3, Received: 3, Min: 1e6, Avg: 1e6, Max: 1e6}, 3 * time.Millisecond},
		"the first will do":  {&hosts{rtt: map[string]time.Duration{"192.0.2.1": time.Millisecond}}, "192.0.2.1", true, ping.Result{Sent: 1, Received: 1, Min: 1e6, Avg: 1e6, Max: 1e6}, time.Millisecond},
		"nobody":             {&hosts{}, "192.0.2.1", false, ping.Result{Sent: 3}, 3 * time.Second},
		"two of three lost":  {&hosts{rtt: map[string]time.Duration{"192.0.2.1": time.Millisecond}, every: map[string]int{"192.0.2.1": 3}}, "192.0.2.1", false, ping.Result{Sent: 3, Received: 1, Min: 1e6, Avg: 1e6, Max: 1e6}, 2001 * time.Millisecond},
		"too late":           {&hosts{rtt: map[string]time.Duration{"192.0.2.1": 1500 * time.Millisecond}}, "192.0.2.1", false, ping.Result{Sent: 3}, 3 * time.Second},
		"another answers it": {&hosts{rtt: map[string]time.Duration{"192.0.2.1": time.Millisecond}, lie: map[string]string{"192.0.2.1": "192.0.2.2"}}, "192.0.2.1", true, ping.Result{Sent: 3}, 3 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := ping.New(ping.Options{Listen: tt.hosts.listen})
				began := time.Now()
				got, err := p.Ping(t.Context(), netip.MustParseAddr(tt.host), 3, tt.first)
				if err != nil || got != tt.want || time.Since(began) != tt.took {
					t.Errorf("%+v after %v, %v; want %+v after %v", got, time.Since(began), err, tt.want, tt.took)
				}
				synctest.Wait()
				time.Sleep(2 * time.Second) // what comes late finds nobody
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	if l := (ping.Result{Sent: 4, Received: 3}).Loss(); l != 0.25 {
		t.Errorf("the loss is %v", l)
	}
}

// TestUnavailable holds that what the system refuses is logged once, with what to do, and tried again later.
func TestUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		refused := errors.New("not permitted")
		h := hosts{rtt: map[string]time.Duration{"192.0.2.1": time.Millisecond}}
		p := ping.New(ping.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Listen: func(v6 bool) (ping.Conn, bool, error) {
			if refused != nil {
				return nil, false, refused
			}
			return h.listen(v6)
		}})
		for range 5 {
			if _, err := p.Ping(t.Context(), netip.MustParseAddr("192.0.2.1"), 3, false); !errors.Is(err, ping.ErrUnavailable) || !errors.Is(err, refused) {
				t.Errorf("%v", err)
			}
			time.Sleep(50 * time.Second)
		}
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "ping: never") {
			t.Errorf("the log:\n%s", text)
		}
		refused = nil
		time.Sleep(time.Minute)
		if r, err := p.Ping(t.Context(), netip.MustParseAddr("192.0.2.1"), 1, false); err != nil || r.Received != 1 {
			t.Errorf("once it is allowed: %+v, %v", r, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := p.Ping(t.Context(), netip.MustParseAddr("192.0.2.1"), 1, false); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hosts
		p := ping.New(ping.Options{Listen: h.listen})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if r, err := p.Ping(ctx, netip.MustParseAddr("192.0.2.1"), 3, false); err != nil || r.Sent != 1 {
			t.Errorf("what is known when the time is over: %+v, %v", r, err)
		}
		cancel()
		if _, err := p.Ping(ctx, netip.MustParseAddr("192.0.2.1"), 3, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without time: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}
