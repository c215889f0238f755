package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"

	"walkabout/collector/session"
)

// Options of a Collector.
type Options struct {
	Targets  []Target
	Profiles Profiles     // nil: BuiltIn
	Sinks    []Sink       // called one after another with each poll
	Logger   *slog.Logger // nil: nothing is logged
	Dial     Dial         // nil: Open of session.Sockets that are the Collector's own
	Pinger   Pinger       // nil: nobody is pinged
}

// Collector polls targets until it is told to stop. Its methods may be called by any goroutine.
type Collector struct {
	options  Options
	sockets  *session.Sockets // nil if somebody else dials; opened when first needed, closed when Run ends
	schedule *scheduler
	shared   *workspace

	reload sync.Mutex // held while targets are started and stopped

	mu      sync.Mutex
	runners map[string]*runner
	ctx     context.Context // Run's, while it runs
}

// TargetError says which target an error is about.
type TargetError struct {
	Target string
	Err    error
}

func (e *TargetError) Error() string { return fmt.Sprintf("target %q: %v", e.Target, e.Err) }
func (e *TargetError) Unwrap() error { return e.Err }

var discard = slog.New(slog.DiscardHandler)

// New returns a Collector, or what is wrong with the targets. It sends nothing.
func New(o Options) (*Collector, error) {
	if o.Profiles == nil {
		o.Profiles = BuiltIn()
	}
	if o.Logger == nil {
		o.Logger = discard
	}
	c := &Collector{runners: map[string]*runner{}, schedule: newScheduler(o.Sinks), shared: newWorkspace()}
	if o.Dial == nil {
		c.sockets = session.NewSockets()
		o.Dial = c.sockets.Open
	}
	targets := o.Targets
	o.Targets = nil // pollers have copies
	c.options = o
	if err := c.SetTargets(targets); err != nil {
		return nil, err
	}
	return c, nil
}

// Run polls until ctx ends, and returns nil when every poll has ended; then no goroutine of it is left. A Collector runs once.
func (c *Collector) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.ctx != nil {
		c.mu.Unlock()
		return errors.New("collector: Run was called twice")
	}
	c.ctx = ctx
	for _, r := range c.runners {
		c.schedule.add(r)
	}
	c.mu.Unlock()

	c.schedule.run(ctx)
	c.reload.Lock() // until then SetTargets may start more
	defer c.reload.Unlock()
	c.mu.Lock()
	runners := c.runners // SetTargets replaces the map and changes none
	c.mu.Unlock()
	for _, r := range runners {
		c.schedule.remove(r)
	}
	if c.sockets != nil {
		return c.sockets.Close()
	}
	return nil
}

// SetTargets makes targets the ones that are polled. Those that are as they were go on undisturbed; those that changed start
// anew, with every counter First; it waits until those that are gone have ended. If any target is wrong nothing changes, and the
// error says what is wrong with each.
func (c *Collector) SetTargets(targets []Target) error {
	c.reload.Lock()
	defer c.reload.Unlock()
	return c.configureLocked(c.options.Profiles, targets)
}

// Configure is SetTargets, and makes profiles the ones that targets may name. Targets of which a profile is another than it was start anew.
func (c *Collector) Configure(profiles Profiles, targets []Target) error {
	c.reload.Lock()
	defer c.reload.Unlock()
	c.shared.layouts.forget()
	err := c.configureLocked(profiles, targets)
	if err == nil {
		c.options.Profiles = profiles
	}
	return err
}

// configureLocked wants reload held.
func (c *Collector) configureLocked(profiles Profiles, targets []Target) error {
	c.mu.Lock()
	current := c.runners
	c.mu.Unlock()

	next := make(map[string]*runner, len(targets))
	var errs []error
	for _, t := range targets {
		if _, twice := next[t.Name]; twice {
			errs = append(errs, &TargetError{t.Name, errors.New("there are two of this name")})
			continue
		}
		if r := current[t.Name]; r != nil && reflect.DeepEqual(*r.target, t) && r.sameProfiles(profiles) {
			next[t.Name] = r
			continue
		}
		p, err := newPoller(t, profiles, c.options.Dial, c.options.Logger, c.shared)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.probe.pinger = c.options.Pinger
		next[t.Name] = &runner{target: &p.target, profiles: profiles, poller: p, at: -1}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for name, r := range current {
		if next[name] != r {
			c.schedule.remove(r)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runners = next
	for name, r := range next {
		if c.ctx != nil && c.ctx.Err() == nil && current[name] != r {
			c.schedule.add(r)
		}
	}
	return nil
}

// sameProfiles reports whether r's target would be polled by the same profiles.
func (r *runner) sameProfiles(profiles Profiles) bool {
	for _, name := range r.target.Collect {
		if name != Auto && r.profiles[name] != profiles[name] && !reflect.DeepEqual(r.profiles[name], profiles[name]) {
			return false
		}
	}
	return !slices.Contains(r.target.Collect, Auto) || reflect.DeepEqual(r.profiles, profiles)
}

// Stats returns what happened to each target, in the order of their names.
func (c *Collector) Stats() []Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Stats, 0, len(c.runners))
	for _, r := range c.runners {
		s := r.poller.stats.snapshot()
		s.Interval = r.target.Interval
		s.EngineTwins = c.shared.engines.others(s.Device, r.poller.engine.Load())
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stats) int { return strings.Compare(a.Device, b.Device) })
	return all
}
