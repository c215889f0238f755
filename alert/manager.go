package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	saveEvery   = 5 * time.Second // for what no notifier waits for
	defaultMost = 10000
)

// Options are what a Manager works with.
type Options struct {
	Config    Config
	Path      string       // the state file; "" keeps nothing over a restart
	Notifiers []Notifier   // with distinct names
	Log       *slog.Logger // nil: slog.Default
	MaxQueue  int          // transitions that may wait for one notifier; less than 1 is 10,000

	// Events, unless nil, takes every transition, before it counts as done: again after a crash in that instant, with the same ID.
	Events func(ts []Transition)
}

// Manager runs an Engine. Its methods may be called from any goroutine; calls for one device must come in the order of time.
//
// Observe and Failed wait neither for the disk nor for a notifier. A transition is first written to the state file and then
// delivered; what was not delivered is delivered after a restart. Each notifier is thus told at least once, and twice only
// if the program died between a delivery and the next writing, which follows when nothing more waits for the notifier, and within 5 s. A
// disk that cannot be written holds no notification back.
//
// History and Events are given each transition before the state file is written: if the program dies in between, the next poll brings the same
// transition with the same ID, by which the history knows it.
type Manager struct {
	path    string
	log     *slog.Logger
	queues  []*queue
	history *history // nil: none is kept
	events  func(ts []Transition)

	wake    chan struct{} // capacity 1: something is to be written at once
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when run returned
	workers sync.WaitGroup
	cancel  context.CancelFunc // ends the workers' attempts

	mu       sync.Mutex
	engine   *Engine
	fresh    []Transition // to be written, and those for people then delivered
	revision uint64       // moves when a queue loses an entry

	// Of run, and of Close once run returned.
	seq           uint64
	saved         [2]uint64 // the engine's and the manager's revision in the file
	saveFailed    bool
	historyFailed bool
}

// Start reads the state file, and starts writing and delivering; Close ends that. A state file that makes no sense is put
// aside, as the log says, and alerting starts with nothing. One that cannot be read is an error.
func Start(o Options) (*Manager, error) {
	m := &Manager{
		path: o.Path, log: cmp.Or(o.Log, slog.Default()), engine: NewEngine(), events: o.Events,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	most := o.MaxQueue
	if most < 1 {
		most = defaultMost
	}
	for i, n := range o.Notifiers {
		if slices.ContainsFunc(o.Notifiers[:i], func(other Notifier) bool { return other.Name() == n.Name() }) {
			return nil, fmt.Errorf("alert: two notifiers are called %q", n.Name())
		}
		m.queues = append(m.queues, newQueue(n, m.log, most, m.delivered))
	}
	if err := m.restore(); err != nil {
		return nil, err
	}
	if o.Path != "" {
		var err error
		if m.history, err = openHistory(historyPath(o.Path)); err != nil {
			return nil, err
		}
	}
	m.take(m.engine.Configure(time.Now(), o.Config))
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	for _, q := range m.queues {
		m.workers.Go(func() { q.run(ctx) })
	}
	go m.run()
	return m, nil
}

func (m *Manager) restore() error {
	if m.path == "" {
		return nil
	}
	s, err := readState(m.path)
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		m.log.Error("alerting starts without its state: firing alerts will be told again", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	m.engine.Restore(s)
	for _, u := range s.Undelivered {
		wanted := func(name string) bool { return slices.Contains(u.Notifiers, name) }
		if !slices.ContainsFunc(m.queues, func(q *queue) bool { return wanted(q.notifier.Name()) }) {
			m.log.Warn("undelivered notification is dropped: its notifiers are gone", "id", u.Transition.ID, "notifiers", u.Notifiers)
		}
		m.deliver([]Transition{u.Transition}, wanted)
	}
	return nil
}

// Observe is Engine.Observe.
func (m *Manager) Observe(p Poll) []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.take(m.engine.Observe(p))
}

// Failed is Engine.Failed.
func (m *Manager) Failed(at time.Time, device string, err error) []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.take(m.engine.Failed(at, device, err))
}

// Configure is Engine.Configure.
func (m *Manager) Configure(now time.Time, cfg Config) []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.take(m.engine.Configure(now, cfg))
}

// Stats returns the counts of each notifier, in the order of Options.Notifiers.
func (m *Manager) Stats() []NotifierStats {
	all := make([]NotifierStats, 0, len(m.queues))
	for _, q := range m.queues {
		_, stats := q.snapshot()
		all = append(all, stats)
	}
	return all
}

// Close writes the state, delivers what waits as long as ctx allows and the receivers are well, and writes what is left. It
// returns when no goroutine is left. It must be called once, after the last Observe and Failed.
func (m *Manager) Close(ctx context.Context) error {
	close(m.stop)
	<-m.stopped
	for _, q := range m.queues {
		close(q.closing)
	}
	release := context.AfterFunc(ctx, m.cancel)
	m.workers.Wait()
	release()
	m.cancel()
	defer m.history.close()
	left := 0
	for _, q := range m.Stats() {
		left += q.Queued
	}
	err := m.save()
	switch {
	case left == 0:
	case m.path == "" || err != nil:
		err = errors.Join(err, fmt.Errorf("alert: %s lost", plural(left, "undelivered notification")))
	default:
		m.log.Warn("undelivered notifications are kept for the next start", "count", left)
	}
	return err
}

// take queues ts to be written and delivered, and returns them. It is called with mu held.
func (m *Manager) take(ts []Transition) []Transition {
	m.fresh = append(m.fresh, ts...)
	if len(m.fresh) > 0 {
		m.write()
	}
	return ts
}

// delivered is called by the queues. Only the last of a storm's deliveries is written at once.
func (m *Manager) delivered(empty bool) {
	m.mu.Lock()
	m.revision++
	m.mu.Unlock()
	if empty {
		m.write()
	}
}

// write lets run write the state soon.
func (m *Manager) write() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run is the only one who writes the state file while the Manager is open.
func (m *Manager) run() {
	defer close(m.stopped)
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.wake:
		case <-tick.C:
			m.mu.Lock()
			m.take(m.engine.Advance(time.Now()))
			m.mu.Unlock()
		case <-m.stop:
			_ = m.save()
			return
		}
		_ = m.save() // which has logged it; the next tick tries again
	}
}

// save writes the state if it has changed, and then hands the fresh transitions to the queues, written or not.
func (m *Manager) save() error {
	m.mu.Lock()
	now := [2]uint64{m.engine.revision, m.revision}
	fresh := m.fresh
	m.fresh = nil
	if m.path == "" || now == m.saved && len(fresh) == 0 {
		m.mu.Unlock()
		m.deliverAll(m.record(fresh))
		return nil
	}
	s := m.engine.Snapshot(time.Now())
	m.mu.Unlock()
	fresh = m.record(fresh)
	s.Undelivered = m.undelivered(fresh)
	err := writeState(m.path, s)
	if err == nil {
		m.saved = now
	} else if !m.saveFailed {
		m.log.Error("alerts do not survive a restart until this is mended", "err", err)
	}
	m.saveFailed = err != nil
	m.deliverAll(fresh)
	return err
}

// record puts fresh into the history and hands it on as events, and returns those that people are told.
func (m *Manager) record(fresh []Transition) (told []Transition) {
	if len(fresh) == 0 {
		return nil
	}
	if err := m.history.append(fresh); err != nil && !m.historyFailed {
		m.historyFailed = true
		m.log.Error("the history of alerts cannot be written", "err", err)
	} else if err == nil {
		m.historyFailed = false
	}
	if m.events != nil {
		m.events(fresh)
	}
	for _, t := range fresh {
		if t.Notifies() {
			told = append(told, t)
		}
	}
	return told
}

// undelivered lists what the queues hold and what they are about to be given, in the order in which it happened.
func (m *Manager) undelivered(fresh []Transition) []Undelivered {
	var all []entry
	waiting := map[uint64][]string{}
	for _, q := range m.queues {
		entries, stats := q.snapshot()
		for _, e := range entries {
			if waiting[e.seq] == nil {
				all = append(all, e)
			}
			waiting[e.seq] = append(waiting[e.seq], stats.Name)
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.seq, b.seq) })
	var list []Undelivered
	for _, e := range all {
		list = append(list, Undelivered{Transition: e.t, Notifiers: waiting[e.seq]})
	}
	if len(m.queues) == 0 {
		return list
	}
	var names []string
	for _, q := range m.queues {
		names = append(names, q.notifier.Name())
	}
	for _, t := range fresh {
		list = append(list, Undelivered{Transition: t, Notifiers: names})
	}
	return list
}

func (m *Manager) deliverAll(ts []Transition) {
	if len(ts) > 0 {
		m.deliver(ts, func(string) bool { return true })
	}
}

// deliver gives ts to the queues of those notifiers that wanted names, at once, so that what a poll brought is told in one call.
func (m *Manager) deliver(ts []Transition, wanted func(name string) bool) {
	entries := make([]entry, len(ts))
	for i, t := range ts {
		m.seq++
		entries[i] = entry{seq: m.seq, t: t}
	}
	for _, q := range m.queues {
		if wanted(q.notifier.Name()) {
			q.add(entries...)
		}
	}
}
