package main

import (
	"errors"
	"log/slog"
	"testing"

	"walkabout/agent"
	"walkabout/agent/agenttest"
	"walkabout/internal/bench/agents"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
)

// serveLocal answers for this machine on a free port of loopback until the test ends.
func serveLocal(t *testing.T) *agents.Agent {
	t.Helper()
	a, err := localagent.New(t.Context(), localagent.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.SetCommunities([]agent.Community{{Name: secret.New(agents.Community), Principal: "test"}})
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return &agents.Agent{Name: "test", Addr: agenttest.ServeUDP(t, a)}
}

// Every walk that is measured goes to its end, by rows and by columns, and finds out when rows are missing.
func TestWalks(t *testing.T) {
	a := serveLocal(t)
	c, err := dial(a.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, s := range scenes {
		for _, w := range s.walks {
			w.least = 0
			if err := c.walk(t.Context(), w); err != nil {
				t.Errorf("%s: %v", w.name, err)
			}
			w.least = 1 << 30
			if err := c.walk(t.Context(), w); !errors.Is(err, errRows) {
				t.Errorf("%s with rows missing: %v", w.name, err)
			}
		}
	}
	for _, byRow := range []bool{true, false} {
		if err := c.walk(t.Context(), walk{tables: []tableOf{ifTable, ifXTable}, byRow: byRow, least: 1}); err != nil {
			t.Error(err)
		}
	}
}

// Another client is asked while something runs, and what that says is passed on.
func TestBeside(t *testing.T) {
	a := serveLocal(t)
	failed := errors.New("failed")
	waits, err := beside(t.Context(), a, func() error { return failed }, 0)
	if !errors.Is(err, failed) {
		t.Errorf("%v, %v", waits, err)
	}
	for asked := 0; asked == 0; asked = len(waits) {
		if waits, err = beside(t.Context(), a, func() error { return nil }, 0); err != nil {
			t.Fatal(err)
		}
	}
}
