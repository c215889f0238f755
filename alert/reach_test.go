package alert_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
)

// family has core1, behind which are acc1 and, behind that, acc2.
func family() alert.Config {
	c := config()
	c.Targets = []alert.Target{{Device: "core1"}, {Device: "acc1", Labels: map[string]string{"parent": "core1"}},
		{Device: "acc2", Labels: map[string]string{"parent": "acc1"}}}
	return c
}

func TestCauses(t *testing.T) {
	silentOff := config()
	silentOff.SNMPSilent.Enabled = false
	for name, c := range map[string]struct {
		cfg   alert.Config
		steps []step
	}{
		"host down": {config(), []step{{0, "silent sw1 host_down", one("no_answer inactive>pending")}, {30, "silent sw1 host_down", one("no_answer pending>firing")}}},
		"SNMP silent": {config(), []step{{0, "silent sw1 snmp_silent", one("snmp_silent inactive>pending")}, {30, "silent sw1 snmp_silent", one("snmp_silent pending>firing")},
			{60, "poll", one("snmp_silent firing>resolved recovered")}}},
		"wrong password": {config(), []step{{0, "silent sw1 authentication", one("authentication_failed inactive>pending")},
			{30, "silent sw1 authentication", one("authentication_failed pending>firing")}}},
		"we had no time": {config(), []step{{0, "silent sw1 crowded", nil}, {30, "silent sw1 crowded", nil}, {60, "silent sw1 timeout", one(silent)}}},
		"first silent, then down": {config(), []step{
			{0, "silent sw1 snmp_silent", one("snmp_silent inactive>pending")},
			{30, "silent sw1 host_down", one("snmp_silent pending>resolved superseded", "no_answer inactive>firing")},
			{60, "silent sw1 snmp_silent", nil}, // one word against another
			{90, "silent sw1 host_down", nil},
			{120, "silent sw1 snmp_silent", nil},
			{150, "silent sw1 snmp_silent", one("no_answer firing>resolved superseded", "snmp_silent inactive>firing")},
			{180, "poll", one("snmp_silent firing>resolved recovered")},
		}},
		"a rule that is off": {silentOff, []step{{0, "silent sw1 snmp_silent", nil}, {30, "silent sw1 snmp_silent", nil}, {60, "silent sw1 host_down", one("no_answer inactive>firing")}}},
	} {
		t.Run(name, func(t *testing.T) { play(t, c.cfg, nil, c.steps) })
	}
}

// TestParents: what is behind a device that does not answer is explained by it, and waits until that was asked once.
func TestParents(t *testing.T) {
	loop := config()
	loop.Targets = []alert.Target{{Device: "a", Labels: map[string]string{"parent": "b"}}, {Device: "b", Labels: map[string]string{"parent": "a"}}}
	for name, c := range map[string]struct {
		cfg   alert.Config
		steps []step
	}{
		"the parent is down": {family(), []step{
			{0, "poll device=core1", nil}, {0, "poll device=acc1", nil}, {1, "poll device=acc2", nil},
			{10, "silent acc1 host_down", one("acc1 no_answer inactive>pending")},
			{11, "silent acc2 host_down", one("acc2 no_answer inactive>pending")},
			{30, "silent core1 host_down", one("core1 no_answer inactive>pending")},
			{40, "silent acc1 host_down", nil},
			{41, "silent acc2 host_down", nil},
			{60, "silent core1 host_down", one("core1 no_answer pending>firing")},
			{70, "silent acc1 host_down", nil},
			{90, "poll device=core1", one("core1 no_answer firing>resolved recovered")},
			{100, "poll device=acc1", one("acc1 no_answer pending>resolved recovered")},
			{101, "silent acc2 host_down", nil}, // it had no chance before
			{131, "silent acc2 host_down", one("acc2 no_answer pending>firing")},
		}},
		"the child's polls come first": {family(), []step{
			{0, "poll device=core1", nil},
			{10, "silent acc1 host_down", one("acc1 no_answer inactive>pending")},
			{12, "silent acc1 host_down", nil}, // due, but who knows about core1
			{30, "silent core1 host_down", one("core1 no_answer inactive>pending")},
			{60, "silent core1 host_down", one("core1 no_answer pending>firing")},
		}},
		"the parent is well": {family(), []step{
			{0, "poll device=core1", nil},
			{10, "silent acc1 host_down", one("acc1 no_answer inactive>pending")},
			{12, "silent acc1 host_down", nil},
			{30, "poll device=core1", one("acc1 no_answer pending>firing")},
		}},
		"the parent is not polled at all": {family(), []step{
			{10, "silent acc1 host_down", one("acc1 no_answer inactive>pending")},
			{40, "silent acc1 host_down", nil},
			{70, "silent acc1 host_down", nil},
			{130, "silent acc1 host_down", nil},
			{165, "advance", one("acc1 no_answer pending>firing")},
		}},
		"what the parent did before we were off for an hour says nothing": {family(), []step{
			{0, "poll device=core1", nil},
			{10, "silent acc1 host_down", one("acc1 no_answer inactive>pending")},
			{20, "poll device=core1", nil},
			{25, "restart", nil},
			{3600, "silent acc1 host_down", nil}, // due
			{3610, "silent core1 host_down", one("core1 no_answer inactive>pending")},
			{3630, "silent acc1 host_down", nil},
			{3640, "silent core1 host_down", one("core1 no_answer pending>firing")},
		}},
		"a loop explains nothing": {loop, []step{
			{0, "silent a host_down", one("a no_answer inactive>pending")},
			{1, "poll device=b", nil},
			{30, "silent a host_down", one("a no_answer pending>firing")},
		}},
	} {
		t.Run(name, func(t *testing.T) { play(t, c.cfg, nil, c.steps) })
	}
}

// A device that is explained counts once, whatever it does not answer for.
func TestExplainsCounts(t *testing.T) {
	e := play(t, family(), nil, []step{
		{0, "silent core1 host_down", one("core1 no_answer inactive>pending")},
		{10, "silent acc1 timeout", one("acc1 no_answer inactive>pending")},
		{30, "silent core1 host_down", one("core1 no_answer pending>firing")},
		{40, "silent acc1 snmp_silent", one("acc1 no_answer pending>resolved superseded", "acc1 snmp_silent inactive>pending")},
	})
	var got []string
	for _, a := range e.Alerts(start) {
		got = append(got, fmt.Sprintf("%s %v by %q, explains %d", a.Device, a.State, a.ExplainedBy, a.Explains))
	}
	if diff := cmp.Diff([]string{`acc1 pending by "core1", explains 0`, `core1 firing by "", explains 1`}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
