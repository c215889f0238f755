package snmpdconf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/privilege"
)

func TestRun(t *testing.T) {
	for text, want := range map[string]snmpdconf.Run{
		"agentuser Debian-snmp\nagentgroup 113 # of Debian": {User: "Debian-snmp", Group: "113"},
		"fence no": {Unfenced: true}, "Fence yes": {},
		"AGENTUSER 1000": {User: "1000"},
		"agentCapabilities CAP_SYS_PTRACE dac_read_search\nagentCapabilities sys_ptrace": {Capabilities: []privilege.Capability{privilege.SysPtrace, privilege.DACReadSearch}},
	} {
		c, diagnostics := snmpdconf.Parse("x", []byte(text))
		if diff := cmp.Diff(want, c.Run); diff != "" || len(diagnostics) > 0 {
			t.Errorf("%q: %v, %s", text, diagnostics, diff)
		}
	}
	for _, text := range []string{"agentuser a b", "agentuser", "agentCapabilities sys_admin", "agentgroup a b", "fence perhaps"} {
		if _, diagnostics := snmpdconf.Parse("x", []byte(text)); !snmpdconf.HasErrors(diagnostics) {
			t.Errorf("%q: %v", text, diagnostics)
		}
	}
}
