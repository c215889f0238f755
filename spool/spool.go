// Package spool is a queue on disk between those who produce records, which are any octets, and readers who take them each at an own pace.
//
// A record that was appended is on disk, and every reader gets it until that reader acknowledged it: after a crash some that were acknowledged
// may come again. Each reader is bounded by size and age; what is dropped at the bound is the oldest, and it is counted. A file that
// became corrupt costs the records in it and no others. docs/spool.md describes the folder.
//
// Time that passes while the spool is open is what ages records, and no clock that somebody may set.
package spool

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"walkabout/internal/lograte"
	"walkabout/internal/statedir"
)

// ErrClosed is returned by Append after Close.
var ErrClosed = errors.New("the spool is closed")

// ErrBusy is returned by Put while too much waits for the disk.
var ErrBusy = errors.New("too much waits for the spool's disk")

// Record is what was appended. Numbers ascend in the order of Append, and some may be missing.
type Record struct {
	Number uint64
	raw    []byte // the number, as numberSize octets, and the data
}

// Data is what was appended; it must not be changed.
func (r Record) Data() []byte { return r.raw[numberSize:] }

// Options say where a Spool is and how it works. Zero fields take the default that each names.
type Options struct {
	Dir         string        // made if it is not there; nobody else uses it
	SegmentSize int64         // octets on disk after which a new segment is begun; 64 MiB
	SegmentAge  time.Duration // time after which a new segment is begun; 1 min
	GroupDelay  time.Duration // how long a record may wait for others that are written with it; 20 ms
	Keep        Bounds        // what stays for a replay when everybody has taken it; nothing
	RecentSize  int64         // octets of the newest records that are kept in memory as well; 16 MiB
	Logger      *slog.Logger  // slog.Default()
	// Free tells how many octets the disk of a folder has room for; statedir.Free.
	Free func(dir string) (int64, error)
}

func (o Options) withDefaults() Options {
	o.SegmentSize = cmp.Or(max(o.SegmentSize, 0), 64<<20)
	o.SegmentAge = cmp.Or(max(o.SegmentAge, 0), time.Minute)
	o.GroupDelay = cmp.Or(max(o.GroupDelay, 0), 20*time.Millisecond)
	o.RecentSize = cmp.Or(max(o.RecentSize, 0), 16<<20)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	if o.Free == nil {
		o.Free = statedir.Free
	}
	return o
}

const (
	// groupSize is how many octets of waiting records are written without waiting for more.
	groupSize = 4 << 20
	// mostPut is how many octets may wait for the disk when Put adds to them.
	mostPut = 16 << 20
	// tickInterval is how often the readers' positions are written, bounds are held, and a disk that failed is tried again.
	tickInterval = time.Second
)

// Spool is the queue. Its methods may be called from any goroutine.
type Spool struct {
	options Options
	log     *slog.Logger
	begun   time.Time     // when it was opened, for the run clock
	before  time.Duration // the run clock then

	wake    chan struct{} // has room for one: a group waits
	full    chan struct{} // has room for one: it is worth writing at once
	closing chan struct{} // closed by Close
	done    chan struct{} // closed when run returned
	closed  sync.Once
	err     error // of Close; set before done is closed

	// disk is held by who writes segments; it is taken before mu.
	disk   sync.Mutex
	writer *writer   // nil when the next record begins a segment
	stuck  []*writer // that could not be closed

	mu        sync.Mutex
	ended     bool
	group     *group
	next      uint64   // number of the next record
	recent    []Record // the newest, ascending: all that are not on disk among them
	size      int64    // octets of recent
	saved     uint64   // records below are on disk, or nobody wants them
	visible   uint64   // records below may be read
	segments  []*segment
	positions map[string]*position
	dirty     bool  // positions have changed since they were written
	forgotten bool  // there are segments, and it is not known who took what
	free      int64 // octets that the disk has room for; looked at every second
	stats     counts

	// Only the goroutine uses these.
	failing      time.Time // since when the disk takes nothing
	saidFailing  lograte.Kind
	saidMarks    lograte.Kind
	retryAt      time.Time // not before then is a disk that failed tried again
	lostReported uint64
}

// group is records that are written together.
type group struct {
	records []Record
	size    int
	done    chan struct{} // closed when they can be read
}

// counts are the counters of Stats.
type counts struct {
	appended, refused, failures, lost, quarantined uint64
}

// Open opens the spool in o.Dir or begins one. Close must be called. A position of a reader that is not asked for again holds its
// records until Forget, or until its bounds do.
func Open(o Options) (*Spool, error) {
	o = o.withDefaults()
	s := &Spool{
		options: o, log: o.Logger, begun: time.Now(), positions: map[string]*position{},
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	if err := s.restore(); err != nil {
		return nil, fmt.Errorf("opening spool %s: %w", o.Dir, err)
	}
	s.saved, s.visible = s.next, s.next
	go s.run()
	return s, nil
}

// run clock: how long the spool was open, in all its runs.
func (s *Spool) clock() time.Duration { return s.before + time.Since(s.begun) }

// Append returns nil when a record with a copy of data can be read and is on disk. While the disk takes nothing, it is kept in memory instead, as
// Stats and the log tell, and as long as there is room. The error is ErrClosed, or ctx' when that ends first; the record is
// appended nevertheless then.
func (s *Spool) Append(ctx context.Context, data []byte) error {
	_, err := s.AppendNumbered(ctx, data)
	return err
}

// AppendNumbered is Append, and returns the record's number.
func (s *Spool) AppendNumbered(ctx context.Context, data []byte) (number uint64, err error) {
	s.mu.Lock()
	number = s.next
	g, err := s.add(data)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return number, g.wait(ctx)
}

// End returns the number behind that of the newest record, whether that is on disk already or not.
func (s *Spool) End() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// Put appends without waiting, for those who must not. The error is ErrClosed, or ErrBusy while the disk is so far behind that data is not
// taken.
func (s *Spool) Put(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.group != nil && s.group.size > mostPut {
		s.stats.refused++
		return ErrBusy
	}
	_, err := s.add(data)
	return err
}

// add puts a record into the group that it returns; mu is held.
func (s *Spool) add(data []byte) (*group, error) {
	if s.ended {
		return nil, ErrClosed
	}
	raw := make([]byte, numberSize, numberSize+len(data))
	binary.BigEndian.PutUint64(raw, s.next)
	raw = append(raw, data...)
	g := s.join()
	g.records = append(g.records, Record{Number: s.next, raw: raw})
	g.size += len(raw)
	s.next++
	s.stats.appended++
	if g.size >= groupSize {
		signal(s.full)
	}
	return g, nil
}

// Sync waits as Append does for everything that was appended so far, by those who did not wait.
func (s *Spool) Sync(ctx context.Context) error {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return ErrClosed
	}
	g := s.join()
	signal(s.full)
	s.mu.Unlock()
	return g.wait(ctx)
}

// join returns the group that is written next; mu is held.
func (s *Spool) join() *group {
	if s.group == nil {
		s.group = &group{done: make(chan struct{})}
		signal(s.wake)
	}
	return s.group
}

func (g *group) wait(ctx context.Context) error {
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is one already
	}
}

// Close writes what waits, and returns when nothing is left running. The error says what is not on disk.
func (s *Spool) Close() error {
	s.closed.Do(func() { close(s.closing) })
	<-s.done
	return s.err
}

func (s *Spool) run() {
	defer close(s.done)
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.wake:
			s.awaitGroup()
			s.commit()
		case <-ticker.C:
			s.tick()
		case <-s.closing:
			s.err = s.end()
			return
		}
	}
}

// awaitGroup gives others the time to join the group.
func (s *Spool) awaitGroup() {
	timer := time.NewTimer(s.options.GroupDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.full:
	case <-s.closing:
	}
}

// end is the last that run does.
func (s *Spool) end() error {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.retryAt = time.Time{}
	s.commit()
	var errs []error
	s.mu.Lock()
	if n := s.unsaved(); n > 0 {
		errs = append(errs, fmt.Errorf("spool %s: %d records could not be written and are lost", s.options.Dir, n))
	}
	s.mu.Unlock()
	s.disk.Lock()
	errs = append(errs, s.seal())
	s.collect()
	_ = s.unstick() // now that there may be room; files that are open take theirs though they were removed
	s.disk.Unlock()
	return errors.Join(append(errs, s.saveMarks())...)
}

// unsaved returns how many records are in memory only; mu is held.
func (s *Spool) unsaved() int {
	n := 0
	for i := len(s.recent) - 1; i >= 0 && s.recent[i].Number >= s.saved; i-- {
		n++
	}
	return n
}

// tick does what is to be done from time to time.
func (s *Spool) tick() {
	s.mu.Lock()
	retry := s.unsaved() > 0
	s.mu.Unlock()
	if retry {
		s.commit()
	}
	s.rotate()
	s.serveRequests()
	s.enforce()
	s.collect()
	s.mu.Lock()
	dirty := s.dirty
	s.mu.Unlock()
	if dirty {
		if err := s.saveMarks(); err != nil && s.saidMarks.Due() {
			s.log.Error("spool: what outputs took cannot be written; after a restart they get it again", "err", err)
		}
	}
}

// names returns the names of all positions, in order; mu is held.
func (s *Spool) names() []string { return slices.Sorted(maps.Keys(s.positions)) }
