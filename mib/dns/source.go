package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"walkabout/mib"
)

// Times of reading a server.
const (
	readTime = 10 * time.Second // then a reading is given up
	waitTime = time.Second      // that a request waits for a reading; then it goes on with what was told before
	// What was read serves for reuse, and freshReuse where rates are computed, but for costShare times as long as it took to read, so that reading
	// never takes more than a small part of anybody's time.
	reuse      = time.Second
	freshReuse = 50 * time.Millisecond
	zonesReuse = 10 * time.Second
	costShare  = 10
	mostReuse  = time.Minute
)

// figures are a Reading and what became of its counters. They are not changed.
type figures struct {
	*Reading
	counts map[count]uint32
	sbelt  *mib.Table[Sbelt]
}

// source reads one server, and remembers what it told.
type source struct {
	backend Backend
	log     *slog.Logger
	ctx     context.Context // ends at close
	stop    context.CancelFunc
	active  sync.WaitGroup
	totals  totals

	figures latest[*figures]
	zones   latest[*zoneSet]

	mu       sync.Mutex
	readings uint64
	faults   uint64
	parts    [2]error  // of the latest readings
	logged   [2]bool   // that their faults are in the log
	since    time.Time // that the figures can be read, or not
	leftOut  int
}

// The parts of a source, for its faults.
const (
	partFigures = iota
	partZones
)

func newSource(b Backend, log *slog.Logger) *source {
	s := &source{backend: b, log: log, totals: newTotals(b.Rules())}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.figures = latest[*figures]{source: s, reuse: reuse, fresh: freshReuse, read: s.readFigures}
	s.zones = latest[*zoneSet]{source: s, reuse: zonesReuse, fresh: zonesReuse, read: s.readZones}
	return s
}

// forget has the server read anew after an order.
func (s *source) forget() {
	s.figures.forget()
	s.zones.forget()
}

// tells reports whether there is a rule for an object.
func (s *source) tells(object string) bool {
	return slices.ContainsFunc(s.totals.rules, func(r Rule) bool { return r.Object == object })
}

// resolves reports whether the server is a resolver as well.
func (s *source) resolves() bool { return s.tells("dnsResConfigReset") }

func (s *source) close() {
	s.stop()
	s.active.Wait()
}

func (s *source) readFigures(ctx context.Context) *figures {
	r, err := s.backend.Read(ctx)
	if s.note(partFigures, err) != nil {
		return nil
	}
	f := &figures{Reading: r, counts: s.totals.add(r), sbelt: sbeltOf(r.Sbelt)}
	if r.Zones != nil && !s.figures.outdated() {
		s.zones.put(s.told(newZoneSet(r.Zones)))
	}
	return f
}

func (s *source) readZones(ctx context.Context) *zoneSet {
	list, err := s.backend.Zones(ctx)
	if errors.Is(err, ErrNoZones) {
		return newZoneSet(nil)
	}
	if s.note(partZones, err) != nil {
		return nil
	}
	return s.told(newZoneSet(list))
}

// told logs what z leaves out, when it is not what was left out before.
func (s *source) told(z *zoneSet) *zoneSet {
	s.mu.Lock()
	changed := z.leftOut != s.leftOut
	s.leftOut = z.leftOut
	s.mu.Unlock()
	if changed && z.leftOut > 0 {
		s.log.Warn("zones have no rows: their names are too long for an OID, or are none", "zones", z.leftOut)
	}
	return z
}

// note counts and logs what became of a reading: each fault when it begins, and when it ends. Of a server that is down the figures say it for the zones too.
func (s *source) note(part int, err error) error {
	if err != nil && s.ctx.Err() != nil {
		return err // the end of the agent, and no fault
	}
	s.mu.Lock()
	before := s.parts[part]
	s.parts[part] = err
	if part == partFigures && (s.since.IsZero() || (err == nil) != (before == nil)) {
		s.since = time.Now()
	}
	s.readings++
	if err != nil {
		s.faults++
	}
	logged := s.logged[part]
	s.logged[part] = err != nil && (logged || part == partFigures || s.parts[partFigures] == nil)
	news := s.logged[part] != logged
	s.mu.Unlock()
	what := [...]string{partFigures: "figures", partZones: "zones"}[part]
	switch {
	case news && err != nil:
		s.log.Error("cannot read a name server", "part", what, "err", err)
	case news:
		s.log.Info("a name server can be read again", "part", what)
	}
	return err
}

func (s *source) stats() Stats {
	s.mu.Lock()
	out := Stats{Readings: s.readings, Faults: s.faults, Err: errors.Join(s.parts[:]...), Since: s.since}
	s.mu.Unlock()
	if z := s.zones.last(); z != nil {
		out.LeftOut, out.NoSources = z.leftOut, z.noSources
	}
	return out
}

// latest keeps what was read last. There is one reading at a time, in a goroutine of the source's, for all who wait.
type latest[T comparable] struct {
	source       *source
	reuse, fresh time.Duration
	read         func(context.Context) T // the zero T if it failed

	mu    sync.Mutex
	value T
	at    time.Time     // that the latest reading began; zero before the first
	cost  time.Duration // that it took
	done  chan struct{} // closed when the one under way ends; nil if there is none
	stale bool          // what the one under way brings is of before an order
}

// get returns what was read within the time of reuse, else reads. While the server takes its time, what it told before stands.
func (l *latest[T]) get(ctx context.Context, q *mib.Request) T {
	done, left := l.begin(q)
	if left > 0 {
		q.Slow()
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return l.last()
}

// begin has a reading be under way if what was read is not good any more, and returns how long to wait for the end of it.
func (l *latest[T]) begin(q *mib.Request) (done <-chan struct{}, left time.Duration) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	good := l.reuse
	if q.Fresh {
		good = l.fresh
	}
	good = min(max(good, costShare*l.cost), mostReuse)
	if l.done == nil && !l.at.IsZero() && now.Sub(l.at) < good || l.source.ctx.Err() != nil {
		return nil, 0
	}
	if l.done == nil {
		l.at, l.done = now, make(chan struct{})
		l.source.active.Go(l.run)
	}
	return l.done, waitTime - now.Sub(l.at)
}

func (l *latest[T]) run() {
	ctx, cancel := context.WithTimeoutCause(l.source.ctx, readTime, fmt.Errorf("the server takes longer than %v", readTime))
	defer cancel()
	value := l.read(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.cost = value, time.Since(l.at)
	close(l.done)
	l.done = nil
	if l.stale {
		l.at, l.stale = time.Time{}, false
	}
}

// forget has the next request read anew.
func (l *latest[T]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stale = l.done != nil; !l.stale {
		l.at = time.Time{}
	}
}

// outdated reports whether what the reading under way brings is of before an order.
func (l *latest[T]) outdated() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stale
}

// put takes a value that another reading brought.
func (l *latest[T]) put(value T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.at = value, time.Now()
}

func (l *latest[T]) last() T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value
}
