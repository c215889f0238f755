// Package dashboards makes Grafana's dashboards of what the collector writes, and the files that provision them: the same dashboards, panel by panel, for
// InfluxDB asked in InfluxQL, for InfluxDB asked in Flux (as 1.8.3 knows it) and for what answers PromQL.
//
// A Query says what is read in terms of samples: a measurement, a field, the tags that tell series apart. influxql.go, flux.go and promql.go each write it
// in their language. What counts is read from the collector's own rates (NAME_rate): it knows of reboots, wraps and renumbering, and where it has no rate
// there is a gap. No query takes the difference of a raw counter of a device. The collector's counters about itself have such rates too; only where
// Prometheus scrapes them, and has none, PromQL's rate stands in: they fall when the collector starts and at no other time, which is what it knows of.
package dashboards

//go:generate go run ../tools/dashboards -out grafana
