package agent_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// pipes is a listener in memory, whose connections have the addresses that dial gives them. Nothing is buffered in them.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

type pipe struct {
	net.Conn
	remote net.Addr
}

func (p pipe) RemoteAddr() net.Addr { return p.remote }

func (p *pipes) dial(from string) net.Conn {
	near, far := net.Pipe()
	p.conns <- pipe{far, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
	return near
}

// streamAgent serves testTree on pipes. It lives in a synctest bubble; the caller must stop it.
func streamAgent(t *testing.T, limits agent.StreamLimits) (*pipes, *agent.Server, *snmp.Counters, func()) {
	t.Helper()
	counters := new(snmp.Counters)
	s := agent.New(agent.Config{Counters: counters, Log: slog.New(slog.DiscardHandler)})
	s.SetStreamLimits(limits)
	s.SetCommunities([]agent.Community{{Name: secret.New("public"), Principal: "reader"}})
	if _, err := s.Register(testTree(t), agent.Registration{Root: oid.MustParse("1.3.6.1.2.1")}); err != nil {
		t.Fatal(err)
	}
	p := newPipes()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.ServeStreams(ctx, p) }()
	return p, s, counters, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ServeStreams: %v", err)
		}
	}
}

// answers returns the request-ids of the n answers that come by r.
func answers(t *testing.T, r io.Reader, n int) []int32 {
	t.Helper()
	var ids []int32
	for range n {
		header := make([]byte, 2)
		if _, err := io.ReadFull(r, header); err != nil {
			t.Fatalf("after %d answers: %v", len(ids), err)
		}
		if header[1] > 127 {
			t.Fatal("an answer of more than 127 octets")
		}
		b := make([]byte, 2+header[1])
		copy(b, header)
		if _, err := io.ReadFull(r, b[2:]); err != nil {
			t.Fatal(err)
		}
		var m snmp.Message
		if err := new(snmp.Decoder).Decode(b, &m); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.PDU.RequestID)
	}
	return ids
}

const upTime = "1.3.6.1.2.1.1.3.0"

// closes demands that the other side closes conn without a word.
func closes(t *testing.T, conn net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(conn); err != nil || len(b) > 0 {
		t.Errorf("% x, %v; the connection should be closed", b, err)
	}
}

func TestStreamFraming(t *testing.T) {
	one := encode(1, upTime)
	long := append([]byte{0x30, 0x84, 0, 0, 0, one[1]}, one[2:]...) // a longer form of the same length
	tests := []struct {
		name string
		in   []byte
		want []int32 // what is answered before the end of the connection, or its closing
		bad  bool    // the agent closes it
	}{
		{"one", one, []int32{1}, false},
		{"two at once", append(bytes.Clone(one), encode(2, upTime)...), []int32{1, 2}, false},
		{"long form", long, []int32{1}, false},
		{"nothing", nil, nil, false},
		{"a part", one[:len(one)-1], nil, false},
		{"not SNMP", []byte("GET / HTTP/1.1\r\n"), nil, true},
		{"garbage after a message", append(bytes.Clone(one), 0), []int32{1}, true},
		{"too long", []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, nil, true},
		{"just too long", []byte{0x30, 0x82, 0xff, 0xf0}, nil, true},
		{"no length", []byte{0x30, 0x80}, nil, true},
		{"reserved length", []byte{0x30, 0xff}, nil, true},
		{"high tag", []byte{0x3f, 0x10}, nil, true},
		{"empty", []byte{0x30, 0}, nil, true},
		{"a message in form only", []byte{0x30, 3, 2, 1, 9}, nil, true},
		{"a longer message of nonsense", append([]byte{0x30, 0x82, 0xff, 0}, make([]byte, 0xff00)...), nil, true},
		{"another community", (&snmp.Message{Version: snmp.V2c, Community: "x", PDU: snmp.PDU{Type: snmp.GetRequest}}).Append(nil), nil, false},
	}
	for _, tt := range tests {
		for _, piece := range []int{1, 7, 1 << 20} {
			t.Run(fmt.Sprintf("%s by %d", tt.name, piece), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, _, counters, stop := streamAgent(t, agent.StreamLimits{})
					defer stop()
					conn := p.dial("192.0.2.7:7")
					defer conn.Close()
					go func() {
						for rest := tt.in; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
							if _, err := conn.Write(rest[:min(piece, len(rest))]); err != nil {
								return // closed
							}
						}
					}()
					if diff := cmp.Diff(tt.want, answers(t, conn, len(tt.want))); diff != "" {
						t.Error(diff)
					}
					if tt.bad {
						closes(t, conn)
					}
					synctest.Wait()
					bad := counters.Load(snmp.InASNParseErrs) + counters.Load(snmp.InBadVersions)
					if want := map[bool]uint64{true: 1}[tt.bad]; bad != want {
						t.Errorf("%d parse errors, want %d", bad, want)
					}
				})
			})
		}
	}
}

func TestStreamTimeouts(t *testing.T) {
	limits := agent.StreamLimits{Idle: time.Minute, Request: 10 * time.Second, Answer: 5 * time.Second}
	one := encode(1, upTime)
	tests := []struct {
		name   string
		send   func(conn net.Conn)
		read   int           // answers
		after  time.Duration // then it is closed
		missed uint64        // Stats.ConnectionsTimedOut
	}{
		{"idle from the start", func(net.Conn) {}, 0, time.Minute, 0},
		{"idle after an answer", func(c net.Conn) { _, _ = c.Write(one) }, 1, time.Minute, 0},
		{"within a request", func(c net.Conn) { _, _ = c.Write(one[:3]) }, 0, 10 * time.Second, 1},
		{"an octet at a time", func(c net.Conn) {
			for i := range one {
				if _, err := c.Write(one[i : i+1]); err != nil {
					return
				}
				time.Sleep(9 * time.Second)
			}
		}, 0, 10 * time.Second, 1},
		{"within the second of two", func(c net.Conn) { _, _ = c.Write(append(bytes.Clone(one), one[:3]...)) }, 1, 10 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, s, _, stop := streamAgent(t, limits)
				defer stop()
				conn, begin := p.dial("192.0.2.7:7"), time.Now()
				defer conn.Close()
				var sending sync.WaitGroup
				sending.Go(func() { tt.send(conn) })
				defer sending.Wait()
				answers(t, conn, tt.read)
				closes(t, conn)
				if took := time.Since(begin); took != tt.after {
					t.Errorf("closed after %v, want %v", took, tt.after)
				}
				synctest.Wait()
				if got := s.Stats().ConnectionsTimedOut; got != tt.missed {
					t.Errorf("%d timed out, want %d", got, tt.missed)
				}
			})
		})
	}
}

// Who does not read answers is not read from either, and is closed.
func TestStreamSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, counters, stop := streamAgent(t, agent.StreamLimits{Answer: 5 * time.Second})
		defer stop()
		conn, begin := p.dial("192.0.2.7:7"), time.Now()
		defer conn.Close()
		written := 0
		for {
			n, err := conn.Write(encode(1, upTime))
			written += n
			if err != nil {
				break
			}
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("closed after %v", took)
		}
		if written > 2*512 { // one is answered; more than the buffer is not taken
			t.Errorf("%d octets were taken", written)
		}
		synctest.Wait()
		if s.Stats().ConnectionsTimedOut != 1 || counters.Load(snmp.SilentDrops) != 1 || counters.Load(snmp.OutPkts) != 0 {
			t.Errorf("%+v, %d drops", s.Stats(), counters.Load(snmp.SilentDrops))
		}
	})
}

func TestStreamLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, _, stop := streamAgent(t, agent.StreamLimits{Connections: 4, PerSource: 2})
		defer stop()
		var open []net.Conn
		try := func(from string, want bool) {
			t.Helper()
			conn := p.dial(from)
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			if _, err := conn.Write(encode(1, upTime)); err == nil != want {
				t.Errorf("from %s: %v", from, err)
			}
			if want {
				answers(t, conn, 1)
				open = append(open, conn)
			}
		}
		try("192.0.2.1:1", true)
		try("192.0.2.1:2", true)
		try("192.0.2.1:3", false)
		try("[2001:db8::1]:1", true)
		try("[2001:db8::2]:1", true)
		try("[2001:db8:0:0:7::1]:1", false) // the same /64
		try("192.0.2.2:1", false)           // four are open
		_ = open[0].Close()
		synctest.Wait()
		try("192.0.2.1:4", true)
		if got := s.Stats().ConnectionsRefused; got != 3 {
			t.Errorf("%d refused, want 3", got)
		}
		for _, conn := range open {
			_ = conn.Close()
		}
	})
}

// The end closes what is open, even in the middle of a message, and leaves no goroutine: the bubble would not end.
func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, _, stop := streamAgent(t, agent.StreamLimits{})
		idle, busy, stuck := p.dial("192.0.2.1:1"), p.dial("192.0.2.1:2"), p.dial("192.0.2.1:3")
		if _, err := s.Register(&sleeper{}, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.6")}); err != nil {
			t.Fatal(err)
		}
		_, _ = busy.Write(encode(1, "1.3.6.1.4.1.6.0"))
		_, _ = stuck.Write(encode(1, upTime)[:5])
		stop()
		for _, c := range []net.Conn{idle, busy, stuck} {
			closes(t, c)
		}
	})
}

func TestStreamListenerFails(t *testing.T) {
	l := newPipes()
	_ = l.Close()
	s := agent.New(agent.Config{})
	if err := s.ServeStreams(t.Context(), closedAlready{l}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

type closedAlready struct{ *pipes }

func (closedAlready) Close() error { return net.ErrClosed }

// By a unix socket, only who is accepted there gets an answer; an entry with neither sources nor sockets is accepted anywhere.
func TestUnixSocketCommunities(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := agent.ListenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s := agent.New(agent.Config{Log: slog.New(slog.DiscardHandler)})
	a := agent.CommunityAccess(agent.Community{Name: secret.New("all"), Principal: "x"}, agent.Community{Name: secret.New("net"), Principal: "x"},
		agent.Community{Name: secret.New("any"), Principal: "x"}, agent.Community{Name: secret.New("here"), Principal: "x"}, agent.Community{Name: secret.New("there"), Principal: "x"})
	a.Communities[1].Sources = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	a.Communities[2].Sockets = []string{agent.AnySocket}
	a.Communities[3].Sockets = []string{"/nowhere", path}
	a.Communities[4].Sockets = []string{"/nowhere"}
	s.SetAccess(a)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.ServeStreams(ctx, l) }()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	for i, c := range []string{"net", "there", "all", "any", "here", "all"} {
		m := snmp.Message{Version: snmp.V2c, Community: c, PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: int32(i), VarBinds: names(upTime)}}
		if _, err := conn.Write(m.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int32{2, 3, 4, 5}, answers(t, conn, 4)); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
