// Package sinks joins the collector to what takes its polls: collector, exporters and alert know nothing of each other.
package sinks

import (
	"context"
	"slices"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/metric"
	"walkabout/spool"
)

// Spool puts every poll's batch into s, from which the outputs take it, and with it what polls says of the poll, unless that is nil. It returns when the
// batch is on disk, or ctx ended.
func Spool(s *spool.Spool, polls *Polls) collector.Sink {
	return collector.SinkFunc(func(ctx context.Context, p collector.Poll) {
		if polls != nil {
			if about, ok := polls.sample(&p); ok {
				p.Samples = append(slices.Clip(p.Samples), about)
			}
		}
		if len(p.Samples) == 0 {
			return
		}
		data := metric.Append(nil, metric.Batch{Device: p.Device, At: p.At, Interval: p.Interval, Samples: p.Samples, Complete: p.Complete,
			Reset: p.Reset, UpTime: p.UpTime, HasUpTime: p.HasUpTime})
		_ = s.Append(ctx, data) // it is taken even if ctx ends; the spool tells of a disk that fails
	})
}

// Alerts shows every poll to the rules of m.
func Alerts(m *alert.Manager) collector.Sink {
	return collector.SinkFunc(func(_ context.Context, p collector.Poll) {
		if !p.Answered {
			m.Failed(p.At, p.Device, &alert.PollError{Cause: p.State(), Err: p.Err})
			return
		}
		m.Observe(alert.Poll{Device: p.Device, At: p.At, Interval: p.Interval, Samples: p.Samples, Complete: p.Complete,
			Reset: p.Reset, Extra: p.Extra, UpTime: p.UpTime, HasUpTime: p.HasUpTime})
	})
}
