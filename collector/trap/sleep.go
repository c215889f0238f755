package trap

import (
	"sync/atomic"
	"time"
)

// sleep knows for how long the computer was suspended. The monotonic clock stands still then, and senders of informs, whose idea of our snmpEngineTime
// went on, would be outside the time window ever after: they may not set it back (RFC 3414 section 3.2, step 7b).
type sleep struct {
	begun time.Time
	wall  func() time.Time // time.Now, but in tests
	ahead atomic.Int64     // the most by which it has been seen to advance more than the monotonic clock
}

func newSleep() *sleep { return &sleep{begun: time.Now(), wall: time.Now} }

// added returns now, later by the time that the computer slept. A clock that was set forward looks the same and does no harm: whoever is behind is told
// of the new time; it never goes back.
func (s *sleep) added(now time.Time) time.Time {
	ahead := int64(s.wall().Round(0).Sub(s.begun.Round(0)) - now.Sub(s.begun))
	for {
		most := s.ahead.Load()
		if ahead <= most {
			return now.Add(time.Duration(most))
		}
		if s.ahead.CompareAndSwap(most, ahead) {
			return now.Add(time.Duration(ahead))
		}
	}
}
