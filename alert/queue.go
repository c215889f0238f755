package alert

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"walkabout/internal/backoff"
)

const (
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
	longestPause   = time.Hour        // the most that a RetryError can ask for
	attemptTimeout = 30 * time.Second // for notifiers that have none of their own
	givenUpAfter   = 24 * time.Hour   // a transition that old is not tried again once it failed
)

// NotifierStats counts what became of one notifier's transitions.
type NotifierStats struct {
	Name        string
	Queued      int       // not yet delivered
	Delivered   uint64    // the receiver took them
	Failures    uint64    // attempts that failed, whatever came of it
	Rejected    uint64    // given up because the receiver will never take them
	Expired     uint64    // given up because the receiver took none for 24 hours
	Dropped     uint64    // the oldest, thrown out because the queue was full
	LastError   string    // of the last attempt; "" if it succeeded
	LastSuccess time.Time // zero: none yet
}

// queue delivers transitions to one notifier: all that wait in one call, and one by one what has failed, so that a single body that makes the
// receiver stumble does not hold up the rest. Those of one alert go in their order; another alert's may overtake one that failed.
type queue struct {
	notifier Notifier
	log      *slog.Logger
	most     int
	done     func(ctx context.Context, notifier string, numbers []uint64) // called without mu after entries left; returns when that is on disk

	wake    chan struct{} // capacity 1: an entry was added
	closing chan struct{} // closed: try what is left once, then return

	mu      sync.Mutex
	entries []entry // in the order of Transition.Number
	stats   NotifierStats
}

type entry struct {
	t        Transition
	failures int
}

func newQueue(n Notifier, log *slog.Logger, most int, done func(ctx context.Context, notifier string, numbers []uint64)) *queue {
	return &queue{
		notifier: n, log: log.With("notifier", n.Name()), most: most, done: done,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), stats: NotifierStats{Name: n.Name()},
	}
}

// add appends entries. A full queue loses its oldest, whose numbers are returned: the newest say how things are.
func (q *queue) add(entries ...entry) (dropped []uint64) {
	q.mu.Lock()
	for _, e := range entries {
		if len(q.entries) >= q.most {
			lost := q.entries[0].t.ID
			dropped = append(dropped, q.entries[0].t.Number)
			q.entries = slices.Delete(q.entries, 0, 1)
			if q.stats.Dropped++; q.stats.Dropped&(q.stats.Dropped-1) == 0 { // the 1st, 2nd, 4th, 8th …
				q.log.Error("notifications dropped because the queue is full", "total", q.stats.Dropped, "queue", q.most, "last", lost)
			}
		}
		q.entries = append(q.entries, e)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return dropped
}

// next returns the entries to try now: all that did not fail yet and are not behind one of their alert that did, else the one with the fewest
// failures among those that are first of their alert.
func (q *queue) next() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	var fresh, first []entry
	failed := map[string]bool{}
	for _, e := range q.entries {
		switch {
		case failed[e.t.Fingerprint]:
		case e.failures == 0:
			fresh = append(fresh, e)
		default:
			failed[e.t.Fingerprint] = true
			first = append(first, e)
		}
	}
	if len(fresh) > 0 || len(first) == 0 {
		return fresh
	}
	best := slices.MinFunc(first, func(a, b entry) int { return a.failures - b.failures })
	return []entry{best}
}

// run delivers until ctx ends, or until closing is closed and each entry was delivered or one failed again.
func (q *queue) run(ctx context.Context) {
	failed := 0 // attempts in a row
	for ctx.Err() == nil {
		entries := q.next()
		if len(entries) == 0 {
			select {
			case <-q.wake:
				continue
			case <-q.closing:
				if len(q.next()) == 0 {
					return
				}
				continue
			case <-ctx.Done():
				return
			}
		}
		err := q.attempt(ctx, entries)
		if ctx.Err() != nil && err != nil {
			return // it is our impatience that failed
		}
		well, gone := q.settle(entries, err, failed)
		if len(gone) > 0 {
			q.done(ctx, q.notifier.Name(), gone)
		}
		if well {
			failed = 0
			continue
		}
		failed++
		if !q.pause(ctx, failed, err) {
			return
		}
	}
}

func (q *queue) attempt(ctx context.Context, entries []entry) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	ts := make([]Transition, len(entries))
	for i := range entries {
		ts[i] = entries[i].t
	}
	return q.notifier.Notify(ctx, ts)
}

// settle records how the attempt to deliver entries went. It returns whether the receiver is well: it took them, or refused one for good; and the
// numbers of those that left the queue.
func (q *queue) settle(entries []entry, err error, failed int) (well bool, left []uint64) {
	var rejected *RejectedError
	refused := errors.As(err, &rejected) && len(entries) == 1 // of several nobody knows which: they are tried one by one
	q.mu.Lock()
	if err == nil && failed > 0 {
		q.log.Info("notifications are delivered again", "after", failed, "queued", len(q.entries)-len(entries))
	}
	if err != nil {
		q.stats.Failures++
		q.stats.LastError = err.Error()
	} else {
		q.stats.LastError, q.stats.LastSuccess = "", time.Now()
	}
	gone := make(map[uint64]bool, len(entries)) // by number; false: kept
	for i, e := range entries {
		gone[e.t.Number] = true
		switch {
		case err == nil:
			q.stats.Delivered++
		case refused:
			q.stats.Rejected++
			q.log.Error("notification rejected", "id", e.t.ID, "summary", e.t.Summary, "err", err)
		case time.Since(e.t.At) > givenUpAfter:
			q.stats.Expired++
			q.log.Error("notification given up", "id", e.t.ID, "summary", e.t.Summary, "err", err)
		default:
			gone[e.t.Number] = false
			if failed == 0 && i == 0 {
				q.log.Warn("notification failed; it is kept and tried again", "id", e.t.ID, "queued", len(q.entries), "err", err)
			}
		}
	}
	q.entries = slices.DeleteFunc(q.entries, func(e entry) bool { return gone[e.t.Number] })
	for i := range q.entries {
		if _, tried := gone[q.entries[i].t.Number]; tried {
			q.entries[i].failures++
		}
	}
	q.mu.Unlock()
	for _, e := range entries {
		if gone[e.t.Number] {
			left = append(left, e.t.Number)
		}
	}
	return err == nil || refused, left
}

// pause waits until the next attempt is due: longer after each failure, as long as the receiver asked, but not beyond the
// arrival of a new entry unless it asked. It returns false if there is to be none.
func (q *queue) pause(ctx context.Context, failed int, err error) bool {
	wait := backoff.Pause(failed, firstBackoff, longestBackoff)
	wake := q.wake
	var retry *RetryError
	if errors.As(err, &retry) && retry.After > 0 {
		wait, wake = max(wait, min(retry.After, longestPause)), nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-wake:
		return true
	case <-q.closing:
		return false
	case <-ctx.Done():
		return false
	}
}

// snapshot returns what is not yet delivered, and the counts.
func (q *queue) snapshot() ([]entry, NotifierStats) {
	q.mu.Lock()
	defer q.mu.Unlock()
	stats := q.stats
	stats.Queued = len(q.entries)
	return slices.Clone(q.entries), stats
}
