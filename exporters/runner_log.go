package exporters

import (
	"errors"
	"time"
)

// The Runner logs from its own goroutine only, so that a log that blocks does not block the collector.

// say reports whether a line of one kind may be logged again, and notes that it is.
func say(last *time.Time) bool {
	now := time.Now()
	if !last.IsZero() && now.Sub(*last) < logInterval {
		return false
	}
	*last = now
	return true
}

func (r *Runner) dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats.Dropped
}

func (r *Runner) sayDropped() {
	dropped := r.dropped()
	if n := dropped - r.outage.droppedLogged; n > 0 && say(&r.outage.saidDropped) {
		r.outage.droppedLogged = dropped
		r.config.Logger.Error("queue is full: the oldest samples were dropped", "dropped", n, "queue_limit", r.config.QueueLimit)
	}
}

func (r *Runner) sayFailure(err error) {
	if r.outage.since.IsZero() {
		r.outage.since = time.Now()
		r.outage.dropped = r.dropped()
	}
	if !say(&r.outage.saidFailure) {
		return
	}
	r.outage.said = true
	var config *ConfigError
	if errors.As(err, &config) {
		r.config.Logger.Error("output cannot work as configured; samples are queued", "error", err)
	} else {
		r.config.Logger.Warn("output failed; samples are queued and tried again", "error", err, "failures", r.failures)
	}
}

func (r *Runner) sayRejected(err *PartialError) {
	if say(&r.outage.saidRejected) {
		r.config.Logger.Error("output rejected samples for good", "rejected", len(err.Rejected), "error", err.Err)
	}
}

// worked notes that the output took a batch.
func (r *Runner) worked() {
	r.failures = 0
	if r.outage.said {
		r.config.Logger.Info("output works again", "after", time.Since(r.outage.since).Round(time.Millisecond), "dropped", r.dropped()-r.outage.dropped)
	}
	r.outage.since, r.outage.said = time.Time{}, false
}
