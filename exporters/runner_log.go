package exporters

import (
	"errors"
	"time"
)

// usualMost is how long what a RetryError calls usual may last before people are warned of it.
const usualMost = 15 * time.Minute

// The Runner logs from its own goroutine only, so that a log that blocks does not block the collector.

func (r *Runner) sayFailure(err error) {
	if r.outage.since.IsZero() {
		r.outage.since = time.Now()
	}
	if r.usual(err) {
		if !r.outage.said {
			r.config.Logger.Info("output is not ready yet; samples wait in the spool", "reason", err)
		}
		r.outage.said = true
		return
	}
	if !r.outage.saidFailure.Due() {
		return
	}
	r.outage.said = true
	var config *ConfigError
	if errors.As(err, &config) {
		r.config.Logger.Error("output cannot work as configured; samples wait in the spool", "err", err)
	} else {
		r.config.Logger.Warn("output failed; samples wait in the spool and are tried again", "err", err, "failures", r.failures)
	}
}

func (r *Runner) sayRejected(err *PartialError) {
	if r.outage.saidRejected.Due() {
		r.config.Logger.Error("output rejected samples for good", "rejected", len(err.Rejected), "err", err.Err)
	}
}

// usual reports whether err, after which the batch comes again, is nothing that people are to be warned of.
func (r *Runner) usual(err error) bool {
	var retry *RetryError
	return errors.As(err, &retry) && retry.Usual && (r.outage.since.IsZero() || time.Since(r.outage.since) < usualMost)
}

// unread counts a batch that cannot be decoded.
func (r *Runner) unread(err error) {
	r.mu.Lock()
	r.stats.Unread++
	r.mu.Unlock()
	if r.outage.saidUnread.Due() {
		r.config.Logger.Error("a batch of the spool cannot be read and is left out", "err", err)
	}
}

// worked notes that the output took a batch.
func (r *Runner) worked() {
	r.failures = 0
	if r.outage.said {
		r.config.Logger.Info("output works again", "after", time.Since(r.outage.since).Round(time.Millisecond))
	}
	r.outage.since, r.outage.said = time.Time{}, false
}
