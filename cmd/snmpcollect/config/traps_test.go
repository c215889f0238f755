package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/trap"
)

func TestTraps(t *testing.T) {
	const section = `traps: {listen: ["127.0.0.1:1162", ":162"], credentials: [lab, {credential: lab, engine_id: 0x80001f888001}], forwarders: [192.0.2.200, 198.51.100.7/24], unknown: true, poll: false}
`
	c, problems := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", ", trap_sources: [192.0.2.7]", section), 0o600), collector.BuiltIn(), getenv)
	if problems != nil {
		t.Fatal(problems)
	}
	want := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1162"), netip.MustParseAddrPort("0.0.0.0:162"), netip.MustParseAddrPort("[::]:162")}
	if diff := cmp.Diff(want, c.Traps.Listen, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	got := c.Traps.For(c.Targets)
	if !got.Unknown || c.Traps.Poll || len(got.Credentials) != 2 || got.Credentials[0].Community.Reveal() != "public" || got.Credentials[1].EngineID != "\x80\x00\x1f\x88\x80\x01" {
		t.Errorf("%+v", got)
	}
	if len(got.Forwarders) != 2 || got.Forwarders[0].String() != "192.0.2.200/32" || got.Forwarders[1].String() != "198.51.100.0/24" {
		t.Errorf("forwarders: %v", got.Forwarders)
	}
	address := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if diff := cmp.Diff([]trap.Target{{Name: "a", Host: "192.0.2.1", More: []netip.Addr{netip.MustParseAddr("192.0.2.7")}}}, got.Targets, address, cmp.AllowUnexported(trap.Target{})); diff != "" {
		t.Error(diff)
	}
	if s := c.Summary(); !strings.Contains(s, "traps at 127.0.0.1:1162, 0.0.0.0:162, [::]:162 from communities: 2\n") || strings.Contains(s, "public") {
		t.Error(s)
	}
}

func TestTrapProblems(t *testing.T) {
	for text, want := range map[string]string{
		"traps: {}":                 ":7: error: traps: nothing listens",
		`traps: {listen: [":162"]}`: ":7: error: traps: no credential is named",
		`traps: {listen: ["localhost"], credentials: [lab]}`:                           `:7: error: listen "localhost" is not ADDRESS:PORT`,
		`traps: {listen: [":70000"], credentials: [lab]}`:                              `:7: error: listen ":70000": the port`,
		`traps: {listen: [":162"], credentials: [labs]}`:                               `:7: error: no credential is called "labs"; did you mean "lab"?`,
		`traps: {listen: [":162"], credentials: [{name: lab}]}`:                        `:7: error: write the name of a credential, or`,
		`traps: {listen: [":162"], credentials: [{credential: lab, engine_id: 0x80}]}`: `:7: error: engine_id "0x80" is not 5 to 32 octets`,
		`traps: {listen: [":162"], credentials: [lab], forwarders: [x]}`:               `:7: error: "x" is no address`,
	} {
		path := write(t, "c.yaml", lab("version: 2c, community: public", "", text+"\n"), 0o600)
		_, problems := config.Load(path, collector.BuiltIn(), getenv)
		if len(problems) == 0 || !strings.HasPrefix(problems[0].String(), path+want) {
			t.Errorf("%s:\n got %v\nwant %s", text, problems, want)
		}
	}
	path := write(t, "c.yaml", lab("version: 2c, community: public", ", trap_sources: [x]", ""), 0o600)
	if _, problems := config.Load(path, collector.BuiltIn(), getenv); len(problems) != 1 || !strings.Contains(problems[0].String(), `:4: error: trap_sources: "x" is no address`) {
		t.Errorf("%v", problems)
	}
}

func TestPing(t *testing.T) {
	for text, want := range map[string]collector.PingMode{"": collector.PingSilent, ", ping: always": collector.PingAlways, ", ping: never": collector.PingNever} {
		c, problems := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", text, ""), 0o600), collector.BuiltIn(), getenv)
		if problems != nil || c.Targets[0].Ping != want {
			t.Errorf("%q: %v, %v", text, c.Targets, problems)
		}
	}
	c, problems := config.Load(write(t, "c.yaml", lab("version: 2c, community: public", "", "ping: always\n"), 0o600), collector.BuiltIn(), getenv)
	if problems != nil || c.Targets[0].Ping != collector.PingAlways {
		t.Errorf("at the top: %v, %v", c.Targets, problems)
	}
	_, problems = config.Load(write(t, "c.yaml", lab("version: 2c, community: public", ", ping: yes", ""), 0o600), collector.BuiltIn(), getenv)
	if len(problems) != 1 || !strings.Contains(problems[0].String(), `:4: error: ping "yes": write silent`) {
		t.Errorf("%v", problems)
	}
}
