package exporters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"walkabout/exporters/filter"
	"walkabout/internal/backoff"
	"walkabout/internal/lograte"
	"walkabout/metric"
	"walkabout/spool"
)

// Config says how a Runner batches and retries. Zero fields take the default that each names.
type Config struct {
	Name          string        // labels the output in logs and metrics
	BatchLimit    int           // most samples in one Export; 1,000
	FlushInterval time.Duration // longest that a sample waits for its batch to fill; 1 s
	MinBackoff    time.Duration // pause after the first failure, doubled by each further one; 1 s
	MaxBackoff    time.Duration // longest pause that nobody asked for; 1 min
	Logger        *slog.Logger  // slog.Default()
	// Filter is what samples go through before they are batched. It must be valid; the zero one lets all through as they are.
	Filter filter.Config
	// Polls lets samples about the polls themselves through (metric.PollMeasurement).
	Polls bool
	// Rejected is shown the samples that the output will never take, with its words, by the Runner's goroutine; nil if nobody wants them.
	Rejected func(samples []metric.Sample, err error)
}

const (
	// chunkSize is about how many octets of the spool are taken at once.
	chunkSize = 512 << 10
	// maxAfter bounds the pause that an output may ask for, so that a mistaken Retry-After does not stop it for years.
	maxAfter = time.Hour
)

func (c Config) withDefaults() Config {
	c.BatchLimit = cmp.Or(max(c.BatchLimit, 0), 1_000)
	c.FlushInterval = cmp.Or(max(c.FlushInterval, 0), time.Second)
	c.MinBackoff = cmp.Or(max(c.MinBackoff, 0), time.Second)
	c.MaxBackoff = max(cmp.Or(max(c.MaxBackoff, 0), time.Minute), c.MinBackoff)
	c.Logger = cmp.Or(c.Logger, slog.Default()).With("output", c.Name)
	return c
}

// Stats are a Runner's figures since it started. What waits for it is in the spool's.
type Stats struct {
	Output    string
	Written   uint64            // samples that are durable at the output
	Rejected  uint64            // samples that the output will never take
	Filtered  uint64            // samples that the filter kept from the output
	Unread    uint64            // batches of the spool that make no sense
	Retries   uint64            // Exports that followed a failed one
	Errors    map[string]uint64 // failed Exports by reason: "config", "rejected", "timeout", …
	Omitted   map[string]uint64 // fields that the output's format cannot hold, by reason; nil if it holds all
	LastWrite time.Time         // end of the last Export that wrote anything; zero if none did
	Failing   bool              // the last Export failed as a whole, in a way that is not usual, and is tried again
	LastError string            // of the last Export that failed in a way that is not usual, or was rejected in part, whatever came after it; "" if none did
	ErrorAt   time.Time         // when that was
}

// Runner feeds one Exporter from its place in the spool, by a goroutine of its own. What is new goes first; what has waited since an outage is
// given no more than half of the time. Make one with Start.
type Runner struct {
	exporter Exporter
	source   *spool.Reader
	config   Config
	closing  chan struct{} // closed by Close
	done     chan struct{} // closed when the goroutine has ended
	cancel   context.CancelFunc
	closed   sync.Once
	closeErr error // set before done is closed

	mu    sync.Mutex
	stats Stats // but Omitted

	// Only the goroutine uses these.
	filter     *filter.Filter  // nil: all samples go through
	chunk      spool.Chunk     // taken, and not yet acknowledged
	samples    []metric.Sample // of chunk, those that are still to be shipped
	lane       spool.Lane      // of chunk
	busy       time.Duration   // that the Exports of chunk took
	backlogDue time.Time       // not before then is the backlog's turn
	failures   int             // Exports that failed in a row
	outage     outage
}

// outage is what has been said about a failing output.
type outage struct {
	since        time.Time // the first failure in a row
	said         bool      // of this outage, so that its end is worth a line
	saidFailure  lograte.Kind
	saidRejected lograte.Kind
	saidUnread   lograte.Kind
}

// Start returns a Runner that ships what source gives, which are encodings of metric.Batch, to e. It owns both. Close must be called.
func Start(e Exporter, source *spool.Reader, c Config) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runner{
		exporter: e, source: source, config: c.withDefaults(), cancel: cancel,
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	if !c.Filter.IsZero() {
		r.filter = filter.New(c.Filter)
	}
	r.stats.Output = c.Name
	r.stats.Errors = map[string]uint64{}
	go r.run(ctx)
	return r
}

// Stats returns the figures of this moment. The maps are the caller's.
func (r *Runner) Stats() Stats {
	r.mu.Lock()
	s := r.stats
	s.Errors = maps.Clone(s.Errors)
	r.mu.Unlock()
	if o, ok := r.exporter.(Omitter); ok {
		s.Omitted = o.Omitted()
	}
	return s
}

// Close ships what is new, gives an output that fails one more try, closes the Exporter and returns when nothing is left running, all at the
// latest when ctx ends. What was not shipped waits in the spool.
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
	for r.await(ctx) {
		batch := r.samples[:min(len(r.samples), r.config.BatchLimit)]
		began := time.Now()
		err := r.exporter.Export(ctx, batch)
		r.busy += time.Since(began)
		if pause := r.settle(ctx, batch, err); pause > 0 && !r.pause(ctx, pause) {
			break
		}
	}
	r.source.Close()
	if err := r.exporter.Close(); err != nil {
		r.closeErr = fmt.Errorf("output %s: closing: %w", r.config.Name, err)
	}
}

// await returns true when there are samples to be shipped, and false when the end has come.
func (r *Runner) await(ctx context.Context) bool {
	for ctx.Err() == nil {
		if len(r.samples) > 0 {
			return true
		}
		r.acknowledge()
		if r.fetch() {
			continue
		}
		if !r.idle(ctx) {
			return r.fetch() // what came in the meantime
		}
	}
	return false
}

// acknowledge lets the spool forget the chunk whose samples were all shipped.
func (r *Runner) acknowledge() {
	r.source.Ack(r.chunk)
	if r.lane == spool.Backlog {
		r.backlogDue = time.Now().Add(r.busy)
	}
	r.chunk, r.lane, r.busy = spool.Chunk{}, spool.Fresh, 0
}

// fetch takes the next chunk; false if there is none.
func (r *Runner) fetch() bool {
	if !time.Now().Before(r.backlogDue) && !r.isClosing() {
		r.chunk, r.lane = r.source.Next(spool.Backlog, chunkSize), spool.Backlog
	}
	if len(r.chunk.Records) == 0 {
		r.chunk, r.lane = r.source.Next(spool.Fresh, chunkSize), spool.Fresh
	}
	for _, record := range r.chunk.Records {
		b, err := metric.Decode(record.Data())
		if err != nil {
			r.unread(err)
			continue
		}
		r.samples = append(r.samples, r.passed(b)...)
	}
	return len(r.chunk.Records) > 0
}

// passed returns what the output is to get of b.
func (r *Runner) passed(b metric.Batch) []metric.Sample {
	if !r.config.Polls {
		b.Samples = slices.DeleteFunc(b.Samples, func(s metric.Sample) bool { return s.Measurement == metric.PollMeasurement })
	}
	started := b.Started()
	for i := range b.Samples {
		b.Samples[i].Started = started
	}
	if r.filter == nil {
		return b.Samples
	}
	left := r.filter.Apply(b.Samples)
	r.mu.Lock()
	r.stats.Filtered += uint64(len(b.Samples) - len(left))
	r.mu.Unlock()
	return left
}

func (r *Runner) isClosing() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// idle waits until there may be something to do; false when the end has come.
func (r *Runner) idle(ctx context.Context) bool {
	var due <-chan time.Time
	if wait := time.Until(r.backlogDue); wait > 0 {
		due = time.After(wait)
	}
	select {
	case <-r.source.Wake():
	case <-due:
		return true
	case <-r.closing:
		return false
	case <-ctx.Done():
		return false
	}
	flush := time.NewTimer(r.config.FlushInterval) // others may follow
	defer flush.Stop()
	select {
	case <-flush.C:
	case <-r.closing:
	case <-ctx.Done():
	}
	return true
}

// settle counts what became of batch, which is the first of r.samples, and returns how long to leave the output alone.
func (r *Runner) settle(ctx context.Context, batch []metric.Sample, err error) time.Duration {
	var partial *PartialError
	written, rejected := len(batch), 0
	if errors.As(err, &partial) {
		rejected = min(len(partial.Rejected), len(batch))
		written -= rejected
	} else if err != nil {
		written = 0
	}
	again := err != nil && partial == nil

	r.mu.Lock()
	r.stats.Written += uint64(written)
	r.stats.Rejected += uint64(rejected)
	if written > 0 {
		r.stats.LastWrite = time.Now()
	}
	cut := again && ctx.Err() != nil // by Close, which is no failure of the output
	if err != nil && !cut {
		r.stats.Errors[reason(err)]++
	}
	if err != nil && !cut && !r.usual(err) {
		r.stats.LastError, r.stats.ErrorAt = err.Error(), time.Now()
	}
	if again && !cut {
		r.stats.Retries++
	}
	r.stats.Failing = again && !cut && !r.usual(err)
	r.mu.Unlock()

	switch {
	case cut:
		return 0
	case again:
		return r.failed(err)
	case err != nil:
		r.rejected(batch, partial)
	}
	r.samples = r.samples[len(batch):]
	if len(r.samples) == 0 {
		r.samples = nil // let the garbage collector have what was shipped
	}
	r.worked()
	return 0
}

// rejected shows what the output will never take to who wants it.
func (r *Runner) rejected(batch []metric.Sample, err *PartialError) {
	r.sayRejected(err)
	if r.config.Rejected == nil {
		return
	}
	samples := make([]metric.Sample, 0, len(err.Rejected))
	for _, i := range err.Rejected {
		if i >= 0 && i < len(batch) {
			samples = append(samples, batch[i])
		}
	}
	r.config.Rejected(samples, err.Err)
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
	return backoff.Pause(r.failures, r.config.MinBackoff, r.config.MaxBackoff)
}

// pause waits for d. Close cuts it short, and the output gets one more chance; false when it has had that.
func (r *Runner) pause(ctx context.Context, d time.Duration) bool {
	if r.isClosing() {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-r.closing:
	}
	return true
}
