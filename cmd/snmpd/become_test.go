package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/privilege"
)

// TestCapabilities has what is kept beside net_bind_service.
func TestCapabilities(t *testing.T) {
	for text, want := range map[string][]privilege.Capability{
		"rocommunity public":                                     nil,
		"rwcommunity private":                                    {privilege.NetAdmin},
		"rwcommunity private default .1.3.6.1.2.1.1":             nil,
		"rwcommunity private default .1.3.6.1.2.1.31.1.1.1.18.3": {privilege.NetAdmin},
		"rwuser joe":                   {privilege.NetAdmin},
		"rwuser joe noauth .1.3.6.1.6": nil,
		"rocommunity public\nagentCapabilities sys_ptrace":                                                                                               {privilege.SysPtrace},
		"rwuser joe\nagentCapabilities cap_net_admin cap_net_raw":                                                                                        {privilege.NetAdmin, privilege.NetRaw},
		"com2sec a default b\ngroup g v2c a\nview v included .1.3.6.1.2.1.4.1\naccess g \"\" any noauth exact none v none":                               {privilege.NetAdmin},
		"com2sec a default b\ngroup g v2c a\nview v included .1.3.6.1.2.1.4.1\naccess g \"\" any noauth exact v none none":                               nil,
		"com2sec a default b\ngroup g v2c a\nview v included .1.3.6.1.2.1.1\nview v excluded .1.3.6.1.2.1.4\naccess g \"\" any noauth exact none v none": nil,
	} {
		config, diagnostics := snmpdconf.Parse("x", []byte(text))
		if snmpdconf.HasErrors(diagnostics) {
			t.Fatalf("%q: %v", text, diagnostics)
		}
		if diff := cmp.Diff(append([]privilege.Capability{privilege.NetBindService}, want...), capabilities(config)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestBecome(t *testing.T) {
	path := config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+"\nagentuser 1999999999\nagentgroup 1999999999\nagentCapabilities sys_ptrace")
	d := start(t, nil, "-g", "#1999999998", "-c", path)
	d.ready()
	want := privilege.Plan{
		Identity: privilege.Identity{Name: "1999999999:#1999999998", UID: 1999999999, GID: 1999999998, Groups: []int{1999999998}},
		Keep:     []privilege.Capability{privilege.NetBindService, privilege.SysPtrace}, Readable: []string{path},
	}
	if diff := cmp.Diff(want, <-d.plans); diff != "" {
		t.Error(diff)
	}
	write(t, path, "agentAddress 127.0.0.1:0\nrwcommunity "+hidden+"\nagentuser 1999999999\nagentCapabilities sys_ptrace")
	d.hangup <- syscall.SIGHUP
	if log := strings.Join(d.until("msg=reloaded"), ""); !strings.Contains(log, "capability=net_admin") || strings.Contains(log, "take effect at the next start") {
		t.Errorf("of what needs another start the log says\n%s", log)
	}
	write(t, path, "agentAddress 127.0.0.1:0\nrocommunity "+hidden)
	d.hangup <- syscall.SIGHUP
	if log := strings.Join(d.until("msg=reloaded"), ""); !strings.Contains(log, "agentuser, agentgroup, agentCapabilities and fence take effect at the next start") {
		t.Errorf("of what needs another start the log says\n%s", log)
	}
	d.finish()
}

func TestBecomeNobodyKnown(t *testing.T) {
	d := start(t, nil, "-u", "no-such-user-here", "-C", "127.0.0.1:0")
	if out := d.end(exitError); !strings.Contains(out, "no-such-user-here") {
		t.Errorf("the user is not named:\n%s", out)
	}
}
