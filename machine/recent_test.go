package machine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A reading that took long is used again for ten times as long, at most 5 s; one that took little, or failed, is made anew.
func TestRecent(t *testing.T) {
	for _, test := range []struct{ takes, lasts time.Duration }{
		{time.Millisecond, 0}, {cheap, 0}, {10 * time.Millisecond, 100 * time.Millisecond}, {time.Second, 5 * time.Second}, {time.Minute, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r recent[int]
			reads := 0
			read := func() (int, error) {
				time.Sleep(test.takes)
				reads++
				return reads, nil
			}
			check := func(want int) {
				t.Helper()
				if got, err := r.of(read); got != want || err != nil {
					t.Errorf("a reading that takes %v: %d, %v, want %d", test.takes, got, err, want)
				}
			}
			check(1)
			if test.lasts > 0 {
				time.Sleep(test.lasts - time.Nanosecond)
				check(1)
				time.Sleep(time.Nanosecond)
			}
			check(2)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var r recent[int]
		failed := errors.New("failed")
		for range 2 {
			if _, err := r.of(func() (int, error) { time.Sleep(time.Second); return 0, failed }); !errors.Is(err, failed) {
				t.Error(err)
			}
		}
		if got, err := r.of(func() (int, error) { return 3, nil }); got != 3 || err != nil {
			t.Errorf("after failures: %d, %v", got, err)
		}
	})
}
