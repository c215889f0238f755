package machine

import (
	"errors"
	"sync"
	"time"
)

// errSlow says that a part takes longer than anybody is made to wait. It is read on, for who asks later.
var errSlow = errors.New("it takes long to read; the next who ask have it")

// unhurried reads what may take long, or block: one reader at a time, for all who wait, whom it lets go after limit; after patience where it has an
// older reading for them, of at most staleAge. A reading is good for window, and for share times as long as it took.
type unhurried[T any] struct {
	window, limit time.Duration
	read          func() (T, error)

	mu      sync.Mutex
	running chan struct{} // closed when the reading under way has ended; nil if there is none
	ended   bool          // value and err are of a reading
	at      time.Time     // that it began
	good    time.Duration // from at on
	value   T
	err     error
}

const (
	// patience is less than what clients wait for an answer before they ask again, which is a second.
	patience = 500 * time.Millisecond
	// staleAge bounds how old a reading is used when a new one takes long.
	staleAge = time.Minute
)

// get returns what was read lately.
func (s *unhurried[T]) get(at time.Time) (T, error) {
	s.mu.Lock()
	age := at.Sub(s.at)
	if s.ended && s.running == nil && age <= s.good {
		defer s.mu.Unlock()
		return s.value, s.err
	}
	if s.running == nil {
		s.running = make(chan struct{})
		go s.run(at, s.running)
	}
	running, older := s.running, s.value
	stale := s.ended && s.err == nil && age <= staleAge
	s.mu.Unlock()

	longest := s.limit
	if stale {
		longest = min(longest, patience)
	}
	limit := time.NewTimer(longest)
	defer limit.Stop()
	select {
	case <-running:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.value, s.err
	case <-limit.C:
		if stale {
			return older, nil
		}
		var none T
		return none, errSlow
	}
}

func (s *unhurried[T]) run(at time.Time, ended chan struct{}) {
	begin := time.Now()
	value, err := s.read()
	took := time.Since(begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err, s.at, s.ended, s.running = value, err, at, true, nil
	s.good = max(s.window, took+min(share*took, maxAge))
	close(ended)
}

// wait returns when nothing is read any more, after limit at the latest: what the kernel holds cannot be ended.
func (s *unhurried[T]) wait(limit time.Duration) {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running == nil {
		return
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-running:
	case <-t.C:
	}
}

// The windows of what takes long, and how long anybody waits for it.
const (
	processWindow = time.Second
	packageWindow = 30 * time.Second // then its database is looked at
	sensorWindow  = 2 * time.Second
	sessionWindow = 5 * time.Second
	diskWindow    = 10 * time.Second
	slowLimit     = 2 * time.Second
	// hungLimit is how long Close waits for a reading that may never end.
	hungLimit = time.Second
)
