package agent_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Of the table in testTree a GetBulk without bounds reads on to its end.
func TestSetBulkLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		const column, all = "1.3.6.1.2.1.2.2.1.1", 6
		for _, tt := range []struct {
			limits       agent.BulkLimits
			names        string
			nonRepeaters int32
			asked, want  int
		}{
			{agent.BulkLimits{}, column, 0, all, all},
			{agent.BulkLimits{Repetitions: -1, Responses: -1}, column, 0, all, all},
			{agent.BulkLimits{Repetitions: 3}, column, 0, all, 3},
			{agent.BulkLimits{Repetitions: 3}, column, 0, 2, 2},
			{agent.BulkLimits{Repetitions: 3}, column + " " + column, 0, all, 6},
			{agent.BulkLimits{Responses: 5}, column, 0, all, 5},
			{agent.BulkLimits{Responses: 5}, column + " " + column, 0, all, 4},
			{agent.BulkLimits{Responses: 5}, column + " " + column + " " + column, 1, all, 5},
			{agent.BulkLimits{Responses: 1}, column + " " + column + " " + column, 0, all, 3},
			{agent.BulkLimits{Responses: 1}, column + " " + column, 2, all, 2},
			{agent.BulkLimits{Repetitions: 2, Responses: 3}, column, 0, all, 2},
			{agent.BulkLimits{Repetitions: 2, Responses: 3}, column + " " + column, 0, all, 2},
			{agent.BulkLimits{Repetitions: 2}, column, 0, 0, 0},
		} {
			m.server.SetBulkLimits(tt.limits)
			p := snmp.NewGetBulk(1, tt.nonRepeaters, int32(tt.asked))
			p.VarBinds = names(tt.names)
			if a, ok := m.ask(snmp.V2c, "public", p); !ok || len(a.VarBinds) != tt.want {
				t.Errorf("%+v: %d variable bindings, want %d", tt, len(a.VarBinds), tt.want)
			}
		}
	})
}

// A GetBulk that runs into objects that cannot be read gives what stands before them, and only who asks for them gets the error.
func TestBulkBeforeFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		root := oid.MustParse("1.3.6.1.4.1.5") // after all of testTree
		if _, err := m.server.Register(&liar{err: errors.New("broken")}, agent.Registration{Root: root}); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct{ names, want string }{
			{"1.3.6.1.2.1.2.2.1.10.1", "m.2.2.1.10.2=1099511627777 m.2.2.1.10.7=1099511627778 m.2.3.0=3"},
			{"1.3.6.1.2.1.2.2.1.1 1.3.6.1.2.1.2.2.1.10.7", "m.2.2.1.1.1=1 m.2.3.0=3"},
			{"1.3.6.1.2.1.2.3.0", "genErr 1 | m.2.3.0=NULL"},
			{"1.3.6.1.2.1.2.2.1.1 1.3.6.1.2.1.2.3.0", "genErr 2 | m.2.2.1.1=NULL m.2.3.0=NULL"},
		} {
			p := snmp.NewGetBulk(1, 0, 10)
			p.VarBinds = names(tt.names)
			if a, ok := m.ask(snmp.V2c, "public", p); !ok || text(a) != tt.want {
				t.Errorf("%s: %s, want %s", tt.names, text(a), tt.want)
			}
		}
	})
}

func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		asker := netip.MustParsePrefix("198.51.100.9/32") // the manager's
		elsewhere := netip.MustParsePrefix("203.0.113.0/24")
		all := agent.CommunityAccess(agent.Community{Name: secret.New("public"), Principal: "reader"})
		for _, tt := range []struct {
			refused netip.Prefix
			want    bool
		}{{asker, false}, {elsewhere, true}} {
			a := all
			a.Communities = append([]agent.CommunityEntry{{Community: secret.New("public"), Sources: []netip.Prefix{tt.refused}, Refuse: true}}, all.Communities...)
			m.server.SetAccess(a)
			p := snmp.PDU{Type: snmp.GetRequest, RequestID: 1, VarBinds: names("1.3.6.1.2.1.1.3.0")}
			if _, ok := m.ask(snmp.V2c, "public", p); ok != tt.want {
				t.Errorf("refused from %v: answered %t", tt.refused, ok)
			}
		}
		if n := m.counters.Load(snmp.InBadCommunityNames); n != 1 {
			t.Errorf("snmpInBadCommunityNames %d, want 1", n)
		}
	})
}
