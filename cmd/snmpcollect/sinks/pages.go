package sinks

import (
	"context"
	"runtime"
	"time"

	"walkabout/alert/notify"
	"walkabout/collector"
	"walkabout/exporters"
	"walkabout/internal/version"
	"walkabout/spool"
	"walkabout/web"
)

// Pages shows every poll to the pages.
func Pages(m *web.Memory) collector.Sink {
	return collector.SinkFunc(func(_ context.Context, p collector.Poll) {
		m.Poll(web.Poll{Device: p.Device, At: p.At, Interval: p.Interval, Duration: p.Duration, Answered: p.Answered, Cause: cause(&p), Err: p.Err,
			Samples: p.Samples, Complete: p.Complete, UpTime: p.UpTime, HasUpTime: p.HasUpTime, Reset: p.Reset, Extra: p.Extra})
	})
}

func cause(p *collector.Poll) string {
	if p.Answered {
		return ""
	}
	return p.State()
}

// PageTargets returns targets as the pages know them: without credentials.
func PageTargets(targets []collector.Target) []web.Target {
	out := make([]web.Target, 0, len(targets))
	for i := range targets {
		t := &targets[i]
		out = append(out, web.Target{Name: t.Name, Address: t.Address, Labels: t.Labels, Profiles: t.Collect, Version: t.Credential.Version.String(), Interval: t.Interval})
	}
	return out
}

// PageStats returns how devices are polled.
func PageStats(all []collector.Stats) []web.DeviceStats {
	out := make([]web.DeviceStats, 0, len(all))
	now := time.Now()
	for i := range all {
		s := &all[i]
		x := web.DeviceStats{Device: s.Device, Why: s.Why(), RoundTrip: s.SNMPRoundTrip, Late: !s.Last.IsZero() && now.Sub(s.Last) > 4*s.Interval,
			Polls: web.Polls{Polls: s.Polls, Partial: s.Partial, Failed: s.Failed, Missed: s.Missed, Lag: s.Lag.Seconds(), Requests: s.Effort.Requests,
				Retries: s.Effort.Retries, MaxRepetitions: s.Effort.MaxRepetitions, GetNext: s.Effort.GetNext, Slowest: s.Effort.Slowest,
				SlowestTook: s.Effort.SlowestTook.Seconds(), EngineTwins: s.EngineTwins}}
		for v, n := range s.Verdicts {
			if !v.HasRate() {
				if x.Polls.Withheld == nil {
					x.Polls.Withheld = map[string]uint64{}
				}
				x.Polls.Withheld[v.String()] = n
			}
		}
		out = append(out, x)
	}
	return out
}

// Health gathers what the pages show of a collector's parts.
func Health(runners []*exporters.Runner, s *spool.Spool, notifiers []notify.Stats) web.Collector {
	out := web.Collector{Version: version.Version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Process: process(),
		Outputs: []web.Output{}, Notifiers: []web.Notifier{}}
	figures := s.Stats()
	out.Spool = web.Spool{Octets: figures.Octets, Segments: figures.Segments, Appended: figures.Appended, Refused: figures.Refused,
		Failures: figures.Failures, Lost: figures.Lost, Unsaved: figures.Unsaved}
	written := map[string]exporters.Stats{}
	for _, r := range runners {
		x := r.Stats()
		written[x.Output] = x
	}
	for _, r := range figures.Readers {
		s, runs := written[r.Name]
		if runs || !r.Present { // others that read are parts of the collector
			out.Outputs = append(out.Outputs, output(r, s))
		}
	}
	for _, n := range notifiers {
		out.Notifiers = append(out.Notifiers, web.Notifier{Name: n.Name, Waiting: n.Waiting, Delivered: n.Delivered, Failed: n.Failures,
			Lost: n.Rejected + n.Expired + n.Dropped, Error: web.Text(n.LastError)})
	}
	return out
}

func output(r spool.ReaderStats, s exporters.Stats) web.Output {
	out := web.Output{Name: r.Name, State: "ok", Written: s.Written, Rejected: s.Rejected, Filtered: s.Filtered, Retries: s.Retries, Errors: s.Errors,
		Error: web.Text(s.LastError), ErrorAt: s.ErrorAt, LastWrite: s.LastWrite, Waiting: r.Records, Octets: r.Octets, Oldest: r.Oldest.Seconds(), Dropped: r.Dropped}
	switch {
	case !r.Present:
		out.State = "absent"
	case r.Filling:
		out.State = "filling"
	case s.Failing:
		out.State = "failing"
	}
	return out
}

func process() web.Process {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return web.Process{Memory: m.Sys - m.HeapReleased, Heap: m.HeapAlloc, Goroutines: runtime.NumGoroutine(), CPU: cpuSeconds(), CPUs: runtime.GOMAXPROCS(0)}
}
