package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"walkabout/collector"
	"walkabout/exporters"
)

// figures is the collector about itself, as a prometheus.Collector: what the parts count, read when asked.
type figures struct{ p *parts }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("snmpcollect_"+name, help, labels, nil)
}

var (
	polls        = desc("polls_total", "Polls made, by how they ended: answered, partial, failed.", "device", "result")
	missed       = desc("poll_slots_missed_total", "Polls that were due while an earlier one was still under way.", "device")
	failures     = desc("poll_failures_total", "Polls and parts of polls that failed, by reason.", "device", "reason")
	duration     = desc("poll_duration_seconds", "What the last poll took.", "device")
	lag          = desc("poll_lag_seconds", "By how much the last poll began late.", "device")
	last         = desc("poll_last_timestamp_seconds", "When the last poll began.", "device")
	samples      = desc("samples_total", "Samples that polls brought.", "device")
	verdicts     = desc("counters_total", "Counters read, by verdict: ok and wrapped have a rate, for the others it was withheld.", "device", "verdict")
	findings     = desc("findings_total", "Problems found with an agent's counters or its configuration here.", "device", "finding")
	wrongTypes   = desc("wrong_types_total", "Values left out because their type is not their object's.", "device")
	requests     = desc("snmp_requests_total", "Requests asked of agents.", "device")
	retries      = desc("snmp_retries_total", "Requests sent again.", "device")
	dropped      = desc("snmp_dropped_total", "Datagrams that answered no request of the moment.", "device")
	odd          = desc("snmp_odd_values_total", "Values of no known type or outside their type's range.", "device")
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
	for _, s := range f.p.polls.Stats() {
		target(ch, s)
	}
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

func target(ch chan<- prometheus.Metric, s collector.Stats) {
	counter(ch, polls, s.Polls-s.Partial-s.Failed, s.Device, "answered")
	counter(ch, polls, s.Partial, s.Device, "partial")
	counter(ch, polls, s.Failed, s.Device, "failed")
	counter(ch, missed, s.Missed, s.Device)
	counter(ch, samples, s.Samples, s.Device)
	counter(ch, wrongTypes, s.WrongTypes, s.Device)
	counter(ch, requests, s.Requests, s.Device)
	counter(ch, retries, s.Retries, s.Device)
	counter(ch, dropped, s.Dropped, s.Device)
	counter(ch, odd, s.Odd, s.Device)
	for reason, n := range s.Failures {
		counter(ch, failures, n, s.Device, reason)
	}
	for v, n := range s.Verdicts {
		counter(ch, verdicts, n, s.Device, v.String())
	}
	for k, n := range s.Findings {
		counter(ch, findings, n, s.Device, k.String())
	}
	if !s.Last.IsZero() {
		gauge(ch, duration, s.Duration.Seconds(), s.Device)
		gauge(ch, lag, s.Lag.Seconds(), s.Device)
		gauge(ch, last, seconds(s.Last), s.Device)
	}
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
