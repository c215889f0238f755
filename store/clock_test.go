package store

import (
	"testing"
	"time"
)

// TestAgrees: for a day after the clock jumped, forth or back, it is not trusted; that it drifts is no jump.
func TestAgrees(t *testing.T) {
	c := newClock()
	for i, step := range []struct {
		told, passed time.Duration
		want         bool
	}{
		{time.Hour, time.Hour, true},
		{10*time.Hour + time.Minute, 10 * time.Hour, true},
		{24*365*time.Hour + 11*time.Hour, 11 * time.Hour, false},
		{24*365*time.Hour + 30*time.Hour, 30 * time.Hour, false},
		{31 * time.Hour, 31 * time.Hour, false},
		{54 * time.Hour, 54 * time.Hour, false},
		{56 * time.Hour, 56 * time.Hour, true},
		{50 * time.Hour, 57 * time.Hour, false},
	} {
		if got := c.agrees(step.told, step.passed); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}
