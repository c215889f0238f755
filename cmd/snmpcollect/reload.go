package main

import (
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"walkabout/cmd/snmpcollect/config"
)

// reloader puts a new configuration in the place of the one that runs. Targets, credentials and alert rules change while everything
// else goes on; what cannot is told. It is for one goroutine; Collect may be called by any.
type reloader struct {
	load    func() (config.Config, []config.Problem)
	parts   *parts
	log     *slog.Logger
	running config.Config

	mu           sync.Mutex
	good, bad    uint64
	last, lastOK time.Time
}

// reload reads the configuration anew. One with an error is refused as a whole, and the old one goes on.
func (r *reloader) reload(now time.Time) {
	ok := r.apply(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = now
	if ok {
		r.good++
		r.lastOK = now
	} else {
		r.bad++
	}
}

func (r *reloader) apply(now time.Time) bool {
	cfg, problems := r.load()
	for _, p := range problems {
		if p.Warning {
			r.log.Warn("configuration", "problem", p.String())
		} else {
			r.log.Error("configuration", "problem", p.String())
		}
	}
	if config.Failed(problems) {
		r.log.Error("the new configuration is refused; the old one goes on")
		return false
	}
	// First the targets: until the alerts know of a new one its polls are ignored, and those that are gone must send no more.
	if err := r.parts.polls.SetTargets(cfg.Targets); err != nil {
		r.log.Error("the new configuration is refused; the old one goes on", "err", err)
		return false
	}
	r.parts.alerts.Configure(now, cfg.Alerts)
	for _, section := range needRestart(r.running, cfg) {
		r.log.Warn("a section of the configuration changed that takes a restart; its old form goes on", "section", section)
	}
	r.running.Targets, r.running.Alerts = cfg.Targets, cfg.Alerts
	r.log.Info("the configuration was read anew", "targets", len(cfg.Targets))
	return true
}

// needRestart names the sections in which a and b differ and that are read at the start only.
func needRestart(a, b config.Config) []string {
	var out []string
	for _, section := range []struct {
		name string
		a, b any
	}{{"state", a.State, b.State}, {"listen", a.Listen, b.Listen}, {"outputs", a.Outputs, b.Outputs}, {"notify", a.Notify, b.Notify}} {
		if !reflect.DeepEqual(section.a, section.b) {
			out = append(out, section.name)
		}
	}
	return out
}

var (
	reloads    = desc("config_reloads_total", "Times that the configuration was read anew, by result: ok or refused.", "result")
	reloadLast = desc("config_last_reload_successful", "Whether the last reading of the configuration was taken; 1 before the first reload.")
	reloadOK   = desc("config_last_reload_success_timestamp_seconds", "When the configuration that runs was read.")
)

// Describe implements prometheus.Collector: it describes nothing, as an unchecked collector does.
func (r *reloader) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (r *reloader) Collect(ch chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counter(ch, reloads, r.good, "ok")
	counter(ch, reloads, r.bad, "refused")
	successful := 0.0
	if r.last.Equal(r.lastOK) {
		successful = 1
	}
	gauge(ch, reloadLast, successful)
	gauge(ch, reloadOK, seconds(r.lastOK))
}
