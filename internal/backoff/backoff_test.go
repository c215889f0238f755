package backoff_test

import (
	"testing"
	"time"

	"walkabout/internal/backoff"
)

func TestPause(t *testing.T) {
	for _, tt := range []struct {
		failures int
		want     time.Duration
	}{{1, time.Second}, {2, 2 * time.Second}, {6, 32 * time.Second}, {7, time.Minute}, {1 << 30, time.Minute}} {
		seen := map[bool]bool{}
		for range 1000 {
			got := backoff.Pause(tt.failures, time.Second, time.Minute)
			if got < tt.want/2 || got > tt.want {
				t.Fatalf("after %d failures %v, want %v to %v", tt.failures, got, tt.want/2, tt.want)
			}
			seen[got < tt.want*3/4] = true
		}
		if len(seen) != 2 {
			t.Errorf("after %d failures a thousand pauses are all in one half of what they may be", tt.failures)
		}
	}
}
