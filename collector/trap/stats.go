package trap

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// outcome is what became of a datagram. Its text is the label of a metric.
type outcome uint8

const (
	accepted           outcome = iota
	repeated                   // an inform that was sent again; it is acknowledged again, and not taken twice
	unknownSender              // well secured, but of no target
	queueFull                  // more came than could be handled
	malformed                  // no message, or no notification
	unsupportedVersion         // SNMPv3 where no user is configured, or no version of SNMP
	wrongPDU                   // a request, or another PDU that a receiver has no use for
	wrongCommunity             // no such community
	unknownUser                // no such user, at that engine
	wrongLevel                 // of less or more security than the user has passwords for
	wrongDigest                // wrong authentication password or protocol
	wrongKey                   // wrong privacy password or protocol
	outsideWindow              // too old, by its engine's clock
	replayed                   // it came before
	tooManyEngines             // a new engine where too many are known
	engineDiscovery            // who asked for our engine's ID or clock, to send an inform
	outcomes
)

var outcomeNames = [outcomes]string{
	"accepted", "repeated", "unknown_sender", "queue_full", "malformed", "unsupported_version", "wrong_pdu", "wrong_community", "unknown_user",
	"wrong_level", "wrong_digest", "wrong_key", "outside_time_window", "replayed", "too_many_engines", "engine_discovery",
}

func (o outcome) String() string { return outcomeNames[o] }

// stats counts outcomes.
type stats [outcomes]atomic.Uint64

// Stats returns how many datagrams had which outcome, by the name that the metric uses.
func (r *Receiver) Stats() map[string]uint64 {
	out := make(map[string]uint64, outcomes)
	for o := range r.stats {
		out[outcome(o).String()] = r.stats[o].Load()
	}
	return out
}

var (
	receivedDesc = prometheus.NewDesc("snmpcollect_traps_total", "Datagrams that came to the receiver of notifications, by what became of them.", []string{"result"}, nil)
	queueDesc    = prometheus.NewDesc("snmpcollect_trap_queue", "Notifications that wait.", nil, nil)
	enginesDesc  = prometheus.NewDesc("snmpcollect_trap_engines", "SNMPv3 engines that have sent something authentic.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *Receiver) Describe(ch chan<- *prometheus.Desc) {
	ch <- receivedDesc
	ch <- queueDesc
	ch <- enginesDesc
}

// Collect implements prometheus.Collector.
func (r *Receiver) Collect(ch chan<- prometheus.Metric) {
	for o := range r.stats {
		ch <- prometheus.MustNewConstMetric(receivedDesc, prometheus.CounterValue, float64(r.stats[o].Load()), outcome(o).String())
	}
	ch <- prometheus.MustNewConstMetric(queueDesc, prometheus.GaugeValue, float64(r.queue.len()))
	ch <- prometheus.MustNewConstMetric(enginesDesc, prometheus.GaugeValue, float64(r.senders.Len()))
}
