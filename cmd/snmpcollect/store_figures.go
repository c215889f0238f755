package main

import "github.com/prometheus/client_golang/prometheus"

var (
	storeSeries   = desc("store_series", "Series that were written to in the last two to three hours.")
	storeBytes    = desc("store_bytes", "Disk space of the store.")
	storeOldest   = desc("store_oldest_timestamp_seconds", "Of when the oldest sample is.")
	storeRefused  = desc("store_refused_samples_total", "Samples of series beyond max_series.")
	storeRepaired = desc("store_repaired_total", "Blocks that were corrupt, torn ends of logs and times of the future, that were put aside or cut off.")
)

// store tells of the embedded store, if there is one.
func (f *figures) store(ch chan<- prometheus.Metric) {
	if f.p.store == nil {
		return
	}
	s := f.p.store.Stats()
	gauge(ch, storeSeries, float64(s.Series))
	gauge(ch, storeBytes, float64(s.Octets))
	counter(ch, storeRefused, s.Refused)
	counter(ch, storeRepaired, s.Repaired)
	if !s.Oldest.IsZero() {
		gauge(ch, storeOldest, seconds(s.Oldest))
	}
}
