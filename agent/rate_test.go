package agent

import (
	"net/netip"
	"testing"
	"time"
)

func TestRateLimiter(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for _, tt := range []struct {
		name  string
		limit RateLimit
		at    []time.Duration // of a's requests
		want  int             // that are allowed
	}{
		{"one by one", RateLimit{10, 1}, []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}, 3},
		{"too soon", RateLimit{10, 1}, []time.Duration{0, 99 * time.Millisecond, 100 * time.Millisecond}, 2},
		{"a burst", RateLimit{10, 3}, []time.Duration{0, 0, 0, 0, 0}, 3},
		{"a burst, and what comes after", RateLimit{10, 3}, []time.Duration{0, 0, 0, 0, 100 * time.Millisecond, 100 * time.Millisecond}, 4},
		{"a burst regained", RateLimit{10, 3}, []time.Duration{0, 0, 0, time.Second, time.Second, time.Second, time.Second}, 6},
		{"the clock stands", RateLimit{1 << 30, 2}, []time.Duration{0, 0, 0}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, got := newRateLimiter(tt.limit), 0
			start := time.Now()
			for _, at := range tt.at {
				if r.allow(a, start.Add(at)) {
					got++
				}
			}
			if got != tt.want {
				t.Errorf("%d allowed, want %d", got, tt.want)
			}
			if !r.allow(b, start) {
				t.Error("another source is not allowed")
			}
		})
	}
}

// A flood of forged sources takes no memory, and one that keeps coming through it is still held to its limit most of the time.
func TestRateLimiterFlood(t *testing.T) {
	r, start := newRateLimiter(RateLimit{1, 1}), time.Now()
	honest := netip.MustParseAddr("198.51.100.1")
	if allocs := testing.AllocsPerRun(1, func() {
		for i := range uint32(100_000) {
			r.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), start)
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
	if !r.allow(honest, start) {
		t.Error("a source that comes after a flood is not allowed")
	}
	if r.allow(honest, start) {
		t.Error("the same at once again is allowed")
	}
}

func BenchmarkRateLimiter(b *testing.B) {
	r, from := newRateLimiter(RateLimit{1 << 30, 1 << 30}), netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		r.allow(from, r.start)
	}
}
