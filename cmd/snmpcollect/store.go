package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/exporters"
	"walkabout/internal/version"
	"walkabout/metric"
	"walkabout/spool"
	"walkabout/store"
	"walkabout/store/promapi"
	"walkabout/store/rules"
)

// storeFolder is the store's place in the folder of the state.
const storeFolder = "store"

// Limits of what one evaluation of a rule may take.
const (
	ruleTimeout = 30 * time.Second
	ruleSamples = 10_000_000
)

// embedded is the store with what feeds it and what evaluates rules over it.
type embedded struct {
	*store.Store
	polls *sinks.Polls
	rules *rules.Manager
	names map[rules.Named]string // of alerting rules, as those of alert
	// lookback is PromQL's, for as long as the collector runs.
	lookback time.Duration
}

// openStore starts the store that cfg wants. While it cannot be opened, what it would have taken waits in the spool.
func (p *parts) openStore(cfg config.Config, targets []collector.Target) error {
	if cfg.Store == nil {
		return nil
	}
	source, err := p.spool.Reader(spool.ReaderOptions{Name: cfg.Store.Queue.Name, Bounds: cfg.Store.Bounds})
	if err != nil {
		return err
	}
	o := cfg.Store.Options
	o.Dir, o.Logger = filepath.Join(p.state.Path(), storeFolder), p.log
	db := store.Start(o)
	e := &embedded{Store: db, polls: sinks.NewPolls(targets), names: cfg.Store.Alerts, lookback: lookback(cfg, targets)}
	e.rules, err = rules.Start(rules.Options{Store: db, Ready: db.Opened(), Engine: promapi.NewEngine(e.lookback, ruleTimeout, ruleSamples, p.log), ExternalURL: cfg.Alerts.ExternalURL, Logger: p.log},
		cfg.Store.Rules)
	if err != nil {
		source.Close()
		return errors.Join(err, db.Close())
	}
	p.store = e
	queue := cfg.Store.Queue
	queue.Logger = p.log
	queue.Rejected = p.keepRejected(queue.Name)
	p.runners = append(p.runners, exporters.Start(db.Exporter(), source, queue))
	return nil
}

// maxLookback bounds the look-back that nobody asked for: what the collector missed while it was off looks as if it had been so for as long.
const maxLookback = 30 * time.Minute

// lookback returns how long a sample counts in queries: what cfg says, else twice the longest interval of what is polled, so that nothing that is polled in
// time comes and goes.
func lookback(cfg config.Config, targets []collector.Target) time.Duration {
	if cfg.Store.Lookback > 0 {
		return cfg.Store.Lookback
	}
	longest := time.Duration(0)
	collected := map[string]bool{}
	for i := range targets {
		longest = max(longest, targets[i].Interval)
		for _, name := range targets[i].Collect {
			collected[name] = true
		}
	}
	for name, profile := range cfg.Profiles {
		if collected[name] || collected[collector.Auto] {
			for _, every := range profile.Intervals(0) {
				longest = max(longest, every)
			}
		}
	}
	return min(max(2*longest, promapi.DefaultLookback), maxLookback)
}

// pollSamples returns what makes samples of polls themselves; nil if nobody wants them.
func (p *parts) pollSamples() *sinks.Polls {
	if p.store == nil {
		return nil
	}
	return p.store.polls
}

// endSeries lets the store know of devices that are no targets any more, behind their polls.
func (p *parts) endSeries(gone []metric.Sample) {
	if len(gone) == 0 {
		return
	}
	if err := p.spool.Put(metric.Append(nil, metric.Batch{At: gone[0].At, Samples: gone})); err != nil {
		p.log.Warn("for a while queries show the last values of targets that were removed", "err", err)
	}
}

// api returns the options of what answers PromQL.
func (e *embedded) api(log *slog.Logger) promapi.Options {
	return promapi.Options{Store: e.Store, Lookback: e.lookback, Metadata: e.Metadata, Rules: e.rules, Version: version.Version(), Logger: log}
}

// close ends it, after the runner that fed it. Reading the log cannot be broken off: when ctx ends it is left to the end of the process, which leaves what is
// stored as it is.
func (e *embedded) close(ctx context.Context) error {
	e.rules.Close()
	select {
	case <-e.Opened():
		return e.Store.Close()
	case <-ctx.Done():
		return nil
	}
}

// reloadRules evaluates the rules of the new configuration.
func (p *parts) reloadRules(cfg config.Config) {
	if p.store == nil || cfg.Store == nil {
		return
	}
	if err := p.store.rules.Update(cfg.Store.Rules); err != nil {
		p.log.Error("the rules could not be read anew; the old ones go on", "err", err)
		return
	}
	p.store.names = cfg.Store.Alerts
}

// withoutRules returns s as far as a change of it takes a restart.
func withoutRules(s *config.Store) config.Store {
	out := *cmp.Or(s, &config.Store{})
	out.Rules, out.Alerts = nil, nil
	return out
}

// withRules returns the store that runs with the rules of the new configuration.
func withRules(running, s *config.Store) *config.Store {
	if running == nil || s == nil {
		return running
	}
	out := *running
	out.Rules, out.Alerts = s.Rules, s.Alerts
	return &out
}
