package trap_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/collector/trap"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// socket is a socket in memory as trap.Datagrams.
type socket struct{ *packetnet.Conn }

func (s socket) ReadPacket(b []byte) (int, trap.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	return n, trap.Peer{Remote: from}, err
}

func (s socket) WritePacket(b []byte, to trap.Peer) error {
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

var (
	receiverAddress = netip.MustParseAddrPort("192.0.2.100:162")
	state           = trap.State{EngineID: "\x80\x00\x1f\x88\x80receiver", Boots: 7}
)

func community(name string) trap.Credential {
	return trap.Credential{Credential: session.Credential{Version: snmp.V2c, Community: secret.New(name)}}
}

func user() trap.Credential {
	return trap.Credential{Credential: session.Credential{Version: snmp.V3, User: "alice", Auth: session.SHA256, AuthPassword: secret.New("authentication"),
		Priv: session.AES, PrivPassword: secret.New("privacy password")}}
}

// bench is a receiver on a network in memory, inside a synctest bubble.
type bench struct {
	t        *testing.T
	network  *packetnet.Network
	receiver *trap.Receiver
	log      bytes.Buffer
	got      chan trap.Notification
}

func newBench(t *testing.T, c trap.Config) *bench {
	t.Helper()
	b := &bench{t: t, network: packetnet.New(1, packetnet.Faults{}), got: make(chan trap.Notification, 100)}
	var err error
	b.receiver, err = trap.New(trap.Options{
		Config: c, State: state, Handle: func(n trap.Notification) { b.got <- n }, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if host != "core1.example.net" {
				return nil, fmt.Errorf("no such host %s", host)
			}
			return []netip.Addr{netip.MustParseAddr("192.0.2.9")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := b.network.Listen(receiverAddress)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.receiver.Serve(ctx, socket{conn}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return b
}

// sender is a socket of a device.
func (b *bench) sender(address string) *packetnet.Conn {
	b.t.Helper()
	c, err := b.network.Listen(netip.MustParseAddrPort(address))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func (b *bench) send(from *packetnet.Conn, datagram []byte) {
	b.t.Helper()
	if _, err := from.WriteToAddrPort(datagram, receiverAddress); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

// next returns what was handed on since the last call, as one line each.
func (b *bench) next() []string {
	var lines []string
	for {
		select {
		case n := <-b.got:
			line := fmt.Sprintf("%s %s of %q at %v", n.Version, n.Name(smi.BuiltIn()), n.Target.Name, n.Agent())
			if n.Inform {
				line += " inform"
			}
			if n.User != "" {
				line += fmt.Sprintf(" by %s of %x", n.User, n.EngineID)
			}
			for _, vb := range n.VarBinds {
				line += fmt.Sprintf(" %v=%v", vb.Name, vb.Value)
			}
			lines = append(lines, line)
		default:
			return lines
		}
	}
}

func (b *bench) want(what string, lines ...string) {
	b.t.Helper()
	if diff := cmp.Diff(lines, b.next()); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// outcomes returns the counters that are not 0.
func (b *bench) outcomes() map[string]uint64 {
	out := map[string]uint64{}
	for name, n := range b.receiver.Stats() {
		if n > 0 {
			out[name] = n
		}
	}
	return out
}

func varBinds(of string, more ...snmp.VarBind) []snmp.VarBind {
	return append([]snmp.VarBind{
		{Name: oid.MustParse("1.3.6.1.2.1.1.3.0"), Value: snmp.TimeTicks(4711)},
		{Name: oid.MustParse("1.3.6.1.6.3.1.1.4.1.0"), Value: snmp.ObjectID(oid.MustParse(of))},
	}, more...)
}

const linkDown = "1.3.6.1.6.3.1.1.5.3"

func message(version snmp.Version, name string, p snmp.PDU) []byte {
	m := snmp.Message{Version: version, Community: name, PDU: p}
	return m.Append(nil)
}

func trapV2(of string, more ...snmp.VarBind) snmp.PDU {
	return snmp.PDU{Type: snmp.TrapV2, RequestID: 1, VarBinds: varBinds(of, more...)}
}

func index(n uint32) snmp.VarBind {
	return snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1").Append(n), Value: snmp.Integer(int32(n))}
}

var targets = []trap.Target{
	{Name: "sw1", Host: "192.0.2.1", More: []netip.Addr{netip.MustParseAddr("198.51.100.1")}},
	{Name: "core1", Host: "core1.example.net"},
	{Name: "sw6", Host: "2001:db8::1"},
}

func config() trap.Config {
	return trap.Config{Credentials: []trap.Credential{community("public"), user()}, Targets: targets}
}

func TestCommunities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		sw1 := b.sender("192.0.2.1:1000")
		b.send(sw1, message(snmp.V2c, "public", trapV2(linkDown, index(3))))
		b.want("a trap of version 2c", `2c linkDown of "sw1" at 192.0.2.1 1.3.6.1.2.1.2.2.1.1.3=3`)
		b.send(b.sender("198.51.100.1:1000"), message(snmp.V2c, "public", trapV2(linkDown)))
		b.want("from another of its addresses", `2c linkDown of "sw1" at 198.51.100.1`)
		b.send(b.sender("192.0.2.9:1000"), message(snmp.V2c, "public", trapV2("1.3.6.1.4.1.9999.1.0.5")))
		b.want("of a target with a name, of a trap without", `2c 1.3.6.1.4.1.9999.1.0.5 of "core1" at 192.0.2.9`)
		b.send(b.sender("[2001:db8::1]:1000"), message(snmp.V2c, "public", trapV2("1.3.6.1.6.3.1.1.5.1")))
		b.want("over IPv6", `2c coldStart of "sw6" at 2001:db8::1`)

		b.send(sw1, message(snmp.V2c, "Public", trapV2(linkDown)))
		b.send(b.sender("203.0.113.1:1000"), message(snmp.V2c, "public", trapV2(linkDown)))
		b.want("another community, and nobody's address")
		if diff := cmp.Diff(map[string]uint64{"accepted": 4, "wrong_community": 1, "unknown_sender": 1}, b.outcomes()); diff != "" {
			t.Error(diff)
		}
		if log := b.log.String(); strings.Contains(log, "ublic") || strings.Count(log, "\n") != 2 {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// TestVersion1 holds the translation of RFC 3584 section 3.1.
func TestVersion1(t *testing.T) {
	enterprise := oid.MustParse("1.3.6.1.4.1.9999.1")
	device := netip.MustParseAddr("192.0.2.9")
	trapV1 := func(generic, specific int32, more ...snmp.VarBind) []byte {
		return message(snmp.V1, "public", snmp.PDU{Type: snmp.TrapV1, VarBinds: more, Trap: snmp.TrapV1Header{
			Enterprise: enterprise, AgentAddr: device, GenericTrap: generic, SpecificTrap: specific, Timestamp: 4711,
		}})
	}
	const tail = " 1.3.6.1.6.3.1.1.4.3.0=1.3.6.1.4.1.9999.1"
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.Forwarders = []netip.Prefix{netip.MustParsePrefix("192.0.2.200/32")}
		b := newBench(t, c)
		sw1, forwarder := b.sender("192.0.2.1:1000"), b.sender("192.0.2.200:1000")
		b.send(sw1, trapV1(2, 0, index(3)))
		b.want("generic", `1 linkDown of "sw1" at 192.0.2.1 1.3.6.1.2.1.2.2.1.1.3=3`+tail)
		b.send(sw1, trapV1(6, 17))
		b.want("specific", `1 1.3.6.1.4.1.9999.1.0.17 of "sw1" at 192.0.2.1`+tail)
		b.send(forwarder, trapV1(0, 0))
		b.want("forwarded", `1 coldStart of "core1" at 192.0.2.9`+tail)
		b.send(forwarder, message(snmp.V2c, "public", trapV2(linkDown,
			snmp.VarBind{Name: oid.MustParse("1.3.6.1.6.3.18.1.3.0"), Value: snmp.IPAddress(device)},
			snmp.VarBind{Name: oid.MustParse("1.3.6.1.6.3.18.1.4.0"), Value: snmp.OctetString("public")})))
		b.want("forwarded in version 2c, with the community", `2c linkDown of "core1" at 192.0.2.9 1.3.6.1.6.3.18.1.3.0=192.0.2.9`)
		b.send(sw1, trapV1(7, -1))
		b.want("no generic trap that there is", `1 1.3.6.1.4.1.9999.1.0.4294967295 of "sw1" at 192.0.2.1`+tail)
	})
}

// TestInforms holds that an inform is acknowledged as often as it comes, and taken once.
func TestInforms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		sw1 := b.sender("192.0.2.1:1000")
		inform := trapV2(linkDown, index(3))
		inform.Type, inform.RequestID = snmp.InformRequest, 99
		for i := range 3 {
			b.send(sw1, message(snmp.V2c, "public", inform))
			buf := make([]byte, 1500)
			n, _, err := sw1.ReadFromAddrPort(buf)
			if err != nil {
				t.Fatal(err)
			}
			want := inform
			want.Type = snmp.Response
			if !bytes.Equal(buf[:n], message(snmp.V2c, "public", want)) {
				t.Errorf("acknowledgement %d: %x", i, buf[:n])
			}
		}
		b.want("three times the same", `2c linkDown of "sw1" at 192.0.2.1 inform 1.3.6.1.2.1.2.2.1.1.3=3`)
		time.Sleep(3 * time.Minute)
		b.send(sw1, message(snmp.V2c, "public", inform))
		b.want("the same request-id, much later", `2c linkDown of "sw1" at 192.0.2.1 inform 1.3.6.1.2.1.2.2.1.1.3=3`)
		if diff := cmp.Diff(map[string]uint64{"accepted": 2, "repeated": 2}, b.outcomes()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestUnknown holds that what is of no target is handed on only where that is wanted.
func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config()
		c.Unknown = true
		b := newBench(t, c)
		b.send(b.sender("203.0.113.1:1000"), message(snmp.V2c, "public", trapV2(linkDown)))
		b.want("of nobody", `2c linkDown of "" at 203.0.113.1`)
	})
}

// TestNothingConfigured holds that without credentials nothing is taken and nothing answered.
func TestNothingConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, trap.Config{Targets: targets, Unknown: true})
		sw1 := b.sender("192.0.2.1:1000")
		inform := trapV2(linkDown)
		inform.Type = snmp.InformRequest
		b.send(sw1, message(snmp.V2c, "", inform))
		b.send(sw1, message(snmp.V2c, "public", inform))
		b.send(sw1, usm.SealDiscovery(nil, new(usm.Sealer), snmp.MessageV3{ID: 1, MaxSize: 1500}, 1))
		b.want("nothing is configured")
		if err := sw1.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, _, err := sw1.ReadFromAddrPort(make([]byte, 1500)); err == nil {
			t.Errorf("there is an answer of %d octets", n)
		}
		if diff := cmp.Diff(map[string]uint64{"wrong_community": 2, "unsupported_version": 1}, b.outcomes()); diff != "" {
			t.Error(diff)
		}
	})
}

// device is an engine that sends traps as user does.
func device(t *testing.T, start time.Time) (*usm.Engine, *usm.Keyed) {
	t.Helper()
	const id = "\x80\x00\x1f\x88\x80switch"
	e, err := usm.NewEngine(id, 3, start)
	if err != nil {
		t.Fatal(err)
	}
	a, err := usm.NewAccount(usm.AccountOptions{Name: "alice", Auth: usm.SHA256, AuthPassword: "authentication", Priv: usm.AES, PrivPassword: "privacy password"})
	if err != nil {
		t.Fatal(err)
	}
	k, err := usm.NewKeyed(a.User(id))
	if err != nil {
		t.Fatal(err)
	}
	return e, k
}

func TestVersion3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		sw1 := b.sender("192.0.2.1:1000")
		e, k := device(t, time.Now().Add(-time.Hour))
		seal := func(level snmp.SecurityLevel, p snmp.PDU) []byte {
			return e.SealNotification(nil, new(usm.Sealer), snmp.MessageV3{ID: 1, MaxSize: 1500}, k, level, &snmp.ScopedPDU{ContextEngineID: e.ID(), PDU: p}, time.Now())
		}
		first := seal(snmp.AuthPriv, trapV2(linkDown, index(3)))
		b.send(sw1, first)
		b.want("a trap", `3 linkDown of "sw1" at 192.0.2.1 by alice of 80001f8880737769746368 1.3.6.1.2.1.2.2.1.1.3=3`)
		b.send(sw1, first)
		b.send(sw1, seal(snmp.AuthNoPriv, trapV2(linkDown)))
		b.send(sw1, seal(snmp.NoAuthNoPriv, trapV2(linkDown)))
		inform := trapV2(linkDown)
		inform.Type = snmp.InformRequest
		b.send(sw1, seal(snmp.AuthPriv, inform))
		b.send(sw1, seal(snmp.AuthPriv, snmp.PDU{Type: snmp.GetRequest}))
		old := seal(snmp.AuthPriv, trapV2(linkDown))
		time.Sleep(200 * time.Second)
		b.send(sw1, seal(snmp.AuthPriv, trapV2("1.3.6.1.6.3.1.1.5.4")))
		b.want("a trap later", `3 linkUp of "sw1" at 192.0.2.1 by alice of 80001f8880737769746368`)
		b.send(sw1, old)
		b.want("what is to be refused")
		want := map[string]uint64{"accepted": 2, "replayed": 1, "wrong_level": 2, "wrong_pdu": 2, "outside_time_window": 1}
		if diff := cmp.Diff(want, b.outcomes()); diff != "" {
			t.Error(diff)
		}
		if s := b.receiver.State(); len(s.Senders) != 1 || s.Senders[0].Boots != 3 || s.EngineID != state.EngineID || s.Boots != state.Boots {
			t.Errorf("the state: %+v", s)
		}
	})
}

// TestReportableTraps holds that a trap is taken though its sender sets the reportable flag in all that it sends, as some agents do, and that it is no way around
// what is asked of traps. Informs for an engine that we were once are answered with who we are.
func TestReportableTraps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		sw1 := b.sender("192.0.2.1:1000")
		e, k := device(t, time.Now().Add(-time.Hour))
		itself, err := usm.NewRemote(e.ID(), 3, 3600, time.Now()) // which sets the flag, as for requests
		if err != nil {
			t.Fatal(err)
		}
		seal := func(level snmp.SecurityLevel, p snmp.PDU) []byte {
			m := snmp.MessageV3{ID: 1, MaxSize: 1500, Flags: snmp.ReportableFlag}
			return itself.Seal(nil, new(usm.Sealer), m, k, level, &snmp.ScopedPDU{ContextEngineID: e.ID(), PDU: p}, time.Now())
		}
		first := seal(snmp.AuthPriv, trapV2(linkDown, index(3)))
		b.send(sw1, first)
		b.want("a trap", `3 linkDown of "sw1" at 192.0.2.1 by alice of 80001f8880737769746368 1.3.6.1.2.1.2.2.1.1.3=3`)
		b.send(sw1, first)
		b.send(sw1, seal(snmp.NoAuthNoPriv, trapV2(linkDown)))
		inform := trapV2(linkDown)
		inform.Type = snmp.InformRequest
		b.send(sw1, seal(snmp.AuthPriv, inform))
		b.want("what is to be refused")
		if diff := cmp.Diff(map[string]uint64{"accepted": 1, "replayed": 1, "engine_discovery": 2}, b.outcomes()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestFlood holds that what waits is bounded, that an inform which cannot be kept is not acknowledged, and that nothing that was taken is lost at
// the end.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := packetnet.New(1, packetnet.Faults{})
		block, handled := make(chan struct{}), 0
		r, err := trap.New(trap.Options{Config: config(), State: state, Handle: func(trap.Notification) { <-block; handled++ }})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := network.Listen(receiverAddress)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Serve(ctx, socket{conn}) }()
		sw1, err := network.Listen(netip.MustParseAddrPort("192.0.2.1:1000"))
		if err != nil {
			t.Fatal(err)
		}
		for range 20_000 {
			if _, err := sw1.WriteToAddrPort(message(snmp.V2c, "public", trapV2(linkDown)), receiverAddress); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		inform := trapV2(linkDown)
		inform.Type = snmp.InformRequest
		if _, err := sw1.WriteToAddrPort(message(snmp.V2c, "public", inform), receiverAddress); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s := r.Stats()
		if s["accepted"] < 9_000 || s["accepted"] > 11_000 || s["accepted"]+s["queue_full"] != 20_001 {
			t.Errorf("outcomes: %v", s)
		}
		if err := sw1.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := sw1.ReadFromAddrPort(make([]byte, 1500)); err == nil {
			t.Error("an inform that was not kept is acknowledged")
		}
		cancel()
		close(block)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if uint64(handled) != s["accepted"] {
			t.Errorf("%d were handled of %d that were accepted", handled, s["accepted"])
		}
	})
}

func TestConfigure(t *testing.T) {
	bad := user()
	bad.AuthPassword = secret.New("short")
	for name, c := range map[string]trap.Config{"a short password": {Credentials: []trap.Credential{bad}}, "a user twice": {Credentials: []trap.Credential{user(), user()}}} {
		if _, err := trap.New(trap.Options{Config: c, State: state}); err == nil || strings.Contains(err.Error(), "short") {
			t.Errorf("%s: %v", name, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, config())
		sw1 := b.sender("192.0.2.1:1000")
		if err := b.receiver.Configure(trap.Config{Credentials: []trap.Credential{community("new")}, Targets: []trap.Target{{Name: "renamed", Host: "192.0.2.1"}}}); err != nil {
			t.Fatal(err)
		}
		b.send(sw1, message(snmp.V2c, "public", trapV2(linkDown)))
		b.send(sw1, message(snmp.V2c, "new", trapV2(linkDown)))
		b.want("after a reload", `2c linkDown of "renamed" at 192.0.2.1`)
	})
}
