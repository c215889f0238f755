package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
)

const (
	flapping      = "p1 admin_up_oper_down firing>firing flapping"
	firesFlapping = "p1 admin_up_oper_down pending>firing flapping"
	calmed        = "p1 admin_up_oper_down firing>resolved recovered flapping"
)

// quick is a rule that fires with the second poll.
func quick() alert.Config {
	c := config()
	c.InterfaceMismatch.For = 0
	return c
}

// flap goes from the start to where the alert is flapping: the fourth change is one too many. It ends at 150 s, up.
func flap(more ...step) []step {
	return append([]step{
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", one(firing)},
		{60, "poll | p1 up/up", one(recovered)},
		{90, "poll | p1 up/down", one(pending)},
		{120, "poll | p1 up/down", one(firing)},
		{150, "poll | p1 up/up", one(flapping)},
	}, more...)
}

// polls returns quiet polls of a state, from and to inclusive, every 30 s.
func polls(state string, from, to int) (steps []step) {
	for at := from; at <= to; at += 30 {
		steps = append(steps, step{at, "poll | p1 " + state, nil})
	}
	return steps
}

func join(parts ...[]step) (all []step) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func TestFlapping(t *testing.T) {
	tests := map[string]struct {
		cfg   func(c *alert.Config)
		steps []step
	}{
		"one alert until five minutes are well": {nil, join(flap(), polls("up/up", 180, 420), []step{{450, "poll | p1 up/up", one(calmed)}})},
		"forty changes are one alert": {nil, func() []step {
			steps := flap()
			for at := 180; at < 180+40*60; at += 60 {
				steps = append(steps, polls("up/down", at, at)...)
				steps = append(steps, polls("up/up", at+30, at+30)...)
			}
			return append(append(steps, polls("up/up", 2580, 2820)...), step{2850, "poll | p1 up/up", one(calmed)})
		}()},
		"what is never for long enough is flapping all the same": {func(c *alert.Config) { c.InterfaceMismatch.For = time.Minute }, func() (steps []step) {
			steps = []step{{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/up", one(cancelled)},
				{60, "poll | p1 up/down", one(pending)}, {90, "poll | p1 up/up", one(firesFlapping)}}
			for at := 120; at < 1200; at += 60 {
				steps = append(steps, step{at, "poll | p1 up/down", nil}, step{at + 30, "poll | p1 up/up", nil})
			}
			return append(append(steps, polls("up/up", 1200, 1440)...), step{1470, "poll | p1 up/up", one(calmed)})
		}()},
		"two that are short and far apart are not": {func(c *alert.Config) { c.InterfaceMismatch.For = time.Minute }, []step{
			{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/up", one(cancelled)},
			{930, "poll | p1 up/down", one(pending)}, {960, "poll | p1 up/up", one(cancelled)},
		}},
		"held down, forty flaps are one alert from the beginning": {func(c *alert.Config) {
			c.InterfaceMismatch.KeepFiringFor, c.InterfaceMismatch.FlapChanges = 2*time.Minute, 0
		}, func() []step {
			steps := []step{{0, "poll | p1 up/down", one(pending)}, {30, "poll | p1 up/down", one(firing)}}
			for at := 60; at < 60+40*90; at += 90 {
				steps = append(steps, polls("up/up", at, at+30)...)
				steps = append(steps, polls("up/down", at+60, at+60)...)
			}
			return append(append(steps, polls("up/up", 3660, 3750)...), step{3780, "poll | p1 up/up", one(recovered)})
		}()},
		"a relapse begins the five minutes anew": {nil, join(flap(), polls("up/up", 180, 420), polls("up/down", 450, 450),
			polls("up/up", 480, 750), []step{{780, "poll | p1 up/up", one(calmed)}})},
		"down for good, then well": {nil, join(flap(), polls("up/down", 180, 3600), polls("up/up", 3630, 3900), []step{{3930, "poll | p1 up/up", one(calmed)}})},
		"it flaps again soon": {nil, join(flap(), polls("up/up", 180, 420), []step{
			{450, "poll | p1 up/up", one(calmed)},
			{480, "poll | p1 up/down", one(pending, firesFlapping)},
			{510, "poll | p1 up/down", nil},
			{540, "poll | p1 up/up", nil},
		})},
		"a fire may be the one that is too many": {func(c *alert.Config) { c.InterfaceMismatch.FlapChanges = 2 }, []step{
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", one(firing)},
			{60, "poll | p1 up/up", one(recovered)},
			{90, "poll | p1 up/down", one(pending, firesFlapping)},
			{120, "poll | p1 up/down", nil},
			{150, "poll | p1 up/up", nil},
		}},
		"changes that are too far apart": {nil, []step{
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", one(firing)},
			{60, "poll | p1 up/up", one(recovered)},
			{930, "poll | p1 up/down", one(pending)},
			{960, "poll | p1 up/down", one(firing)},
			{990, "poll | p1 up/up", one(recovered)},
			{1020, "poll | p1 up/down", one(pending)},
			{1050, "poll | p1 up/down", one(firing)},
			{1080, "poll | p1 up/up", one(flapping)},
		}},
		"turned off": {func(c *alert.Config) { c.InterfaceMismatch.FlapChanges = 0 }, func() (steps []step) {
			for at := 0; at < 900; at += 90 {
				steps = append(steps, step{at, "poll | p1 up/down", one(pending)}, step{at + 30, "poll | p1 up/down", one(firing)},
					step{at + 60, "poll | p1 up/up", one(recovered)})
			}
			return steps
		}()},

		"disabling it counts as well": {nil, join(flap(), polls("down/down", 180, 420), []step{{450, "poll | p1 down/down", one(calmed)}})},
		"the other kind waits, and begins when this one is over": {nil, join(flap(), polls("down/up", 180, 420), []step{
			{450, "poll | p1 down/up", one(calmed, "p1 admin_down_oper_up inactive>pending")},
			{480, "poll | p1 down/up", one("p1 admin_down_oper_up pending>firing")},
			{510, "poll | p1 down/down", one("p1 admin_down_oper_up firing>resolved recovered")},
		})},
		"the changes of the two kinds are not added up": {nil, []step{
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", one(firing)},
			{60, "poll | p1 down/up", one(recovered, "p1 admin_down_oper_up inactive>pending")},
			{90, "poll | p1 down/up", one("p1 admin_down_oper_up pending>firing")},
			{120, "poll | p1 up/down", one("p1 admin_down_oper_up firing>resolved recovered", pending)},
			{150, "poll | p1 up/down", one(firing)},
			{180, "poll | p1 up/up", one(recovered)},
		}},

		"unanswered polls are not well": {nil, join(flap(), polls("up/up", 180, 300), []step{
			{330, "fail timeout", one(silent)},
			{360, "fail timeout", one(unreachable)},
			{3600, "poll | p1 up/up", one(answered)}, // 150 s so far
		}, polls("up/up", 3630, 3720), []step{{3750, "poll | p1 up/up", one(calmed)}})},
		"a reboot freezes it": {nil, join(flap(), polls("up/up", 180, 300), []step{{330, "poll reset | p1 up/up", nil}},
			polls("up/up", 360, 750), []step{{780, "poll | p1 up/up", one(calmed)}})},
		"walks without its status pause": {nil, join(flap(), polls("-", 180, 600), polls("up/up", 630, 900), []step{{930, "poll | p1 up/up", one(calmed)}})},
		"a row that is gone ends it, and what is known of its changes": {nil, flap(
			step{180, "poll | p2 up/up", nil},
			step{210, "poll | p2 up/up", one("p1 admin_up_oper_down firing>resolved removed flapping")},
			step{240, "poll | p1 up/down", one(pending)},
			step{270, "poll | p1 up/down", one(firing)},
			step{300, "poll | p1 up/up", one(recovered)},
		)},

		"a restart forgets neither changes nor that it flaps": {nil, []step{
			{0, "poll | p1 up/down", one(pending)},
			{30, "poll | p1 up/down", one(firing)},
			{60, "poll | p1 up/up", one(recovered)},
			{70, "restart", nil},
			{90, "poll | p1 up/down", one(pending)},
			{120, "poll | p1 up/down", one(firing)},
			{130, "restart", nil},
			{150, "poll | p1 up/up", one(flapping)},
			{160, "restart", nil},
			{180, "poll | p1 up/up", nil},
			{210, "poll | p1 up/up", nil},
			{300, "poll | p1 up/up", nil},
			{310, "restart", nil}, // 150 s so far
			{330, "poll | p1 up/up", nil},
			{420, "poll | p1 up/up", nil},
			{450, "poll | p1 up/up", one(calmed)},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := quick()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			play(t, cfg, nil, tt.steps)
		})
	}
}

func TestFlappingReconfigured(t *testing.T) {
	off := quick()
	off.InterfaceMismatch.FlapChanges = 0
	play(t, quick(), &off, flap(
		step{160, "configure", nil},
		step{180, "poll | p1 up/down", nil},
		step{210, "poll | p1 up/up", one(calmed)},
		step{240, "poll | p1 up/down", one(pending)},
		step{270, "poll | p1 up/down", one(firing)},
		step{300, "poll | p1 up/up", one(recovered)},
	))
	none := quick()
	none.InterfaceMismatch.Enabled = false
	play(t, quick(), &none, flap(step{160, "configure", one("p1 admin_up_oper_down firing>resolved rule_removed flapping")}))
}

// What people read while it goes on.
func TestFlappingTold(t *testing.T) {
	e := play(t, quick(), nil, flap(polls("up/down", 180, 240)...))
	list := e.Alerts(start)
	var got []string
	for _, a := range list {
		got = append(got, fmt.Sprintf("%v flapping=%t since %v, observed %v: %s", a.State, a.Flapping, a.Since.Sub(start), a.Observed, a.Summary))
	}
	want := []string{
		"resolved flapping=false since 0s, observed 30s: sw1 p1: admin up, oper up; recovered after 1m0s",
		"firing flapping=true since 1m30s, observed 1m30s: sw1 p1: admin up, oper down, flapping",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ts := e.Observe(parsePoll(t, "| p1 up/up", start.Add(270*time.Second)))
	if len(ts) != 0 {
		t.Errorf("told: %v", brief(ts))
	}
	told := alert.NewEngine()
	told.Configure(start, quick())
	var summaries []string
	for _, s := range flap(append(polls("up/up", 180, 420), step{450, "poll | p1 up/up", nil})...) {
		for _, tr := range told.Observe(parsePoll(t, strings.TrimPrefix(s.do, "poll "), start.Add(time.Duration(s.at)*time.Second))) {
			if tr.Notifies() {
				summaries = append(summaries, tr.Summary)
			}
		}
	}
	want = []string{
		"sw1 p1: admin up, oper down, seen for 30s",
		"sw1 p1: admin up, oper up; recovered after 1m0s",
		"sw1 p1: admin up, oper down, seen for 30s",
		"sw1 p1: admin up, oper up, flapping: 4 changes in 2m30s",
		"sw1 p1: admin up, oper up, flapping; recovered after 1m0s", // and well for five minutes since
	}
	if diff := cmp.Diff(want, summaries); diff != "" {
		t.Error(diff)
	}
}

// A clock that is set back far makes no changes of the future count.
func TestFlappingClock(t *testing.T) {
	play(t, quick(), nil, []step{
		{86400, "poll | p1 up/down", one(pending)},
		{86430, "poll | p1 up/down", one(firing)},
		{86460, "poll | p1 up/up", one(recovered)},
		{0, "poll | p1 up/down", one(pending)},
		{30, "poll | p1 up/down", one(firing)},
		{60, "poll | p1 up/up", one(recovered)},
	})
}

// What comes and goes sooner than it is taken as over is told once, by default too.
func TestHoldDown(t *testing.T) {
	cfg := alert.DefaultConfig()
	cfg.Targets = []alert.Target{{Device: "sw1"}}
	down, again := "poll | p1 up/down", "poll | p1 up/up"
	play(t, cfg, nil, []step{
		{0, down, one(pending)}, {30, down, nil}, {60, down, one(firing)},
		{90, again, nil}, {120, again, nil}, // well for 30 s
		{150, down, nil}, {180, down, nil}, {210, down, nil},
		{240, again, one(flapping)},
		{270, down, nil}, {300, again, nil},
		{330, again, nil}, {420, again, nil}, {510, again, nil}, {570, again, nil}, {600, again, one(calmed)},
	})
	play(t, cfg, nil, []step{
		{0, down, one(pending)}, {30, down, nil}, {60, down, one(firing)},
		{90, again, nil}, {120, "fail timeout", one(silent)}, {150, again, one("no_answer pending>resolved recovered")}, // a poll that is not answered is not well
		{180, again, nil}, {210, again, one(recovered)},
	})
}

// A second word of the same reset does not make the time before it that of the new run.
func TestRebootedTells(t *testing.T) {
	cfg := config()
	cfg.DeviceRebooted.Enabled = true
	e := play(t, cfg, nil, []step{
		{0, "poll up=100000 | p1 up/up", nil},
		{30, "poll reset up=500 | p1 up/up", one("rebooted inactive>firing")},
		{60, "poll reset up=3500 | p1 up/up", nil},
	})
	if got, want := e.Alerts(start)[0].Summary, "sw1: the device or its SNMP agent restarted, it is up for 35s and was for 16m40s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
