package collector

import (
	"context"
	"slices"
	"time"
)

// minExtra is how long after a poll between two slots the next such one is made at the soonest.
const minExtra = 2 * time.Second

// minExtraTime is what must be left until the next slot for a poll before it to be worth its while.
const minExtraTime = time.Second

// PollNow has a device polled at once, beside its schedule: the measurements that are named, or all if none is. It is for those who were told that
// something changed. A device is polled so once in 2 s at most; what is asked for sooner is polled when they are over. PollNow does not wait, and is
// false if there is no such target.
//
// Such a poll is Extra: it brings states and names, and no counters, whose rates are those of the schedule.
func (c *Collector) PollNow(device string, measurements ...string) bool {
	c.mu.Lock()
	r := c.runners[device]
	c.mu.Unlock()
	if r == nil {
		return false
	}
	c.schedule.want(r, measurements)
	return true
}

// wanted is what is to be polled before the next slot.
type wanted struct {
	any, all bool
	some     []string
}

func (w *wanted) add(measurements []string) {
	w.any, w.all = true, w.all || len(measurements) == 0
	for _, m := range measurements {
		if !slices.Contains(w.some, m) {
			w.some = append(w.some, m)
		}
	}
}

// parts returns the measurements, nil for all.
func (w *wanted) parts() []string {
	if w.all {
		return nil
	}
	return w.some
}

// pollExtra polls what is wanted before the next slot, unless that one is about to come. A device that does not answer is left to the schedule.
func (r *runner) pollExtra(ctx context.Context, sinks []Sink, slot time.Time, only []string) {
	left := min(deadline(r.target.Interval), time.Until(slot))
	if left < minExtraTime {
		return
	}
	pollCtx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	r.poller.selected, r.poller.unjudged = only, true
	poll := r.poller.poll(pollCtx)
	r.poller.selected, r.poller.unjudged = nil, false
	r.poller.stats.extra()
	if ctx.Err() != nil || !poll.Answered {
		return
	}
	poll.Extra, poll.Complete = true, nil
	for _, s := range sinks {
		s.Poll(ctx, poll)
	}
}

// wants reports whether the poll that is made is of this measurement.
func (p *poller) wants(measurement string) bool {
	return p.selected == nil || slices.Contains(p.selected, measurement)
}
