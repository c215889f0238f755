package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/cmd/snmpcollect/self"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/cmd/snmpcollect/values"
	"walkabout/collector"
	"walkabout/collector/ping"
	"walkabout/collector/soa"
	"walkabout/exporters"
	"walkabout/exporters/file"
	"walkabout/exporters/influxdb"
	"walkabout/exporters/kafka"
	"walkabout/exporters/nats"
	"walkabout/exporters/otlp"
	"walkabout/exporters/prometheus"
	"walkabout/internal/statedir"
	"walkabout/internal/version"
	"walkabout/spool"
	"walkabout/web"
)

// closeTimeout is how long an end waits for outputs and receivers that do not answer.
const closeTimeout = 10 * time.Second

// spoolFolder is the spool's place in the folder of the state.
const spoolFolder = "spool"

// parts are what a running collector is made of.
type parts struct {
	log      *slog.Logger // its warnings and errors are shown on the pages
	plain    *slog.Logger // the same, and they are not
	state    *statedir.Dir
	spool    *spool.Spool
	runners  []*exporters.Runner
	files    []*file.Exporter   // those of runners that write files
	told     *notify.Dispatcher // who is told of alerts
	tail     *sinks.Tail
	alerts   *alert.Manager
	polls    *collector.Collector
	zones    *soa.Sink // before all that take polls
	traps    *traps    // nil: nothing is received
	pinger   *ping.Pinger
	onDemand *ondemand.Handler // nil: nobody is polled on demand
	memory   *web.Memory       // of the pages; nobody may look at it
	problems *web.Problems     // of the log
	pages    *pages
	started  time.Time
	values   *values.Table  // nil: they are not served
	checked  time.Time      // when the collector was last checked itself
	store    *embedded      // nil: nothing is kept but for outputs
	self     *self.Reporter // nil: the collector's own figures are in no output
}

// service is what serve works with.
type service struct {
	load   func() (config.Config, []config.Problem) // reads the configuration anew
	log    *slog.Logger
	stdout io.Writer
	hangup <-chan os.Signal
	main   bool          // look at the main file for changes, not only at those that it includes
	look   time.Duration // how often; 0 is lookEvery
}

const lookEvery = 5 * time.Second

// serve polls, ships and alerts until ctx ends.
func (s service) serve(ctx context.Context, cfg config.Config) (err error) {
	p := &parts{plain: s.log, memory: web.NewMemory(), problems: &web.Problems{}, started: time.Now()}
	p.log = slog.New(p.problems.Handler(s.log.Handler()))
	log := p.log
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.openState(cfg.State); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fleet, err := newFleet(ctx, cfg, s.load, p.state.Path(), s.main, log)
	if err != nil {
		return err
	}
	defer fleet.close()
	targets := fleet.targets(cfg, fleet.lists)
	if err := p.open(cfg, targets, s.stdout); err != nil {
		return err
	}
	if p.traps, err = p.openTraps(ctx, cfg, targets); err != nil {
		return err
	}
	own, all, err := p.registries(p.traps.metrics(fleet)...)
	if err != nil {
		return errors.Join(err, p.traps.close())
	}
	pages, err := listen(ctx, cfg, p, fleet, own)
	if err != nil {
		return errors.Join(err, p.traps.close())
	}
	log.Info("collecting", "version", version.Version(), "targets", len(targets), "outputs", len(cfg.Outputs), "state", p.state.Path(), "listen", pages.addr())
	p.pages = pages
	fleet.watch(ctx)
	var reporting sync.WaitGroup
	defer reporting.Wait()
	if p.self = p.reporter(cfg, all, targets); p.self != nil {
		reporting.Go(func() { p.self.Run(ctx) })
	}
	err = s.run(ctx, p, fleet)
	cancel() // for the report, if ctx did not end
	return err
}

// run lets the parts run until ctx ends, or one fails that the others are nothing without, and looks at what is asked meanwhile.
func (s service) run(ctx context.Context, p *parts, fleet *fleet) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	look := time.NewTicker(cmp.Or(s.look, lookEvery))
	defer look.Stop()
	polled := make(chan error, 1)
	go func() { polled <- p.polls.Run(ctx) }()
	heard := make(chan error, 1)
	go func() { heard <- p.traps.serve(ctx) }()
	served := make(chan error, 1)
	go func() { served <- p.pages.serve(ctx) }()
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case err = <-served: // the pages failed: not without them
			served <- nil
			running = false
		case err = <-heard: // nor without what was to be received
			heard <- nil
			running = false
		case <-s.hangup:
			p.reopen()
			fleet.reload(ctx, p, time.Now())
		case <-look.C:
			fleet.look(ctx, p, time.Now())
			p.checkSelf(time.Now())
		case <-fleet.changed:
			fleet.update(p, time.Now())
		}
	}
	cancel()
	p.log.Info("ending: delivering what waits", "at_most", closeTimeout)
	return errors.Join(err, <-polled, <-served, <-heard)
}

// openState takes the folder of what must be remembered.
func (p *parts) openState(folder string) error {
	path, err := statedir.System().Resolve(folder, "snmpcollect")
	if err == nil {
		p.state, err = statedir.Open(path)
	}
	return err
}

// open makes the other parts, those first that the later ones feed.
func (p *parts) open(cfg config.Config, targets []collector.Target, stdout io.Writer) (err error) {
	if p.spool, err = spool.Open(spool.Options{Dir: filepath.Join(p.state.Path(), spoolFolder), Keep: cfg.SpoolKeep, Logger: p.log}); err != nil {
		return err
	}
	for _, o := range cfg.Outputs {
		if err := p.openOutput(o, stdout); err != nil {
			return err
		}
	}
	if err := p.openStore(cfg, targets); err != nil {
		return err
	}
	if p.tail, err = sinks.NewTail(p.spool, filepath.Join(p.state.Path(), spoolFolder)); err != nil {
		return err
	}
	p.tellOfAbsent()
	if err := p.openNotifiers(cfg.Notify); err != nil {
		return err
	}
	p.alerts, err = alert.Start(alert.Options{Config: cfg.AlertsFor(targets), Path: filepath.Join(p.state.Path(), "alerts.journal"), Notifiers: []alert.Notifier{p.told}, Log: p.log,
		Tail: p.tail, Events: p.alertEvents(cfg.Listen != "")})
	if err != nil {
		return err
	}
	p.told.Start(p.alerts)
	p.pinger = ping.New(ping.Options{Log: p.log})
	all := []collector.Sink{sinks.Alerts(p.tail, p.pollSamples(), p.alerts)}
	if cfg.Listen != "" {
		p.memory.Describe(sinks.PageFields(cfg.Profiles))
		p.memory.Keep(sinks.PageTargets(targets))
		all = append(all, sinks.Pages(p.memory))
	}
	if cfg.Scrape != nil && cfg.Scrape.LastValues {
		p.values = values.New(values.Options{Series: cfg.Scrape.Series, Stale: cfg.Scrape.StaleAfter})
		p.values.Keep(targets, cfg.Profiles)
		all = append(all, p.values)
	}
	p.zones = soa.New(collector.SinkFunc(func(ctx context.Context, poll collector.Poll) {
		for _, s := range all {
			s.Poll(ctx, poll)
		}
	}), nil, p.log)
	p.polls, err = collector.New(collector.Options{Targets: targets, Profiles: cfg.Profiles, Logger: p.log, Pinger: p.pinger, Sinks: []collector.Sink{p.zones}})
	if err == nil && cfg.Scrape != nil && cfg.Scrape.OnDemand != nil {
		p.onDemand = ondemand.New(*cfg.Scrape.OnDemand, p.polls, net.DefaultResolver, p.log)
	}
	return err
}

// forgetOthers lets go of what is shown of devices that are no targets any more.
func (p *parts) forgetOthers(targets []collector.Target, profiles collector.Profiles) {
	if p.pages != nil && p.pages.listener != nil {
		p.memory.Describe(sinks.PageFields(profiles))
		p.memory.Keep(sinks.PageTargets(targets))
	}
	if p.values != nil {
		p.values.Keep(targets, profiles)
	}
	if p.self != nil {
		p.self.Keep(targets)
	}
	if p.store != nil {
		p.endSeries(p.store.polls.Keep(targets))
	}
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
	if p.zones != nil {
		p.zones.Close()
	}
	if p.spool != nil {
		errs = append(errs, p.spool.Sync(ctx)) // so that the outputs see the last polls
	}
	done := make(chan error, len(p.runners))
	for _, r := range p.runners { // side by side: one output that is away takes no time from the others
		go func() { done <- r.Close(ctx) }()
	}
	if p.pinger != nil {
		errs = append(errs, p.pinger.Close())
	}
	if p.alerts != nil {
		errs = append(errs, p.alerts.Close(ctx))
	}
	if p.tail != nil {
		p.tail.Close()
	}
	if p.told != nil {
		errs = append(errs, p.told.Close(ctx))
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
	if p.store != nil {
		errs = append(errs, p.store.close(ctx))
	}
	if p.spool != nil {
		for _, r := range p.spool.Stats().Readers {
			if r.Records > 0 && r.Name != sinks.TailName {
				p.log.Info("what an output has not taken waits in the spool for the next start", "output", r.Name, "batches", r.Records)
			}
		}
		errs = append(errs, p.spool.Close())
	}
	if p.state != nil {
		errs = append(errs, p.state.Close())
	}
	return errors.Join(errs...)
}

// openOutput starts the runner of an output.
func (p *parts) openOutput(o config.Output, stdout io.Writer) error {
	e, err := newExporter(o, stdout, p.log)
	if err != nil {
		return err
	}
	source, err := p.spool.Reader(spool.ReaderOptions{Name: o.Queue.Name, Order: o.Order, Bounds: o.Bounds})
	if err != nil {
		return errors.Join(err, e.Close())
	}
	if f, ok := e.(*file.Exporter); ok {
		p.files = append(p.files, f)
	}
	o.Queue.Logger = p.log
	o.Queue.Rejected = p.keepRejected(o.Queue.Name)
	p.runners = append(p.runners, exporters.Start(e, source, o.Queue))
	return nil
}

// tellOfAbsent says which outputs have a place in the spool and are not configured any more.
func (p *parts) tellOfAbsent() {
	for _, r := range p.spool.Stats().Readers {
		if !r.Present {
			p.log.Warn("the spool holds batches for an output that is not configured; spool forget drops them", "output", r.Name, "batches", r.Records)
		}
	}
}

func newExporter(o config.Output, stdout io.Writer, log *slog.Logger) (exporters.Exporter, error) {
	switch {
	case o.InfluxDB != nil:
		return influxdb.New(*o.InfluxDB)
	case o.Prometheus != nil:
		return prometheus.New(*o.Prometheus)
	case o.OTLP != nil:
		return otlp.New(*o.OTLP)
	case o.Kafka != nil:
		return kafka.New(*o.Kafka)
	case o.NATS != nil:
		return nats.New(*o.NATS)
	}
	f := *o.File
	f.Stdout, f.Logger = stdout, log
	return file.New(f)
}
