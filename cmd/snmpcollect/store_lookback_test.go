package main

import (
	"testing"
	"time"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// TestLookback: what is polled in time does not come and go in queries, and gaps are not hidden for longer than that takes.
func TestLookback(t *testing.T) {
	profiles := collector.Profiles{
		"quick": {Tables: []collector.Table{{Measurement: "a"}}},
		"mixed": {Tables: []collector.Table{{Measurement: "b"}, {Measurement: "c", Interval: collector.Duration(6 * time.Minute)}}},
		"daily": {Interval: collector.Duration(24 * time.Hour), Tables: []collector.Table{{Measurement: "d"}}},
	}
	for name, test := range map[string]struct {
		said     time.Duration
		interval time.Duration
		collect  []string
		want     time.Duration
	}{
		"quick":       {0, 30 * time.Second, []string{"quick"}, 5 * time.Minute},
		"a table":     {0, 30 * time.Second, []string{"quick", "mixed"}, 12 * time.Minute},
		"the target":  {0, 10 * time.Minute, []string{"mixed"}, 20 * time.Minute},
		"once a day":  {0, 30 * time.Second, []string{"daily"}, 30 * time.Minute},
		"all":         {0, 30 * time.Second, []string{collector.Auto}, 30 * time.Minute},
		"it was said": {time.Minute, 10 * time.Minute, []string{"daily"}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Config{Profiles: profiles, Store: &config.Store{Lookback: test.said}}
			targets := []collector.Target{{Name: "other", Interval: time.Second}, {Name: "core1", Interval: test.interval, Collect: test.collect}}
			if got := lookback(cfg, targets); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
