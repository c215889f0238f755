package notify

import (
	"sync"
	"time"

	"walkabout/alert"
)

// mostHistory is more transitions than the files of a history hold.
const mostHistory = 1 << 20

// standing returns a lookup of alerts as they stand when it is first asked: to ask for one costs as much as to ask for all.
func standing(alerts Alerts) lookup {
	all := sync.OnceValue(func() map[string]alert.Alert {
		m := map[string]alert.Alert{}
		for _, a := range alerts.Alerts() { // of one fingerprint the latest is the last
			m[a.Fingerprint] = a
		}
		return m
	})
	return func(fingerprint string) (alert.Alert, bool) {
		a, known := all()[fingerprint]
		return a, known
	}
}

// catchUp has the book take in what ended while the receiver was not configured.
func (r *receiver) catchUp(alerts Alerts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	unknown, err := r.book.catchUp(time.Now(), standing(alerts), func(since time.Time) ([]alert.Transition, error) {
		return alerts.History(alert.HistoryQuery{Since: since, Limit: mostHistory})
	})
	if err != nil {
		r.log.Error("what ended while the notifier was not configured is not known", "err", err)
	}
	if unknown > 0 {
		r.log.Warn("the notifier was told of alerts of which nothing is known any more; it is not told of their end", "alerts", unknown)
	}
}

// catchUp takes in the ends of alerts that passed while the receiver was not configured; history returns the transitions since a time, the newest first.
// It returns of how many alerts nothing is known: whoever was told of them does not hear of their end.
func (b *book) catchUp(now time.Time, current lookup, history func(since time.Time) ([]alert.Transition, error)) (unknown int, err error) {
	var missed []alert.Transition
	over := map[string]*entry{}
	var since time.Time
	for _, fp := range b.those(func(e *entry) bool { return e.Firing != nil }) {
		e := b.Alerts[fp]
		a, known := current(fp)
		switch {
		case known && a.State == alert.Firing:
		case known && a.State == alert.Resolved && !a.ResolvedAt.Before(e.Firing.At):
			missed = append(missed, alert.Transition{ID: alert.TransitionID(&a), From: alert.Firing, At: a.ResolvedAt, Alert: a})
		default:
			over[fp] = e
			if since.IsZero() || e.Firing.At.Before(since) {
				since = e.Firing.At
			}
		}
	}
	if len(over) > 0 {
		var past []alert.Transition
		if past, err = history(since); err != nil {
			clear(over)
		}
		for _, t := range past {
			if e := over[t.Fingerprint]; e != nil && t.From == alert.Firing && t.State == alert.Resolved && !t.At.Before(e.Firing.At) {
				missed = append(missed, t)
				delete(over, t.Fingerprint)
			}
		}
	}
	for fp, e := range over {
		e.Firing, e.Escalate = nil, nil
		b.touchAlert(fp)
		b.forget(fp)
	}
	b.take(now, missed)
	return len(over), err
}
