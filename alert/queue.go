package alert

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"walkabout/internal/backoff"
)

const (
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
	attemptTimeout = 30 * time.Second // for notifiers that have none of their own
	mostAtOnce     = 1000             // transitions of one call
)

// queue hands transitions to one notifier, in their order, until it has taken them.
type queue struct {
	notifier Notifier
	log      *slog.Logger
	most     int
	done     func(ctx context.Context, notifier string, numbers []uint64) // called without mu after some were taken; returns when that is on disk

	wake    chan struct{} // capacity 1: some were added
	closing chan struct{} // closed: try what is left once, then return

	mu      sync.Mutex
	waiting []Transition // in the order of Number
	dropped uint64
}

func newQueue(n Notifier, log *slog.Logger, most int, done func(ctx context.Context, notifier string, numbers []uint64)) *queue {
	return &queue{
		notifier: n, log: log.With("notifier", n.Name()), most: most, done: done,
		wake: make(chan struct{}, 1), closing: make(chan struct{}),
	}
}

// add appends transitions. A full queue loses its oldest, whose numbers are returned: the newest say how things are.
func (q *queue) add(ts []Transition) (dropped []uint64) {
	q.mu.Lock()
	q.waiting = append(q.waiting, ts...)
	for _, t := range q.waiting[:max(0, len(q.waiting)-q.most)] {
		dropped = append(dropped, t.Number)
		if q.dropped++; q.dropped&(q.dropped-1) == 0 { // the 1st, 2nd, 4th, 8th …
			q.log.Error("notifications dropped because the queue is full", "total", q.dropped, "queue", q.most, "last", t.ID)
		}
	}
	q.waiting = slices.Delete(q.waiting, 0, len(dropped))
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return dropped
}

// list returns the first that wait, at most so many.
func (q *queue) list(most int) []Transition {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.waiting[:min(most, len(q.waiting))])
}

// run delivers until ctx ends, or until closing is closed and all was delivered or an attempt has failed.
func (q *queue) run(ctx context.Context) {
	failed := 0 // attempts in a row
	for ctx.Err() == nil {
		ts := q.list(mostAtOnce)
		if len(ts) == 0 {
			select {
			case <-q.wake:
				continue
			case <-q.closing:
				if len(q.list(1)) == 0 {
					return
				}
				continue
			case <-ctx.Done():
				return
			}
		}
		err := q.attempt(ctx, ts)
		switch {
		case err == nil:
			if failed > 0 {
				q.log.Info("notifications are delivered again", "after", failed)
			}
			failed = 0
			q.done(ctx, q.notifier.Name(), q.remove(ts))
			continue
		case ctx.Err() != nil:
			return // it is our impatience that failed
		case failed == 0:
			q.log.Warn("notification failed; it is kept and tried again", "id", ts[0].ID, "queued", len(q.list(q.most)), "err", err)
		}
		failed++
		if !q.pause(ctx, failed) {
			return
		}
	}
}

func (q *queue) attempt(ctx context.Context, ts []Transition) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return q.notifier.Notify(ctx, ts)
}

// remove takes out ts, of which some may have been dropped meanwhile, and returns their numbers.
func (q *queue) remove(ts []Transition) (numbers []uint64) {
	for _, t := range ts {
		numbers = append(numbers, t.Number)
	}
	last := numbers[len(numbers)-1]
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(t Transition) bool { return t.Number <= last })
	return numbers
}

// pause waits until the next attempt is due: longer after each failure, but not beyond the arrival of something new. It returns false if there is to be none.
func (q *queue) pause(ctx context.Context, failed int) bool {
	timer := time.NewTimer(backoff.Pause(failed, firstBackoff, longestBackoff))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-q.wake:
		return true
	case <-q.closing:
		return false
	case <-ctx.Done():
		return false
	}
}
