package collector

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics returns what Stats says in Prometheus' form, to be registered where /metrics is served. A target that is gone takes its
// series with it.
func (c *Collector) Metrics() prometheus.Collector { return metrics{c} }

type metrics struct{ c *Collector }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("snmpcollect_"+name, help, labels, nil)
}

var (
	targetsDesc    = describe("targets", "Targets that are polled.")
	pollsDesc      = describe("polls_total", "Polls by their result: ok, partial (some parts are missing) or failed (no answer).", "device", "result")
	missedDesc     = describe("polls_missed_total", "Slots of the schedule that passed because the poll before took too long.", "device")
	extraDesc      = describe("polls_extra_total", "Polls between two of the schedule, because a notification told of a change.", "device")
	failuresDesc   = describe("poll_failures_total", "Polls, and parts of polls, that failed.", "device", "reason")
	lastDesc       = describe("poll_last_timestamp_seconds", "When the last poll began.", "device")
	durationDesc   = describe("poll_duration_seconds", "How long the last poll took.", "device")
	lagDesc        = describe("poll_lag_seconds", "By how much the last poll began late.", "device")
	stateDesc      = describe("target_state", "1 for how the last poll found the target: up, host_down, snmp_silent, authentication, timeout, …", "device", "state")
	pingsDesc      = describe("pings_total", "ICMP echo requests by their result: answered or lost.", "device", "result")
	roundTripDesc  = describe("ping_round_trip_seconds", "Mean round trip of the last ping that was answered.", "device")
	upDesc         = describe("up", "Whether the last poll was answered, at least in part.", "device")
	samplesDesc    = describe("samples_total", "Samples that polls brought.", "device")
	ratesDesc      = describe("rates_total", "Counter readings that have a rate.", "device", "verdict")
	withheldDesc   = describe("rates_withheld_total", "Counter readings that have no rate, and why.", "device", "verdict")
	findingsDesc   = describe("findings_total", "What the target's agent or configuration does that costs rates.", "device", "finding")
	wrongTypesDesc = describe("wrong_types_total", "Values left out because their type is not their object's.", "device")
	runningDesc    = describe("polls_running", "Polls that are being made, each by a goroutine.")
	snmpTripDesc   = describe("snmp_round_trip_seconds", "Round trip of SNMP requests, smoothed (RFC 6298).", "device")
	repetitionDesc = describe("max_repetitions", "The most repetitions that a GETBULK asks for, as the agent has shown to bear them.", "device")
	effortDesc     = describe("poll_requests", "SNMP requests that the last poll took, and of them those sent again.", "device", "kind")
	twinsDesc      = describe("engine_twins", "Other targets that have the same snmpEngineID.", "device")
	requestsDesc   = describe("requests_total", "SNMP requests, without those sent again.", "device")
	retriesDesc    = describe("retries_total", "SNMP requests sent again.", "device")
	droppedDesc    = describe("datagrams_dropped_total", "Datagrams that answered no request of the moment.", "device")
	foreignDesc    = describe("answers_foreign_total", "Answers from another address than was asked, refused unless any_source is set.", "device")
	oddDesc        = describe("odd_values_total", "Values that are NULL, of an unknown type or outside their type's range.", "device")
)

var descriptions = []*prometheus.Desc{
	targetsDesc, pollsDesc, missedDesc, extraDesc, failuresDesc, lastDesc, durationDesc, lagDesc, upDesc, stateDesc, pingsDesc, roundTripDesc, samplesDesc, ratesDesc, withheldDesc, findingsDesc,
	runningDesc, snmpTripDesc, repetitionDesc, effortDesc, twinsDesc, wrongTypesDesc, requestsDesc, retriesDesc, droppedDesc, foreignDesc, oddDesc,
}

// Describe implements prometheus.Collector.
func (m metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	all := m.c.Stats()
	out <- prometheus.MustNewConstMetric(targetsDesc, prometheus.GaugeValue, float64(len(all)))
	out <- prometheus.MustNewConstMetric(runningDesc, prometheus.GaugeValue, float64(m.c.schedule.running.Load()))
	for _, s := range all {
		collect(out, s)
	}
}

func collect(out chan<- prometheus.Metric, s Stats) {
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{s.Device}, labels...)...)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, s.Device)
	}
	count(pollsDesc, s.Polls-s.Partial-s.Failed, "ok")
	count(pollsDesc, s.Partial, "partial")
	count(pollsDesc, s.Failed, "failed")
	count(missedDesc, s.Missed)
	count(extraDesc, s.Extra)
	for reason, n := range s.Failures {
		count(failuresDesc, n, reason)
	}
	if !s.Last.IsZero() {
		gauge(lastDesc, float64(s.Last.UnixMilli())/1000)
		gauge(durationDesc, s.Duration.Seconds())
		gauge(lagDesc, s.Lag.Seconds())
		up := 0.0
		if s.Answered {
			up = 1
		}
		gauge(upDesc, up)
		gauge(repetitionDesc, float64(s.Effort.MaxRepetitions))
		out <- prometheus.MustNewConstMetric(effortDesc, prometheus.GaugeValue, float64(s.Effort.Requests), s.Device, "request")
		out <- prometheus.MustNewConstMetric(effortDesc, prometheus.GaugeValue, float64(s.Effort.Retries), s.Device, "retry")
		out <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1, s.Device, s.State)
	}
	if s.PingsSent > 0 {
		count(pingsDesc, s.PingsSent-s.PingsLost, "answered")
		count(pingsDesc, s.PingsLost, "lost")
	}
	if s.RoundTrip > 0 {
		gauge(roundTripDesc, s.RoundTrip.Seconds())
	}
	count(samplesDesc, s.Samples)
	for verdict, n := range s.Verdicts {
		if verdict.HasRate() {
			count(ratesDesc, n, verdict.String())
		} else {
			count(withheldDesc, n, verdict.String())
		}
	}
	for finding, n := range s.Findings {
		count(findingsDesc, n, finding.String())
	}
	count(wrongTypesDesc, s.WrongTypes)
	if s.SNMPRoundTrip > 0 {
		gauge(snmpTripDesc, s.SNMPRoundTrip.Seconds())
	}
	gauge(twinsDesc, float64(len(s.EngineTwins)))
	count(requestsDesc, s.Requests)
	count(retriesDesc, s.Retries)
	count(droppedDesc, s.Dropped)
	count(foreignDesc, s.Foreign)
	count(oddDesc, s.Odd)
}
