package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/agent/agenttest"
	"walkabout/internal/bench/agents"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// engine returns an engine that knows the user of SNMPv3.
func engine(t *testing.T) *usm.Engine {
	t.Helper()
	const id = "\x80\x00\x1f\x88\x04bench"
	e, err := usm.NewEngine(id, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	auth, err := usm.PasswordToKey(usm.SHA, v3AuthPassword)
	if err != nil {
		t.Fatal(err)
	}
	priv, err := usm.PasswordToKey(usm.SHA, v3PrivPassword)
	if err != nil {
		t.Fatal(err)
	}
	err = e.SetUsers([]usm.User{{Name: v3User, Auth: usm.SHA, Priv: usm.AES, AuthKey: usm.Localize(usm.SHA, auth, id), PrivKey: usm.PrivKey(usm.SHA, usm.AES, priv, id)}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// serveLocal answers for this machine on a free port of loopback until the test ends.
func serveLocal(t *testing.T) *daemon {
	t.Helper()
	e := engine(t)
	a, err := localagent.New(t.Context(), localagent.Options{Engine: e, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	served, err := number()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Register(served, agent.Registration{Root: playpen}); err != nil {
		t.Fatal(err)
	}
	a.SetAccess(agent.Access{
		Communities: []agent.CommunityEntry{{Community: secret.New(agents.Community), SecurityName: "reader"}},
		Policy: vacm.NewPolicy(
			[]vacm.Member{{Model: vacm.V2c, Name: "reader", Group: "all"}, {Model: vacm.USM, Name: v3User, Group: "all"}},
			[]vacm.Entry{{Group: "all", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: "all"}}},
			map[string][]vacm.Family{"all": {{}}}),
	})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &daemon{Agent: &agents.Agent{Name: "test", Addr: agenttest.ServeUDP(t, a)}}
}

// Every case that is measured is answered as it should be.
func TestCases(t *testing.T) {
	d := serveLocal(t)
	index, _, err := loopback()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range casesFor(index) {
		l, err := newLoad(d, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.run(50); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		l.close()
	}
}

// A wrong answer is not counted as one.
func TestWrongAnswers(t *testing.T) {
	d := serveLocal(t)
	ask := func(kind snmp.PDUType, name string) snmp.PDU {
		return snmp.PDU{Type: kind, VarBinds: []snmp.VarBind{{Name: oid.MustParse(name)}}}
	}
	for _, tt := range []struct {
		name string
		c    testCase
		want string
	}{
		{"exception", testCase{window: 1, pdu: ask(snmp.GetRequest, "1.3.6.1.9"), varBinds: 1}, "noSuchObject"},
		{"too few", testCase{window: 1, pdu: ask(snmp.GetRequest, "1.3.6.1.2.1.1.3.0"), varBinds: 2}, "1 variable bindings, of 2"},
		{"error-status", testCase{window: 1, pdu: ask(snmp.SetRequest, "1.3.6.1.2.1.1.3.0"), varBinds: 1}, snmp.NoAccess.String()},
	} {
		l, err := newLoad(d, tt.c)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.run(1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		l.close()
	}
}
