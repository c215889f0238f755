// Package store keeps what the collector polls on this machine, in a database of Prometheus' (its tsdb), and answers what pages and PromQL ask of it.
//
// Series are those of package series, with rates beside the counters; docs/store.md lists what is kept beside them of polls and of readings without a
// rate, and what is left out.
package store
