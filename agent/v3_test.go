package agent_test

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosnmp/gosnmp"

	"walkabout/agent"
	"walkabout/agent/agenttest"
	"walkabout/internal/forge"
	"walkabout/snmp"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

const engineID = "\x80\x00\x1f\x88\x04test"

// keyed returns a user whose passwords are "authpassword" and "privpassword".
func keyed(t testing.TB, name string, auth usm.AuthProtocol, priv usm.PrivProtocol) usm.User {
	t.Helper()
	u := usm.User{Name: name, Auth: auth, Priv: priv}
	if auth != usm.NoAuth {
		ku, err := usm.PasswordToKey(auth, "authpassword")
		if err != nil {
			t.Fatal(err)
		}
		u.AuthKey = usm.Localize(auth, ku, engineID)
	}
	if priv != usm.NoPriv {
		ku, err := usm.PasswordToKey(auth, "privpassword")
		if err != nil {
			t.Fatal(err)
		}
		u.PrivKey = usm.PrivKey(auth, priv, ku, engineID)
	}
	return u
}

// engine returns an engine with the users, which booted when the test began.
func engine(t testing.TB, users ...usm.User) *usm.Engine {
	t.Helper()
	e, err := usm.NewEngine(engineID, 7, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SetUsers(users); err != nil {
		t.Fatal(err)
	}
	return e
}

// everybody lets the users read everything at the level of their keys.
func everybody(users ...usm.User) agent.Access {
	var members []vacm.Member
	for _, u := range users {
		members = append(members, vacm.Member{Model: vacm.USM, Name: u.Name, Group: "all"})
	}
	return agent.Access{Policy: vacm.NewPolicy(members,
		[]vacm.Entry{{Group: "all", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: "all"}}}, map[string][]vacm.Family{"all": {{}}})}
}

// serveUDP serves testTree on loopback and returns the port.
func serveUDP(t *testing.T, c agent.Config, a agent.Access) uint16 {
	t.Helper()
	c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	s := agent.New(c)
	s.SetAccess(a)
	if _, err := s.Register(testTree(t), agent.Registration{Root: names("1.3.6.1.2.1")[0].Name}); err != nil {
		t.Fatal(err)
	}
	return agenttest.ServeUDP(t, s).Port()
}

func client(t *testing.T, port uint16, user string, auth gosnmp.SnmpV3AuthProtocol, priv gosnmp.SnmpV3PrivProtocol) *gosnmp.GoSNMP {
	t.Helper()
	flags := gosnmp.NoAuthNoPriv
	if auth != gosnmp.NoAuth {
		flags = gosnmp.AuthNoPriv
	}
	if priv != gosnmp.NoPriv {
		flags = gosnmp.AuthPriv
	}
	x := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: port, Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags,
		Timeout: 5 * time.Second, MaxOids: 60,
		SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: user, AuthenticationProtocol: auth, AuthenticationPassphrase: "authpassword",
			PrivacyProtocol: priv, PrivacyPassphrase: "privpassword"}}
	if err := x.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Conn.Close() })
	return x
}

// TestEveryProtocol asks with gosnmp by each pair of protocols, with discovery of engine and time.
func TestEveryProtocol(t *testing.T) {
	auths := map[usm.AuthProtocol]gosnmp.SnmpV3AuthProtocol{usm.NoAuth: gosnmp.NoAuth, usm.MD5: gosnmp.MD5, usm.SHA: gosnmp.SHA, usm.SHA224: gosnmp.SHA224,
		usm.SHA256: gosnmp.SHA256, usm.SHA384: gosnmp.SHA384, usm.SHA512: gosnmp.SHA512}
	privs := map[usm.PrivProtocol]gosnmp.SnmpV3PrivProtocol{usm.NoPriv: gosnmp.NoPriv, usm.DES: gosnmp.DES, usm.AES: gosnmp.AES, usm.AES192: gosnmp.AES192,
		usm.AES256: gosnmp.AES256, usm.AES192C: gosnmp.AES192C, usm.AES256C: gosnmp.AES256C}
	var users []usm.User
	for auth := range auths {
		for priv := range privs {
			if auth != usm.NoAuth || priv == usm.NoPriv {
				users = append(users, keyed(t, fmt.Sprintf("%v/%v", auth, priv), auth, priv))
			}
		}
	}
	port := serveUDP(t, agent.Config{Engine: engine(t, users...)}, everybody(users...))
	for _, u := range users {
		t.Run(u.Name, func(t *testing.T) {
			t.Parallel()
			x := client(t, port, u.Name, auths[u.Auth], privs[u.Priv])
			for range 2 { // the first by discovery, the second with what was discovered
				p, err := x.Get([]string{".1.3.6.1.2.1.1.1.0", ".1.3.6.1.2.1.2.2.1.10.7"})
				if err != nil {
					t.Fatal(err)
				}
				if got := string(p.Variables[0].Value.([]byte)); got != u.Name {
					t.Errorf("sysDescr, which is the principal, is %q", got)
				}
				if got := gosnmp.ToBigInt(p.Variables[1].Value).Uint64(); got != 1<<40+2 {
					t.Errorf("the Counter64 is %d", got)
				}
			}
			count := 0
			if err := x.BulkWalk(".1.3", func(gosnmp.SnmpPDU) error { count++; return nil }); err != nil || count != 12 {
				t.Errorf("a walk found %d variables, %v", count, err)
			}
		})
	}
}

// question returns a message of u's to e, who asks for sysDescr at the level of its keys.
func question(u usm.User, e *usm.Engine) forge.Message {
	boots, seconds := e.Clock(time.Now())
	return forge.To(engineID, boots, seconds, u, snmp.PDU{Type: snmp.GetRequest, RequestID: 99, VarBinds: names("1.3.6.1.2.1.1.1.0")})
}

func octets(t *testing.T, q forge.Message) []byte {
	t.Helper()
	b, err := q.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read opens an answer to u.
func read(t *testing.T, u usm.User, b []byte) forge.Answer {
	t.Helper()
	a, err := forge.Open(u, b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestV3 is the order of RFC 3412 section 7.2 and RFC 3414 section 3.2: what each wrong part gets.
func TestV3(t *testing.T) {
	const (
		silence = "silence"
		mpd     = "1.3.6.1.6.3.11.2.1.3.0"
		stats   = "1.3.6.1.6.3.15.1.1."
		both    = snmp.AuthFlag | snmp.PrivFlag
	)
	u := keyed(t, "m", usm.SHA256, usm.AES)
	weak := keyed(t, "weak", usm.SHA256, usm.NoPriv)
	other := make([]byte, 32)
	tests := []struct {
		name  string
		edit  func(q *forge.Message)
		want  string // "answer", silence, or the OID that is reported
		level snmp.Flags
	}{
		{"right", func(*forge.Message) {}, "answer", both},
		{"without privacy", func(q *forge.Message) { q.Flags = snmp.AuthFlag | snmp.ReportableFlag }, "answer", snmp.AuthFlag},
		{"without authentication", func(q *forge.Message) { q.Flags = snmp.ReportableFlag }, "answer", 0},
		{"discovery", func(q *forge.Message) { q.EngineID, q.User.Name, q.Flags = "", "", snmp.ReportableFlag }, stats + "4.0", 0},
		{"discovery that takes no report", func(q *forge.Message) { q.EngineID, q.User.Name, q.Flags = "", "", 0 }, silence, 0},
		{"another engine", func(q *forge.Message) { q.EngineID = engineID + "x" }, stats + "4.0", 0},
		{"unknown user", func(q *forge.Message) { q.User.Name = "nobody" }, stats + "3.0", 0},
		{"a user of 33 octets", func(q *forge.Message) { q.User.Name = strings.Repeat("x", 33) }, silence, 0},
		{"more than the user can", func(q *forge.Message) { q.User.Name, q.User.AuthKey = "weak", weak.AuthKey }, stats + "1.0", 0},
		{"privacy without authentication", func(q *forge.Message) { q.Flags = snmp.PrivFlag | snmp.ReportableFlag }, silence, 0},
		{"wrong digest", func(q *forge.Message) { q.User.AuthKey = other }, stats + "5.0", 0},
		{"short digest", func(q *forge.Message) { q.Cut = 12 }, stats + "5.0", 0},
		{"empty digest", func(q *forge.Message) { q.Cut = 24 }, stats + "5.0", 0},
		{"wrong digest and outside the window", func(q *forge.Message) { q.User.AuthKey, q.Boots = other, 1 }, stats + "5.0", 0},
		{"earlier boots", func(q *forge.Message) { q.Boots = 6 }, stats + "2.0", snmp.AuthFlag},
		{"later boots", func(q *forge.Message) { q.Boots = 8 }, stats + "2.0", snmp.AuthFlag},
		{"150 s early", func(q *forge.Message) { q.Time -= 150 }, "answer", both},
		{"150 s late", func(q *forge.Message) { q.Time += 150 }, "answer", both},
		{"151 s early", func(q *forge.Message) { q.Time -= 151 }, stats + "2.0", snmp.AuthFlag},
		{"151 s late", func(q *forge.Message) { q.Time += 151 }, stats + "2.0", snmp.AuthFlag},
		{"outside the window, no report wanted", func(q *forge.Message) { q.Boots, q.Flags = 6, both }, silence, 0},
		{"wrong privacy key", func(q *forge.Message) { q.User.PrivKey = make([]byte, 16) }, stats + "6.0", 0},
		{"short salt", func(q *forge.Message) { q.Salt = "salt" }, stats + "6.0", 0},
		{"plain data where privacy is claimed", func(q *forge.Message) { q.Plain = true }, stats + "6.0", 0},
		{"unknown security model", func(q *forge.Message) { q.Model = 99 }, silence, 0},
		{"msgMaxSize of 483", func(q *forge.Message) { q.MaxSize = 483 }, silence, 0},
		{"another context engine", func(q *forge.Message) { q.Scoped.ContextEngineID = "other" }, mpd, both},
		{"the local context engine", func(q *forge.Message) { q.Scoped.ContextEngineID = "\x80\x00\x00\x00\x06" }, "answer", both},
		{"unknown context", func(q *forge.Message) { q.Scoped.ContextName = "nowhere" }, "1.3.6.1.6.3.12.1.5.0", both},
		{"a response", func(q *forge.Message) { q.Scoped.PDU.Type = snmp.Response }, silence, 0},
		{"a trap", func(q *forge.Message) { q.Scoped.PDU.Type = snmp.TrapV2 }, silence, 0},
		{"a trap of an unknown user", func(q *forge.Message) {
			q.User.Name, q.Flags, q.Scoped.PDU.Type = "nobody", snmp.ReportableFlag, snmp.TrapV2
		}, silence, 0},
		{"a report to another engine", func(q *forge.Message) {
			q.EngineID, q.Flags, q.Scoped.PDU.Type = engineID+"x", snmp.ReportableFlag, snmp.Report
		}, silence, 0},
		{"an inform", func(q *forge.Message) { q.Scoped.PDU.Type = snmp.InformRequest }, mpd, both},
	}
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, u, weak)
		m := serve(t, agent.Config{Engine: e})
		defer m.stop()
		m.server.SetAccess(everybody(u, weak))
		for _, tt := range tests {
			q := question(u, e)
			tt.edit(&q)
			b := m.exchange(octets(t, q))
			got := silence
			if b != nil {
				a := read(t, u, b)
				flags, p, s := a.Flags, a.Security, a.Scoped
				switch {
				case s.PDU.Type == snmp.Report && len(s.PDU.VarBinds) == 1:
					got = s.PDU.VarBinds[0].Name.String()
				case s.PDU.Type == snmp.Response && s.PDU.RequestID == 99 && text(s.PDU) == "m.1.1.0=m":
					got = "answer"
				default:
					got = text(s.PDU)
				}
				if flags != tt.level {
					t.Errorf("%s: the answer's flags are %d, want %d", tt.name, flags, tt.level)
				}
				if boots, seconds := e.Clock(time.Now()); string(p.EngineID) != engineID || uint32(p.Boots) != boots || uint32(p.Time) != seconds {
					t.Errorf("%s: answered by %x, boots %d, time %d", tt.name, p.EngineID, p.Boots, p.Time)
				}
				if s.PDU.Type == snmp.Report && s.ContextEngineID != engineID {
					t.Errorf("%s: reported for engine %x", tt.name, s.ContextEngineID)
				}
				unread := q.Flags&snmp.PrivFlag != 0 && !q.Plain && tt.level != both
				if want := map[bool]int32{false: 99}[unread]; s.PDU.Type == snmp.Report && s.PDU.RequestID != want {
					t.Errorf("%s: reported with the request-id %d, want %d", tt.name, s.PDU.RequestID, want)
				}
			}
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
	})
}

// Every bit of a message flipped: no answer, or a report; never the answer itself, and never a panic.
func TestV3EveryBitFlipped(t *testing.T) {
	u := keyed(t, "m", usm.SHA256, usm.AES)
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, u)
		m := serve(t, agent.Config{Engine: e})
		defer m.stop()
		m.server.SetAccess(everybody(u))
		q := question(u, e)
		for i := range len(octets(t, q)) * 8 {
			q := question(u, e) // time passes where there is no answer
			b := octets(t, q)
			b[i/8] ^= 0x80 >> (i % 8)
			answer := m.exchange(b)
			if answer == nil {
				continue
			}
			if s := read(t, u, answer).Scoped; s.PDU.Type != snmp.Report {
				t.Errorf("bit %d flipped: %v", i, s.PDU.Type)
			}
		}
	})
}

// Answers keep to the msgMaxSize that was sent, at every level.
func TestV3MaxSize(t *testing.T) {
	u := keyed(t, "m", usm.SHA256, usm.AES)
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, u)
		m := serve(t, agent.Config{Engine: e})
		defer m.stop()
		m.server.SetAccess(everybody(u))
		if _, err := m.server.Register(&bigHandler{first: 100}, agent.Registration{Root: names("1.3.6.1.4.1.1")[0].Name}); err != nil {
			t.Fatal(err)
		}
		for _, flags := range []snmp.Flags{0, snmp.AuthFlag, snmp.AuthFlag | snmp.PrivFlag} {
			for _, size := range []int32{484, 1000, 1472} {
				q := question(u, e)
				q.Flags, q.MaxSize, q.Scoped.PDU = flags|snmp.ReportableFlag, size, snmp.NewGetBulk(99, 0, 1000)
				q.Scoped.PDU.VarBinds = names("1.3.6.1.4.1.1")
				b := m.exchange(octets(t, q))
				if len(b) > int(size) || len(b) < int(size)-160 {
					t.Errorf("flags %d: an answer of %d octets to a msgMaxSize of %d", flags, len(b), size)
				}
				if s := read(t, u, b).Scoped; s.PDU.Type != snmp.Response || s.PDU.ErrorStatus != 0 {
					t.Errorf("flags %d: %v %v", flags, s.PDU.Type, s.PDU.ErrorStatus)
				}
				q.Scoped.PDU = snmp.PDU{Type: snmp.GetRequest, RequestID: 99, VarBinds: names(strings.Repeat("1.3.6.1.4.1.1.0 ", 15))}
				s := read(t, u, m.exchange(octets(t, q))).Scoped
				if want := size < 1900; (s.PDU.ErrorStatus == snmp.TooBig) != want {
					t.Errorf("flags %d: 15 values of 100 octets in %d: %v", flags, size, s.PDU.ErrorStatus)
				}
			}
		}
	})
}
