package store_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/store"
)

const every = 30 * time.Second

// poll is what became of a poll of core1's port ge-0: a rate, or a verdict, or no answer; "off" is that there was none.
type poll struct {
	rate    float64
	verdict counter.Verdict
	silent  bool
	off     bool
	without bool          // the port
	shift   time.Duration // of the poll from its slot; the rate is that of an interval nevertheless
}

// history exports polls, one each half minute from begin on.
func history(t testing.TB, s *store.Store, begin time.Time, polls []poll) {
	t.Helper()
	historyEach(t, s, begin, every, polls)
}

func historyEach(t testing.TB, s *store.Store, begin time.Time, interval time.Duration, polls []poll) {
	t.Helper()
	e := s.Exporter()
	for i, p := range polls {
		at := begin.Add(time.Duration(i)*interval + p.shift)
		if p.off {
			continue
		}
		up := uint64(1)
		if p.silent {
			up = 0
		}
		batch := []metric.Sample{{Measurement: metric.PollMeasurement, At: at, Tags: []metric.Tag{{Name: "device", Value: "core1"}},
			Fields: []metric.Field{{Name: "up", Kind: metric.Integer, Num: up}}}}
		if !p.silent && !p.without {
			batch = append(batch, row(at, interval, p))
		}
		if err := e.Export(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

func row(at time.Time, interval time.Duration, p poll) metric.Sample {
	if p.verdict == counter.None {
		p.verdict = counter.OK
	}
	s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "ifName", Value: "ge-0"}},
		Fields: []metric.Field{{Name: "ifHCInOctets", Kind: metric.Counter64, Num: uint64(at.Unix()), Rate: p.rate, Verdict: p.verdict},
			{Name: "ifHCOutOctets", Kind: metric.Counter64, Num: uint64(at.Unix()), Rate: 2 * p.rate, Verdict: p.verdict},
			{Name: "ifOperStatus", Kind: metric.Integer, Num: 1}}}
	if p.verdict.HasRate() {
		s.Fields = append(s.Fields, metric.Field{Name: "rate_seconds", Kind: metric.Float, Num: math.Float64bits(interval.Seconds())})
	}
	return s
}

func many(n int, p poll) []poll {
	out := make([]poll, n)
	for i := range out {
		out[i] = p
	}
	return out
}

func join(parts ...[]poll) []poll {
	var out []poll
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// begin is a whole hour, long enough ago for what follows it.
func begin() time.Time { return time.Now().Add(-4 * time.Hour).Truncate(time.Hour) }

// TestGaps: what has no rate has a reason.
func TestGaps(t *testing.T) {
	rate := many(20, poll{rate: 100}) // ten minutes
	type gap struct {
		From, To time.Duration // since the begin
		Reason   store.Reason
	}
	for name, test := range map[string]struct {
		polls []poll
		want  []gap
	}{
		"none":                {join(rate, rate), nil},
		"a counter that fell": {join(rate, many(1, poll{verdict: counter.Reset}), rate), []gap{{570 * time.Second, 600 * time.Second, "reset"}}},
		"silence, then a reboot": {join(rate, many(10, poll{silent: true}), many(1, poll{verdict: counter.Reset}), rate),
			[]gap{{570 * time.Second, 870 * time.Second, store.Unreachable}, {870 * time.Second, 900 * time.Second, "reset"}}},
		"the collector was off": {join(rate, many(60, poll{off: true}), many(1, poll{verdict: counter.Gap}), rate),
			[]gap{{570 * time.Second, 2355 * time.Second, store.NotPolled}, {2355 * time.Second, 2400 * time.Second, "gap"}}},
		"the port was gone": {join(rate, many(4, poll{without: true}), many(1, poll{verdict: counter.First}), rate),
			[]gap{{570 * time.Second, 690 * time.Second, store.NotServed}, {690 * time.Second, 720 * time.Second, "first"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := open(t, store.Options{}), begin()
			history(t, s, at, test.polls)
			end := at.Add(time.Duration(len(test.polls)-1) * every)
			g, err := s.Graph(t.Context(), store.GraphQuery{Device: "core1", Interface: "ge-0", Counters: []string{"ifHCInOctets"}, From: at, To: end})
			if err != nil {
				t.Fatal(err)
			}
			var got []gap
			for _, x := range g.Lines[0].Gaps {
				got = append(got, gap{time.UnixMilli(x.From).Sub(at), time.UnixMilli(x.To).Sub(at), x.Reason})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			for i, x := range g.Lines[0].Avg { // a bucket is empty where there is a gap, and nowhere else
				gone := false
				for _, w := range test.want {
					middle := time.Duration(i)*every + every/2
					gone = gone || middle >= w.From && middle < w.To
				}
				if math.IsNaN(x) != gone {
					t.Errorf("bucket %d is %v", i, x)
				}
			}
		})
	}
}

// TestShortGaps: a gap of one poll is listed however short that is, and what polls and agents' clocks are apart by is none.
func TestShortGaps(t *testing.T) {
	reset := many(1, poll{verdict: counter.Reset})
	for name, test := range map[string]struct {
		interval time.Duration
		polls    []poll
		want     []store.Gap // in milliseconds since the begin
	}{
		"each second":      {time.Second, join(many(9, poll{}), reset, many(9, poll{})), []store.Gap{{8000, 9000, "reset"}}},
		"polls that stray": {every, join(many(9, poll{}), many(1, poll{shift: 300 * time.Millisecond}), many(9, poll{})), nil},
		"a reset at a poll too early": {every, join(many(9, poll{}), many(1, poll{verdict: counter.Reset, shift: -20 * time.Millisecond}), many(9, poll{})),
			[]store.Gap{{240_000, 270_000, "reset"}}},
		"silence that strays": {every, join(many(9, poll{}), many(1, poll{silent: true, shift: 17 * time.Second}), many(1, poll{verdict: counter.Reset, shift: -time.Second}), many(9, poll{})),
			[]store.Gap{{240_000, 287_000, store.Unreachable}, {287_000, 300_000, "reset"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, at := open(t, store.Options{}), begin()
			historyEach(t, s, at, test.interval, test.polls)
			g, err := s.Graph(t.Context(), store.GraphQuery{Device: "core1", Interface: "ge-0", Counters: []string{"ifHCInOctets"}, From: at, To: at.Add(time.Duration(len(test.polls)-1) * test.interval)})
			if err != nil {
				t.Fatal(err)
			}
			got := g.Lines[0].Gaps
			for i := range got {
				got[i].From, got[i].To = got[i].From-at.UnixMilli(), got[i].To-at.UnixMilli()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestGraph: a peak is still there when a day is drawn with few points, and the sums are right.
func TestGraph(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	polls := many(241, poll{rate: 100}) // two hours
	for i := range 12 {
		polls[121+i].rate = 700 // six minutes
	}
	polls[200].rate = 10_000
	history(t, s, at, polls)
	q := store.GraphQuery{Device: "core1", Interface: "ge-0", Counters: []string{"ifHCInOctets", "ifHCOutOctets", "ifHCInUcastPkts"}, From: at, To: at.Add(2 * time.Hour), Points: 4}
	g, err := s.Graph(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	empty := []float64{nan, nan, nan, nan}
	average := (228*100 + 12*700 + 1*9_900 + 0.0) / 240
	want := store.Graph{Interface: "ge-0", Step: 30 * time.Minute, Times: []int64{at.UnixMilli(), at.UnixMilli() + 1_800_000, at.UnixMilli() + 3_600_000, at.UnixMilli() + 5_400_000},
		Lines: []store.Line{
			{Counter: "ifHCInOctets", Source: "ifHCInOctets", Min: []float64{100, 100, 100, 100}, Avg: []float64{100, 100, 220, 265}, Max: []float64{100, 100, 700, 10_000},
				Summary: store.Summary{Average: average, Least: 100, Peak: 10_000, Percentile95: 700, Total: average * 7200, Covered: 2 * time.Hour}},
			{Counter: "ifHCOutOctets", Source: "ifHCOutOctets", Min: []float64{200, 200, 200, 200}, Avg: []float64{200, 200, 440, 530}, Max: []float64{200, 200, 1400, 20_000},
				Summary: store.Summary{Average: 2 * average, Least: 200, Peak: 20_000, Percentile95: 1400, Total: 2 * average * 7200, Covered: 2 * time.Hour}},
			{Counter: "ifHCInUcastPkts", Min: empty, Avg: empty, Max: empty, Summary: store.Summary{Average: nan, Least: nan, Peak: nan, Percentile95: nan},
				Gaps: []store.Gap{{From: at.UnixMilli(), To: at.Add(2 * time.Hour).UnixMilli(), Reason: store.NotServed}}},
		}}
	if diff := cmp.Diff(want, g, cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	all, err := s.Graphs(t.Context(), q)
	if diff := cmp.Diff([]store.Graph{want}, all, cmpopts.EquateNaNs(), cmpopts.EquateApprox(1e-9, 0)); diff != "" || err != nil {
		t.Errorf("all of the device: %v\n%s", err, diff)
	}
}

// TestGraphOfNothing: what is not there is a gap, and what makes no sense is refused.
func TestGraphOfNothing(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	q := store.GraphQuery{Device: "core1", Interface: "ge-0", Counters: []string{"ifHCInOctets"}, From: at, To: at.Add(time.Hour)}
	g, err := s.Graph(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]store.Gap{{From: q.From.UnixMilli(), To: q.To.UnixMilli(), Reason: store.NotPolled}}, g.Lines[0].Gaps); diff != "" {
		t.Error(diff)
	}
	q.To = q.From
	if _, err := s.Graph(t.Context(), q); !errors.Is(err, store.ErrQuery) {
		t.Errorf("a span of nothing: %v", err)
	}
	q.To, q.Interface = q.From.Add(time.Hour), ""
	if _, err := s.Graph(t.Context(), q); !errors.Is(err, store.ErrQuery) {
		t.Errorf("no interface: %v", err)
	}
}

// TestTwin: an agent without 64-bit counters is drawn by its 32-bit ones.
// TestGraphOfOneName: interfaces that share a name, or have none, are told apart by their ifIndex.
func TestGraphOfOneName(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	e := s.Exporter()
	for i := range 10 {
		var batch []metric.Sample
		for _, x := range []struct{ name, index string }{{"lan", "3"}, {"lan", "4"}, {"", "6"}, {"", "7"}} {
			number, _ := strconv.ParseFloat(x.index, 64)
			r := row(at.Add(time.Duration(i)*every), every, poll{rate: 100 * number})
			r.Tags = []metric.Tag{{Name: "device", Value: "core1"}, {Name: "ifIndex", Value: x.index}}
			if x.name != "" {
				r.Tags = append(r.Tags, metric.Tag{Name: "ifName", Value: x.name})
			}
			batch = append(batch, r)
		}
		if err := e.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []store.GraphQuery{{Interface: "lan", Index: 3}, {Interface: "lan", Index: 4}, {Index: 6}, {Index: 7}} {
		q.Device, q.Counters, q.From, q.To = "core1", []string{"ifHCInOctets"}, at, at.Add(5*time.Minute)
		g, err := s.Graph(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := g.Lines[0].Average, float64(100*q.Index); got != want {
			t.Errorf("%q, ifIndex %d: %v octets a second, want %v", q.Interface, q.Index, got, want)
		}
		states, err := s.States(t.Context(), store.StateQuery{Device: "core1", Interface: q.Interface, Index: q.Index, From: q.From, To: q.To})
		if err != nil || len(states.Oper) != 1 {
			t.Errorf("%q, ifIndex %d: states %v, %v", q.Interface, q.Index, states.Oper, err)
		}
	}
}

func TestTwin(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	e := s.Exporter()
	for i := range 3 {
		sample := row(at.Add(time.Duration(i)*every), every, poll{rate: 5})
		sample.Fields = sample.Fields[:1]
		sample.Fields[0].Name, sample.Fields[0].Kind = "ifInOctets", metric.Counter32
		if err := e.Export(t.Context(), []metric.Sample{sample}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := s.Graph(t.Context(), store.GraphQuery{Device: "core1", Interface: "ge-0", Counters: []string{"ifHCInOctets"}, From: at, To: at.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if g.Lines[0].Source != "ifInOctets" || g.Lines[0].Average != 5 {
		t.Errorf("%+v", g.Lines[0])
	}
}

// TestStates: runs of a state, with nothing where nothing is known.
func TestStates(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	e := s.Exporter()
	for i := range 100 {
		sample := row(at.Add(time.Duration(i)*every), every, poll{rate: 5})
		sample.Fields = sample.Fields[2:3]
		switch {
		case i >= 20 && i < 30:
			sample.Fields[0].Num = 2
		case i >= 40 && i < 80:
			continue
		}
		if err := e.Export(t.Context(), []metric.Sample{sample}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.States(t.Context(), store.StateQuery{Device: "core1", Interface: "ge-0", From: at.Add(5 * time.Minute), To: at.Add(50 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	minute := func(m float64) int64 { return at.UnixMilli() + int64(m*60_000) }
	want := store.States{Oper: []store.Span{{From: minute(5), To: minute(10), State: 1}, {From: minute(10), To: minute(15), State: 2},
		{From: minute(15), To: minute(24.5), State: 1}, {From: minute(40), To: minute(50), State: 1}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestValues: a gauge holds for a while.
func TestValues(t *testing.T) {
	s, at := open(t, store.Options{}), begin()
	history(t, s, at, join(many(10, poll{rate: 1}), many(10, poll{silent: true}), many(30, poll{off: true}), many(5, poll{rate: 1})))
	got, err := s.Values(t.Context(), store.ValueQuery{Name: store.UpMetric, Labels: map[string]string{"device": "core1"}, From: at, To: at.Add(30 * time.Minute), Points: 6})
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	want := []store.ValueLine{{Labels: map[string]string{"device": "core1"}, Min: []float64{1, 0, 0, nan, nan, 1}, Avg: []float64{1, 0, 0, nan, nan, 1},
		Max: []float64{1, 0, 0, nan, nan, 1}, Last: 1}}
	if diff := cmp.Diff(want, got.Series, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
