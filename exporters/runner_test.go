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
	"walkabout/spool"
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

// line is a spool with one Runner behind it.
type line struct {
	*exporters.Runner
	t     *testing.T
	spool *spool.Spool
}

func start(t *testing.T, s *script, c exporters.Config) line {
	t.Helper()
	return startIn(t, spool.Options{Dir: t.TempDir()}, spool.InOrder, s, c)
}

func startIn(t *testing.T, o spool.Options, order spool.Order, s *script, c exporters.Config) line {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	o.GroupDelay, o.Logger = time.Nanosecond, slog.New(slog.DiscardHandler)
	sp, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	source, err := sp.Reader(spool.ReaderOptions{Name: "test", Order: order})
	if err != nil {
		t.Fatal(err)
	}
	s.start = time.Now()
	c.Name = "test"
	return line{exporters.Start(s, source, c), t, sp}
}

func (l line) add(batch []metric.Sample) {
	l.t.Helper()
	if err := l.spool.Append(l.t.Context(), metric.Append(nil, metric.Batch{At: batch[0].At, Samples: batch})); err != nil {
		l.t.Fatal(err)
	}
}

func (l line) close(ctx context.Context) {
	l.t.Helper()
	if err := errors.Join(l.Close(ctx), l.spool.Close()); err != nil {
		l.t.Errorf("Close: %v", err)
	}
}

// waits returns how many batches wait in the spool.
func (l line) waits() int { return int(l.spool.Stats().Readers[0].Records) }

func stats(l line) exporters.Stats {
	s := l.Stats()
	s.Output, s.LastWrite, s.ErrorAt = "", time.Time{}, time.Time{}
	return s
}

var errAway = errors.New("away")

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		l := start(t, s, exporters.Config{BatchLimit: 4, FlushInterval: 10 * time.Second})
		l.add(samples(0, 3)) // waits for more
		time.Sleep(3 * time.Second)
		l.add(samples(3, 9))
		time.Sleep(27 * time.Second)
		l.add(samples(9, 10))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		want := []call{
			{10 * time.Second, numbers(0, 4)}, {10 * time.Second, numbers(4, 8)}, {10 * time.Second, numbers(8, 9)},
			{40 * time.Second, numbers(9, 10)},
		}
		got := s.calls()
		for i := range got {
			got[i].At = got[i].At.Round(time.Second)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(exporters.Stats{Written: 10, Errors: map[string]uint64{}}, stats(l)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if at := l.Stats().LastWrite.Sub(s.start).Round(time.Second); at != 40*time.Second {
			t.Errorf("last write after %v, want 40s", at)
		}
		l.close(t.Context())
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
		l := start(t, s, exporters.Config{BatchLimit: 2, MinBackoff: time.Second, MaxBackoff: 20 * time.Second})
		l.add(samples(0, 2))
		time.Sleep(3 * time.Hour)
		l.add(samples(2, 4))
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
		if since := time.Since(l.Stats().ErrorAt); since.Round(time.Minute) != time.Hour {
			t.Errorf("the last failure was %v ago, want an hour", since)
		}
		want := exporters.Stats{Written: 4, Retries: 11, Errors: map[string]uint64{"other": 8, "busy": 2, "timeout": 1}, LastError: "wrapped: context deadline exceeded"}
		if diff := cmp.Diff(want, stats(l)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		l.close(t.Context())
	})
}

func TestRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(_ context.Context, n int, _ []int) error {
			return &exporters.PartialError{Rejected: []int{0, 2}, Err: errors.New("field type conflict")}
		}}
		var log text
		var shown []int
		l := start(t, s, exporters.Config{BatchLimit: 5, Logger: slog.New(slog.NewTextHandler(&log, nil)), Rejected: func(batch []metric.Sample, err error) {
			for i := range batch {
				shown = append(shown, int(batch[i].At.Unix()))
			}
			if err.Error() != "field type conflict" {
				t.Errorf("shown with %q", err)
			}
		}})
		l.add(samples(0, 10))
		l.close(t.Context())
		if diff := cmp.Diff(exporters.Stats{Written: 6, Rejected: 4, Errors: map[string]uint64{"rejected": 2}, LastError: "2 samples rejected: field type conflict"}, stats(l)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int{0, 2, 5, 7}, shown); diff != "" {
			t.Errorf("shown (-want +got):\n%s", diff)
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
		l := start(t, s, exporters.Config{MaxBackoff: 5 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		l.add(samples(0, 1))
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
		if !strings.Contains(log.String(), "works again") || l.Stats().Written != 1 {
			t.Errorf("written %d after it was fixed, log:\n%s", l.Stats().Written, &log)
		}
		l.close(t.Context())
	})
}

// TestUsualIsNoWarning: an output that is as it is at each start is said once, and only when that lasts people are warned.
func TestUsualIsNoWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log text
		const lasts = 20 * time.Minute
		begin := time.Now()
		s := &script{do: func(context.Context, int, []int) error {
			if time.Since(begin) < lasts {
				return &exporters.RetryError{After: 10 * time.Second, Usual: true, Err: errAway}
			}
			return nil
		}}
		l := start(t, s, exporters.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		l.add(samples(0, 1))
		time.Sleep(14 * time.Minute)
		if said := log.String(); strings.Count(said, "level=INFO") != 1 || strings.Contains(said, "level=WARN") || l.Stats().Failing || l.Stats().LastError != "" {
			t.Errorf("after 14 minutes, failing: %t\n%s", l.Stats().Failing, said)
		}
		time.Sleep(2 * time.Minute)
		if said := log.String(); !strings.Contains(said, "level=WARN") || !l.Stats().Failing || l.Stats().LastError == "" {
			t.Errorf("after 16 minutes, failing: %t\n%s", l.Stats().Failing, said)
		}
		time.Sleep(5 * time.Minute)
		if said := log.String(); strings.Count(said, "output works again") != 1 || l.Stats().Written != 1 {
			t.Errorf("at the end %d written\n%s", l.Stats().Written, said)
		}
		l.close(t.Context())
	})
}

// TestWhatIsNewGoesFirst has an output come back after an hour: what is new does not wait for what has waited, which gets half of the time.
func TestWhatIsNewGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 10 * time.Second
		var back atomic.Bool
		s := &script{do: func(context.Context, int, []int) error {
			if !back.Load() {
				return errAway
			}
			time.Sleep(took)
			return nil
		}}
		l := startIn(t, spool.Options{Dir: t.TempDir(), RecentSize: 1}, spool.OldestFirst, s, exporters.Config{})
		for i := range 60 {
			l.add(samples(i, i+1))
			time.Sleep(time.Minute + time.Second)
		}
		back.Store(true)
		before := len(s.calls())
		for i := range 10 {
			l.add(samples(100+i, 101+i))
			time.Sleep(time.Minute + time.Second)
		}
		synctest.Wait()
		new, busy := 0, time.Duration(0)
		for _, c := range s.calls()[before:] {
			if c.Samples[0] >= 100 {
				new++
				continue
			}
			busy += took
		}
		if new < 9 {
			t.Errorf("of ten that were new %d were written", new)
		}
		if busy < 2*time.Minute || busy > 6*time.Minute {
			t.Errorf("what waited took %v of ten minutes", busy)
		}
		for l.waits() > 0 {
			time.Sleep(time.Minute)
		}
		if got := stats(l).Written; got != 70 {
			t.Errorf("%d were written", got)
		}
		l.close(t.Context())
	})
}

func TestCloseGivesOneMoreChance(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails int
		want  exporters.Stats
		waits int
	}{
		{"taken", 1, exporters.Stats{Written: 5, Retries: 1, Errors: map[string]uint64{"other": 1}, LastError: "away (retry after 1h0m0s)"}, 0},
		{"not taken", 9, exporters.Stats{Retries: 2, Failing: true, Errors: map[string]uint64{"other": 2}, LastError: "away (retry after 1h0m0s)"}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{do: func(_ context.Context, n int, _ []int) error {
					if n < test.fails {
						return &exporters.RetryError{After: time.Hour, Err: errAway}
					}
					return nil
				}}
				l := start(t, s, exporters.Config{})
				l.add(samples(0, 5))
				time.Sleep(2 * time.Second) // the first try has failed, the pause has begun
				before := time.Now()
				for range 2 {
					if err := l.Close(t.Context()); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
				if took := time.Since(before); took > time.Second || s.closed != 1 {
					t.Errorf("Close took %v, and closed the Exporter %d times", took, s.closed)
				}
				if diff := cmp.Diff(test.want, stats(l)); diff != "" || l.waits() != test.waits {
					t.Errorf("%d wait; stats (-want +got):\n%s", l.waits(), diff)
				}
				if err := l.spool.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestCloseInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{do: func(ctx context.Context, _ int, _ []int) error {
			<-ctx.Done()
			return &exporters.RetryError{Err: ctx.Err()}
		}}
		l := start(t, s, exporters.Config{BatchLimit: 2})
		l.add(samples(0, 3))
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		before := time.Now()
		l.close(ctx)
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("Close took %v of its 5 s", took)
		}
		if diff := cmp.Diff(exporters.Stats{Errors: map[string]uint64{}}, stats(l)); diff != "" || l.waits() != 1 {
			t.Errorf("%d wait; stats (-want +got):\n%s", l.waits(), diff)
		}
	})
}

func TestBatchesThatMakeNoSenseAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		var log text
		l := start(t, s, exporters.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 3 {
			if err := l.spool.Append(t.Context(), []byte("\x01\xff\xff")); err != nil {
				t.Fatal(err)
			}
		}
		l.add(samples(0, 2))
		l.close(t.Context())
		if diff := cmp.Diff(exporters.Stats{Written: 2, Unread: 3, Errors: map[string]uint64{}}, stats(l)); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		if n := strings.Count(log.String(), "cannot be read"); n != 1 {
			t.Errorf("said %d times:\n%s", n, &log)
		}
	})
}

// TestNothingIsLost lets an output fail at random, and the program end and start again, and wants each sample to be accounted for: in order
// within a run, and again after a restart only what was not acknowledged.
func TestNothingIsLost(t *testing.T) {
	for seed := range uint64(6) {
		dir := t.TempDir()
		rnd, fails := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1))
		seen := map[int]int{}
		total := 0
		for run := range 5 {
			synctest.Test(t, func(t *testing.T) {
				s := &script{do: func(_ context.Context, _ int, batch []int) error {
					time.Sleep(time.Duration(fails.IntN(1000)) * time.Millisecond)
					switch fails.IntN(4) {
					case 0:
						return &exporters.RetryError{Err: errAway}
					case 1:
						bad := fails.IntN(len(batch))
						for _, n := range batch {
							seen[n]++
						}
						return &exporters.PartialError{Rejected: []int{bad}, Err: errAway}
					}
					for _, n := range batch {
						seen[n]++
					}
					return nil
				}}
				l := startIn(t, spool.Options{Dir: dir}, spool.Order(seed%3), s, exporters.Config{BatchLimit: 1 + rnd.IntN(20), MaxBackoff: 3 * time.Second})
				for range 40 {
					n := 1 + rnd.IntN(15)
					l.add(samples(total, total+n))
					total += n
					time.Sleep(time.Duration(rnd.IntN(20_000)) * time.Millisecond)
				}
				for run == 4 && l.waits() > 0 {
					time.Sleep(time.Second)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				l.close(ctx)
			})
		}
		again := 0
		for i := range total {
			if seen[i] == 0 {
				t.Fatalf("seed %d: sample %d of %d was never written", seed, i, total)
			}
			again += seen[i] - 1
		}
		if again > total/10 {
			t.Errorf("seed %d: %d of %d were written again", seed, again, total)
		}
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
