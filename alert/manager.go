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

	"walkabout/internal/journal"
)

const (
	tickEvery     = 5 * time.Second
	progressEvery = time.Minute // for what a replay of polls brings back
	defaultMost   = 10000
)

// Options are what a Manager works with.
type Options struct {
	Config    Config
	Path      string       // the state file; "" keeps nothing over a restart. The history is beside it
	Notifiers []Notifier   // with distinct names
	Log       *slog.Logger // nil: slog.Default
	MaxQueue  int          // transitions that may wait for one notifier; less than 1 is 10,000
	Tail      Tail         // nil: after a crash the polls since the last writing are not observed
	FS        journal.FS   // nil: the machine's

	// Events, unless nil, takes every transition once it is on disk and in the history: again after a crash in that instant, with the same Number.
	Events func(ts []Transition)
}

// Tail is where polls are kept before they are observed: the spool.
type Tail interface {
	// Replay calls observe with the polls that are kept since the last Mark, in their order.
	Replay(observe func(Poll)) error
	// Low returns a number of which all polls with a Record below it were observed. Without such polls it is that of the next.
	Low() uint64
	// Mark says that what was observed of polls with a Record below low is on disk.
	Mark(low uint64)
}

// Manager runs an Engine. Its methods may be called from any goroutine; calls for one device must come in the order of time.
//
// Observe and Failed wait neither for the disk nor for a notifier. State, history and what is to be told are written together, as one line of the state
// file, when something changed, and only then is anybody told; a poll that shows what is known already writes nothing. After a crash the polls since the
// last line are observed again from Options.Tail. Each notifier is thus told at least once, and twice only of what it took in the instant of a crash: the
// next is delivered when it is on disk that the one before was. A disk that cannot be written holds no notification back.
type Manager struct {
	log    *slog.Logger
	queues []*queue
	events func(ts []Transition)
	tail   Tail

	wake    chan struct{} // capacity 1: something is to be written at once
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when run returned
	workers sync.WaitGroup
	cancel  context.CancelFunc // ends the workers' attempts

	mu     sync.Mutex
	engine *Engine
	fresh  []Transition        // to be written, and those for people then delivered
	done   map[string][]uint64 // by notifier: what it told, to be written
	saved  chan struct{}       // closed when what waits now was written

	history *history // nil: none is kept

	// Of run, and of Start before it.
	journal    *journal.Journal // nil: nothing is kept
	older      string           // the file of a release before the journal that was read; "": none
	anew       bool             // the file lacks something that is not in changes: it is to be rewritten
	retryAt    time.Time        // when a disk that failed is tried again
	saidFailed bool
	progressAt time.Time    // when all that changed was last written
	recorded   uint64       // see commit
	written    uint64       // recorded as it is on disk
	unrecorded []Transition // what the history did not take
}

// Start reads the state file, observes again what Options.Tail kept, and starts writing and delivering; Close ends that. What makes no sense in the file is
// kept aside, as the log says, and alerting goes on with the rest. A file that cannot be read is an error.
func Start(o Options) (*Manager, error) {
	m := &Manager{
		log: cmp.Or(o.Log, slog.Default()), engine: NewEngine(), events: o.Events, tail: o.Tail, progressAt: time.Now(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}), saved: make(chan struct{}), done: map[string][]uint64{},
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
	if err := m.restore(o); err != nil {
		return nil, err
	}
	m.take(m.engine.Configure(time.Now(), o.Config))
	if m.tail != nil {
		if err := m.tail.Replay(m.replay(m.tail.Low())); err != nil {
			m.log.Error("polls that were not yet observed before the restart cannot be read", "err", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	for _, q := range m.queues {
		m.workers.Go(func() { q.run(ctx) })
	}
	go m.run()
	return m, nil
}

// restore reads what is kept.
func (m *Manager) restore(o Options) (err error) {
	if o.Path == "" {
		return nil
	}
	fsys := o.FS
	if fsys == nil {
		fsys = journal.System()
	}
	if m.history, err = openHistory(fsys, historyPath(o.Path)); err != nil {
		return err
	}
	j, l, damaged, err := openStore(fsys, o.Path)
	if err != nil {
		return err
	}
	m.journal = j
	s := l.snapshot()
	if damaged != nil {
		m.anew = true
		m.log.Error("a part of the state of alerts is lost; the rest goes on", "err", damaged)
	} else if size, _ := j.Size(); size == 0 {
		m.anew = true
		older, found, err := readOlder(olderPath(o.Path))
		var corrupt *CorruptError
		switch {
		case errors.As(err, &corrupt):
			m.log.Error("alerting starts without its state: firing alerts will be told again", "err", err)
		case err != nil:
			return errors.Join(err, j.Close())
		case found:
			s, m.older = older, olderPath(o.Path)
		}
	}
	s.Number = max(s.Number, m.history.last)
	m.engine.Restore(s)
	m.recorded, m.written = l.recorded, l.recorded
	m.record(l.unrecorded())
	for _, u := range s.Undelivered {
		wanted := func(name string) bool { return slices.Contains(u.Notifiers, name) }
		if !slices.ContainsFunc(m.queues, func(q *queue) bool { return wanted(q.notifier.Name()) }) {
			m.log.Warn("undelivered notification is dropped: its notifiers are gone", "id", u.Transition.ID, "notifiers", u.Notifiers)
		}
		m.deliver([]Transition{u.Transition}, wanted)
	}
	return nil
}

// replay returns what observes a poll again, unless it is in the state already. end is the number behind that of the last.
func (m *Manager) replay(end uint64) func(Poll) {
	for _, d := range m.engine.devices {
		if d.record >= end { // of a spool that is no more
			d.record = 0
		}
	}
	return func(p Poll) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if d := m.engine.devices[p.Device]; d != nil && p.Record > d.record {
			m.take(m.engine.Observe(p))
		}
	}
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

// Close writes the state, delivers what waits as long as ctx allows and the receivers are well, and writes what is left. It
// returns when no goroutine is left. It must be called once, after the last Observe and Failed.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	saved := m.saved
	m.mu.Unlock()
	m.write()
	<-saved // so that the queues have all
	for _, q := range m.queues {
		close(q.closing)
	}
	release := context.AfterFunc(ctx, m.cancel)
	m.workers.Wait()
	release()
	m.cancel()
	close(m.stop)
	<-m.stopped
	m.retryAt = time.Time{}
	err := m.save(true)
	left := 0
	for _, q := range m.queues {
		left += len(q.list(q.most))
	}
	switch {
	case left == 0:
	case m.journal == nil || err != nil:
		err = errors.Join(err, fmt.Errorf("alert: %s lost", plural(left, "undelivered notification")))
	default:
		m.log.Warn("undelivered notifications are kept for the next start", "count", left)
	}
	m.history.close()
	if m.journal != nil {
		err = errors.Join(err, m.journal.Close())
	}
	return err
}

// take queues ts to be written and delivered, and returns them. It is called with mu held.
func (m *Manager) take(ts []Transition) []Transition {
	m.fresh = append(m.fresh, ts...)
	if len(m.fresh) > 0 || m.engine.urgent {
		m.write()
	}
	return ts
}

// delivered is called by the queues. It returns when it is on disk that a notifier is done with transitions, the disk has failed, or ctx ended.
func (m *Manager) delivered(ctx context.Context, notifier string, numbers []uint64) {
	m.mu.Lock()
	m.done[notifier] = append(m.done[notifier], numbers...)
	saved := m.saved
	m.mu.Unlock()
	m.write()
	select {
	case <-saved:
	case <-ctx.Done():
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
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		progress := false
		select {
		case <-m.wake:
		case <-tick.C:
			m.mu.Lock()
			m.take(m.engine.Advance(time.Now()))
			m.mu.Unlock()
			progress = time.Since(m.progressAt) >= progressEvery
		case <-m.stop:
			return
		}
		_ = m.save(progress) // which has logged it; it is tried again
	}
}

// deliver gives ts to the queues of those notifiers that wanted names, at once, so that what a poll brought is told in one call.
func (m *Manager) deliver(ts []Transition, wanted func(name string) bool) {
	for _, q := range m.queues {
		if !wanted(q.notifier.Name()) {
			continue
		}
		if dropped := q.add(ts); len(dropped) > 0 {
			m.mu.Lock()
			m.done[q.notifier.Name()] = append(m.done[q.notifier.Name()], dropped...)
			m.mu.Unlock()
		}
	}
}
