package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/sd"
)

// fleet is all targets: those of the configuration and those of its lists. It puts new ones in the place of old ones while everything
// else goes on. It is for one goroutine; Collect may be called by any.
type fleet struct {
	load    func() (config.Config, []config.Problem)
	log     *slog.Logger
	folder  string // where lists are kept over a restart
	changed chan struct{}

	running config.Config
	stamp   uint64 // of the files that are watched, when they were last read
	main    bool   // the main file is watched too

	mu           sync.Mutex // for Collect
	lists        []*list
	good, bad    uint64
	last, lastOK time.Time
}

// list is a list of the configuration and who watches it.
type list struct {
	config.List
	*sd.Watcher
	stop    context.CancelFunc
	stopped chan struct{}
	refused int    // targets that are left out
	reason  string // why the first of them is
}

// primeTimeout is how long a start, or a reload with a new list, waits for lists.
const primeTimeout = 10 * time.Second

// newFleet returns the fleet of cfg, with its lists fetched. load reads the configuration anew; state is the folder for what must be
// remembered; main says to look at the main file for changes, not only at those that it includes.
func newFleet(ctx context.Context, cfg config.Config, load func() (config.Config, []config.Problem), state string, main bool, log *slog.Logger) (*fleet, error) {
	now := time.Now()
	f := &fleet{load: load, log: log, folder: filepath.Join(state, "lists"), changed: make(chan struct{}, 1), running: cfg, main: main,
		stamp: cfg.Stamp(main), last: now, lastOK: now}
	var err error
	f.lists, err = f.listsOf(ctx, cfg)
	f.forget(cfg)
	return f, err
}

// forget removes what is kept of lists that cfg does not have.
func (f *fleet) forget(cfg config.Config) {
	entries, err := os.ReadDir(f.folder)
	if err != nil {
		return // nothing was kept yet
	}
	for _, e := range entries {
		if slices.ContainsFunc(cfg.Lists, func(l config.List) bool { return l.Key()+".json" == e.Name() }) {
			continue
		}
		if err := os.Remove(filepath.Join(f.folder, e.Name())); err != nil {
			f.log.Warn("an old list of targets cannot be removed", "err", err)
		}
	}
}

// listsOf returns the lists of cfg: those that are watched already, and new ones after a first fetch.
func (f *fleet) listsOf(ctx context.Context, cfg config.Config) ([]*list, error) {
	ctx, cancel := context.WithTimeout(ctx, primeTimeout)
	defer cancel()
	var lists []*list
	var fetching sync.WaitGroup
	defer fetching.Wait()
	for _, l := range cfg.Lists {
		next := &list{List: l}
		for _, old := range f.lists {
			if old.SameSource(l) {
				next.Watcher, next.stop, next.stopped, next.refused, next.reason = old.Watcher, old.stop, old.stopped, old.refused, old.reason
			}
		}
		if next.Watcher == nil {
			source, err := l.Source()
			if err != nil {
				return nil, err
			}
			next.Watcher = sd.NewWatcher(sd.Options{Name: l.Name, Source: source, Refresh: l.Refresh, Logger: f.log,
				Path: filepath.Join(f.folder, l.Key()+".json"), Changed: f.notify})
			fetching.Go(func() { next.Prime(ctx) })
		}
		lists = append(lists, next)
	}
	return lists, nil
}

// notify lets the fleet's goroutine know of a list that changed.
func (f *fleet) notify() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// watch starts to watch the lists that nobody watches yet.
func (f *fleet) watch(ctx context.Context) {
	for _, l := range f.lists {
		if l.stop != nil {
			continue
		}
		running, cancel := context.WithCancel(ctx)
		stopped := make(chan struct{})
		l.stop, l.stopped = cancel, stopped
		go func() {
			defer close(stopped)
			l.Run(running)
		}()
	}
}

// close ends the watching and waits for it.
func (f *fleet) close() {
	for _, l := range f.lists {
		l.end()
	}
}

func (l *list) end() {
	if l.stop != nil {
		l.stop()
		<-l.stopped
	}
}

// targets returns the targets of cfg and then those of lists. Of two with one name the first counts.
func (f *fleet) targets(cfg config.Config, lists []*list) []collector.Target {
	all := append([]collector.Target(nil), cfg.Targets...)
	taken := make(map[string]bool, len(all))
	for _, t := range all {
		taken[t.Name] = true
	}
	for _, l := range lists {
		targets, errs := l.Targets(l.Groups())
		for _, t := range targets {
			if taken[t.Name] {
				errs = append(errs, &collector.TargetError{Target: t.Name, Err: errors.New("there is one of this name already")})
				continue
			}
			taken[t.Name] = true
			all = append(all, t)
		}
		f.refuse(l, errs)
	}
	return all
}

// refuse notes what is left out of a list, and logs it when it is something else than before.
func (f *fleet) refuse(l *list, errs []error) {
	reason := ""
	if len(errs) > 0 {
		reason = errs[0].Error()
	}
	if reason != l.reason || len(errs) != l.refused {
		if len(errs) > 0 {
			f.log.Warn("some targets of a list cannot be polled", "source", l.Name, "targets", len(errs), "first", reason)
		} else {
			f.log.Info("all targets of the list can be polled", "source", l.Name)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l.refused, l.reason = len(errs), reason
}

// update makes the lists as they are now what is polled.
func (f *fleet) update(p *parts, now time.Time) {
	targets := f.targets(f.running, f.lists)
	if err := p.polls.SetTargets(targets); err != nil {
		f.log.Error("the new lists are refused; the old targets go on", "err", err)
		return
	}
	p.alerts.Configure(now, f.running.AlertsFor(targets))
	p.traps.expect(f.running, targets)
	p.forgetOthers(targets, f.running.Profiles)
	f.log.Info("the lists of targets changed", "targets", len(targets))
}

// reload reads the configuration anew. One with an error is refused as a whole, and the old one goes on.
func (f *fleet) reload(ctx context.Context, p *parts, now time.Time) {
	stamp := f.running.Stamp(f.main)
	ok := f.apply(ctx, p, now)
	if ok {
		stamp = f.running.Read(f.main)
	}
	f.stamp = stamp
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = now
	if ok {
		f.good++
		f.lastOK = now
	} else {
		f.bad++
	}
}

// look reads the configuration anew if its files changed.
func (f *fleet) look(ctx context.Context, p *parts, now time.Time) {
	if f.running.Stamp(f.main) != f.stamp {
		f.reload(ctx, p, now)
	}
}

func (f *fleet) apply(ctx context.Context, p *parts, now time.Time) bool {
	cfg, problems := f.load()
	for _, problem := range problems {
		if problem.Warning {
			f.log.Warn("configuration", "problem", problem.String())
		} else {
			f.log.Error("configuration", "problem", problem.String())
		}
	}
	const refused = "the new configuration is refused; the old one goes on"
	if config.Failed(problems) {
		f.log.Error(refused)
		return false
	}
	lists, err := f.listsOf(ctx, cfg)
	if err != nil {
		f.log.Error(refused, "err", err)
		return false
	}
	// First the targets: until the alerts know of a new one its polls are ignored, and those that are gone must send no more.
	targets := f.targets(cfg, lists)
	if err := p.polls.Configure(cfg.Profiles, targets); err != nil {
		f.log.Error(refused, "err", err)
		return false
	}
	p.alerts.Configure(now, cfg.AlertsFor(targets))
	if err := p.configureNotifiers(f.running.Notify, cfg.Notify); err != nil {
		f.log.Error("the new notifiers are refused; the old ones go on", "err", err)
		cfg.Notify = f.running.Notify
	}
	p.traps.expect(cfg, targets)
	p.forgetOthers(targets, cfg.Profiles)
	p.reloadRules(cfg)
	for _, section := range needRestart(f.running, cfg) {
		f.log.Warn("a section of the configuration changed that takes a restart; its old form goes on", "section", section)
	}
	f.replace(lists)
	f.watch(ctx)
	cfg.State, cfg.Listen = f.running.State, f.running.Listen
	if err := p.pages.configure(cfg); err != nil {
		f.log.Error("the pages go on as they were", "err", err)
	}
	cfg.Pages.Certificate, cfg.Pages.Key, cfg.Pages.Below = f.running.Pages.Certificate, f.running.Pages.Key, f.running.Pages.Below
	cfg.Outputs, cfg.Scrape, cfg.Store, cfg.Self = f.running.Outputs, f.running.Scrape, withRules(f.running.Store, cfg.Store), f.running.Self
	f.running = cfg
	f.log.Info("the configuration was read anew", "targets", len(targets))
	return true
}

// replace ends the watching of lists that are gone.
func (f *fleet) replace(lists []*list) {
	kept := map[*sd.Watcher]bool{}
	for _, l := range lists {
		kept[l.Watcher] = true
	}
	for _, l := range f.lists {
		if !kept[l.Watcher] {
			l.end()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists = lists
}

// needRestart names the sections in which a and b differ and that are read at the start only.
func needRestart(a, b config.Config) []string {
	var out []string
	for _, section := range []struct {
		name string
		a, b any
	}{{"state", a.State, b.State}, {"listen", a.Listen, b.Listen}, {"pages: tls", [2]string{a.Pages.Certificate, a.Pages.Key}, [2]string{b.Pages.Certificate, b.Pages.Key}}, {"external_url", a.Pages.Below, b.Pages.Below}, {"scrape", a.Scrape, b.Scrape}, {"self", a.Self, b.Self}, {"outputs", a.Outputs, b.Outputs}, {"store", withoutRules(a.Store), withoutRules(b.Store)}, {"traps", a.Traps.Sockets(), b.Traps.Sockets()}} {
		if !reflect.DeepEqual(section.a, section.b) {
			out = append(out, section.name)
		}
	}
	return out
}
