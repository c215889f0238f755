package collector

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/collector/session"
)

// Options of a Collector.
type Options struct {
	Targets  []Target
	Profiles Profiles     // nil: BuiltIn
	Sinks    []Sink       // called one after another with each poll
	Logger   *slog.Logger // nil: nothing is logged
	Dial     Dial         // nil: Open of session.Sockets that are the Collector's own
}

// Collector polls targets until it is told to stop. Its methods may be called by any goroutine.
type Collector struct {
	options Options
	sockets *session.Sockets // nil if somebody else dials; opened when first needed, closed when Run ends

	reload sync.Mutex // held while targets are started and stopped

	mu      sync.Mutex
	runners map[string]*runner
	ctx     context.Context // Run's, while it runs
}

// runner is a target and the goroutine that polls it.
type runner struct {
	target Target
	poller *poller
	cancel context.CancelFunc // nil before Run
	done   chan struct{}
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
	c := &Collector{runners: map[string]*runner{}}
	if o.Dial == nil {
		c.sockets = session.NewSockets()
		o.Dial = c.sockets.Open
	}
	c.options = o
	if err := c.SetTargets(o.Targets); err != nil {
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
		c.startLocked(r)
	}
	c.mu.Unlock()

	<-ctx.Done()
	c.reload.Lock() // until then SetTargets may start more
	defer c.reload.Unlock()
	c.mu.Lock()
	runners := c.runners // SetTargets replaces the map and changes none
	c.mu.Unlock()
	for _, r := range runners {
		r.stop()
	}
	if c.sockets != nil {
		return c.sockets.Close()
	}
	return nil
}

func (c *Collector) startLocked(r *runner) {
	ctx, cancel := context.WithCancel(c.ctx)
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		r.run(ctx, c.options.Sinks)
	}()
}

// stop ends the runner's goroutine, if it has one, and waits for it.
func (r *runner) stop() {
	if r.cancel != nil {
		r.cancel()
		<-r.done
	}
}

// SetTargets makes targets the ones that are polled. Those that are as they were go on undisturbed; those that changed start
// anew, with every counter First; it waits until those that are gone have ended. If any target is wrong nothing changes, and the
// error says what is wrong with each.
func (c *Collector) SetTargets(targets []Target) error {
	c.reload.Lock()
	defer c.reload.Unlock()
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
		if r := current[t.Name]; r != nil && reflect.DeepEqual(r.target, t) {
			next[t.Name] = r
			continue
		}
		p, err := newPoller(t, c.options.Profiles, c.options.Dial, c.options.Logger)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		next[t.Name] = &runner{target: t, poller: p}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for name, r := range current {
		if next[name] != r {
			r.stop()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runners = next
	for name, r := range next {
		if c.ctx != nil && c.ctx.Err() == nil && current[name] != r {
			c.startLocked(r)
		}
	}
	return nil
}

// Stats returns what happened to each target, in the order of their names.
func (c *Collector) Stats() []Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Stats, 0, len(c.runners))
	for _, r := range c.runners {
		s := r.poller.stats.snapshot()
		s.Interval = r.target.Interval
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stats) int { return strings.Compare(a.Device, b.Device) })
	return all
}

// run polls at each slot of the target's schedule. The deadline of a poll leaves it time to end before the next slot; where sinks
// take longer still, slots are missed.
func (r *runner) run(ctx context.Context, sinks []Sink) {
	defer r.poller.close()
	interval := r.target.Interval
	slot := firstSlot(time.Now(), r.target.Name, interval)
	timer := time.NewTimer(time.Until(slot))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		lag := time.Since(slot)
		pollCtx, cancel := context.WithTimeout(ctx, deadline(interval))
		poll := r.poller.poll(pollCtx)
		cancel()
		if ctx.Err() != nil {
			return // what it has is a poll that was broken off, not what the target is like
		}
		r.poller.notice(poll, lag)
		for _, s := range sinks {
			s.Poll(ctx, poll)
		}
		over := int(time.Since(slot) / interval)
		if over > 0 {
			r.poller.stats.missed(over)
		}
		slot = slot.Add(time.Duration(over+1) * interval)
		timer.Reset(time.Until(slot))
	}
}

// deadline is how long a poll may take.
func deadline(interval time.Duration) time.Duration { return interval - min(interval/10, time.Second) }

// firstSlot returns the first time after now that is a slot of the device: slots are a whole number of intervals, and a hash of its
// name, after the epoch. So a fleet spreads over the interval, and each keeps its place over a restart.
func firstSlot(now time.Time, device string, interval time.Duration) time.Time {
	h := fnv.New64a()
	_, _ = io.WriteString(h, device)
	phase := int64(h.Sum64() % uint64(interval))
	wait := (phase - now.UnixNano()) % int64(interval)
	if wait <= 0 {
		wait += int64(interval)
	}
	return now.Add(time.Duration(wait))
}
