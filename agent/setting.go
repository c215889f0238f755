package agent

import (
	"context"
	"sync"

	"walkabout/mib"
)

// setting says at which Setters a SET is under way. All that are not mib.Independent count as one: SETs to them are one after another, and so is the saving of
// what they keep. An independent one, such as a sub-agent that hangs, holds up only the SETs to itself.
type setting struct {
	mu    sync.Mutex
	busy  map[mib.Setter]bool // nil is all that are not independent
	ended chan struct{}       // closed when a SET ends that others may wait for
}

func independent(of mib.Setter) bool {
	_, ok := of.(mib.Independent)
	return ok
}

// begin waits until no other SET is under way at any of setters, and returns end, which says that this one is over.
func (s *setting) begin(ctx context.Context, setters []mib.Setter) (end func(), err error) {
	keys := make(map[mib.Setter]bool, len(setters))
	for _, of := range setters {
		if !independent(of) {
			of = nil
		}
		keys[of] = true
	}
	for {
		ended, ok := s.take(keys)
		if ok {
			return func() { s.release(keys) }, nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take takes all of keys or none; then it returns what to wait for.
func (s *setting) take(keys map[mib.Setter]bool) (ended chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range keys {
		if s.busy[key] {
			return s.ended, false
		}
	}
	for key := range keys {
		s.busy[key] = true
	}
	return nil, true
}

func (s *setting) release(keys map[mib.Setter]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range keys {
		delete(s.busy, key)
	}
	close(s.ended)
	s.ended = make(chan struct{})
}
