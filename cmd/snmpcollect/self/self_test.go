package self_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"walkabout/cmd/snmpcollect/self"
	"walkabout/collector"
	"walkabout/counter"
	"walkabout/metric"
)

func number(name string, v float64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Float, Num: math.Float64bits(v)}
}

func count(name string, n uint64, perSecond float64, v counter.Verdict) metric.Field {
	return metric.Field{Name: name, Kind: metric.Counter64, Num: n, Rate: perSecond, Verdict: v}
}

func tags(pairs ...string) (out []metric.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, metric.Tag{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// TestReports: what metrics say becomes samples, counters with rates, at the start and at each interval.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		polls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "polls_total"}, []string{"device", "result"})
		up := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "up"}, []string{"device"})
		targets := prometheus.NewGauge(prometheus.GaugeOpts{Name: "targets"})
		cpu := prometheus.NewCounter(prometheus.CounterOpts{Name: "cpu_seconds_total"})
		took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took"})
		registry.MustRegister(polls, up, targets, cpu, took)
		polls.WithLabelValues("core1", "ok").Add(100)
		up.WithLabelValues("core1").Set(1)
		up.WithLabelValues("core2").Set(math.NaN())
		targets.Set(2)
		cpu.Add(0.5)

		type report struct {
			After   time.Duration
			Samples []metric.Sample
		}
		var got []report
		start := time.Now()
		var log bytes.Buffer
		var full atomic.Bool
		r := self.New(self.Options{Gatherer: registry, Host: "noc", Interval: 10 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Targets: []collector.Target{{Name: "core1", Labels: map[string]string{"site": "paris", "result": "of the target"}}, {Name: "core2"}},
			Take: func(_ context.Context, at time.Time, samples []metric.Sample) error {
				got = append(got, report{at.Sub(start), samples})
				for i := range samples {
					if !samples[i].At.Equal(at) || samples[i].Measurement != self.Measurement {
						t.Errorf("%+v at %v", samples[i], at)
					}
					samples[i].At, samples[i].Measurement = time.Time{}, ""
				}
				if full.Load() {
					return errors.New("no room")
				}
				return nil
			}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()

		time.Sleep(5 * time.Second)
		polls.WithLabelValues("core1", "ok").Add(20)
		polls.WithLabelValues("core1", "failed").Inc()
		time.Sleep(10 * time.Second)
		r.Keep(nil)
		up.Reset()
		full.Store(true)
		time.Sleep(20 * time.Second)
		cancel()
		<-done

		totals := tags("host", "noc")
		was := func(after time.Duration, ok, failed []metric.Field) report {
			r := report{After: after, Samples: []metric.Sample{
				{Tags: totals, Fields: []metric.Field{number("cpu_seconds_total", 0.5), number("targets", 2)}},
				{Tags: tags("device", "core1", "host", "noc", "result", "of the target", "site", "paris"), Fields: []metric.Field{number("up", 1)}}}}
			if failed != nil {
				r.Samples = append(r.Samples, metric.Sample{Tags: tags("device", "core1", "host", "noc", "result", "failed", "site", "paris"), Fields: failed})
			}
			r.Samples = append(r.Samples, metric.Sample{Tags: tags("device", "core1", "host", "noc", "result", "ok", "site", "paris"), Fields: ok})
			return r
		}
		later := func(after time.Duration) report {
			return report{after, []metric.Sample{
				{Tags: totals, Fields: []metric.Field{number("cpu_seconds_total", 0.5), number("targets", 2)}},
				{Tags: tags("device", "core1", "host", "noc", "result", "failed"), Fields: []metric.Field{count("polls_total", 1, 0, counter.OK)}},
				{Tags: tags("device", "core1", "host", "noc", "result", "ok"), Fields: []metric.Field{count("polls_total", 120, 0, counter.OK)}}}}
		}
		want := []report{
			was(0, []metric.Field{count("polls_total", 100, 0, counter.First)}, nil),
			was(10*time.Second, []metric.Field{count("polls_total", 120, 2, counter.OK)}, []metric.Field{count("polls_total", 1, 0.1, counter.OK)}),
			later(20 * time.Second), later(30 * time.Second),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if n := strings.Count(log.String(), "no room"); n != 1 {
			t.Errorf("said %d times:\n%s", n, &log)
		}
	})
}
