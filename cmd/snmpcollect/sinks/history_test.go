package sinks_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/store"
	"walkabout/web"
)

// stored answers with what a test has put there.
type stored struct {
	asked  store.GraphQuery
	step   time.Duration
	line   func(counter string, times []int64) store.Line
	states store.States
}

func (s *stored) Graph(_ context.Context, q store.GraphQuery) (store.Graph, error) {
	s.asked = q
	g := store.Graph{Interface: q.Interface, Step: s.step}
	for t := q.From; t.Before(q.To); t = t.Add(s.step) {
		g.Times = append(g.Times, t.UnixMilli())
	}
	for _, c := range q.Counters {
		g.Lines = append(g.Lines, s.line(c, g.Times))
	}
	return g, nil
}

func (s *stored) States(context.Context, store.StateQuery) (store.States, error) {
	return s.states, nil
}

func constant(counter string, times []int64, rate float64) store.Line {
	l := store.Line{Counter: counter, Source: counter}
	for range times {
		l.Min, l.Avg, l.Max = append(l.Min, rate/2), append(l.Avg, rate), append(l.Max, 2*rate)
	}
	l.Summary = store.Summary{Average: rate, Peak: 2 * rate, Percentile95: rate, Total: rate * 60, Covered: time.Minute}
	return l
}

func TestHistory(t *testing.T) {
	at := time.Unix(1_800_000_000, 0) // a multiple of 300
	ms := func(d time.Duration) int64 { return at.Add(d).UnixMilli() }
	s := &stored{step: 30 * time.Second, line: func(counter string, times []int64) store.Line {
		switch counter {
		case "ifHCInOctets":
			l := constant(counter, times, 1000)
			l.Avg[1] = math.NaN()
			l.Gaps = []store.Gap{{From: ms(30 * time.Second), To: ms(60*time.Second) + 1, Reason: "reset"}, {From: ms(90 * time.Second), To: ms(120 * time.Second), Reason: store.NotPolled}}
			return l
		case "ifHCOutOctets", "ifInErrors":
			return constant(counter, times, 125)
		}
		return store.Line{Counter: counter}
	}, states: store.States{
		Admin: []store.Span{{From: ms(0), To: ms(100 * time.Second), State: 1}},
		Oper:  []store.Span{{From: ms(10 * time.Second), To: ms(40 * time.Second), State: 1}, {From: ms(40 * time.Second), To: ms(110 * time.Second), State: 7}, {From: ms(115 * time.Second), To: ms(120 * time.Second), State: 9}},
	}}
	h := sinks.History(s)
	q := web.GraphQuery{Device: "core1", Name: "ge-0", Speed: 1e6, Interval: 30 * time.Second, From: at.Add(7 * time.Second), To: at.Add(113 * time.Second), Points: 500,
		Groups: []string{"errors", "traffic", "utilisation"}}
	got, err := h.Graph(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	number := func(v float64) *float64 { return &v }
	nan := math.NaN()
	u := at.Unix()
	want := web.Graph{From: u, To: u + 120, Step: 30, Times: []int64{u + 30, u + 60, u + 90, u + 120}, Groups: []web.GraphGroup{
		{Name: "errors", Unit: "1/s", Series: []web.GraphSeries{{Name: "in errors", Avg: web.Numbers{125, 125, 125, 125}}}},
		{Name: "traffic", Unit: "bit/s", Series: []web.GraphSeries{{Name: "in", Avg: web.Numbers{8000, nan, 8000, 8000}}, {Name: "out", Avg: web.Numbers{1000, 1000, 1000, 1000}}}},
		{Name: "utilisation", Unit: "%", Series: []web.GraphSeries{{Name: "in", Avg: web.Numbers{0.8, nan, 0.8, 0.8}}, {Name: "out", Avg: web.Numbers{0.1, 0.1, 0.1, 0.1}}}},
	}, Gaps: []web.Gap{{From: u + 30, To: u + 60, Reason: "reset", Text: "the agent restarted, or its counters were cleared"},
		{From: u + 90, To: u + 120, Reason: "no data", Text: "there was no poll: the collector did not run, or not for this device"}},
		States: []web.StateSpan{{From: u, To: u + 10, Admin: "up", Oper: "?"}, {From: u + 10, To: u + 40, Admin: "up", Oper: "up"}, {From: u + 40, To: u + 100, Admin: "up", Oper: "lowerLayerDown"},
			{From: u + 100, To: u + 110, Admin: "?", Oper: "lowerLayerDown"}, {From: u + 115, To: u + 120, Admin: "?", Oper: "9"}},
		Totals: web.Totals{In: web.Total{Octets: number(60000), Average: number(8000), Maximum: number(16000), Percentile95: number(8000)},
			Out: web.Total{Octets: number(7500), Average: number(1000), Maximum: number(2000), Percentile95: number(1000)}, Covered: got.Totals.Covered}}
	near := cmp.Comparer(func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9 })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !s.asked.From.Equal(at) || !s.asked.To.Equal(at.Add(120*time.Second)) || s.asked.Points != 4 || s.asked.Interface != "ge-0" {
		t.Errorf("the store was asked for %+v", s.asked)
	}

	s.step = 5 * time.Minute // several polls a point: their least and most come too
	q.From, q.To, q.Points, q.Groups, q.Speed = at.Add(-24*time.Hour), at, 288, []string{"traffic", "utilisation", "packets"}, 0
	got, err = h.Graph(t.Context(), q)
	if err != nil || s.asked.Points != 288 || len(got.Times) != 288 || len(got.Groups[0].Series[0].Min) != 288 || got.Groups[0].Series[0].Max[5] != 16000 {
		t.Errorf("a day: %v, %d points asked, %d times", err, s.asked.Points, len(got.Times))
	}
	if len(got.Groups[1].Series) != 0 || len(got.Groups[2].Series) != 0 {
		t.Errorf("what is not known is drawn: %+v", got.Groups[1:])
	}
	s.line = func(counter string, _ []int64) store.Line { return store.Line{Counter: counter} }
	if got, err = h.Graph(t.Context(), q); err != nil || got.Problem == "" || got.Totals.In.Octets != nil {
		t.Errorf("nothing stored: %v, %+v", err, got)
	}
}
