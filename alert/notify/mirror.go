package notify

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"walkabout/alert"
	"walkabout/alert/silence"
	"walkabout/internal/backoff"
	"walkabout/internal/lograte"
)

// A Mirror is shown all alerts that fire, again and again, and those that ended lately: Alertmanager works that way. Nothing is remembered of it,
// as what it is shown next says it all.
type Mirror interface {
	// Show returns nil once all of alerts were taken. It returns when ctx ends. Its errors show no secret.
	Show(ctx context.Context, alerts []alert.Alert) error
	Close()
}

// MirrorOptions are who is shown alerts, and which.
type MirrorOptions struct {
	Name   string
	Match  silence.Matchers
	Every  time.Duration // how often; less than 1: a minute
	Mirror Mirror        // nil in Dispatcher.Configure: the one that it has
}

const (
	// DefaultEvery is how often a mirror is shown what fires.
	DefaultEvery = time.Minute
	// showResolved is for how long it is shown what ended: an answer may have been lost.
	showResolved = 15 * time.Minute
)

// mirror is a Mirror at work.
type mirror struct {
	MirrorOptions
	log *slog.Logger

	wake   chan struct{} // capacity 1
	cancel context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex
	stats    Stats
	failures lograte.Kind
	shown    map[string]bool // fingerprint and state of what it took last
}

func newMirror(o MirrorOptions, log *slog.Logger) *mirror {
	return &mirror{MirrorOptions: o, log: log.With("notifier", o.Name), wake: make(chan struct{}, 1), stats: Stats{Name: o.Name}, shown: map[string]bool{}}
}

func (m *mirror) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mirror) start(alerts Alerts) {
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel, m.ended = cancel, make(chan struct{})
	go m.run(ctx, alerts)
}

// stop ends the goroutine.
func (m *mirror) stop() {
	if m.cancel != nil {
		m.cancel()
		<-m.ended
	}
	m.Mirror.Close()
}

func (m *mirror) run(ctx context.Context, alerts Alerts) {
	defer close(m.ended)
	failed := 0
	for {
		err := m.show(ctx, alerts)
		if ctx.Err() != nil {
			return
		}
		wait, asked := m.every(), askedPause(err)
		if err != nil {
			failed++
			wait = backoff.Pause(failed, min(firstBackoff, wait), min(longestBackoff, wait))
		} else {
			failed = 0
		}
		if !pause(ctx, asked, nil, nil) || !pause(ctx, wait-asked, m.wake, nil) {
			return
		}
	}
}

func (m *mirror) every() time.Duration {
	if m.Every < 1 {
		return DefaultEvery
	}
	return m.Every
}

// show shows what fires and is no secret to people, and what ended lately.
func (m *mirror) show(ctx context.Context, alerts Alerts) error {
	now := time.Now()
	m.mu.Lock()
	match := m.Match
	m.mu.Unlock()
	all := slices.DeleteFunc(alerts.Alerts(), func(a alert.Alert) bool {
		ended := a.State == alert.Resolved && !a.FiredAt.IsZero() && now.Sub(a.ResolvedAt) <= showResolved
		return a.Untold || a.State != alert.Firing && !ended || !match.Match(a.Property)
	})
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	err := m.Mirror.Show(ctx, all)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.stats.Failures++
		m.stats.LastError = err.Error()
		if ctx.Err() == nil && m.failures.Due() {
			m.log.Warn("alerts could not be shown; it is tried again", "alerts", len(all), "err", err)
		}
		return err
	}
	m.stats.Messages++
	m.stats.LastError, m.stats.LastSuccess = "", now
	shown := make(map[string]bool, len(all))
	for i := range all {
		key := all[i].Fingerprint + " " + all[i].State.String() + " " + all[i].FiredAt.String()
		if shown[key] = true; !m.shown[key] {
			m.stats.Delivered++
		}
	}
	m.shown = shown
	return nil
}

// obey makes match what m is shown.
func (m *mirror) obey(match silence.Matchers) {
	m.mu.Lock()
	m.Match = match
	m.mu.Unlock()
	m.poke()
}

func (m *mirror) read() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// reflect makes these the mirrors. It is called with d.mu held.
func (d *Dispatcher) reflect(list []MirrorOptions) {
	old := d.mirrors
	d.mirrors = nil
	for _, o := range list {
		i := slices.IndexFunc(old, func(m *mirror) bool { return m.Name == o.Name })
		if o.Mirror == nil && i >= 0 {
			old[i].obey(o.Match)
			d.mirrors = append(d.mirrors, old[i])
			continue
		}
		m := newMirror(o, d.log)
		if d.alerts != nil {
			m.start(d.alerts)
		}
		d.mirrors = append(d.mirrors, m)
	}
	for _, m := range old {
		if !slices.Contains(d.mirrors, m) {
			m.stop()
		}
	}
}
