package counter_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"walkabout/counter"
)

// cachedRig is a table of two rows of eight counters that an agent reloads every period, polled every 10 s.
func cachedRig(t *testing.T) *rig {
	var columns []counter.Column
	for i := range 8 {
		columns = append(columns, counter.Column{Name: fmt.Sprint("c", i), Bits: 64})
	}
	return newRig(t, columns, every, "a", "b")
}

// Rule 8, before anything is known of the agent.
func TestStaleUntilLearned(t *testing.T) {
	one := func(t *testing.T) *rig { return newRig(t, []counter.Column{octets64()}, every, "eth0") }
	t.Run("then it moves", func(t *testing.T) {
		r := one(t)
		r.poll(0)
		r.add(1000)
		r.poll(interval)
		r.want(0, "ok 100")
		for range 5 {
			r.poll(interval)
			r.want(0, "stale")
		}
		r.add(6000)
		r.poll(interval)
		r.want(0, "ok 100") // over the true time
		if r.rows[0].Elapsed != time.Minute {
			t.Errorf("Elapsed = %v", r.rows[0].Elapsed)
		}
	})
	t.Run("then it is idle", func(t *testing.T) {
		r := one(t)
		r.poll(0)
		r.add(1000)
		r.poll(interval)
		for range 6 {
			r.poll(interval)
			r.want(0, "stale")
		}
		r.poll(interval)
		r.want(0, "ok 0")
		if r.rows[0].Elapsed != 70*time.Second {
			t.Errorf("Elapsed = %v", r.rows[0].Elapsed)
		}
	})
	t.Run("first readings from a cache", func(t *testing.T) {
		r := one(t)
		r.poll(0)
		r.poll(interval)
		r.want(0, "stale")
		r.add(1000)
		r.poll(interval)
		r.want(0, "stale") // fresh, but nobody knows since when it counts
		r.add(1000)
		r.poll(interval)
		r.want(0, "ok 100")
	})
	t.Run("one counter that moves is proof", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets64()}, every, "eth0", "eth1")
		r.poll(0)
		r.rows[0].Values[0] += 1000
		r.poll(interval)
		r.want(0, "ok 100")
		r.want(1, "ok 0")
	})
	t.Run("reset is before stale", func(t *testing.T) {
		r := one(t)
		r.poll(0)
		r.upTime = 0
		r.poll(interval)
		r.want(0, "reset")
	})
	t.Run("the agent was young at the baseline", func(t *testing.T) {
		for restartAt := range 8 {
			r := one(t)
			r.upTime = 50
			r.poll(0)
			for i := 1; i < 7; i++ {
				if i == restartAt {
					r.upTime = 0
				}
				r.poll(interval)
				if i == restartAt {
					r.want(0, "reset")
				} else {
					r.want(0, "stale") // which the repetitions prove to be of one run
				}
			}
		}
	})
	t.Run("discontinuity is before stale, and waits for a fresh reading", func(t *testing.T) {
		r := one(t)
		r.poll(0)
		r.add(1000)
		r.poll(interval)
		r.rows[0].At.Discontinuity = 9
		r.poll(interval)
		r.want(0, "discontinuity")
		r.add(1e6)
		r.poll(interval)
		r.want(0, "discontinuity")
		r.add(1000)
		r.poll(interval)
		r.want(0, "ok 100")
	})
	t.Run("a row that comes while the table stands still", func(t *testing.T) {
		r := newRig(t, []counter.Column{octets64()}, every, "eth0", "eth1")
		both := r.rows
		r.rows = both[:1]
		r.poll(0)
		r.add(1000)
		r.poll(interval)
		r.rows = both
		r.poll(interval) // a whole walk did not have it: the table is fresh
		r.want(0, "ok 0")
		r.want(1, "first")
	})
}

func TestAgentWithoutACache(t *testing.T) {
	r := cachedRig(t)
	r.poll(0)
	for range 4 {
		r.add(1000)
		r.poll(interval)
	}
	r.poll(interval)
	r.want(0, "stale", "stale", "stale", "stale", "stale", "stale", "stale", "stale") // its period may be just over the interval
	r.poll(interval)
	r.want(0, "ok 0", "ok 0", "ok 0", "ok 0", "ok 0", "ok 0", "ok 0", "ok 0")
	if r.rows[0].Elapsed != 2*interval {
		t.Errorf("Elapsed = %v", r.rows[0].Elapsed)
	}
}

// First readings after a restart may come from a cache, and the first fresh one then has nothing to be measured from.
func TestRestartOfACachingAgent(t *testing.T) {
	learned := func(t *testing.T, reload int) *rig {
		r := cachedRig(t)
		r.poll(0)
		for k := 1; k <= 8*reload; k++ {
			if k%reload == 0 {
				r.add(1000)
			}
			r.poll(interval)
		}
		return r
	}
	verdicts := func(r *rig, want ...string) {
		t.Helper()
		for _, w := range want {
			if got := r.words(0)[0]; got != w {
				t.Errorf("%s, want %s", got, w)
			}
			r.add(1000)
			r.poll(interval)
		}
	}
	t.Run("one that is known to cache", func(t *testing.T) {
		r := learned(t, 3)
		r.upTime = 0
		r.add(1000)
		r.poll(interval)
		verdicts(r, "reset", "stale", "ok 100")
	})
	t.Run("one that is not", func(t *testing.T) {
		r := learned(t, 1)
		r.upTime = 0
		r.add(1000)
		r.poll(interval)
		verdicts(r, "reset", "ok 100")
	})
	t.Run("one that is not, but has not moved", func(t *testing.T) {
		r := learned(t, 1)
		r.upTime += 1e6 // it jumped, and nothing says that it ran on
		r.poll(interval)
		verdicts(r, "reset", "stale", "ok 100")
	})
	t.Run("one that is not, and stands still after", func(t *testing.T) {
		r := learned(t, 1)
		r.upTime = 0
		r.add(1000)
		r.poll(interval)
		r.poll(interval)
		verdicts(r, "stale", "stale", "ok 100")
	})
}

// Few counters fall silent by chance: that is no reason to report a cache.
func TestIdlenessIsNotReported(t *testing.T) {
	r := newRig(t, []counter.Column{octets32(), octets64()}, every, "eth0")
	r.poll(0)
	for k := 1; k < 40; k++ {
		if k%3 == 0 {
			r.add(1000)
		}
		r.poll(interval)
		r.wantFound()
	}
}

func TestRefreshPeriodIsLearned(t *testing.T) {
	for _, tc := range []struct {
		period  time.Duration
		patient int // polls that stay stale when it goes idle
	}{{20 * time.Second, 2}, {60 * time.Second, 6}, {300 * time.Second, 31}} {
		t.Run(tc.period.String(), func(t *testing.T) {
			r := cachedRig(t)
			var findings []counter.Finding
			r.poll(0)
			reload := int(tc.period / interval)
			for k := 1; k <= 8*reload; k++ {
				if k%reload == 0 {
					r.add(uint64(1000 * reload))
				}
				r.poll(interval)
				findings = append(findings, r.found...)
				if k <= 5*reload {
					continue // it learns, and of a period over 60 s it cannot know
				}
				if k%reload == 0 {
					r.want(0, "ok 100", "ok 100", "ok 100", "ok 100", "ok 100", "ok 100", "ok 100", "ok 100")
				} else if r.rows[0].Verdicts[0] != counter.Stale {
					t.Errorf("poll %d: %v", k, r.rows[0].Verdicts[0])
				}
			}
			r.found = findings
			r.wantFound(counter.Finding{Kind: counter.IntervalTooShort, Row: -1, Column: -1, Period: tc.period})

			var stale int
			for r.poll(interval); r.rows[0].Verdicts[0] == counter.Stale; r.poll(interval) {
				stale++
			}
			if stale != tc.patient || r.rows[0].Verdicts[0] != counter.OK || r.rows[0].Rates[0] != 0 {
				t.Errorf("stale for %d polls, want %d; then %v %v", stale, tc.patient, r.rows[0].Verdicts[0], r.rows[0].Rates[0])
			}
		})
	}
}

func TestIntervalTooShortEnds(t *testing.T) {
	r := cachedRig(t)
	r.poll(0)
	polls := func(n, reload int) (found []counter.Finding) {
		for k := 1; k <= n; k++ {
			if k%reload == 0 {
				r.add(1000)
			}
			r.poll(interval)
			found = append(found, r.found...)
		}
		return found
	}
	r.found = polls(15, 3)
	r.wantFound(counter.Finding{Kind: counter.IntervalTooShort, Row: -1, Column: -1, Period: 30 * time.Second})
	r.found = polls(12, 1)
	r.wantFound(counter.Finding{Kind: counter.IntervalTooShort, Row: -1, Column: -1, Cleared: true})
}

// A Counter32 of a caching agent may have counted for a refresh period longer than the polls are apart.
func TestCacheLengthensWhatMayWrap(t *testing.T) {
	r := newRig(t, []counter.Column{octets32()}, every, "eth0") // T = 34.4 s
	r.poll(0)
	for k := 1; k <= 12; k++ {
		if k%3 == 0 {
			r.add(30_000)
		}
		r.poll(interval)
	}
	r.want(0, "ambiguous") // 30 s and up to 30 s more
}

func TestLateRepliesAreWorthNothing(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, every, "eth0")
	r.poll(0)
	r.add(1000)
	r.poll(interval)
	for _, late := range []time.Duration{0, time.Second, interval, time.Hour} {
		r.rows[0].At.At, r.rows[0].Values[0] = r.now.Add(-late), 77
		r.found = r.table.Poll(r.now, true, r.rows, r.found[:0])
		r.want(0, "stale")
	}
	r.rows[0].Values[0] = 2000
	r.poll(interval)
	r.want(0, "ok 100")
}

func TestAbsentRowsAreForgotten(t *testing.T) {
	r := newRig(t, []counter.Column{octets64()}, counter.Options{Interval: interval, MaxGap: 3 * time.Hour}, "eth0", "eth1")
	r.poll(0)
	both := r.rows
	away := func(d time.Duration) {
		r.rows = both[:1]
		for range 2 {
			r.add(1000)
			r.pass(d / 2)
			r.reply(false)
		}
		r.rows = both
		r.add(1000)
		r.pass(interval)
		r.reply(false)
	}
	away(2 * time.Hour)
	if v := both[1].Verdicts[0]; !v.HasRate() {
		t.Errorf("%v after 2 h", v)
	}
	away(5 * time.Hour)
	if v := both[1].Verdicts[0]; v != counter.Gap {
		t.Errorf("%v after 5 h", v)
	}
	away(7 * time.Hour)
	if v := both[1].Verdicts[0]; v != counter.First {
		t.Errorf("%v after 7 h", v)
	}
}

// A host that makes and drops interfaces all day must not grow the collector.
func TestMemoryIsBounded(t *testing.T) {
	r := newRig(t, switchColumns(), every)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	churn := func(complete bool) {
		for i := range 20_000 {
			r.rows = []counter.Row{r.row(fmt.Sprint("veth", i), uint32(i+1))}
			r.pass(time.Second)
			r.reply(complete)
		}
	}
	before := heap()
	churn(true)
	churn(false)
	if grown := int64(heap()) - int64(before); grown > 1<<20 {
		t.Errorf("40,000 rows that came and went left %d octets", grown)
	}
	runtime.KeepAlive(r)
}

func TestPollDoesNotAllocate(t *testing.T) {
	r := newRig(t, switchColumns(), every, "eth0", "eth1", "eth2")
	r.poll(0)
	r.add(1000)
	r.poll(interval)
	if n := testing.AllocsPerRun(100, func() { r.add(1000); r.poll(interval) }); n != 0 {
		t.Errorf("%v allocations a poll", n)
	}
}
