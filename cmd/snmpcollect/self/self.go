// Package self makes samples of what the collector counts of itself, so that outputs get it beside what devices say.
package self

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"walkabout/collector"
	"walkabout/counter"
	"walkabout/metric"
)

// Measurement is that of the collector's own samples.
const Measurement = "collector"

// deviceLabel is the label of metrics about one device, which get that device's own labels too.
const deviceLabel = "device"

// Options of a Reporter. All must be given.
type Options struct {
	Gatherer prometheus.Gatherer
	Host     string        // the tag host: where the collector runs
	Interval time.Duration // above 0
	Targets  []collector.Target
	Log      *slog.Logger
	// Take is given the samples of one moment, which it may keep. Run calls it, and waits for it.
	Take func(ctx context.Context, at time.Time, samples []metric.Sample) error
}

// Reporter makes a sample of each set of labels that metrics have: its tags are the labels, its fields the metrics. Counters have a rate from the second
// time on; what is counted for the first time after the first moment counts from 0. Histograms and summaries are left out.
type Reporter struct {
	o    Options
	last time.Time                 // the moment before, for Run's goroutine alone
	was  map[string][]metric.Field // the fields of that moment, by tags

	mu     sync.Mutex
	labels map[string]map[string]string // of targets, by name
}

// New returns a Reporter.
func New(o Options) *Reporter {
	r := &Reporter{o: o}
	r.Keep(o.Targets)
	return r
}

// Keep says which targets there are now.
func (r *Reporter) Keep(targets []collector.Target) {
	labels := map[string]map[string]string{}
	for _, t := range targets {
		if len(t.Labels) > 0 {
			labels[t.Name] = t.Labels
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.labels = labels
}

// Run reports at once and at each interval, until ctx ends.
func (r *Reporter) Run(ctx context.Context) {
	tick := time.NewTicker(r.o.Interval)
	defer tick.Stop()
	failing := false
	for {
		err := r.report(ctx, time.Now())
		if err != nil && !failing && ctx.Err() == nil {
			r.o.Log.Warn("the collector's own figures are not all in the outputs", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// report has Take given what is gathered. What could be gathered is reported, whatever could not.
func (r *Reporter) report(ctx context.Context, at time.Time) error {
	families, err := r.o.Gatherer.Gather()
	if err != nil {
		err = fmt.Errorf("gathering the collector's own metrics: %w", err)
	}
	if samples := r.samples(at, families); len(samples) > 0 && ctx.Err() == nil {
		err = errors.Join(err, r.o.Take(ctx, at, samples))
	}
	return err
}

// samples returns what families say at a moment, ordered by tags.
func (r *Reporter) samples(at time.Time, families []*dto.MetricFamily) []metric.Sample {
	r.mu.Lock()
	labels := r.labels
	r.mu.Unlock()
	now := map[string]*metric.Sample{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			field, ok := value(f, m)
			if !ok {
				continue
			}
			key := key(m.GetLabel())
			s := now[key]
			if s == nil {
				s = &metric.Sample{Measurement: Measurement, Tags: r.tags(m.GetLabel(), labels), At: at}
				now[key] = s
			}
			if field.Kind == metric.Counter64 {
				r.rate(&field, key, at)
			}
			s.Fields = append(s.Fields, field)
		}
	}
	out := make([]metric.Sample, 0, len(now))
	was := make(map[string][]metric.Field, len(now))
	for _, key := range slices.Sorted(maps.Keys(now)) {
		out = append(out, *now[key])
		was[key] = now[key].Fields
	}
	r.last, r.was = at, was
	return out
}

// value returns a metric's value as a field.
func value(f *dto.MetricFamily, m *dto.Metric) (metric.Field, bool) {
	field := metric.Field{Name: f.GetName(), Kind: metric.Float}
	v := 0.0
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		v = m.GetCounter().GetValue()
		if !strings.Contains(field.Name, "_seconds") { // which are counted in parts; all else is whole
			field.Kind, field.Num = metric.Counter64, uint64(v)
			return field, v >= 0 && v < 1<<63
		}
	case dto.MetricType_GAUGE:
		v = m.GetGauge().GetValue()
	default:
		return field, false
	}
	field.Num = math.Float64bits(v)
	return field, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// rate sets a counter's rate or the verdict on why there is none.
func (r *Reporter) rate(f *metric.Field, key string, at time.Time) {
	if r.last.IsZero() {
		f.Verdict = counter.First
		return
	}
	before := uint64(0)
	if i := slices.IndexFunc(r.was[key], func(w metric.Field) bool { return w.Name == f.Name }); i >= 0 {
		before = r.was[key][i].Num
	}
	f.Rate, f.Verdict = counter.Rate(counter.Interval{Elapsed: at.Sub(r.last), Verdict: counter.OK}, before, f.Num, 64, 0)
}

// tags returns labels, where the collector runs, and the labels of the device that they name.
func (r *Reporter) tags(labels []*dto.LabelPair, ofTargets map[string]map[string]string) []metric.Tag {
	all := map[string]string{}
	for _, l := range labels {
		if l.GetName() == deviceLabel {
			maps.Copy(all, ofTargets[l.GetValue()])
		}
	}
	all["host"] = r.o.Host
	for _, l := range labels {
		all[l.GetName()] = l.GetValue()
	}
	tags := make([]metric.Tag, 0, len(all))
	for name, value := range all {
		if value != "" {
			tags = append(tags, metric.Tag{Name: name, Value: value})
		}
	}
	metric.SortTags(tags)
	return tags
}

// key joins labels, which a Gatherer gives in order.
func key(labels []*dto.LabelPair) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.GetName() + "\xff" + l.GetValue() + "\xff")
	}
	return b.String()
}
