package agent_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"walkabout/agent"
	"walkabout/snmp"
)

// The manager is at 198.51.100.9.
func TestSourceFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		manager, other := netip.MustParseAddr("::ffff:198.51.100.9"), netip.MustParseAddr("198.51.100.10")
		refused := uint64(0)
		for _, c := range []struct {
			filter agent.SourceFilter
			heard  bool
		}{
			{agent.SourceFilter{}, true},
			{agent.SourceFilter{Only: true}, false},
			{agent.SourceFilter{Only: true, Addresses: []netip.Addr{other}}, false},
			{agent.SourceFilter{Only: true, Addresses: []netip.Addr{other, manager}}, true},
			{agent.SourceFilter{Addresses: []netip.Addr{other}}, true},
			{agent.SourceFilter{Addresses: []netip.Addr{other, manager}}, false},
			{agent.SourceFilter{}, true},
		} {
			m.server.SetSourceFilter(c.filter)
			if _, heard := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.2.1.2.1.0")}); heard != c.heard {
				t.Errorf("%+v: heard %t", c.filter, heard)
			}
			if !c.heard {
				refused++
			}
			if got := m.server.Stats().SourcesRefused; got != refused {
				t.Errorf("%+v: %d refused, want %d", c.filter, got, refused)
			}
		}
	})
}
