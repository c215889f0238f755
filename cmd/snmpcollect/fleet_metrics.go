package main

import "github.com/prometheus/client_golang/prometheus"

var (
	reloads     = desc("config_reloads_total", "Times that the configuration was read anew, by result: ok or refused.", "result")
	reloadLast  = desc("config_last_reload_successful", "Whether the last reading of the configuration was taken; 1 before the first reload.")
	reloadOK    = desc("config_last_reload_success_timestamp_seconds", "When the configuration that runs was read.")
	listTargets = desc("list_targets", "Targets that a list has.", "source")
	listRefused = desc("list_targets_refused", "Targets of a list that cannot be polled, or whose name is taken.", "source")
	listFetches = desc("list_fetches_total", "Times that a list was asked for, by result: ok or failed.", "source", "result")
	listLast    = desc("list_last_success_timestamp_seconds", "When a list was last had whole.", "source")
)

// Describe implements prometheus.Collector: it describes nothing, as an unchecked collector does.
func (f *fleet) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f *fleet) Collect(ch chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counter(ch, reloads, f.good, "ok")
	counter(ch, reloads, f.bad, "refused")
	successful := 0.0
	if f.last.Equal(f.lastOK) {
		successful = 1
	}
	gauge(ch, reloadLast, successful)
	gauge(ch, reloadOK, seconds(f.lastOK))
	for _, l := range f.lists {
		s := l.Stats()
		gauge(ch, listTargets, float64(s.Targets), s.Source)
		gauge(ch, listRefused, float64(l.refused), s.Source)
		counter(ch, listFetches, s.Fetches-s.Failures, s.Source, "ok")
		counter(ch, listFetches, s.Failures, s.Source, "failed")
		if !s.LastSuccess.IsZero() {
			gauge(ch, listLast, seconds(s.LastSuccess), s.Source)
		}
	}
}
