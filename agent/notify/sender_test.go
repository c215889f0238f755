package notify_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent/notify"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

var (
	sender   = netip.MustParseAddr("192.0.2.1")
	receiver = netip.MustParseAddrPort("192.0.2.162:162")
	other    = netip.MustParseAddrPort("192.0.2.163:162")
)

// kit is a Sender on a network in memory.
type kit struct {
	t        *testing.T
	network  *packetnet.Network
	counters *snmp.Counters
	sender   *notify.Sender
	log      *bytes.Buffer
	dialErr  func() error // of each attempt; nil for none
}

// run calls f in a bubble with a fake clock.
func run(t *testing.T, f func(k *kit)) {
	synctest.Test(t, func(t *testing.T) {
		k := &kit{t: t, network: packetnet.New(1, packetnet.Faults{Delay: time.Millisecond}), counters: new(snmp.Counters), log: new(bytes.Buffer)}
		k.sender = notify.New(k.config())
		f(k)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		k.sender.Close(ctx)
		if s := k.log.String(); strings.Contains(s, "sesame") {
			t.Errorf("a secret in the log: %s", s)
		}
	})
}

func (k *kit) config() notify.Config {
	return notify.Config{
		Start: time.Now(), Counters: k.counters, Log: slog.New(slog.NewTextHandler(k.log, nil)), Engine: ownEngine(k.t),
		Dial: func(_ context.Context, _, address string, _ netip.AddrPort) (net.Conn, error) {
			if k.dialErr != nil {
				if err := k.dialErr(); err != nil {
					return nil, err
				}
			}
			return k.network.Dial(sender, netip.MustParseAddrPort(address))
		},
	}
}

func (k *kit) targets(list ...notify.Target) {
	k.t.Helper()
	if err := k.sender.SetTargets(list); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) listen(at netip.AddrPort) *packetnet.Conn {
	k.t.Helper()
	c, err := k.network.Listen(at)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { c.Close() })
	return c
}

// read returns the next datagram and how long it took to come; nil if none does within a minute.
func (k *kit) read(c *packetnet.Conn) (b []byte, from netip.AddrPort, waited time.Duration) {
	k.t.Helper()
	start := time.Now()
	if err := c.SetReadDeadline(start.Add(time.Minute)); err != nil {
		k.t.Fatal(err)
	}
	b = make([]byte, 1500)
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return nil, from, time.Since(start)
	}
	return b[:n], from, time.Since(start)
}

func (k *kit) message(c *packetnet.Conn) (m snmp.Message, from netip.AddrPort, waited time.Duration) {
	k.t.Helper()
	b, from, waited := k.read(c)
	if b == nil {
		k.t.Fatal("nothing came")
	}
	var d snmp.Decoder
	if err := d.Decode(b, &m); err != nil {
		k.t.Fatal(err)
	}
	return m, from, waited
}

func (k *kit) silent(c *packetnet.Conn) {
	k.t.Helper()
	if b, _, _ := k.read(c); b != nil {
		k.t.Fatalf("% x", b)
	}
}

func (k *kit) answer(c *packetnet.Conn, m snmp.Message, to netip.AddrPort) {
	k.t.Helper()
	if m.PDU.Type == snmp.InformRequest {
		m.PDU.Type = snmp.Response
	}
	if _, err := c.WriteToAddrPort(m.Append(nil), to); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kit) stats(sent, acknowledged, unacknowledged, dropped uint64) {
	k.t.Helper()
	synctest.Wait()
	s := &k.sender.Stats
	got := [4]uint64{s.Sent.Load(), s.Acknowledged.Load(), s.Unacknowledged.Load(), s.Dropped.Load()}
	if want := [4]uint64{sent, acknowledged, unacknowledged, dropped}; got != want {
		k.t.Errorf("sent, acknowledged, unacknowledged, dropped: %v, want %v\n%s", got, want, k.log)
	}
}

func target(name string, at netip.AddrPort, v snmp.Version, inform bool) notify.Target {
	return notify.Target{Name: name, Network: "udp4", Address: at.String(), Version: v, Inform: inform, Retries: 2, Community: secret.New("sesame"), View: vacm.All()}
}

// The octets on the wire of a trap of each version.
func TestTraps(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		v1, v2 := target("one", receiver, snmp.V1, false), target("two", receiver, snmp.V2c, false)
		k.targets(v1)
		linkDown := notify.Notification{TrapOID: notify.LinkDown, Enterprise: oid.MustParse("1.3.6.1.4.1.8072.3.2.10"), VarBinds: []snmp.VarBind{
			{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.2"), Value: snmp.Integer(2)}, {Name: oid.MustParse("1.3.6.1.2.1.2.2.1.8.2"), Value: snmp.Integer(2)}}}
		time.Sleep(time.Second)
		k.sender.Notify(linkDown)
		b, _, _ := k.read(c)
		const golden = "304c 020100 0406736573616d65 a43f 060a2b06010401bf0803020a 4004c0000201 020102 020100 430164" +
			"3022" + "300f 060a2b060102010202010102 020102" + "300f 060a2b060102010202010802 020102"
		if got, want := hex.EncodeToString(b), strings.ReplaceAll(golden, " ", ""); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		v1.AgentAddr = netip.MustParseAddr("198.51.100.7")
		k.targets(v1, v2)
		k.sender.Notify(linkDown)
		got := map[snmp.Version]snmp.Message{}
		for range 2 {
			m, _, _ := k.message(c)
			got[m.Version] = m
		}
		if a := got[snmp.V1].PDU.Trap.AgentAddr; a != v1.AgentAddr {
			t.Errorf("v1trapaddress: %v", a)
		}
		if p := got[snmp.V2c].PDU; p.Type != snmp.TrapV2 || len(p.VarBinds) != 5 || p.VarBinds[1].Value.OID() != notify.LinkDown {
			t.Errorf("%+v", p)
		}
		k.stats(3, 0, 0, 0)
		if out := k.counters.Load(snmp.OutTraps); out != 3 {
			t.Errorf("snmpOutTraps %d", out)
		}
	})
}

// One target that is dead, and one whose name is not known, cost the third nothing.
func TestDeadTargetsHoldUpNobody(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		config := k.config()
		config.Dial = func(ctx context.Context, _, address string, _ netip.AddrPort) (net.Conn, error) {
			if address == "nowhere.example:162" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return k.network.Dial(sender, netip.MustParseAddrPort(address))
		}
		k.sender = notify.New(config)
		unknown := target("unknown", receiver, snmp.V2c, false)
		unknown.Address = "nowhere.example:162"
		k.targets(unknown, target("dead", other, snmp.V2c, true), target("live", receiver, snmp.V2c, true))
		for range 1000 {
			k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
			m, from, waited := k.message(c)
			if waited > 2*time.Millisecond {
				t.Fatalf("after %v", waited)
			}
			k.answer(c, m, from)
			synctest.Wait()
		}
		time.Sleep(2 * time.Millisecond)
		if n := k.sender.Stats.Acknowledged.Load(); n != 1000 {
			t.Errorf("%d acknowledged", n)
		}
		if n := k.sender.Stats.Dropped.Load(); n < 2*(1000-256-2) || n > 2*(1000-256) {
			t.Errorf("%d dropped of two queues", n)
		}
	})
}

// recorder is a socket that only sends.
type recorder struct {
	net.Conn
	datagrams [][]byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.datagrams = append(r.datagrams, bytes.Clone(b))
	return len(b), nil
}
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }
func (r *recorder) Close() error                     { return nil }

// A queue gives up its oldest.
func TestFullQueueKeepsTheNewest(t *testing.T) {
	run(t, func(k *kit) {
		var reachable atomic.Bool
		var sent recorder
		config := k.config()
		config.Dial = func(context.Context, string, string, netip.AddrPort) (net.Conn, error) {
			if !reachable.Load() {
				return nil, syscall.ENETUNREACH
			}
			return &sent, nil
		}
		k.sender = notify.New(config)
		k.targets(target("r", receiver, snmp.V2c, false))
		for i := range 300 {
			k.sender.Notify(notify.Notification{TrapOID: oid.New(1, 3, 6, 1, 4, 1, 99, 0, uint32(i))})
			synctest.Wait()
		}
		reachable.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		var got []uint32
		for _, b := range sent.datagrams {
			var d snmp.Decoder
			var m snmp.Message
			if err := d.Decode(b, &m); err != nil {
				t.Fatal(err)
			}
			got = append(got, m.PDU.VarBinds[1].Value.OID().Last())
		}
		if len(got) != 257 { // the one under way and the queue
			t.Fatalf("%d were sent", len(got))
		}
		if got[0] != 0 || got[1] != 44 || got[256] != 299 {
			t.Errorf("%d, %d … %d", got[0], got[1], got[256])
		}
		k.stats(257, 0, 0, 43)
	})
}

// What the system would not send, since the network is not up yet, is sent later.
func TestUnsentIsTriedAgain(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		attempts := 0
		k.dialErr = func() error {
			if attempts++; attempts < 5 {
				return &net.DNSError{Err: "no such host", Name: "receiver.example", IsNotFound: true}
			}
			return nil
		}
		k.targets(target("r", receiver, snmp.V2c, false))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		m, _, waited := k.message(c)
		if waited < 15*time.Second || waited > 16*time.Second { // 1 + 2 + 4 + 8
			t.Errorf("after %v", waited)
		}
		if m.PDU.VarBinds[0].Value != snmp.TimeTicks(0) {
			t.Errorf("sysUpTime is of the sending: %v", m.PDU.VarBinds[0].Value)
		}
		k.stats(1, 0, 0, 0)
		if s := k.log.String(); strings.Count(s, "receiver.example") != 1 || !strings.Contains(s, "get through again") {
			t.Errorf("log: %s", s)
		}
	})
}

func TestUnsentIsGivenUp(t *testing.T) {
	run(t, func(k *kit) {
		k.dialErr = func() error { return syscall.EHOSTUNREACH }
		k.targets(target("r", receiver, snmp.V2c, false))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		time.Sleep(2 * time.Hour)
		k.stats(0, 0, 0, 1)
	})
}

// refused is a socket that tells of an ICMP message at every other call.
type refused struct {
	net.Conn
	n int
}

func (r *refused) Write(b []byte) (int, error) {
	if r.n++; r.n%2 == 1 {
		return 0, &net.OpError{Op: "write", Err: syscall.ECONNREFUSED}
	}
	return r.Conn.Write(b)
}

func (r *refused) Read(b []byte) (int, error) {
	if r.n++; r.n%2 == 1 {
		return 0, &net.OpError{Op: "read", Err: syscall.ECONNREFUSED}
	}
	return r.Conn.Read(b)
}

func TestICMPRefusedIsNoReasonNotToSend(t *testing.T) {
	run(t, func(k *kit) {
		c := k.listen(receiver)
		config := k.config()
		inner := config.Dial
		config.Dial = func(ctx context.Context, network, address string, source netip.AddrPort) (net.Conn, error) {
			conn, err := inner(ctx, network, address, source)
			return &refused{Conn: conn}, err
		}
		k.sender = notify.New(config)
		k.targets(target("trap", receiver, snmp.V2c, false), target("inform", receiver, snmp.V2c, true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		for range 2 {
			m, from, _ := k.message(c)
			if m.PDU.Type == snmp.InformRequest {
				k.answer(c, m, from)
			}
		}
		k.silent(c)
		k.stats(2, 1, 0, 0)
	})
}

// What waits for a target that stays goes out as it now is; what waits for one that goes, or moves, is still sent, where it was.
func TestSetTargets(t *testing.T) {
	run(t, func(k *kit) {
		c, d := k.listen(receiver), k.listen(other)
		staying, moving := target("staying", other, snmp.V2c, true), target("moving", receiver, snmp.V2c, true)
		k.targets(staying, moving)
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
		k.message(c)
		k.message(d)
		staying.Community, moving.Address = secret.New("sesame2"), "192.0.2.164:162"
		k.targets(staying, moving)
		k.sender.Notify(notify.Notification{TrapOID: notify.LinkUp})
		for {
			b, from, _ := k.read(d)
			var m snmp.Message
			var decoder snmp.Decoder
			if b == nil {
				break
			}
			if err := decoder.Decode(b, &m); err != nil {
				t.Fatal(err)
			}
			if m.Community == "sesame2" { // the first is given up unacknowledged
				k.answer(d, m, from)
			} else if m.PDU.VarBinds[1].Value.OID() != notify.ColdStart {
				t.Errorf("by the old community: %v", m.PDU.VarBinds)
			}
		}
		for {
			b, _, _ := k.read(c)
			if b == nil {
				break
			}
			if bytes.Contains(b, []byte{0x2b, 6, 1, 6, 3, 1, 1, 5, 4}) {
				t.Error("linkUp to where the target is no more")
			}
		}
		if n := k.sender.Stats.Acknowledged.Load(); n != 2 {
			t.Errorf("%d acknowledged", n)
		}
	})
}

// Targets that come and go do not leave goroutines, however dead they are.
func TestTargetsThatComeAndGo(t *testing.T) {
	run(t, func(k *kit) {
		for i := range 1000 {
			k.targets(target(fmt.Sprint(i), receiver, snmp.V2c, true))
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
			time.Sleep(time.Millisecond)
			if n := runtime.NumGoroutine(); n > 500 {
				t.Fatalf("%d goroutines after %d targets", n, i)
			}
		}
		k.targets()
		time.Sleep(time.Minute)
		if n := runtime.NumGoroutine(); n > 50 {
			t.Errorf("%d goroutines at the end", n)
		}
	})
}

func TestBadTargets(t *testing.T) {
	run(t, func(k *kit) {
		good := target("r", receiver, snmp.V2c, false)
		for name, change := range map[string]func(*notify.Target){
			"network": func(t *notify.Target) { t.Network = "tcp" },
			"version": func(t *notify.Target) { t.Version = 7 },
			"inform":  func(t *notify.Target) { t.Version, t.Inform = snmp.V1, true },
			"user":    func(t *notify.Target) { t.Version, t.Level = snmp.V3, snmp.AuthPriv },
		} {
			bad := good
			change(&bad)
			if err := k.sender.SetTargets([]notify.Target{bad}); !errors.Is(err, notify.ErrTarget) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := k.sender.SetTargets([]notify.Target{good, good}); !errors.Is(err, notify.ErrTarget) {
			t.Errorf("twice: %v", err)
		}
		k.sender.Close(k.t.Context())
		if err := k.sender.SetTargets([]notify.Target{good}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart}) // to nobody
	})
}

// Close sends what it can, and returns in time.
func TestClose(t *testing.T) {
	run(t, func(k *kit) {
		k.network.SetFaults(packetnet.Faults{}) // without delay the order is kept
		c := k.listen(receiver)
		unknown := target("unknown", receiver, snmp.V2c, false)
		k.targets(target("live", receiver, snmp.V2c, false), target("dead", other, snmp.V2c, true), unknownAddress(unknown))
		for range 20 {
			k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		}
		k.sender.Notify(notify.Notification{TrapOID: notify.NSNotifyShutdown})
		ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		k.sender.Close(ctx)
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("closed after %v", d)
		}
		for range 20 {
			k.message(c)
		}
		if m, _, _ := k.message(c); m.PDU.VarBinds[1].Value.OID() != notify.NSNotifyShutdown {
			t.Errorf("last: %v", m.PDU.VarBinds)
		}
	})
}

func unknownAddress(t notify.Target) notify.Target {
	t.Address = "[::1]:162" // from an IPv4 address nothing gets there
	return t
}

// By IPv6 there is no agent-addr to give.
func TestAgentAddrOverIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := packetnet.New(1, packetnet.Faults{})
		at := netip.MustParseAddrPort("[2001:db8::1]:162")
		c, err := n.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s := notify.New(notify.Config{Start: time.Now(), Dial: func(context.Context, string, string, netip.AddrPort) (net.Conn, error) {
			return n.Dial(netip.MustParseAddr("2001:db8::2"), at)
		}})
		defer s.Close(t.Context())
		if err := s.SetTargets([]notify.Target{target("r", at, snmp.V1, false)}); err != nil {
			t.Fatal(err)
		}
		s.Notify(notify.Notification{TrapOID: notify.ColdStart})
		k := &kit{t: t}
		if m, _, _ := k.message(c); m.PDU.Trap.AgentAddr != netip.IPv4Unspecified() {
			t.Errorf("agent-addr %v", m.PDU.Trap.AgentAddr)
		}
	})
}
