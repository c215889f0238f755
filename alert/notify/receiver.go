package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"walkabout/alert"
	"walkabout/internal/backoff"
	"walkabout/internal/lograte"
)

const (
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
	longestPause   = time.Hour        // the most that a RetryError can ask for
	saveAgain      = 10 * time.Second // a disk that refused a book may take it then
	attemptTimeout = 30 * time.Second // for senders that have none of their own
)

// Receiver is somebody who is told.
type Receiver struct {
	Name   string // distinct, and the same after a restart
	Policy Policy
	Sender Sender // nil in Dispatcher.Configure: the one that it has
}

// receiver is a Receiver at work: its book, and the goroutine that sends.
type receiver struct {
	name   string
	sender Sender
	log    *slog.Logger

	wake    chan struct{} // capacity 1: something is to be told
	closing chan struct{} // closed: tell what waits, once, then end
	ended   chan struct{} // closed when run returned
	cancel  context.CancelFunc

	mu       sync.Mutex
	book     *book
	unsaved  bool // the last save failed
	failures lograte.Kind
	silent   int // failures since one was logged
}

// take takes transitions in, and returns when they are on disk.
func (r *receiver) take(ts []alert.Transition) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	dropped := r.book.stats.Dropped
	r.book.take(time.Now(), ts)
	if n := r.book.stats.Dropped; n > dropped {
		r.log.Error("notifications dropped because too many wait", "dropped", n-dropped, "total", n, "most", r.book.policy.most())
	}
	err := r.save()
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return err
}

// save is called with mu held. That the disk refuses is logged once.
func (r *receiver) save() error {
	err := r.book.save()
	if err != nil && !r.unsaved {
		r.log.Error("notifications do not survive a restart until this is mended", "err", err)
	}
	if err == nil && r.unsaved {
		r.log.Info("notifications survive a restart again")
	}
	r.unsaved = err != nil
	return err
}

// run sends until ctx ends, or until closing is closed and what waits was tried once.
func (r *receiver) run(ctx context.Context, alerts Alerts) {
	defer close(r.ended)
	r.catchUp(alerts)
	closing, failed := r.closing, 0 // attempts in a row
	for ctx.Err() == nil {
		d, wait := r.next(standing(alerts))
		if d == nil {
			if closing == nil {
				return
			}
			if !r.rest(ctx, wait, &closing) {
				return
			}
			continue
		}
		err := r.attempt(ctx, d)
		if ctx.Err() != nil && err != nil {
			return // it is our impatience that failed
		}
		if r.settle(d, err, failed) {
			failed = 0
			continue
		}
		failed++
		if closing == nil || !r.pause(ctx, failed, err) {
			return
		}
	}
}

// rest waits until something is to be told; at most for wait, if that is not 0. When it ends because of the closing, which is then nil, all is due.
func (r *receiver) rest(ctx context.Context, wait time.Duration, closing *chan struct{}) bool {
	var due <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-r.wake:
	case <-*closing:
		*closing = nil
		r.mu.Lock()
		r.book.flush(time.Now())
		r.mu.Unlock()
	case <-ctx.Done():
		return false
	}
	return true
}

// next returns the message to try, which is on disk, or how long to wait for one; 0: until something happens.
func (r *receiver) next(current lookup) (*draft, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.book.next(time.Now(), current)
	_ = r.save() // which has logged it: better told twice than not at all
	if d != nil {
		return d, 0
	}
	at := r.book.wake()
	if r.unsaved && (at.IsZero() || time.Until(at) > saveAgain) {
		return nil, saveAgain
	}
	if at.IsZero() {
		return nil, 0
	}
	return nil, max(time.Until(at), time.Millisecond)
}

func (r *receiver) attempt(ctx context.Context, d *draft) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return r.sender.Send(ctx, &d.Message)
}

// settle records how the attempt to send d went. It returns whether the receiver is well: it took d, or refused it for good.
func (r *receiver) settle(d *draft, err error, failed int) (well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rejected *RejectedError
	n, s := uint64(len(d.Items)), &r.book.stats
	gone := true
	switch {
	case err == nil:
		s.Messages++
		s.Delivered += n
		s.LastError, s.LastSuccess = "", time.Now()
		if failed > 0 {
			r.log.Info("notifications are delivered again", "after", failed)
		}
	case errors.As(err, &rejected):
		s.Rejected += n
		r.log.Error("notification rejected", "id", d.ID, "alerts", n, "first", d.Items[0].Summary, "err", err)
	case time.Since(d.At) > expireAfter:
		s.Expired += n
		r.log.Error("notification given up after a day", "id", d.ID, "alerts", n, "first", d.Items[0].Summary, "err", err)
	default:
		gone = false
		r.silent++
		if r.failures.Due() {
			r.log.Warn("notification failed; it is kept and tried again", "id", d.ID, "attempts", r.silent, "waiting", r.book.waiting(), "err", err)
			r.silent = 0
		}
	}
	if err != nil {
		s.Failures++
		s.LastError = err.Error()
	}
	if err == nil {
		r.book.taken(d)
	} else {
		r.book.settle(d, gone)
	}
	_ = r.save()
	return err == nil || rejected != nil
}

// pause waits until the next attempt is due: longer after each failure, as long as the receiver asked, but not beyond the arrival of something
// new once what it asked for is over. It returns false if there is to be none.
func (r *receiver) pause(ctx context.Context, failed int, err error) bool {
	wait, asked := backoff.Pause(failed, firstBackoff, longestBackoff), askedPause(err)
	return pause(ctx, asked, nil, r.closing) && pause(ctx, wait-asked, r.wake, r.closing)
}

// askedPause returns how long the receiver asked to be left alone; 0: it did not.
func askedPause(err error) time.Duration {
	var retry *RetryError
	if errors.As(err, &retry) {
		return min(max(retry.After, 0), longestPause)
	}
	return 0
}

// pause waits for wait, or until wake. It returns false once ctx ended or closing is closed, unless there is nothing to wait for.
func pause(ctx context.Context, wait time.Duration, wake, closing <-chan struct{}) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-wake:
		return true
	case <-closing:
		return false
	case <-ctx.Done():
		return false
	}
}

// read returns the receiver's figures.
func (r *receiver) read() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.book.stats
	s.Waiting, s.Held = r.book.waiting(), r.book.held(time.Now())
	return s
}
