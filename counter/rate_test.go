package counter_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
)

func TestRate(t *testing.T) {
	const (
		full = 1 << 32
		half = 1 << 31
		gig  = 1e9 / 8 // octets a second at 1 Gb/s: T = 34.36 s
	)
	ok := counter.Interval{Elapsed: 10 * time.Second, Verdict: counter.OK}
	lasting := func(d time.Duration) counter.Interval { return counter.Interval{Elapsed: d, Verdict: counter.OK} }
	tests := []struct {
		name      string
		iv        counter.Interval
		prev, cur uint64
		bits      uint8
		limit     float64
		rate      float64
		want      counter.Verdict
	}{
		// The row's own verdict
		{"first", counter.Interval{Verdict: counter.First}, 1, 2, 64, 0, 0, counter.First},
		{"reset", counter.Interval{Elapsed: 1, Verdict: counter.Reset}, 1, 2, 64, 0, 0, counter.Reset},
		{"discontinuity", counter.Interval{Elapsed: 1, Verdict: counter.Discontinuity}, 2, 1, 64, 0, 0, counter.Discontinuity},
		{"no time", counter.Interval{Verdict: counter.OK}, 1, 2, 64, 0, 0, counter.Stale},
		{"time went back", lasting(-1), 1, 2, 64, 0, 0, counter.Stale},

		// Rule 4
		{"64: rise", ok, 100, 1100, 64, gig, 100, counter.OK},
		{"64: same", ok, 100, 100, 64, gig, 0, counter.OK},
		{"64: over 2^32", ok, full - 500, full + 500, 64, gig, 100, counter.OK},
		{"64: over 2^63", ok, 1<<63 - 5, 1<<63 + 5, 64, gig, 1, counter.OK},
		{"64: fell by 1", ok, 100, 99, 64, gig, 0, counter.Reset},
		{"64: fell from the top", ok, math.MaxUint64, 0, 64, 0, 0, counter.Reset},
		{"64: fell as a 32 would wrap", ok, full - 500, 500, 64, gig, 0, counter.Reset},

		// Rule 5
		{"32: rise", ok, 100, 1100, 32, gig, 100, counter.OK},
		{"32: same", ok, 100, 100, 32, gig, 0, counter.OK},
		{"32: wraps", ok, full - 500, 500, 32, gig, 100, counter.Wrapped},
		{"32: wraps to 0", ok, full - 1000, 0, 32, gig, 100, counter.Wrapped},
		{"32: wraps by 1 from the top", ok, full - 1, 0, 32, gig, 0.1, counter.Wrapped},
		{"32: just possible", ok, full - gig*11, 0, 32, gig, gig * 1.1, counter.Wrapped},
		{"32: just impossible", ok, full - gig*11 - 1, 0, 32, gig, 0, counter.Ambiguous},
		{"32: fell by 1", ok, 100, 99, 32, gig, 0, counter.Ambiguous},
		{"32: just under T, up", lasting(34_359 * time.Millisecond), 0, 34_359, 32, gig, 1000, counter.OK},
		{"32: just under T, down", lasting(34_359 * time.Millisecond), half, half - 1, 32, gig, (full - 1) / 34.359, counter.Wrapped},
		{"32: T", lasting(34_359_738_368), 0, 1, 32, gig, 0, counter.Ambiguous},
		{"32: over T, up", lasting(34_360 * time.Millisecond), 0, 1, 32, gig, 0, counter.Ambiguous},
		{"32: over T, same", lasting(34_360 * time.Millisecond), 1, 1, 32, gig, 0, counter.Ambiguous},
		{"32: over T, down", lasting(34_360 * time.Millisecond), 2, 1, 32, gig, 0, counter.Ambiguous},
		{"32: slack reaches T", counter.Interval{Elapsed: 34 * time.Second, Slack: 360 * time.Millisecond, Verdict: counter.OK}, 0, 1, 32, gig, 0, counter.Ambiguous},
		{"32: slack does not", counter.Interval{Elapsed: 34 * time.Second, Slack: 359 * time.Millisecond, Verdict: counter.OK}, 0, 34, 32, gig, 1, counter.OK},
		{"32: possible with slack", counter.Interval{Elapsed: 10 * time.Second, Slack: time.Second, Verdict: counter.OK}, full - gig*12, 0, 32, gig, gig * 1.2, counter.Wrapped},
		{"32: no limit", ok, 1, 2, 32, 0, 0, counter.Ambiguous},
		{"32: limit not a number", ok, 1, 2, 32, math.NaN(), 0, counter.Ambiguous},
		{"32: endless limit", ok, 1, 2, 32, math.Inf(1), 0, counter.Ambiguous},
		{"32: value too wide", ok, 1, full, 32, gig, 0, counter.Ambiguous},
		{"16: wraps", ok, 65_000, 464, 16, 200, 100, counter.Wrapped},
		{"no width", ok, 1, 2, 0, gig, 0, counter.Ambiguous},
		{"width over 64", ok, 1, 2, 65, gig, 0, counter.Ambiguous},

		// Rule 7
		{"64: 1.5 of the limit", ok, 0, gig * 15, 64, gig, gig * 1.5, counter.OK},
		{"64: over 1.5", ok, 0, gig*15 + 1, 64, gig, 0, counter.Implausible},
		{"64: unlimited", ok, 0, 1<<62 - 1, 64, 0, (1<<62 - 1) / 10, counter.OK},
		{"64: 2^62", ok, 0, 1 << 62, 64, 0, 0, counter.Implausible},
		{"64: 2^62 within an endless limit", ok, 0, 1 << 62, 64, math.Inf(1), 0, counter.Implausible},
		{"32: 1.5 of the limit", ok, 0, gig * 15, 32, gig, gig * 1.5, counter.OK},
		{"32: over 1.5", ok, 0, gig*15 + 1, 32, gig, 0, counter.Implausible},

		// Rule 8: a gap, after what is wrong with the counter itself
		{"gap", counter.Interval{Elapsed: 10 * time.Second, Verdict: counter.Gap}, 1, 2, 64, gig, 0, counter.Gap},
		{"gap, wrapped", counter.Interval{Elapsed: 10 * time.Second, Verdict: counter.Gap}, full - 1, 2, 32, gig, 0, counter.Gap},
		{"gap, reset", counter.Interval{Elapsed: 10 * time.Second, Verdict: counter.Gap}, 2, 1, 64, gig, 0, counter.Reset},
		{"gap, ambiguous", counter.Interval{Elapsed: time.Minute, Verdict: counter.Gap}, 1, 2, 32, gig, 0, counter.Ambiguous},
		{"gap, implausible", counter.Interval{Elapsed: time.Second, Verdict: counter.Gap}, 0, 1 << 40, 64, gig, 0, counter.Implausible},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			rate, v := counter.Rate(tc.iv, tc.prev, tc.cur, tc.bits, tc.limit)
			if v != tc.want || math.Abs(rate-tc.rate) > math.Abs(tc.rate)*1e-9 {
				t.Errorf("Rate = %v, %v; want %v, %v", rate, v, tc.rate, tc.want)
			}
		})
	}
}

func TestExtend(t *testing.T) {
	const full = 1 << 32
	tests := []struct {
		name      string
		prev, cur uint64
		bits      uint8
		want      uint64
		whole     bool
	}{
		{"first", 7, 7, 32, 7, true},
		{"forward", 7, 9, 32, 9, true},
		{"still", full + 7, 7, 32, full + 7, true},
		{"wraps", full - 1, 0, 32, full, true},
		{"wraps again", 5*full - 10, 10, 32, 5*full + 10, true},
		{"half the range ahead", 5 * full, 1<<31 - 1, 32, 5*full + 1<<31 - 1, true},
		{"that is backwards", 5 * full, 1 << 31, 32, 5*full + 1<<31, false},
		{"backwards by 1", 5*full + 10, 9, 32, 5*full + 9, false},
		{"restarted", 5*full + 1000, 3, 32, 5*full + 3, false},
		{"8 bits", 255, 1, 8, 257, true},
		{"1 bit backwards", 2, 1, 1, 3, false},
		{"64 bits", 1, math.MaxUint64, 64, math.MaxUint64, true},
		{"64 bits backwards", math.MaxUint64, 1, 64, 1, false},
		{"63 bits", 1<<63 - 1, 0, 63, 1 << 63, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, whole := counter.Extend(tc.prev, tc.cur, tc.bits)
			if got != tc.want || whole != tc.whole {
				t.Errorf("Extend = %d, %t; want %d, %t", got, whole, tc.want, tc.whole)
			}
		})
	}
}

func TestWrapTime(t *testing.T) {
	want := []time.Duration{34359738368, 343597383680, 429496729600, math.MaxInt64, math.MaxInt64, math.MaxInt64}
	got := []time.Duration{counter.WrapTime(32, 1e9/8), counter.WrapTime(32, 1e8/8), counter.WrapTime(32, 1e7),
		counter.WrapTime(64, 1e9/8), counter.WrapTime(32, 0), counter.WrapTime(32, math.NaN())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSpeed(t *testing.T) {
	tests := []struct {
		high, low uint32
		want      uint64
	}{{0, 0, 0}, {0, 64_000, 64_000}, {1000, 1e9, 1e9}, {10_000, math.MaxUint32, 1e10}, {1000, 0, 1e9}, {math.MaxUint32, 0, math.MaxUint32 * 1_000_000}}
	for _, tc := range tests {
		if got := counter.Speed(tc.high, tc.low); got != tc.want {
			t.Errorf("Speed(%d, %d) = %d, want %d", tc.high, tc.low, got, tc.want)
		}
	}
}

func TestWords(t *testing.T) {
	want := []string{"none", "ok", "wrapped", "first", "reset", "discontinuity", "ambiguous", "implausible", "stale", "gap", "invalid"}
	var got []string
	for v := range counter.Gap + 2 {
		got = append(got, v.String())
	}
	for k := range counter.CounterOfOtherType + 2 {
		got = append(got, k.String())
	}
	want = append(want, "invalid", "no_uptime", "unsound_uptime", "interval_too_short", "discontinuity_follows_uptime", "speed_assumed", "polled_too_seldom",
		"counter64_is_32", "counter64_unused", "counter_of_other_type", "invalid")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
