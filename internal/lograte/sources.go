package lograte

import (
	"net/netip"
	"sync"
	"time"
)

// MaxSources is how many sources have something said of them within an Interval.
const MaxSources = 50

// Sources holds apart what is said of many sources: once an Interval of each, and of no more than MaxSources, for sources are easily forged. The zero
// Sources is of use, by any number of goroutines.
type Sources struct {
	mu   sync.Mutex
	from time.Time // when the interval began
	said map[netip.Addr]bool
}

// Due reports whether something may be said of a source now, and notes that it is.
func (s *Sources) Due(source netip.Addr) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.said == nil || now.Sub(s.from) >= Interval {
		s.from, s.said = now, map[netip.Addr]bool{}
	}
	if s.said[source] || len(s.said) == MaxSources {
		return false
	}
	s.said[source] = true
	return true
}
