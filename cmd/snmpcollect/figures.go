package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"walkabout/exporters"
)

// figures is the outputs, alerts and notifiers about themselves, as a prometheus.Collector: what they count, read when asked.
type figures struct{ p *parts }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("snmpcollect_"+name, help, labels, nil)
}

var (
	written      = desc("output_samples_written_total", "Samples that are durable at the output.", "output")
	rejected     = desc("output_samples_rejected_total", "Samples that the output will never take.", "output")
	lost         = desc("output_samples_dropped_total", "Samples lost to a full queue.", "output")
	outRetries   = desc("output_retries_total", "Writes tried again.", "output")
	writeErrors  = desc("output_write_errors_total", "Writes that failed, by reason.", "output", "reason")
	omitted      = desc("output_fields_omitted_total", "Fields that the output's format cannot hold, by reason.", "output", "reason")
	queued       = desc("output_queue_samples", "Samples that wait.", "output")
	queueLimit   = desc("output_queue_limit_samples", "Samples that may wait.", "output")
	lastWrite    = desc("output_last_write_timestamp_seconds", "When something was last written.", "output")
	alerting     = desc("alerts", "Alerts by state.", "rule", "state")
	told         = desc("notifications_total", "Notifications by what became of them: delivered, rejected, expired, dropped.", "notifier", "result")
	toldFailures = desc("notification_failures_total", "Attempts to notify that failed.", "notifier")
	waiting      = desc("notification_queue", "Notifications that wait.", "notifier")
)

// Describe implements prometheus.Collector: it describes nothing, as an unchecked collector does.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	for _, r := range f.p.runners {
		output(ch, r.Stats())
	}
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
	counter(ch, lost, s.Dropped, s.Output)
	counter(ch, outRetries, s.Retries, s.Output)
	for reason, n := range s.Errors {
		counter(ch, writeErrors, n, s.Output, reason)
	}
	for reason, n := range s.Omitted {
		counter(ch, omitted, n, s.Output, reason)
	}
	gauge(ch, queued, float64(s.Queue), s.Output)
	gauge(ch, queueLimit, float64(s.QueueLimit), s.Output)
	if !s.LastWrite.IsZero() {
		gauge(ch, lastWrite, seconds(s.LastWrite), s.Output)
	}
}

func (f *figures) alerts(ch chan<- prometheus.Metric) {
	type key struct{ rule, state string }
	count := map[key]int{}
	for _, a := range append(f.p.alerts.Alerts(), f.p.alerts.NeverUp()...) {
		count[key{a.Rule, a.State.String()}]++
	}
	for k, n := range count {
		gauge(ch, alerting, float64(n), k.rule, k.state)
	}
	for _, s := range f.p.alerts.Stats() {
		counter(ch, told, s.Delivered, s.Name, "delivered")
		counter(ch, told, s.Rejected, s.Name, "rejected")
		counter(ch, told, s.Expired, s.Name, "expired")
		counter(ch, told, s.Dropped, s.Name, "dropped")
		counter(ch, toldFailures, s.Failures, s.Name)
		gauge(ch, waiting, float64(s.Queued), s.Name)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
