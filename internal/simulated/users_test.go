package simulated_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

const (
	engineA = "\x80\x00\xff\xff\x05aaaa"
	engineB = "\x80\x00\xff\xff\x05bbbb"
)

// someone is a user by the protocols of both sides.
func someone(auth session.AuthProtocol, priv session.PrivProtocol) session.Credential {
	c := session.Credential{Version: snmp.V3, User: "someone", Auth: auth, Priv: priv}
	if auth != "" {
		c.AuthPassword = secret.New("authpassword")
	}
	if priv != "" {
		c.PrivPassword = secret.New("privpassword")
	}
	return c
}

// serveV3 lets d be served to the user of c, by an engine of that ID, boots and start, until stop is called.
func (l *lab) serveV3(d *sim.Device, address string, c session.Credential, id string, boots uint32, start time.Time) (stop func()) {
	l.t.Helper()
	engine, err := usm.NewEngine(id, boots, start)
	if err != nil {
		l.t.Fatal(err)
	}
	auth, _ := usm.ParseAuthProtocol(string(c.Auth))
	priv, _ := usm.ParsePrivProtocol(string(c.Priv))
	u := usm.User{Name: c.User, Auth: auth, Priv: priv}
	if auth != usm.NoAuth {
		ku, err := usm.PasswordToKey(auth, c.AuthPassword.Reveal())
		if err != nil {
			l.t.Fatal(err)
		}
		u.AuthKey = usm.Localize(auth, ku, id)
	}
	if priv != usm.NoPriv {
		ku, err := usm.PasswordToKey(auth, c.PrivPassword.Reveal())
		if err != nil {
			l.t.Fatal(err)
		}
		u.PrivKey = usm.PrivKey(auth, priv, ku, id)
	}
	if err := engine.SetUsers([]usm.User{u}); err != nil {
		l.t.Fatal(err)
	}
	s, err := d.ServerV3(engine, slog.New(slog.DiscardHandler), c.User)
	if err != nil {
		l.t.Fatal(err)
	}
	s.SetMaxMessageSize(1472)
	conn, err := l.network.Network.Listen(netip.MustParseAddrPort(address))
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error)
	go func() { done <- s.ServeDatagrams(ctx, server{conn, l}) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
	}
	l.t.Cleanup(stop)
	return stop
}

// open returns a session with an address.
func (l *lab) open(address string, c session.Credential) session.Client {
	l.t.Helper()
	sockets := session.NewSocketsOn(l.network)
	to := netip.MustParseAddrPort(address)
	client, err := sockets.Open(l.t.Context(), session.Options{
		Host: to.Addr().String(), Port: to.Port(), Credential: c, Timeout: time.Second, Retries: 1, Stats: &session.Stats{},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = sockets.Close() })
	return client
}

var sysName = oid.MustParse("1.3.6.1.2.1.1.5.0")

// TestProtocols holds that each protocol of authentication and privacy is spoken, and what a wrong password is called.
func TestProtocols(t *testing.T) {
	auths := []session.AuthProtocol{"", session.MD5, session.SHA, session.SHA224, session.SHA256, session.SHA384, session.SHA512}
	privs := []session.PrivProtocol{"", session.DES, session.AES, session.AES192, session.AES256, session.AES192C, session.AES256C}
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		d := sim.New(sim.Options{Name: "sw1", Ports: ports(1), Boot: time.Now()})
		for _, auth := range auths {
			for _, priv := range privs {
				if auth == "" && priv != "" {
					continue
				}
				c := someone(auth, priv)
				stop := l.serveV3(d, "192.0.2.1:161", c, engineA, 3, time.Now())
				got, err := l.open("192.0.2.1:161", c).Get(t.Context(), nil, []oid.OID{sysName})
				if err != nil || got[0].Value.Octets() != "sw1" {
					t.Errorf("%s %s: %v, %v", auth, priv, got, err)
				}
				for want, wrong := range map[error]func(*session.Credential) bool{
					session.ErrUnknownUser: func(c *session.Credential) bool { c.User = "nobody"; return true },
					session.ErrWrongDigest: func(c *session.Credential) bool {
						c.AuthPassword = secret.New("something else")
						return c.Auth != ""
					},
				} {
					if w := c; wrong(&w) {
						if _, err := l.open("192.0.2.1:161", w).Get(t.Context(), nil, []oid.OID{sysName}); !errors.Is(err, want) {
							t.Errorf("%s %s: %v, want %v", auth, priv, err, want)
						}
					}
				}
				stop()
			}
		}
	})
}

// TestContexts holds that a request is of the context and the context engine that the credential names.
func TestContexts(t *testing.T) {
	tests := map[string]struct {
		context, engine string
		want            error
	}{
		"none":                      {"", "", nil},
		"its own engine, by name":   {"", engineA, nil},
		"an engine that it has not": {"", engineB, session.ErrContext},
		"a context that it has not": {"nowhere", "", session.ErrContext},
	}
	synctest.Test(t, func(t *testing.T) {
		l, c := newLab(t), someone(session.SHA, session.AES)
		d := sim.New(sim.Options{Name: "sw1", Ports: ports(1), Boot: time.Now()})
		l.serveV3(d, "192.0.2.1:161", c, engineA, 3, time.Now())
		for name, tt := range tests {
			c.Context, c.ContextEngineID = tt.context, tt.engine
			_, err := l.open("192.0.2.1:161", c).Get(t.Context(), nil, []oid.OID{sysName})
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
	})
}

// TestEngines holds that a session goes on, with its next request, whatever becomes of the agent's engine.
func TestEngines(t *testing.T) {
	type engine struct {
		id    string
		boots uint32
		age   time.Duration
	}
	tests := map[string]struct{ before, after engine }{
		"boots count":         {engine{engineA, 3, time.Hour}, engine{engineA, 4, 0}},
		"boots do not count":  {engine{engineA, 1, 1000 * time.Hour}, engine{engineA, 1, 0}},
		"boots start anew":    {engine{engineA, 77, time.Hour}, engine{engineA, 1, 0}},
		"time jumped":         {engine{engineA, 2, time.Hour}, engine{engineA, 2, 9 * time.Hour}},
		"another engine ID":   {engine{engineA, 3, time.Hour}, engine{engineB, 1, 0}},
		"the same, and older": {engine{engineA, 3, time.Hour}, engine{engineA, 2, time.Hour}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, c := newLab(t), someone(session.SHA, session.AES)
				d := sim.New(sim.Options{Name: "sw1", Ports: ports(1), Boot: time.Now()})
				client := l.open("192.0.2.1:161", c)
				for _, e := range []engine{test.before, test.after} {
					stop := l.serveV3(d, "192.0.2.1:161", c, e.id, e.boots, time.Now().Add(-e.age))
					for i := range 3 {
						if _, err := client.Get(t.Context(), nil, []oid.OID{sysName}); err != nil {
							t.Errorf("request %d to %+v: %v", i, e, err)
						}
						time.Sleep(10 * time.Minute)
					}
					stop()
				}
			})
		})
	}
}

// TestBootsAtTheirEnd holds that an agent whose snmpEngineBoots can count no further, and that therefore nobody may believe, is named as that.
func TestBootsAtTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := newLab(t), someone(session.SHA, session.AES)
		d := sim.New(sim.Options{Name: "sw1", Ports: ports(1), Boot: time.Now()})
		l.serveV3(d, "192.0.2.1:161", c, engineA, usm.MaxBoots, time.Now())
		_, err := l.open("192.0.2.1:161", c).Get(t.Context(), nil, []oid.OID{sysName})
		if !errors.Is(err, session.ErrNotInTimeWindow) || !strings.Contains(err.Error(), "another engine ID") || session.Reason(err) != "time_window" {
			t.Errorf("%v (%s)", err, session.Reason(err))
		}
	})
}

// TestRebootsOfV3 holds that a reboot costs a device one reading, and makes no number that is not true; and that a device with the engine ID of
// another is polled as well as that one, and both are named.
func TestRebootsOfV3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := newLab(t), someone(session.SHA256, session.AES)
		var targets []collector.Target
		devices := map[string]*sim.Device{}
		stops := map[string]func(){}
		for address, name := range map[string]string{"192.0.2.1:161": "sw1", "192.0.2.2:161": "sw2"} {
			devices[name] = sim.New(sim.Options{Name: name, Ports: ports(12), Boot: time.Now().Add(-24 * time.Hour)})
			stops[name] = l.serveV3(devices[name], address, c, engineA, uint32(len(stops)+1), time.Now().Add(-24*time.Hour))
			target := collector.DefaultTarget()
			target.Name, target.Address, target.Collect, target.Credential = name, address, []string{"interfaces"}, c
			targets = append(targets, target)
		}
		polls := l.collect(targets...)
		l.next("sw1")
		for range 3 {
			for _, name := range []string{"sw1", "sw2"} {
				if p, _ := l.next(name); p.Err != nil || l.numbers(p) != 12*23 {
					t.Errorf("%s: %d rates, %v", name, l.numbers(p), p.Err)
				}
			}
		}
		for _, s := range polls.Stats() {
			if len(s.EngineTwins) != 1 || s.EngineTwins[0] == s.Device {
				t.Errorf("%s has the engine ID of %q", s.Device, s.EngineTwins)
			}
		}
		if n := strings.Count(l.log.String(), "the same snmpEngineID"); n != 1 {
			t.Errorf("it is logged %d times:\n%s", n, l.log.String())
		}
		stops["sw1"]()
		devices["sw1"].Reboot(time.Now())
		l.serveV3(devices["sw1"], "192.0.2.1:161", c, engineA, 1, time.Now())
		p, _ := l.next("sw1")
		if p.Err != nil || !p.Reset || l.numbers(p) != 0 || len(p.Samples) != 12 {
			t.Errorf("after a reboot: reset %v, %d rates, %v", p.Reset, l.numbers(p), p.Err)
		}
		for _, s := range p.Samples {
			if f, _ := s.Field("ifHCInOctets"); f.Verdict != counter.Reset {
				t.Errorf("after a reboot: %v", f)
			}
		}
		if p, _ := l.next("sw1"); p.Err != nil || l.numbers(p) != 12*23 {
			t.Errorf("the poll after that: %d rates, %v", l.numbers(p), p.Err)
		}
	})
}
