package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/self"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/exporters"
	"walkabout/metric"
)

// registries return what there is to know about the collector itself, more included, and all: with that what it knows of its targets.
func (p *parts) registries(more ...prometheus.Collector) (own, all prometheus.Gatherer, err error) {
	r, targets := prometheus.NewRegistry(), prometheus.NewRegistry()
	list := []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &figures{p: p}}
	for _, c := range append(list, more...) {
		if err := r.Register(c); err != nil {
			return nil, nil, err
		}
	}
	return r, prometheus.Gatherers{r, targets}, targets.Register(p.polls.Metrics())
}

// selfBatch is how many samples of its own the collector puts into the spool at a time.
const selfBatch = 1000

// reporter returns what puts the collector's own figures into the spool; nil: nobody wants them.
func (p *parts) reporter(cfg config.Config, r prometheus.Gatherer, targets []collector.Target) *self.Reporter {
	if cfg.Self == 0 {
		return nil
	}
	host, _ := os.Hostname() // a system without a name is no obstacle
	take := func(ctx context.Context, at time.Time, samples []metric.Sample) error {
		var errs []error
		for some := range slices.Chunk(samples, selfBatch) {
			errs = append(errs, p.spool.Append(ctx, metric.Append(nil, metric.Batch{At: at, Interval: cfg.Self, Samples: some})))
		}
		return errors.Join(errs...)
	}
	return self.New(self.Options{Gatherer: r, Host: cmp.Or(host, "localhost"), Interval: cfg.Self, Targets: targets, Log: p.log, Take: take})
}

// figures is the outputs, alerts and notifiers about themselves, as a prometheus.Collector: what they count, read when asked.
type figures struct {
	p *parts

	mu    sync.Mutex
	alert map[alertKey]bool // those that were told of
}

// alertKey is what alerts are counted by.
type alertKey struct{ rule, state string }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("snmpcollect_"+name, help, labels, nil)
}

var (
	written      = desc("output_samples_written_total", "Samples that are durable at the output.", "output")
	rejected     = desc("output_samples_rejected_total", "Samples that the output will never take.", "output")
	filtered     = desc("output_samples_filtered_total", "Samples that the output's filter kept from it.", "output")
	unread       = desc("output_batches_unread_total", "Batches of the spool that make no sense.", "output")
	outRetries   = desc("output_retries_total", "Writes tried again.", "output")
	writeErrors  = desc("output_write_errors_total", "Writes that failed, by reason.", "output", "reason")
	omitted      = desc("output_fields_omitted_total", "Fields that the output's format cannot hold, by reason.", "output", "reason")
	lastWrite    = desc("output_last_write_timestamp_seconds", "When something was last written.", "output")
	alerting     = desc("alerts", "Alerts by state.", "rule", "state")
	notified     = desc("notifications_total", "Notifications by what became of them: delivered, rejected, expired, dropped.", "notifier", "result")
	toldFailures = desc("notification_failures_total", "Attempts to notify that failed.", "notifier")
	waiting      = desc("notification_queue", "Notifications that wait.", "notifier")
	heldBack     = desc("notification_held", "Notifications that wait because of the notifier's rate limit.", "notifier")
	messages     = desc("notification_messages_total", "Messages that were delivered, each with one notification or more.", "notifier")
	lastTold     = desc("notification_last_success_timestamp_seconds", "When a message was last delivered.", "notifier")
)

// Describe implements prometheus.Collector: it describes nothing, as an unchecked collector does.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	for _, r := range f.p.runners {
		output(ch, r.Stats())
	}
	f.spool(ch)
	f.store(ch)
	f.alerts(ch)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func output(ch chan<- prometheus.Metric, s exporters.Stats) {
	counter(ch, written, s.Written, s.Output)
	counter(ch, rejected, s.Rejected, s.Output)
	counter(ch, filtered, s.Filtered, s.Output)
	counter(ch, unread, s.Unread, s.Output)
	counter(ch, outRetries, s.Retries, s.Output)
	for reason, n := range s.Errors {
		counter(ch, writeErrors, n, s.Output, reason)
	}
	for reason, n := range s.Omitted {
		counter(ch, omitted, n, s.Output, reason)
	}
	if !s.LastWrite.IsZero() {
		gauge(ch, lastWrite, seconds(s.LastWrite), s.Output)
	}
}

var (
	spoolWaiting  = desc("spool_waiting_batches", "Polls that wait for the output.", "output")
	spoolOctets   = desc("spool_waiting_bytes", "Disk space of what waits for the output.", "output")
	spoolOldest   = desc("spool_oldest_seconds", "How long the oldest has waited, while the collector ran.", "output")
	spoolSize     = desc("spool_limit_bytes", "What may wait for the output.", "output")
	spoolAge      = desc("spool_limit_seconds", "How long anything may wait for the output.", "output")
	spoolFilling  = desc("spool_filling", "1 if one of the limits is near.", "output")
	spoolDropped  = desc("spool_dropped_batches_total", "Polls dropped at the limits, over all runs.", "output")
	spoolCorrupt  = desc("spool_corrupt_batches_total", "Polls that could not be read, over all runs.", "output")
	spoolAppended = desc("spool_batches_total", "Polls put into the spool.")
	spoolRefused  = desc("spool_refused_batches_total", "Received notifications that were not taken, since too much waited for the disk.")
	spoolFailures = desc("spool_write_failures_total", "Writes that the disk refused.")
	spoolUnsaved  = desc("spool_unsaved_batches", "Polls that are in memory only, since the disk takes nothing.")
	spoolLost     = desc("spool_lost_batches_total", "Polls that the disk did not take and for which there was no memory.")
	spoolAside    = desc("spool_corrupt_segments_total", "Segments that were put aside.")
	spoolSegments = desc("spool_segments", "Segments on disk.")
	spoolBytes    = desc("spool_bytes", "Disk space of all segments.")
)

// spool tells what waits on disk.
func (f *figures) spool(ch chan<- prometheus.Metric) {
	s := f.p.spool.Stats()
	counter(ch, spoolAppended, s.Appended)
	counter(ch, spoolRefused, s.Refused)
	counter(ch, spoolFailures, s.Failures)
	counter(ch, spoolLost, s.Lost)
	counter(ch, spoolAside, s.Quarantined)
	gauge(ch, spoolUnsaved, float64(s.Unsaved))
	gauge(ch, spoolSegments, float64(s.Segments))
	gauge(ch, spoolBytes, float64(s.Octets))
	for _, r := range s.Readers {
		if r.Name == sinks.TailName { // no output
			continue
		}
		gauge(ch, spoolWaiting, float64(r.Records), r.Name)
		gauge(ch, spoolOctets, float64(r.Octets), r.Name)
		gauge(ch, spoolOldest, r.Oldest.Seconds(), r.Name)
		gauge(ch, spoolSize, float64(r.Bounds.Size), r.Name)
		gauge(ch, spoolAge, r.Bounds.Age.Seconds(), r.Name)
		filling := 0.0
		if r.Filling {
			filling = 1
		}
		gauge(ch, spoolFilling, filling, r.Name)
		counter(ch, spoolDropped, r.Dropped, r.Name)
		counter(ch, spoolCorrupt, r.Corrupt, r.Name)
	}
}

func (f *figures) alerts(ch chan<- prometheus.Metric) {
	count := map[alertKey]int{}
	for _, a := range append(f.p.alerts.Alerts(), f.p.alerts.NeverUp()...) {
		count[alertKey{a.Rule, a.State.String()}]++
	}
	f.mu.Lock()
	if f.alert == nil {
		f.alert = map[alertKey]bool{}
		for _, rule := range alert.RuleNames {
			f.alert[alertKey{rule, alert.Pending.String()}], f.alert[alertKey{rule, alert.Firing.String()}] = true, true
		}
	}
	for k := range count {
		f.alert[k] = true
	}
	told := slices.Collect(maps.Keys(f.alert))
	f.mu.Unlock()
	for _, k := range told { // those that are none any more are 0: a series that ends would be taken for what it was
		gauge(ch, alerting, float64(count[k]), k.rule, k.state)
	}
	for _, s := range f.p.told.Stats() {
		counter(ch, notified, s.Delivered, s.Name, "delivered")
		counter(ch, notified, s.Rejected, s.Name, "rejected")
		counter(ch, notified, s.Expired, s.Name, "expired")
		counter(ch, notified, s.Dropped, s.Name, "dropped")
		counter(ch, toldFailures, s.Failures, s.Name)
		counter(ch, messages, s.Messages, s.Name)
		gauge(ch, waiting, float64(s.Waiting), s.Name)
		gauge(ch, heldBack, float64(s.Held), s.Name)
		if !s.LastSuccess.IsZero() {
			gauge(ch, lastTold, seconds(s.LastSuccess), s.Name)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
