package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/exporters"
	"walkabout/exporters/file"
	"walkabout/exporters/influxdb"
	"walkabout/internal/statedir"
	"walkabout/internal/version"
)

// closeTimeout is how long an end waits for outputs and receivers that do not answer.
const closeTimeout = 10 * time.Second

// parts are what a running collector is made of.
type parts struct {
	log      *slog.Logger
	state    *statedir.Dir
	runners  []*exporters.Runner
	files    []*file.Exporter // those of runners that write files
	webhooks []*notify.Webhook
	alerts   *alert.Manager
	polls    *collector.Collector
}

// serve polls, ships and alerts until ctx ends. load reads the configuration anew.
func serve(ctx context.Context, cfg config.Config, load func() (config.Config, []config.Problem), log *slog.Logger, stdout io.Writer, hangup <-chan os.Signal) (err error) {
	p := &parts{log: log}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.open(cfg, stdout); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	configuration := &reloader{load: load, parts: p, log: log, running: cfg, last: started, lastOK: started}
	pages, err := listen(ctx, cfg.Listen, p, configuration)
	if err != nil {
		return err
	}
	log.Info("collecting", "version", version.Version(), "targets", len(cfg.Targets), "outputs", len(cfg.Outputs), "state", p.state.Path(), "listen", pages.addr())
	polled := make(chan error, 1)
	go func() { polled <- p.polls.Run(ctx) }()
	served := make(chan error, 1)
	go func() { served <- pages.serve(ctx) }()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case err = <-served: // the pages failed: not without them
			served <- nil
			running = false
		case <-hangup:
			p.reopen()
			configuration.reload(time.Now())
		}
	}
	cancel()
	log.Info("ending: delivering what waits", "at_most", closeTimeout)
	return errors.Join(err, <-polled, <-served)
}

// open makes the parts, those first that the later ones feed.
func (p *parts) open(cfg config.Config, stdout io.Writer) error {
	path, err := statedir.System().Resolve(cfg.State, "snmpcollect")
	if err != nil {
		return err
	}
	if p.state, err = statedir.Open(path); err != nil {
		return err
	}
	for _, o := range cfg.Outputs {
		e, err := newExporter(o, stdout)
		if err != nil {
			return err
		}
		if f, ok := e.(*file.Exporter); ok {
			p.files = append(p.files, f)
		}
		o.Queue.Logger = p.log
		p.runners = append(p.runners, exporters.Start(e, o.Queue))
	}
	var notifiers []alert.Notifier
	for _, n := range cfg.Notify {
		if n.Webhook == nil {
			notifiers = append(notifiers, notify.NewLog(n.Name, p.log))
			continue
		}
		w, err := notify.NewWebhook(*n.Webhook)
		if err != nil {
			return err
		}
		notifiers, p.webhooks = append(notifiers, w), append(p.webhooks, w)
	}
	p.alerts, err = alert.Start(alert.Options{Config: cfg.Alerts, Path: filepath.Join(path, "alerts.json"), Notifiers: notifiers, Log: p.log})
	if err != nil {
		return err
	}
	p.polls, err = collector.New(collector.Options{Targets: cfg.Targets, Logger: p.log, Sinks: []collector.Sink{
		sinks.Outputs(p.runners...), sinks.Alerts(p.alerts),
	}})
	return err
}

// reopen opens the output files anew, for those that were renamed.
func (p *parts) reopen() {
	for _, f := range p.files {
		if err := f.Reopen(); err != nil {
			p.log.Error("opening an output file anew; lines go on into the old one", "err", err)
		}
	}
	p.log.Info("output files were opened anew", "files", len(p.files))
}

// close ends the parts in the order in which they feed each other; those that were not made are nil.
func (p *parts) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	done := make(chan error, len(p.runners))
	for _, r := range p.runners { // side by side: one output that is away takes no time from the others
		go func() { done <- r.Close(ctx) }()
	}
	if p.alerts != nil {
		errs = append(errs, p.alerts.Close(ctx))
	}
	for _, w := range p.webhooks {
		w.Close()
	}
	const grace = time.Second // for what ends as ctx does
	given := time.NewTimer(closeTimeout + grace)
	defer given.Stop()
	for range p.runners {
		select {
		case err := <-done:
			errs = append(errs, err)
		case <-given.C: // standard output is a pipe that nobody reads, say: not even the end helps there
			return errors.Join(append(errs, errors.New("an output is still writing and was given up"), p.state.Close())...)
		}
	}
	if p.state != nil {
		errs = append(errs, p.state.Close())
	}
	return errors.Join(errs...)
}

func newExporter(o config.Output, stdout io.Writer) (exporters.Exporter, error) {
	if o.InfluxDB != nil {
		return influxdb.New(*o.InfluxDB)
	}
	f := *o.File
	f.Stdout = stdout
	return file.New(f)
}
