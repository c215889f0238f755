package collector

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// emit takes one value of a device, with what its labels but device say.
type emit func(value float64, labels ...string)

// family is a metric of every device.
type family struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // beside device
	each       func(s *Stats, emit emit)
}

// count and gauge are families of one value a device; with gauge, ok says whether there is one.
func count(name, help string, value func(*Stats) uint64) family {
	return family{name, help, prometheus.CounterValue, nil, func(s *Stats, emit emit) { emit(float64(value(s))) }}
}

func gauge(name, help string, value func(*Stats) (v float64, ok bool)) family {
	return family{name, help, prometheus.GaugeValue, nil, func(s *Stats, emit emit) {
		if v, ok := value(s); ok {
			emit(v)
		}
	}}
}

// polled is gauge for what is known once a device was polled.
func polled(name, help string, value func(*Stats) float64) family {
	return gauge(name, help, func(s *Stats) (float64, bool) { return value(s), !s.Last.IsZero() })
}

// families are the metrics of a device.
func families() []family {
	return []family{
		{"polls_total", "Polls by their result: ok, partial (some parts are missing) or failed (no answer).", prometheus.CounterValue, []string{"result"},
			func(s *Stats, emit emit) {
				emit(float64(s.Polls-s.Partial-s.Failed), "ok")
				emit(float64(s.Partial), "partial")
				emit(float64(s.Failed), "failed")
			}},
		count("polls_missed_total", "Slots of the schedule that passed because the poll before took too long.", func(s *Stats) uint64 { return s.Missed }),
		count("polls_extra_total", "Polls between two of the schedule, because a notification told of a change.", func(s *Stats) uint64 { return s.Extra }),
		{"poll_failures_total", "Polls, and parts of polls, that failed.", prometheus.CounterValue, []string{"reason"}, func(s *Stats, emit emit) {
			for _, reason := range slices.Sorted(maps.Keys(s.Failures)) {
				emit(float64(s.Failures[reason]), reason)
			}
		}},
		polled("poll_last_timestamp_seconds", "When the last poll began.", func(s *Stats) float64 { return float64(s.Last.UnixMilli()) / 1000 }),
		polled("poll_duration_seconds", "How long the last poll took.", func(s *Stats) float64 { return s.Duration.Seconds() }),
		polled("poll_lag_seconds", "By how much the last poll began late.", func(s *Stats) float64 { return s.Lag.Seconds() }),
		{"target_state", "1 for how the last poll found the target: up, host_down, snmp_silent, authentication, timeout, …", prometheus.GaugeValue, []string{"state"},
			func(s *Stats, emit emit) {
				if !s.Last.IsZero() {
					emit(1, s.State)
				}
			}},
		{"pings_total", "ICMP echo requests by their result: answered or lost.", prometheus.CounterValue, []string{"result"}, func(s *Stats, emit emit) {
			if s.PingsSent > 0 {
				emit(float64(s.PingsSent-s.PingsLost), "answered")
				emit(float64(s.PingsLost), "lost")
			}
		}},
		gauge("ping_round_trip_seconds", "Mean round trip of the last ping that was answered.", func(s *Stats) (float64, bool) {
			return s.RoundTrip.Seconds(), s.RoundTrip > 0
		}),
		polled("up", "Whether the last poll was answered, at least in part.", func(s *Stats) float64 {
			if s.Answered {
				return 1
			}
			return 0
		}),
		count("samples_total", "Samples that polls brought.", func(s *Stats) uint64 { return s.Samples }),
		verdicts("rates_total", "Counter readings that have a rate.", true),
		verdicts("rates_withheld_total", "Counter readings that have no rate, and why.", false),
		{"findings_total", "What the target's agent or configuration does that costs rates.", prometheus.CounterValue, []string{"finding"}, func(s *Stats, emit emit) {
			for _, finding := range slices.Sorted(maps.Keys(s.Findings)) {
				emit(float64(s.Findings[finding]), finding.String())
			}
		}},
		count("wrong_types_total", "Values left out because their type is not their object's.", func(s *Stats) uint64 { return s.WrongTypes }),
		gauge("snmp_round_trip_seconds", "Round trip of SNMP requests, smoothed (RFC 6298).", func(s *Stats) (float64, bool) {
			return s.SNMPRoundTrip.Seconds(), s.SNMPRoundTrip > 0
		}),
		polled("max_repetitions", "The most repetitions that a GETBULK asks for, as the agent has shown to bear them.", func(s *Stats) float64 {
			return float64(s.Effort.MaxRepetitions)
		}),
		{"poll_requests", "SNMP requests that the last poll took, and of them those sent again.", prometheus.GaugeValue, []string{"kind"}, func(s *Stats, emit emit) {
			if !s.Last.IsZero() {
				emit(float64(s.Effort.Requests), "request")
				emit(float64(s.Effort.Retries), "retry")
			}
		}},
		gauge("engine_twins", "Other targets that have the same snmpEngineID.", func(s *Stats) (float64, bool) { return float64(len(s.EngineTwins)), true }),
		count("requests_total", "SNMP requests, without those sent again.", func(s *Stats) uint64 { return s.Requests }),
		count("retries_total", "SNMP requests sent again.", func(s *Stats) uint64 { return s.Retries }),
		count("datagrams_dropped_total", "Datagrams that answered no request of the moment.", func(s *Stats) uint64 { return s.Dropped }),
		count("answers_foreign_total", "Answers from another address than was asked, refused unless any_source is set.", func(s *Stats) uint64 { return s.Foreign }),
		count("odd_values_total", "Values that are NULL, of an unknown type or outside their type's range.", func(s *Stats) uint64 { return s.Odd }),
	}
}

func verdicts(name, help string, rated bool) family {
	return family{name, help, prometheus.CounterValue, []string{"verdict"}, func(s *Stats, emit emit) {
		for _, v := range slices.Sorted(maps.Keys(s.Verdicts)) {
			if v.HasRate() == rated {
				emit(float64(s.Verdicts[v]), v.String())
			}
		}
	}}
}

const namespace = "snmpcollect_"

// total is a gauge of all targets together.
type total struct {
	name, help string
	value      float64
}

func (t *total) desc() *prometheus.Desc {
	return prometheus.NewDesc(namespace+t.name, t.help, nil, nil)
}

func (c *Collector) totals(targets int) []total {
	return []total{
		{"targets", "Targets that are polled.", float64(targets)},
		{"polls_running", "Polls that are being made, each by a goroutine.", float64(c.schedule.running.Load())},
	}
}

// Metrics returns what Stats says in Prometheus' form. A target that is gone takes its series with it.
func (c *Collector) Metrics() prometheus.Collector { return metrics{c} }

type metrics struct{ c *Collector }

func (f *family) desc() *prometheus.Desc {
	return prometheus.NewDesc(namespace+f.name, f.help, append([]string{"device"}, f.labels...), nil)
}

// Describe implements prometheus.Collector.
func (m metrics) Describe(out chan<- *prometheus.Desc) {
	for _, t := range m.c.totals(0) {
		out <- t.desc()
	}
	for _, f := range families() {
		out <- f.desc()
	}
}

// Collect implements prometheus.Collector.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	all := m.c.Stats()
	for _, t := range m.c.totals(len(all)) {
		out <- prometheus.MustNewConstMetric(t.desc(), prometheus.GaugeValue, t.value)
	}
	for _, f := range families() {
		desc := f.desc()
		for i := range all {
			f.each(&all[i], func(value float64, labels ...string) {
				out <- prometheus.MustNewConstMetric(desc, f.kind, value, append([]string{all[i].Device}, labels...)...)
			})
		}
	}
}

// WriteMetrics writes what Metrics collects in Prometheus' text format (version 0.0.4), as it comes: a registry first makes objects of all of it, tens
// of megabytes of them for thousands of targets.
func (c *Collector) WriteMetrics(w io.Writer) error {
	all := c.Stats()
	b := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	for _, t := range c.totals(len(all)) {
		line = appendHead(line, t.name, t.help, prometheus.GaugeValue)
		line = append(append(append(line, namespace...), t.name...), ' ')
		line = append(strconv.AppendFloat(line, t.value, 'g', -1, 64), '\n')
	}
	for _, f := range families() {
		begun, device := false, ""
		put := func(value float64, labels ...string) {
			if !begun {
				begun, line = true, appendHead(line, f.name, f.help, f.kind)
			}
			line = f.appendLine(line, device, value, labels)
		}
		for i := range all {
			device = all[i].Device
			f.each(&all[i], put)
			if _, err := b.Write(line); err != nil {
				return err
			}
			line = line[:0]
		}
	}
	if _, err := b.Write(line); err != nil { // without targets
		return err
	}
	return b.Flush()
}

func appendHead(line []byte, name, help string, kind prometheus.ValueType) []byte {
	word := " gauge\n"
	if kind == prometheus.CounterValue {
		word = " counter\n"
	}
	line = append(append(append(append(line, "# HELP "+namespace...), name...), ' '), help...)
	return append(append(append(line, "\n# TYPE "+namespace...), name...), word...)
}

func (f *family) appendLine(line []byte, device string, value float64, labels []string) []byte {
	line = append(append(append(line, namespace...), f.name...), `{device="`...)
	line = append(appendLabel(line, device), '"')
	for i, l := range labels {
		line = append(append(append(line, ','), f.labels[i]...), `="`...)
		line = append(appendLabel(line, l), '"')
	}
	line = append(line, "} "...)
	return append(strconv.AppendFloat(line, value, 'g', -1, 64), '\n')
}

// appendLabel appends a label's value, with what would end it escaped.
func appendLabel(line []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\', '"':
			line = append(line, '\\', s[i])
		case '\n':
			line = append(line, `\n`...)
		default:
			line = append(line, s[i])
		}
	}
	return line
}
