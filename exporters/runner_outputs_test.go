package exporters_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/filter"
	"walkabout/metric"
	"walkabout/spool"
)

// What several outputs have of one spool, and each of its samples.

// beside starts a Runner for another output of l's spool.
func (l line) beside(name string, e exporters.Exporter, c exporters.Config) *exporters.Runner {
	l.t.Helper()
	source, err := l.spool.Reader(spool.ReaderOptions{Name: name, Order: spool.NewestFirst})
	if err != nil {
		l.t.Fatal(err)
	}
	c.Name, c.Logger = name, slog.New(slog.DiscardHandler)
	return exporters.Start(e, source, c)
}

// TestOutputsHoldUpNobody has one output that never answers, one that is away, and one that wants its batches in time.
func TestOutputsHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		well := &script{}
		l := start(t, well, exporters.Config{})
		hung := l.beside("hung", &script{do: func(ctx context.Context, _ int, _ []int) error {
			<-ctx.Done()
			return ctx.Err()
		}}, exporters.Config{})
		away := l.beside("away", &script{do: func(context.Context, int, []int) error { return errAway }}, exporters.Config{})
		const polls = 200
		for i := range polls {
			l.add(samples(i, i+1))
			time.Sleep(2 * time.Second)
		}
		calls := well.calls()
		if len(calls) != polls {
			t.Fatalf("%d of %d batches came", len(calls), polls)
		}
		for i, c := range calls {
			if late := c.At - time.Duration(i)*2*time.Second; late > 2*time.Second || len(c.Samples) != 1 || c.Samples[0] != i {
				t.Errorf("batch %d holds %d and came after %v", i, c.Samples, late)
			}
		}
		waits := map[string]int{}
		for _, r := range l.spool.Stats().Readers {
			waits[r.Name] = int(r.Records)
		}
		if diff := cmp.Diff(map[string]int{"test": 0, "hung": polls, "away": polls}, waits); diff != "" {
			t.Errorf("what waits (-want +got):\n%s", diff)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := errors.Join(hung.Close(ctx), away.Close(ctx)); err != nil {
			t.Error(err)
		}
		l.close(t.Context())
	})
}

// TestFilter: what a filter keeps from an output fills no batch, and counts as done.
func TestFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		even, err := filter.Parse("even")
		if err != nil {
			t.Fatal(err)
		}
		s := &script{}
		l := start(t, s, exporters.Config{BatchLimit: 2, Filter: filter.Config{Drop: filter.Selection{Tags: map[string]filter.Patterns{"number": {even}}}}})
		batch := samples(0, 8)
		for i := range batch {
			batch[i].Tags = []metric.Tag{{Name: "number", Value: []string{"even", "odd"}[i%2]}}
		}
		l.add(batch)
		l.add(batch[:1]) // of this nothing is left
		time.Sleep(time.Minute)
		synctest.Wait()
		var got [][]int
		for _, c := range s.calls() {
			got = append(got, c.Samples)
		}
		if diff := cmp.Diff([][]int{{1, 3}, {5, 7}}, got); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if s := l.Stats(); s.Written != 4 || s.Filtered != 5 || l.waits() != 0 {
			t.Errorf("%+v, and %d batches wait", s, l.waits())
		}
		l.close(t.Context())
	})
}

// seeing is an Exporter that shows what it is given.
type seeing func([]metric.Sample)

func (s seeing) Export(_ context.Context, batch []metric.Sample) error { s(batch); return nil }

func (s seeing) Close() error { return nil }

// TestStarted: an exporter is told since when an agent counts.
func TestStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var before []time.Duration // the sample
		l := start(t, &script{}, exporters.Config{})
		r := l.beside("seeing", seeing(func(batch []metric.Sample) {
			for _, s := range batch {
				if s.Started.IsZero() {
					s.Started = s.At
				}
				before = append(before, s.At.Sub(s.Started))
			}
		}), exporters.Config{})
		for _, b := range []metric.Batch{{UpTime: 12345, HasUpTime: true}, {}} {
			b.At, b.Samples = time.Now(), []metric.Sample{{At: time.Now()}}
			if err := l.spool.Append(t.Context(), metric.Append(nil, b)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		l.close(t.Context())
		if diff := cmp.Diff([]time.Duration{123450 * time.Millisecond, 0}, before); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
