package exporters_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/metric"
)

// call is one Export that a script saw: when, counted from the test's start, and the samples' numbers.
type call struct {
	At      time.Duration
	Samples []int
}

// script is an Exporter that does what its function says.
type script struct {
	start  time.Time
	do     func(ctx context.Context, n int, samples []int) error // n counts the calls from 0
	closed int

	mu   sync.Mutex
	seen []call
}

func (s *script) calls() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

func (s *script) Export(ctx context.Context, batch []metric.Sample) error {
	var numbers []int
	for i := range batch {
		numbers = append(numbers, int(batch[i].At.Unix()))
	}
	s.mu.Lock()
	s.seen = append(s.seen, call{time.Since(s.start), numbers})
	n := len(s.seen) - 1
	s.mu.Unlock()
	if s.do == nil {
		return nil
	}
	return s.do(ctx, n, numbers)
}

func (s *script) Close() error { s.closed++; return nil }

// text collects a log that is read while it is written.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}

// samples makes samples numbered from up to, but without, to.
func samples(from, to int) (batch []metric.Sample) {
	for i := from; i < to; i++ {
		batch = append(batch, metric.Sample{Measurement: "m", At: time.Unix(int64(i), 0)})
	}
	return batch
}

func numbers(from, to int) (n []int) {
	for i := from; i < to; i++ {
		n = append(n, i)
	}
	return n
}

func start(s *script, c exporters.Config) *exporters.Runner {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s.start = time.Now()
	c.Name = "test"
	return exporters.Start(s, c)
}

func stats(r *exporters.Runner) exporters.Stats {
	s := r.Stats()
	s.Output, s.QueueLimit, s.LastWrite = "", 0, time.Time{}
	return s
}

func closeIt(t *testing.T, r *exporters.Runner) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

var errAway = errors.New("away")

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		r := start(s, exporters.Config{BatchLimit: 4, FlushInterval: 10 * time.Second})
		r.Enqueue(nil)
		r.Enqueue(samples(0, 3)) // waits for more
		time.Sleep(3 * time.Second)
		r.Enqueue(samples(3, 9)) // two whole batches, and one that began to wait with them
		time.Sleep(17 * time.Second)
		r.Enqueue(samples(9, 10))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		want := []call{
			{3 * time.Second, numbers(0, 4)}, {3 * time.Second, numbers(4, 8)},
			{10 * time.Second, numbers(8, 9)}, {30 * time.Second, numbers(9, 10)},
		}
		if diff := cmp.Diff(want, s.calls()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(exporters.Stats{Written: 10, Errors: map[string]uint64{}}, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if got := r.Stats().LastWrite.Sub(s.start); got != 30*time.Second {
			t.Errorf("last write after %v, want 30s", got)
		}
		closeIt(t, r)
	})
}

func TestFullQueueDropsTheOldestAndNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan error)
		s := &script{do: func(ctx context.Context, n int, _ []int) error {
			if n == 0 {
				return <-release
			}
			return nil
		}}
		r := start(s, exporters.Config{BatchLimit: 4, QueueLimit: 10})
		r.Enqueue(samples(0, 4))
		synctest.Wait() // 0 to 3 are with the output, which hangs
		before := time.Now()
		r.Enqueue(samples(4, 9))
		r.Enqueue(samples(9, 12))   // 4 and 5 go
		r.Enqueue(samples(12, 200)) // only the newest six fit beside those at the output
		if waited := time.Since(before); waited != 0 {
			t.Errorf("Enqueue waited %v", waited)
		}
		if diff := cmp.Diff(exporters.Stats{Dropped: 190, Queue: 10, Errors: map[string]uint64{}}, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		release <- errAway // those at the output come back into the queue, as its oldest
		synctest.Wait()
		r.Enqueue(samples(200, 203)) // and so go first: 0 to 2
		closeIt(t, r)
		var got []int
		for _, c := range s.calls()[1:] {
			got = append(got, c.Samples...)
		}
		if diff := cmp.Diff(append([]int{3}, numbers(194, 203)...), got); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(exporters.Stats{Written: 10, Dropped: 193, Retries: 1, Errors: map[string]uint64{"other": 1}}, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(_ context.Context, n int, _ []int) error {
			switch {
			case n < 8:
				return errAway
			case n == 8:
				return &exporters.RetryError{Reason: "busy", After: 5 * time.Minute, Err: errAway}
			case n == 9:
				return &exporters.RetryError{Reason: "busy", After: 1000 * time.Hour, Err: errAway}
			case n == 11:
				return fmt.Errorf("wrapped: %w", &exporters.RetryError{Err: context.DeadlineExceeded})
			}
			return nil
		}}
		r := start(s, exporters.Config{BatchLimit: 2, MinBackoff: time.Second, MaxBackoff: 20 * time.Second})
		r.Enqueue(samples(0, 2))
		time.Sleep(3 * time.Hour)
		r.Enqueue(samples(2, 4))
		time.Sleep(time.Hour)
		synctest.Wait()
		bounds := [][2]time.Duration{ // least and most of the pause before each call but the first
			{500 * time.Millisecond, time.Second}, {time.Second, 2 * time.Second}, {2 * time.Second, 4 * time.Second}, {4 * time.Second, 8 * time.Second},
			{8 * time.Second, 16 * time.Second}, {10 * time.Second, 20 * time.Second}, {10 * time.Second, 20 * time.Second}, {10 * time.Second, 20 * time.Second},
			{5 * time.Minute, 330 * time.Second}, {time.Hour, 66 * time.Minute}, {time.Hour, 3 * time.Hour}, {500 * time.Millisecond, time.Second},
		}
		if len(s.calls()) != len(bounds)+1 {
			t.Fatalf("%d calls, want %d: %v", len(s.calls()), len(bounds)+1, s.calls())
		}
		for i, b := range bounds {
			if pause := s.calls()[i+1].At - s.calls()[i].At; pause < b[0] || pause > b[1] {
				t.Errorf("pause %d: %v, want %v to %v", i, pause, b[0], b[1])
			}
		}
		want := exporters.Stats{Written: 4, Retries: 11, Errors: map[string]uint64{"other": 8, "busy": 2, "timeout": 1}}
		if diff := cmp.Diff(want, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		closeIt(t, r)
	})
}

func TestRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(_ context.Context, n int, _ []int) error {
			return &exporters.PartialError{Rejected: []int{0, 2}, Err: errors.New("field type conflict")}
		}}
		var log text
		r := start(s, exporters.Config{BatchLimit: 5, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r.Enqueue(samples(0, 10))
		closeIt(t, r)
		if diff := cmp.Diff(exporters.Stats{Written: 6, Rejected: 4, Errors: map[string]uint64{"rejected": 2}}, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if n := strings.Count(log.String(), "field type conflict"); n != 1 {
			t.Errorf("the server's words are logged %d times in one moment, want once:\n%s", n, &log)
		}
	})
}

func TestConfigErrorIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fixed atomic.Bool
		s := &script{do: func(context.Context, int, []int) error {
			if fixed.Load() {
				return nil
			}
			return &exporters.ConfigError{Err: errors.New("database not found: create it")}
		}}
		var log text
		r := start(s, exporters.Config{MaxBackoff: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r.Enqueue(samples(0, 1))
		time.Sleep(10*time.Minute + 30*time.Second)
		synctest.Wait()
		if n := strings.Count(log.String(), "create it"); n < 9 || n > 11 {
			t.Errorf("said %d times in ten minutes, want about 10:\n%s", n, &log)
		}
		if n := len(s.calls()); n < 120 || n > 300 {
			t.Errorf("%d tries in ten minutes, want one every 2.5 to 5 s", n)
		}
		fixed.Store(true)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if !strings.Contains(log.String(), "works again") || r.Stats().Written != 1 {
			t.Errorf("written %d after it was fixed, log:\n%s", r.Stats().Written, &log)
		}
		closeIt(t, r)
	})
}

func TestDropsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(context.Context, int, []int) error { return errAway }}
		var log text
		r := start(s, exporters.Config{QueueLimit: 2, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for i := range 200 {
			r.Enqueue(samples(i, i+1))
			time.Sleep(time.Second)
		}
		// A line comes with a try, at most one a minute; tries come to be half a minute to a minute apart.
		if n := strings.Count(log.String(), "queue is full"); n < 2 || n > 4 {
			t.Errorf("said %d times in 200 s, want 2 to 4:\n%s", n, &log)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); err == nil || !strings.Contains(err.Error(), "2 samples were not written") {
			t.Errorf("Close: %v, want 2 samples not written", err)
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(_ context.Context, n int, _ []int) error {
			if n < 3 {
				return &exporters.RetryError{Err: errAway}
			}
			return nil
		}}
		r := start(s, exporters.Config{BatchLimit: 2, MinBackoff: time.Second})
		r.Enqueue(samples(0, 5))
		time.Sleep(100 * time.Millisecond) // the first try has failed, the pause has begun
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if len(s.calls()) < 2 || s.calls()[1].At != 100*time.Millisecond {
			t.Errorf("the pause went on after Close: %v", s.calls())
		}
		if s.closed != 1 {
			t.Errorf("the Exporter was closed %d times", s.closed)
		}
		r.Enqueue(samples(5, 7))
		if err := r.Close(ctx); err != nil || s.closed != 1 {
			t.Errorf("second Close: %v, the Exporter was closed %d times", err, s.closed)
		}
		want := exporters.Stats{Written: 5, Dropped: 2, Retries: 3, Errors: map[string]uint64{"other": 3}}
		if diff := cmp.Diff(want, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

func TestCloseInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(ctx context.Context, _ int, _ []int) error {
			<-ctx.Done()
			return &exporters.RetryError{Err: ctx.Err()}
		}}
		r := start(s, exporters.Config{BatchLimit: 2})
		r.Enqueue(samples(0, 3))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		before := time.Now()
		err := r.Close(ctx)
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("Close took %v of its 5 s", took)
		}
		if err == nil || !strings.Contains(err.Error(), "output test: 3 samples were not written") {
			t.Errorf("Close: %v, want 3 samples not written", err)
		}
		if diff := cmp.Diff(exporters.Stats{Dropped: 3, Errors: map[string]uint64{}}, stats(r)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

// TestNothingIsLostOrDoubled lets an output fail at random and wants each sample to be accounted for once, in order.
func TestNothingIsLostOrDoubled(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rnd, fails := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
			var written []int
			rejected := 0
			s := &script{do: func(ctx context.Context, _ int, batch []int) error {
				time.Sleep(time.Duration(fails.IntN(1000)) * time.Millisecond)
				switch fails.IntN(4) {
				case 0:
					return &exporters.RetryError{Err: errAway}
				case 1:
					bad := fails.IntN(len(batch))
					rejected++
					written = append(append(written, batch[:bad]...), batch[bad+1:]...)
					return &exporters.PartialError{Rejected: []int{bad}, Err: errAway}
				}
				written = append(written, batch...)
				return nil
			}}
			r := start(s, exporters.Config{BatchLimit: 1 + rnd.IntN(20), QueueLimit: 1 + rnd.IntN(100), MaxBackoff: 3 * time.Second})
			total := 0
			for range 200 {
				n := rnd.IntN(15)
				r.Enqueue(samples(total, total+n))
				total += n
				time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
				st := r.Stats()
				if sum := int(st.Written+st.Rejected+st.Dropped) + st.Queue; sum != total || st.Queue > st.QueueLimit {
					t.Fatalf("seed %d: %d samples accounted for of %d: %+v", seed, sum, total, st)
				}
			}
			closeIt(t, r)
			st := r.Stats()
			if int(st.Written) != len(written) || int(st.Rejected) != rejected || st.Queue != 0 || int(st.Written+st.Rejected+st.Dropped) != total {
				t.Errorf("seed %d: %d enqueued, %d written, %d rejected: %+v", seed, total, len(written), rejected, st)
			}
			for i := 1; i < len(written); i++ {
				if written[i] <= written[i-1] {
					t.Fatalf("seed %d: %d was written after %d", seed, written[i], written[i-1])
				}
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&exporters.RetryError{Err: errAway}, "away"},
		{&exporters.RetryError{Err: errAway, After: 3 * time.Second}, "away (retry after 3s)"},
		{&exporters.ConfigError{Err: errAway}, "away"},
		{&exporters.PartialError{Rejected: []int{1, 4}, Err: errAway}, "2 samples rejected: away"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.err, got, tt.want)
		}
		if !errors.Is(tt.err, errAway) {
			t.Errorf("%T does not unwrap", tt.err)
		}
	}
}
