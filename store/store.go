package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/compression"

	"walkabout/exporters/series"
	"walkabout/internal/statedir"
	"walkabout/store/internal/quiet"
)

// Options say where a Store is and what it keeps. Zero fields take the default that each names.
type Options struct {
	Dir       string        // the folder, made if it is not there; nobody else may have it open
	Retention time.Duration // how long samples are kept; 30 days
	MaxSize   int64         // octets on disk, above which the oldest blocks go, whatever their age; 10 GiB
	Window    time.Duration // how much older than the newest a sample may be that comes late; 8 days
	MaxSeries int           // how many series may be written to at a time; 10 million. A series that is new beyond them is rejected
	NoRaw     bool          // counters are kept as rates only
	Series    series.Config // Rates is taken as true
	Logger    *slog.Logger  // slog.Default()
	// Free returns how many octets may still be put on the disk that a folder is on; statedir.Free.
	Free func(dir string) (int64, error)
}

// Defaults of Options.
const (
	DefaultRetention = 30 * 24 * time.Hour
	DefaultMaxSize   = 10 << 30
)

const (
	defaultWindow    = 8 * 24 * time.Hour
	defaultMaxSeries = 10_000_000
	// maxBlock is the longest time that one block on disk is of, as Prometheus has it.
	maxBlock = 31 * 24 * time.Hour
)

func (o Options) withDefaults() Options {
	o.Retention = cmp.Or(max(o.Retention, 0), DefaultRetention)
	o.MaxSize = cmp.Or(max(o.MaxSize, 0), DefaultMaxSize)
	o.Window = cmp.Or(max(o.Window, 0), defaultWindow)
	o.MaxSeries = cmp.Or(max(o.MaxSeries, 0), defaultMaxSeries)
	o.Series.Rates = true
	o.Logger = cmp.Or(o.Logger, slog.Default()).With("part", "store")
	if o.Free == nil {
		o.Free = statedir.Free
	}
	return o
}

// Store is an open database. Its methods may be called by several goroutines. Make one with Open or Start.
type Store struct {
	options Options
	log     *slog.Logger
	clock   *clock
	limit   seriesLimit

	opened  chan struct{} // closed when the first attempt to open it has ended
	openErr error         // of that; set before opened is closed

	mu    sync.Mutex
	db    *tsdb.DB      // nil while it is opened, and once the Store is closed
	ended bool          // by Close
	users int           // who use db
	idle  chan struct{} // closed when users becomes 0; nil if nobody waits for it

	progress *tsdb.DBStats // of the last attempt to open it
	failure  error         // of that; nil if it is under way

	repaired atomic.Uint64 // blocks and logs that were put aside
	samples  atomic.Uint64 // that were written

	metaMu sync.Mutex
	meta   map[string]Metadata // by metric
}

// ErrClosed is the error of a Store that was closed.
var ErrClosed = errors.New("store: closed")

// ErrOpening is that the database is being opened: its log is read, at the start, or after a full disk or a clock that jumped; or that this failed and is tried
// again. It passes.
var ErrOpening = errors.New("store: the database reads its log; try again later")

// Open opens the database in o.Dir, or begins one. What is corrupt of it is put aside or cut off, and said. Close must be called.
func Open(o Options) (*Store, error) {
	s := Start(o)
	<-s.opened
	if s.openErr != nil {
		return nil, s.openErr
	}
	return s, nil
}

// Start is Open for those who do not wait: reading the log of a large database takes minutes, in which all else answers ErrOpening. An error of that is logged; the
// Exporter tries again.
func Start(o Options) *Store {
	s := &Store{options: o.withDefaults(), meta: map[string]Metadata{}}
	s.log = s.options.Logger
	s.limit.most = int64(s.options.MaxSeries)
	s.clock = newClock()
	s.opened = make(chan struct{})
	go func() {
		defer close(s.opened)
		if err := s.open(); err != nil {
			s.openErr = fmt.Errorf("store: %w", err)
			s.log.Error("the store cannot be opened; what is polled waits in the spool, and it is tried again", "err", err)
		}
	}()
	return s
}

// Opened is closed when the first attempt to open the database has ended.
func (s *Store) Opened() <-chan struct{} { return s.opened }

// open opens the database after what is corrupt was put aside. Nobody has the Store yet, or it is seized.
func (s *Store) open() error {
	progress := tsdb.NewDBStats()
	s.mu.Lock()
	s.progress, s.failure = progress, nil
	s.mu.Unlock()
	db, err := s.openDB(progress)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.failure = db, err
	return err
}

func (s *Store) openDB(progress *tsdb.DBStats) (*tsdb.DB, error) {
	if err := os.MkdirAll(s.options.Dir, 0o750); err != nil {
		return nil, err
	}
	if err := s.room(); err != nil {
		return nil, err
	}
	if err := errors.Join(s.putBadBlocksAside(), s.cutTornLogs()); err != nil {
		return nil, err
	}
	o := tsdb.DefaultOptions()
	o.NoLockfile = true // the folder of the state has a lock
	o.WALCompression = compression.Snappy
	o.RetentionDuration = s.options.Retention.Milliseconds()
	o.MaxBytes = s.options.MaxSize
	o.MaxBlockDuration = max(min(o.RetentionDuration/10, maxBlock.Milliseconds()), o.MinBlockDuration)
	o.OutOfOrderTimeWindow = s.options.Window.Milliseconds()
	// A batch is of many polls, and no two batches are one: who reads in the midst of one sees some of its polls, as between two.
	o.IsolationDisabled = true
	o.BlocksToDelete = s.expired
	s.limit.reset()
	o.SeriesLifecycleCallback = &s.limit
	db, err := tsdb.Open(s.options.Dir, quiet.Logger(s.log), nil, o, progress)
	if err != nil {
		return nil, err
	}
	s.limit.enforce.Store(true)
	return db, nil
}

// use returns the database, which stays open until done is called.
func (s *Store) use() (*tsdb.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return nil, ErrClosed
	case s.db == nil:
		if s.failure != nil {
			return nil, &closedError{s.failure}
		}
		return nil, ErrOpening
	}
	s.users++
	return s.db, nil
}

func (s *Store) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// seize returns the database when nobody uses it any more, and lets nobody use it until open; nil if another call has it.
func (s *Store) seize() *tsdb.DB {
	s.mu.Lock()
	db := s.db
	s.db = nil
	var idle chan struct{}
	if s.users > 0 && db != nil {
		idle = make(chan struct{})
		s.idle = idle
	}
	s.mu.Unlock()
	if idle != nil {
		<-idle
	}
	return db
}

// Close ends the database when the last Querier is closed. The Exporter must not be in use any more.
func (s *Store) Close() error {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	<-s.opened
	db := s.seize()
	if db == nil {
		return nil
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("store: closing: %w", err)
	}
	return nil
}

// Stats are a Store's figures of a moment.
type Stats struct {
	Series   uint64    // that were written to in the last two or three hours: those that are in memory
	Blocks   int       // on disk
	Octets   int64     // on disk
	Oldest   time.Time // zero if there is nothing
	Newest   time.Time
	Repaired uint64 // blocks and logs that were put aside or cut, since the start
	Samples  uint64 // that were written, since the start
	Refused  uint64 // those of series beyond Options.MaxSeries, since the start
}

// Stats returns the figures of this moment; zeros of a Store that is closed or being opened.
func (s *Store) Stats() Stats {
	db, err := s.use()
	if err != nil {
		return Stats{}
	}
	defer s.done()
	head := db.Head()
	out := Stats{Series: head.NumSeries(), Octets: head.Size(), Repaired: s.repaired.Load(), Samples: s.samples.Load(), Refused: s.limit.refused.Load()}
	oldest, newest := int64(math.MaxInt64), int64(math.MinInt64)
	if head.MaxTime() != math.MinInt64 {
		oldest, newest = head.MinTime(), head.MaxTime()
	}
	for _, b := range db.Blocks() {
		out.Blocks++
		out.Octets += b.Size()
		oldest, newest = min(oldest, b.MinTime()), max(newest, b.MaxTime())
	}
	if newest >= oldest {
		out.Oldest, out.Newest = time.UnixMilli(oldest), time.UnixMilli(newest)
	}
	return out
}

// Compact makes blocks of what is old enough for them, at once. The database does so itself within a minute, which is long where hours of samples are written in one.
func (s *Store) Compact(ctx context.Context) error {
	db, err := s.use()
	if err != nil {
		return err
	}
	defer s.done()
	if err := db.Compact(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Metadata is what is known of a metric. Help may be empty.
type Metadata struct {
	Type series.Type
	Help string
}

// Metadata returns what is known of the metrics that were written since the start, by name.
func (s *Store) Metadata() map[string]Metadata {
	s.metaMu.Lock()
	defer s.metaMu.Unlock()
	return maps.Clone(s.meta)
}

// Querier returns what reads the samples of a span, in milliseconds since 1970, both ends included, as a storage.Queryable does. Its Close must be called;
// until then the Store is not closed.
func (s *Store) Querier(from, to int64) (storage.Querier, error) {
	db, err := s.use()
	if err != nil {
		return nil, err
	}
	q, err := db.Querier(from, to)
	if err != nil {
		s.done()
		return nil, fmt.Errorf("store: %w", err)
	}
	return &querier{Querier: q, done: s.done}, nil
}

// querier holds the database open.
type querier struct {
	storage.Querier
	done func()
	once sync.Once
}

// Close lets the database go.
func (q *querier) Close() error {
	err := q.Querier.Close()
	q.once.Do(q.done)
	return err
}

// Appender returns what writes the results of recording rules, as a storage.Appendable does. They are made of what is stored, and not fsynced.
func (s *Store) Appender(ctx context.Context) storage.Appender {
	db, err := s.use()
	if err == nil {
		if err = s.room(); err != nil {
			s.done()
		}
	}
	if err != nil {
		return noAppender{err}
	}
	return &appender{Appender: db.Appender(ctx), done: s.done}
}

// seriesLimit refuses series that are new beyond a number. It is told of series by the database, which counts those of its memory.
type seriesLimit struct {
	most    int64
	enforce atomic.Bool // not while the log is read
	now     atomic.Int64
	refused atomic.Uint64
}

var errTooManySeries = errors.New("too many series: raise store: {max_series: …} if there is memory for them, or keep less (store: {drop: …})")

func (l *seriesLimit) reset() {
	l.enforce.Store(false)
	l.now.Store(0)
}

// PreCreation implements tsdb.SeriesLifecycleCallback.
func (l *seriesLimit) PreCreation(labels.Labels) error {
	if l.enforce.Load() && l.now.Load() >= l.most {
		l.refused.Add(1)
		return errTooManySeries
	}
	return nil
}

// PostCreation implements tsdb.SeriesLifecycleCallback.
func (l *seriesLimit) PostCreation(labels.Labels) { l.now.Add(1) }

// PostDeletion implements tsdb.SeriesLifecycleCallback.
func (l *seriesLimit) PostDeletion(gone map[chunks.HeadSeriesRef]labels.Labels) {
	l.now.Add(-int64(len(gone)))
}
