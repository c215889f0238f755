package counter_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
)

// after is what an agent that runs on says this long after prev.
func after(prev counter.Instant, d time.Duration) counter.Instant {
	cur := prev
	cur.At = prev.At.Add(d)
	cur.UpTime += uint32(d / (10 * time.Millisecond))
	cur.EngineTime += uint32(d / time.Second)
	return cur
}

func TestBetween(t *testing.T) {
	const day = 24 * time.Hour
	prev := counter.Instant{At: time.Unix(1e9, 0), UpTime: 50_000_000, HasUpTime: true, EngineTime: 400_000, Engine: 7, Identity: 3}
	agent := func(d time.Duration) counter.Interval {
		return counter.Interval{Elapsed: d, Verdict: counter.OK, Clock: counter.AgentClock}
	}
	collector := func(d time.Duration) counter.Interval { return counter.Interval{Elapsed: d, Verdict: counter.OK} }
	bad := func(d time.Duration, v counter.Verdict) counter.Interval {
		return counter.Interval{Elapsed: d, Verdict: v}
	}
	unsound := func(d time.Duration) counter.Interval {
		return counter.Interval{Elapsed: d, Verdict: counter.OK, Clock: counter.UnsoundClock}
	}
	tests := []struct {
		name    string
		elapsed time.Duration
		change  func(prev, cur *counter.Instant)
		maxGap  time.Duration
		want    counter.Interval
	}{
		{name: "runs on", elapsed: 30 * time.Second, want: agent(30 * time.Second)},

		// Rule 1
		{"other identity", 30 * time.Second, func(_, c *counter.Instant) { c.Identity++ }, 0, bad(0, counter.First)},
		{"identity is before reset", 30 * time.Second, func(_, c *counter.Instant) { c.Identity++; c.UpTime = 0 }, 0, bad(0, counter.First)},

		// Replies that come late
		{"the same moment", 0, nil, 0, bad(0, counter.Stale)},
		{"earlier", -time.Second, nil, 0, bad(0, counter.Stale)},

		// Rule 2: 3 s or 2 %, and the round trip
		{"restart", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime = 1000 }, 0, bad(30*time.Second, counter.Reset)},
		{"3 s behind", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime -= 300 }, 0, collector(30 * time.Second)},
		{"3.01 s behind", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime -= 301 }, 0, bad(30*time.Second, counter.Reset)},
		{"3 s ahead", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime += 300 }, 0, collector(30 * time.Second)},
		{"3.01 s ahead", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime += 301 }, 0, bad(30*time.Second, counter.Reset)},
		{"a round trip more", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime -= 400; c.RoundTrip = time.Second }, 0, collector(30 * time.Second)},
		{"the earlier round trip", 30 * time.Second, func(p, c *counter.Instant) { c.UpTime -= 400; p.RoundTrip = time.Second }, 0, collector(30 * time.Second)},
		{"more than it", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime -= 401; c.RoundTrip = time.Second }, 0, bad(30*time.Second, counter.Reset)},
		{"2 % of 10 min behind", 10 * time.Minute, func(_, c *counter.Instant) { c.UpTime -= 1200 }, 0, agent(588 * time.Second)},
		{"more than 2 %", 10 * time.Minute, func(_, c *counter.Instant) { c.UpTime -= 1201 }, 0, bad(10*time.Minute, counter.Reset)},
		{"2 % ahead", 10 * time.Minute, func(_, c *counter.Instant) { c.UpTime += 1200 }, 0, agent(612 * time.Second)},
		{"clock stopped", 30 * time.Second, func(p, c *counter.Instant) { c.UpTime = p.UpTime }, 0, bad(30*time.Second, counter.Reset)},
		{"other engine", 30 * time.Second, func(_, c *counter.Instant) { c.Engine = 8 }, 0, bad(30*time.Second, counter.Reset)},
		{"engine unknown before", 30 * time.Second, func(p, _ *counter.Instant) { p.Engine = 0 }, 0, agent(30 * time.Second)},
		{"engine unknown now", 30 * time.Second, func(_, c *counter.Instant) { c.Engine = 0 }, 0, agent(30 * time.Second)},
		{"engine is before uptime missing", 30 * time.Second, func(_, c *counter.Instant) { c.Engine = 8; c.HasUpTime = false }, 0, bad(30*time.Second, counter.Reset)},

		// A jump ahead
		{"jump with engine time", 30 * time.Second, func(p, c *counter.Instant) { p.HasEngineTime, c.HasEngineTime = true, true; c.UpTime += 100000 }, 0, unsound(30 * time.Second)},
		{"jump, engine time 3 s off", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime = true, true
			c.UpTime += 100000
			c.EngineTime += 3
		}, 0, unsound(30 * time.Second)},
		{"jump of both", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime = true, true
			c.UpTime += 100000
			c.EngineTime += 4
		}, 0, bad(30*time.Second, counter.Reset)},
		{"jump, engine restarted", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime = true, true
			c.UpTime += 100000
			c.EngineTime = 5
		}, 0, bad(30*time.Second, counter.Reset)},
		{"jump, engine time known once", 30 * time.Second, func(_, c *counter.Instant) { c.HasEngineTime = true; c.UpTime += 100000 }, 0, bad(30*time.Second, counter.Reset)},
		{"a jump back is not forgiven", 30 * time.Second, func(p, c *counter.Instant) { p.HasEngineTime, c.HasEngineTime = true, true; c.UpTime -= 1000 }, 0, bad(30*time.Second, counter.Reset)},
		{"engine restarted alone", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime = true, true
			c.EngineTime = 5
		}, 0, agent(30 * time.Second)},

		// 497 days
		{"wraps", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime = math.MaxUint32 - 999; c.UpTime = 2000 }, 0, agent(30 * time.Second)},
		{"wraps to 0", 10 * time.Second, func(p, c *counter.Instant) { p.UpTime = math.MaxUint32 - 999; c.UpTime = 0 }, 0, agent(10 * time.Second)},
		{"restart near the wrap", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime = math.MaxUint32 - 999; c.UpTime = 1600 }, 0, bad(30*time.Second, counter.Reset)},
		{"restart long after", 400 * day, func(_, c *counter.Instant) { c.UpTime = 1000 }, 0, bad(400*day, counter.Reset)},

		// An agent that was just started
		{"young", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime, c.UpTime = 100, 3100 }, 0, agent(30 * time.Second)},
		{"young, again started", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime, c.UpTime = 100, 2990 }, 0, bad(30*time.Second, counter.Reset)},
		{"too young to know", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime, c.UpTime = 50, 3050 }, 0, bad(30*time.Second, counter.Reset)},
		{"restarted twice, seen by the tolerance", 30 * time.Second, func(p, c *counter.Instant) { p.UpTime, c.UpTime = 500, 2900 }, 0, bad(30*time.Second, counter.Reset)},

		// No sysUpTime
		{"no uptime", 30 * time.Second, func(p, c *counter.Instant) { p.HasUpTime, c.HasUpTime = false, false }, 0, bad(30*time.Second, counter.Ambiguous)},
		{"no uptime before", 30 * time.Second, func(p, _ *counter.Instant) { p.HasUpTime = false }, 0, bad(30*time.Second, counter.Ambiguous)},
		{"no uptime now", 30 * time.Second, func(_, c *counter.Instant) { c.HasUpTime = false }, 0, bad(30*time.Second, counter.Ambiguous)},
		{"engine time stands in", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime, c.HasUpTime = true, true, false
		}, 0, collector(30 * time.Second)},
		{"engine time shows the restart", 30 * time.Second, func(p, c *counter.Instant) {
			p.HasEngineTime, c.HasEngineTime, c.HasUpTime, c.EngineTime = true, true, false, 9
		}, 0, bad(30*time.Second, counter.Reset)},

		// Rule 3
		{"discontinuity", 30 * time.Second, func(_, c *counter.Instant) { c.Discontinuity = 50_001_000 }, 0,
			counter.Interval{Elapsed: 30 * time.Second, Verdict: counter.Discontinuity, Clock: counter.AgentClock}},
		{"the same discontinuity", 30 * time.Second, func(p, c *counter.Instant) { p.Discontinuity, c.Discontinuity = 9, 9 }, 0, agent(30 * time.Second)},
		{"reset is before discontinuity", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime = 1000; c.Discontinuity = 1000 }, 0, bad(30*time.Second, counter.Reset)},

		// Rule 8
		{"at the gap", 150 * time.Second, nil, 150 * time.Second, agent(150 * time.Second)},
		{"over the gap", 150*time.Second + 1, nil, 150 * time.Second, counter.Interval{Elapsed: 150 * time.Second, Verdict: counter.Gap, Clock: counter.AgentClock}},
		{"discontinuity is before gap", 200 * time.Second, func(_, c *counter.Instant) { c.Discontinuity = 1 }, 150 * time.Second,
			counter.Interval{Elapsed: 200 * time.Second, Verdict: counter.Discontinuity, Clock: counter.AgentClock}},

		// Whose time
		{"the agent's, 2 % off", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime += 60 }, 0, agent(30600 * time.Millisecond)},
		{"the collector's where more is off", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime += 61 }, 0, collector(30 * time.Second)},
		{"a round trip more off", 30 * time.Second, func(_, c *counter.Instant) { c.UpTime += 160; c.RoundTrip = time.Second }, 0, agent(31600 * time.Millisecond)},
		{"steps of 1 s", 30 * time.Second, func(_, c *counter.Instant) { c.Resolution = time.Second }, 0, collector(30 * time.Second)},
		{"steps of 1 s, 100 s", 100 * time.Second, func(_, c *counter.Instant) { c.Resolution = time.Second }, 0, agent(100 * time.Second)},
		{"steps known at the earlier reading", 30 * time.Second, func(p, _ *counter.Instant) { p.Resolution = time.Second }, 0, collector(30 * time.Second)},
		{"too short for ticks", 990 * time.Millisecond, nil, 0, collector(990 * time.Millisecond)},
		{"long enough for ticks", time.Second, nil, 0, agent(time.Second)},
		{"uptime did not move yet", 5 * time.Millisecond, nil, 0, collector(5 * time.Millisecond)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p, c := prev, after(prev, tc.elapsed)
			if tc.change != nil {
				tc.change(&p, &c)
			}
			if tc.want.Elapsed > 0 && tc.want.Clock != counter.AgentClock && c.Engine == p.Engine {
				tc.want.Slack = max(p.RoundTrip, c.RoundTrip)
			}
			if diff := cmp.Diff(tc.want, counter.Between(p, c, tc.maxGap)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	seen := map[uint64]string{}
	for _, x := range []struct {
		index uint32
		name  string
	}{{1, "eth0"}, {2, "eth0"}, {256, "eth0"}, {1 << 24, "eth0"}, {1, "eth1"}, {1, ""}, {0, "1"}} {
		id := counter.Identity(x.index, x.name)
		if other, ok := seen[id]; ok || id != counter.Identity(x.index, x.name) {
			t.Errorf("%v has the identity of %v", x, other)
		}
		seen[id] = x.name
	}
	if counter.Hash("") == 0 || counter.Hash("\x80\x00\x1f\x88") == counter.Hash("\x80\x00\x1f\x89") {
		t.Error("Hash does not tell engines apart")
	}
}
