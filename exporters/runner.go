package exporters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"walkabout/metric"
)

// Config says how a Runner queues and retries. Zero fields take the default that each names.
type Config struct {
	Name          string        // labels the output in logs and metrics
	QueueLimit    int           // most samples held; 50,000, some 230 MB of interface rows
	BatchLimit    int           // most samples in one Export; 1,000
	FlushInterval time.Duration // longest that a sample waits for its batch to fill; 1 s
	MinBackoff    time.Duration // pause after the first failure, doubled by each further one; 1 s
	MaxBackoff    time.Duration // longest pause that nobody asked for; 1 min
	Logger        *slog.Logger  // slog.Default()
}

const (
	// logInterval is the least time between two log lines of one kind: an output that is away for a night says so some
	// hundred times and not a million.
	logInterval = time.Minute
	// maxAfter bounds the pause that an output may ask for, so that a mistaken Retry-After does not stop it for years.
	maxAfter = time.Hour
)

func (c Config) withDefaults() Config {
	c.QueueLimit = cmp.Or(max(c.QueueLimit, 0), 50_000)
	c.BatchLimit = min(cmp.Or(max(c.BatchLimit, 0), 1_000), c.QueueLimit)
	c.FlushInterval = cmp.Or(max(c.FlushInterval, 0), time.Second)
	c.MinBackoff = cmp.Or(max(c.MinBackoff, 0), time.Second)
	c.MaxBackoff = max(cmp.Or(max(c.MaxBackoff, 0), time.Minute), c.MinBackoff)
	c.Logger = cmp.Or(c.Logger, slog.Default()).With("output", c.Name)
	return c
}

// Stats are a Runner's figures since it started. Every sample that was ever enqueued is in one of Written, Rejected, Dropped
// and Queue.
type Stats struct {
	Output     string
	Written    uint64            // samples that are durable at the output
	Rejected   uint64            // samples that the output will never take
	Dropped    uint64            // samples lost to a full queue, or to a Close that ran out of time
	Retries    uint64            // Exports that followed a failed one
	Errors     map[string]uint64 // failed Exports by reason: "config", "rejected", "timeout", …
	Omitted    map[string]uint64 // fields that the output's format cannot hold, by reason; nil if it holds all
	Queue      int               // samples that wait, those of the present Export included
	QueueLimit int
	LastWrite  time.Time // end of the last Export that wrote anything; zero if none did
}

// Runner feeds one Exporter from a bounded queue in memory, by a goroutine of its own. Make one with Start.
type Runner struct {
	exporter Exporter
	config   Config
	wake     chan struct{} // has room for one: something was enqueued
	closing  chan struct{} // closed by Close
	done     chan struct{} // closed when the goroutine has ended
	cancel   context.CancelFunc
	closed   sync.Once
	closeErr error // set before done is closed

	mu       sync.Mutex
	queue    queue
	inFlight int       // samples in the present Export; they are not in queue
	due      time.Time // when the oldest in queue have waited long enough
	ended    bool
	stats    Stats // but Omitted, Queue and QueueLimit

	// Only the goroutine uses these.
	batch    []metric.Sample
	failures int // Exports that failed in a row
	outage   outage
}

// outage is what has been said about a failing output.
type outage struct {
	since         time.Time // the first failure in a row
	dropped       uint64    // Stats.Dropped at that time
	said          bool      // of this outage, so that its end is worth a line
	saidFailure   time.Time
	saidRejected  time.Time
	saidDropped   time.Time
	droppedLogged uint64 // Stats.Dropped when it was last said
}

// Start returns a Runner that ships to e and owns it. Close must be called.
func Start(e Exporter, c Config) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{
		exporter: e, config: c.withDefaults(), cancel: cancel,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	r.queue.limit = r.config.QueueLimit
	r.stats.Output = c.Name
	r.stats.Errors = map[string]uint64{}
	go r.run(ctx)
	return r
}

// Enqueue hands batch over. It never waits for the output: when the queue is full, the oldest samples are dropped and
// counted. The samples with their tags and fields must not change afterwards; several Runners may hold the same ones. After
// Close everything is dropped.
func (r *Runner) Enqueue(batch []metric.Sample) {
	if len(batch) == 0 {
		return
	}
	r.mu.Lock()
	if r.ended {
		r.stats.Dropped += uint64(len(batch))
	} else {
		if r.queue.len == 0 {
			r.due = time.Now().Add(r.config.FlushInterval)
		}
		r.stats.Dropped += uint64(r.queue.push(batch, r.config.QueueLimit-r.inFlight))
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // the goroutine has not yet seen the last one
	}
}

// Stats returns the figures of this moment. The maps are the caller's.
func (r *Runner) Stats() Stats {
	r.mu.Lock()
	s := r.stats
	s.Errors = maps.Clone(s.Errors)
	s.Queue = r.queue.len + r.inFlight
	r.mu.Unlock()
	s.QueueLimit = r.config.QueueLimit
	if o, ok := r.exporter.(Omitter); ok {
		s.Omitted = o.Omitted()
	}
	return s
}

// Close ships what is queued, trying again as ever until ctx ends, then closes the Exporter and returns when nothing is left
// running. The error says how many samples were not written. ctx should have an end: an output that is away is waited for.
func (r *Runner) Close(ctx context.Context) error {
	r.closed.Do(func() { close(r.closing) })
	stop := context.AfterFunc(ctx, r.cancel)
	defer stop()
	<-r.done
	return r.closeErr
}

func (r *Runner) run(ctx context.Context) {
	defer close(r.done)
	defer r.cancel()
	for r.awaitBatch(ctx) {
		r.sayDropped()
		r.take()
		if pause := r.settle(ctx, r.exporter.Export(ctx, r.batch)); pause > 0 {
			r.pause(ctx, pause)
		}
	}
	r.sayDropped()
	r.mu.Lock()
	lost := r.queue.len
	r.queue = queue{}
	r.stats.Dropped += uint64(lost)
	r.ended = true
	r.mu.Unlock()
	if lost > 0 {
		r.closeErr = fmt.Errorf("output %s: %d samples were not written before the end", r.config.Name, lost)
	}
	if err := r.exporter.Close(); err != nil {
		r.closeErr = errors.Join(r.closeErr, fmt.Errorf("output %s: closing: %w", r.config.Name, err))
	}
}

// awaitBatch returns true when there is a batch to export, and false when there is none and never will be, or ctx ended.
func (r *Runner) awaitBatch(ctx context.Context) bool {
	for {
		r.mu.Lock()
		n, wait := r.queue.len, time.Until(r.due)
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-r.closing:
			return n > 0
		default:
		}
		var timer <-chan time.Time
		if n > 0 {
			if n >= r.config.BatchLimit || wait <= 0 {
				return true
			}
			timer = time.After(wait)
		}
		select {
		case <-r.wake:
		case <-timer:
		case <-r.closing:
		}
	}
}

// take moves the oldest samples to r.batch.
func (r *Runner) take() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batch = r.queue.pop(r.batch, r.config.BatchLimit)
	r.inFlight = len(r.batch)
	if r.failures > 0 {
		r.stats.Retries++
	}
}

// settle counts what became of r.batch, puts it back if it must come again, and returns how long to leave the output alone.
func (r *Runner) settle(ctx context.Context, err error) time.Duration {
	var partial *PartialError
	written, rejected := len(r.batch), 0
	if errors.As(err, &partial) {
		rejected = min(len(partial.Rejected), len(r.batch))
		written -= rejected
	} else if err != nil {
		written = 0
	}
	again := err != nil && partial == nil

	r.mu.Lock()
	r.inFlight = 0
	r.stats.Written += uint64(written)
	r.stats.Rejected += uint64(rejected)
	if written > 0 {
		r.stats.LastWrite = time.Now()
	}
	if again {
		r.queue.unpop(r.batch)
		r.due = time.Time{}
	}
	cut := again && ctx.Err() != nil // by Close, which is no failure of the output
	if err != nil && !cut {
		r.stats.Errors[reason(err)]++
	}
	r.mu.Unlock()

	clear(r.batch) // let the garbage collector have what was shipped
	switch {
	case cut:
		return 0
	case again:
		return r.failed(err)
	case err != nil:
		r.sayRejected(partial)
	}
	r.worked()
	return 0
}

// failed notes a failure and returns how long to leave the output alone.
func (r *Runner) failed(err error) time.Duration {
	r.failures++
	r.sayFailure(err)
	var retry *RetryError
	if errors.As(err, &retry) && retry.After > 0 {
		after := min(retry.After, maxAfter)
		return after + rand.N(after/10+1)
	}
	backoff := r.config.MinBackoff
	for i := 1; i < r.failures && backoff < r.config.MaxBackoff; i++ {
		backoff = min(2*backoff, r.config.MaxBackoff)
	}
	// Between half and all of it, so that the outputs of many collectors do not all come back at once.
	return backoff - rand.N(backoff/2+1)
}

// pause waits for d, or until ctx ends or Close is called, after which the output gets another chance at once.
func (r *Runner) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	closing := r.closing
	select {
	case <-closing:
		closing = nil // it has had that chance
	default:
	}
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-closing:
		r.failures = 1 // go on with short pauses; the time is short
	}
}
