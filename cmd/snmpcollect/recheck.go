package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// rechecks have what changed polled again some seconds later: many agents answer from a cache, which knows nothing of it yet.
type rechecks struct {
	wake chan struct{} // capacity 1

	mu   sync.Mutex
	list []recheck // in the order of at
}

type recheck struct {
	at     time.Time
	key    string
	action func()
}

// recheckAfter is when it is polled again; at once it is polled in any case.
var recheckAfter = [...]time.Duration{2 * time.Second, 5 * time.Second}

// mostRechecks bounds what waits: in a storm the schedule comes soon enough.
const mostRechecks = 2000

func newRechecks() *rechecks { return &rechecks{wake: make(chan struct{}, 1)} }

// add has action called at the times of recheckAfter from now on, in the place of what waits under the same key.
func (r *rechecks) add(key string, action func()) {
	now := time.Now()
	r.mu.Lock()
	r.list = slices.DeleteFunc(r.list, func(c recheck) bool { return c.key == key })
	for _, after := range recheckAfter {
		if len(r.list) < mostRechecks {
			r.list = append(r.list, recheck{now.Add(after), key, action})
		}
	}
	slices.SortStableFunc(r.list, func(a, b recheck) int { return a.at.Compare(b.at) })
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run does what is due until ctx ends.
func (r *rechecks) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.due())
		select {
		case <-timer.C:
		case <-r.wake:
		case <-ctx.Done():
			return
		}
	}
}

// due does what is due and returns how long nothing will be.
func (r *rechecks) due() time.Duration {
	for {
		r.mu.Lock()
		if len(r.list) == 0 {
			r.mu.Unlock()
			return time.Hour
		}
		first := r.list[0]
		if wait := time.Until(first.at); wait > 0 {
			r.mu.Unlock()
			return wait
		}
		r.list = slices.Delete(r.list, 0, 1)
		r.mu.Unlock()
		first.action()
	}
}
