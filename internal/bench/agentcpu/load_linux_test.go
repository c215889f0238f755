package main

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"walkabout/agent"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// serveLocal answers for this machine on a free port of loopback until the test ends.
func serveLocal(t *testing.T) *daemon {
	t.Helper()
	a, err := localagent.New(t.Context(), localagent.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.SetCommunities([]agent.Community{{Name: secret.New(community), Principal: "reader"}})
	socket, err := agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.ServeDatagrams(ctx, socket) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &daemon{name: "test", addr: socket.LocalAddr()}
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
		{"exception", testCase{"", 1, ask(snmp.GetRequest, "1.3.6.1.9"), 1}, "noSuchObject"},
		{"too few", testCase{"", 1, ask(snmp.GetRequest, "1.3.6.1.2.1.1.3.0"), 2}, "1 variable bindings, of 2"},
		{"error-status", testCase{"", 1, ask(snmp.SetRequest, "1.3.6.1.2.1.1.3.0"), 1}, snmp.NoAccess.String()},
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
