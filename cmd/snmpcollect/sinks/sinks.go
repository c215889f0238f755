// Package sinks joins the collector to what takes its polls: collector, exporters and alert know nothing of each other.
package sinks

import (
	"context"

	"walkabout/alert"
	"walkabout/collector"
)

// Alerts puts every poll's batch into the spool of t, from which the outputs take it, and with it what polls says of the poll, unless that is nil. When it
// is on disk, or ctx ended, it shows the poll to the rules of m.
func Alerts(t *Tail, polls *Polls, m *alert.Manager) collector.Sink {
	return collector.SinkFunc(func(ctx context.Context, p collector.Poll) {
		record, observed := t.keep(ctx, &p, polls)
		defer observed()
		if !p.Answered {
			m.Failed(p.At, p.Device, &alert.PollError{Cause: p.State(), Err: p.Err})
			return
		}
		m.Observe(alert.Poll{Device: p.Device, At: p.At, Interval: p.Interval, Samples: p.Samples, Complete: p.Complete,
			Reset: p.Reset, Extra: p.Extra, UpTime: p.UpTime, HasUpTime: p.HasUpTime, Record: record})
	})
}
