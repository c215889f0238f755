// Package sinks joins the collector to what takes its polls: collector, exporters and alert know nothing of each other.
package sinks

import (
	"context"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/exporters"
)

// Outputs hands every poll's samples to each runner.
func Outputs(runners ...*exporters.Runner) collector.Sink {
	return collector.SinkFunc(func(_ context.Context, p collector.Poll) {
		for _, r := range runners {
			r.Enqueue(p.Samples)
		}
	})
}

// Alerts shows every poll to the rules of m.
func Alerts(m *alert.Manager) collector.Sink {
	return collector.SinkFunc(func(_ context.Context, p collector.Poll) {
		if !p.Answered {
			m.Failed(p.At, p.Device, p.Err)
			return
		}
		m.Observe(alert.Poll{Device: p.Device, At: p.At, Interval: p.Interval, Samples: p.Samples, Complete: p.Complete,
			Reset: p.Reset, Extra: p.Extra, UpTime: p.UpTime, HasUpTime: p.HasUpTime})
	})
}
