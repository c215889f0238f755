package session_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector/session"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// memory is a Network in memory.
type memory struct {
	*packetnet.Network
	sources []netip.Addr // of the sockets that were opened
}

var here = netip.MustParseAddr("192.0.2.100")

func (m *memory) Listen(_ context.Context, source netip.Addr) (session.PacketConn, error) {
	m.sources = append(m.sources, source)
	if source.IsUnspecified() {
		source = here
	}
	c, err := m.Network.Listen(netip.AddrPortFrom(source, 0))
	return socket{c}, err
}

func (m *memory) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if host == "both" {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

type socket struct{ *packetnet.Conn }

func (s socket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	return s.ReadFromAddrPort(b)
}
func (s socket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToAddrPort(b, to)
}

// bench is a shared socket and agents in memory.
type bench struct {
	t       *testing.T
	network *memory
	sockets *session.Sockets
	mu      sync.Mutex // held by whoever looks at what agents and the test share
}

func (b *bench) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// withAgents runs f in a bubble in which time passes at once.
func withAgents(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &memory{Network: packetnet.New(1, packetnet.Faults{})}
		b := &bench{t: t, network: n, sockets: session.NewSocketsOn(n)}
		t.Cleanup(func() {
			if err := b.sockets.Close(); err != nil {
				t.Error(err)
			}
		})
		f(t, b)
	})
}

// agent answers at an address by reply, which gets each request and a way to send.
func (b *bench) agent(address string, reply func(q snmp.Message, send func(m snmp.Message))) {
	b.t.Helper()
	b.listen(address, func(q snmp.Message, asker netip.AddrPort, c *packetnet.Conn) {
		reply(q, func(m snmp.Message) { _, _ = c.WriteToAddrPort(m.Append(nil), asker) })
	})
}

// listen hands over each request that comes to an address.
func (b *bench) listen(address string, take func(q snmp.Message, asker netip.AddrPort, c *packetnet.Conn)) {
	b.t.Helper()
	c, err := b.network.Network.Listen(netip.MustParseAddrPort(address))
	if err != nil {
		b.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		in := make([]byte, 65536)
		for {
			n, from, err := c.ReadFromAddrPort(in)
			if err != nil {
				return
			}
			var q snmp.Message
			if err := new(snmp.Decoder).Decode(in[:n], &q); err != nil {
				b.t.Errorf("the request cannot be read: %v", err)
				return
			}
			b.do(func() { take(q, from, c) })
		}
	}()
	b.t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
}

func (b *bench) open(o session.Options) (session.Client, *session.Stats) {
	b.t.Helper()
	o.Stats = &session.Stats{}
	if o.Host == "" {
		o.Host = "192.0.2.1"
	}
	o.Port, o.Credential = 161, session.Credential{Version: snmp.V2c, Community: secret.New("public")}
	c, err := b.sockets.Open(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	return c, o.Stats
}

// TestRetransmission holds when a request is sent again: after the whole time-out to an agent that never answered, soon to one whose
// round trip is known, each time later, and at the end after no less than the time-out.
func TestRetransmission(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		var asked []time.Time
		silent := true
		b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) {
			asked = append(asked, time.Now())
			if !silent {
				time.Sleep(20 * time.Millisecond)
				send(answer(q, snmp.Integer(1)))
			}
		})
		c, stats := b.open(session.Options{Timeout: 2 * time.Second, Retries: 3})
		ask := func() (gaps []time.Duration, err error) {
			b.do(func() { asked = nil })
			start := time.Now()
			_, err = c.Get(t.Context(), nil, []oid.OID{x})
			b.mu.Lock()
			defer b.mu.Unlock()
			for i := 1; i < len(asked); i++ {
				gaps = append(gaps, asked[i].Sub(asked[i-1]))
			}
			return append(gaps, time.Since(start)), err
		}
		gaps, err := ask()
		if want := []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second, 8 * time.Second}; !errors.Is(err, session.ErrTimeout) || !slices.Equal(gaps, want) {
			t.Errorf("unknown round trip: %v, %v; want %v", gaps, err, want)
		}
		if !strings.Contains(err.Error(), "4 requests, up to 2s each") || !strings.Contains(err.Error(), "community") {
			t.Errorf("the error tells too little: %v", err)
		}
		b.do(func() { silent = false })
		for range 20 {
			if _, err := ask(); err != nil {
				t.Fatal(err)
			}
		}
		b.do(func() { silent = true })
		gaps, err = ask()
		if want := []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 3750 * time.Millisecond}; !errors.Is(err, session.ErrTimeout) || !slices.Equal(gaps, want) {
			t.Errorf("round trip of 20 ms: %v, %v; want %v", gaps, err, want)
		}
		if stats.Requests.Load() != 22 || stats.Retries.Load() != 6 {
			t.Errorf("%d requests, %d retries", stats.Requests.Load(), stats.Retries.Load())
		}
	})
}

// TestSlowAnswers holds that the answer to an earlier transmission is as good as one to the last, and that it is no measure of the round trip (Karn's
// rule): the next requests wait longer, until one that was sent once shows how slow the agent became, and then as long as that takes.
func TestSlowAnswers(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		delay := 20 * time.Millisecond
		n := 0
		b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) {
			n++
			d := delay
			go func() {
				time.Sleep(d)
				send(answer(q, snmp.Integer(1)))
			}()
		})
		c, stats := b.open(session.Options{Timeout: 2 * time.Second, Retries: 3})
		ask := func(took time.Duration) {
			t.Helper()
			start := time.Now()
			if _, err := c.Get(t.Context(), nil, []oid.OID{x}); err != nil || time.Since(start) != took {
				t.Errorf("%v after %v; want %v", err, time.Since(start), took)
			}
			time.Sleep(time.Second) // for what is still under way
		}
		for range 20 {
			ask(20 * time.Millisecond)
		}
		const slow = 600 * time.Millisecond
		b.do(func() { delay, n = slow, 0 })
		want := []int{2, 4, 5, 6, 7} // sent again after 250 ms, after 500 ms, and no more
		for _, sent := range want {
			ask(slow)
			b.do(func() {
				if n != sent {
					t.Errorf("%d datagrams; want %d of %v", n, sent, want)
				}
			})
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if trip := time.Duration(stats.RoundTrip.Load()); trip < 100*time.Millisecond || trip > slow {
			t.Errorf("the round trip is known as %v; want it to have gone from 20 ms toward %v", trip, slow)
		}
	})
}

// TestSources holds that an answer from another address than was asked is refused, unless the target says otherwise, and that requests
// leave from the address that it names.
func TestSources(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		from := netip.MustParseAddr("192.0.2.101")
		elsewhere, err := b.network.Network.Listen(netip.MustParseAddrPort("192.0.2.2:161"))
		if err != nil {
			t.Fatal(err)
		}
		defer elsewhere.Close()
		b.listen("192.0.2.1:161", func(q snmp.Message, asker netip.AddrPort, _ *packetnet.Conn) {
			if asker.Addr() != from {
				t.Errorf("asked from %v", asker)
			}
			m := answer(q, snmp.Integer(1))
			_, _ = elsewhere.WriteToAddrPort(m.Append(nil), asker)
		})
		for _, any := range []bool{false, true} {
			c, stats := b.open(session.Options{Timeout: time.Second, Source: from, AnySource: any})
			_, err := c.Get(t.Context(), nil, []oid.OID{x})
			if any != (err == nil) || any != (stats.Foreign.Load() == 0) {
				t.Errorf("any source %v: %v, %d foreign answers", any, err, stats.Foreign.Load())
			}
		}
	})
}

func TestFamilies(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		for _, address := range []string{"192.0.2.1:161", "[2001:db8::1]:161"} {
			b.agent(address, func(q snmp.Message, send func(snmp.Message)) { send(answer(q, snmp.OctetString(address))) })
		}
		v6 := netip.MustParseAddr("2001:db8::100")
		for source, want := range map[netip.Addr]string{{}: "192.0.2.1:161", here: "192.0.2.1:161", v6: "[2001:db8::1]:161"} {
			c, _ := b.open(session.Options{Host: "both", Timeout: time.Second, Source: source})
			vbs, err := c.Get(t.Context(), nil, []oid.OID{x})
			if err != nil || vbs[0].Value.Octets() != want {
				t.Errorf("from %v: %v, %v; want %s", source, vbs, err, want)
			}
		}
		_, err := b.sockets.Open(t.Context(), session.Options{Host: "none", Stats: &session.Stats{},
			Credential: session.Credential{Version: snmp.V2c, Community: secret.New("public")}})
		if session.Reason(err) != "resolve" {
			t.Errorf("no such host: %v", err)
		}
	})
}

// TestManyAtATime has more sessions wait than sockets and window allow, and closes what they use.
func TestManyAtATime(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		silent := false
		b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) {
			if !silent {
				send(answer(q, snmp.Integer(int32(q.PDU.VarBinds[0].Name.Last()))))
			}
		})
		const sessions = 3000
		run := func(check func(i int, vbs []snmp.VarBind, err error)) {
			done := make(chan struct{}, sessions)
			for i := range sessions {
				c, _ := b.open(session.Options{Timeout: 10 * time.Second, Retries: 5})
				go func() {
					vbs, err := c.Get(t.Context(), nil, []oid.OID{x.Append(uint32(i))})
					check(i, vbs, err)
					done <- struct{}{}
				}()
			}
			if silent {
				time.Sleep(time.Second)
				if err := b.sockets.Close(); err != nil {
					t.Error(err)
				}
			}
			for range sessions {
				<-done
			}
		}
		run(func(i int, vbs []snmp.VarBind, err error) {
			if err != nil || vbs[0].Value != snmp.Integer(int32(i)) {
				t.Errorf("session %d: %v, %v", i, vbs, err)
			}
		})
		b.do(func() { silent = true })
		run(func(i int, _ []snmp.VarBind, err error) {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("session %d: %v, want that the sockets are closed", i, err)
			}
		})
	})
}

// TestManyThatAreSilent holds that requests which nobody answers, more of them than may be under way, hold up no other for long.
func TestManyThatAreSilent(t *testing.T) {
	withAgents(t, func(t *testing.T, b *bench) {
		b.agent("192.0.2.1:161", func(q snmp.Message, send func(snmp.Message)) { send(answer(q, snmp.Integer(1))) })
		const dead = 3000
		done := make(chan error, dead)
		for range dead {
			c, _ := b.open(session.Options{Host: "192.0.2.2", Timeout: 2 * time.Second, Retries: 2})
			go func() {
				_, err := c.Get(t.Context(), nil, []oid.OID{x})
				done <- err
			}()
		}
		time.Sleep(10 * time.Millisecond)
		c, _ := b.open(session.Options{Timeout: 2 * time.Second, Retries: 2})
		start := time.Now()
		if _, err := c.Get(t.Context(), nil, []oid.OID{x}); err != nil || time.Since(start) > 1500*time.Millisecond {
			t.Errorf("an answer after %v, %v", time.Since(start), err)
		}
		for range dead {
			if err := <-done; !errors.Is(err, session.ErrTimeout) {
				t.Error(err)
			}
		}
	})
}
