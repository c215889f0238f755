package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"walkabout/exporters/series"
)

const (
	defaultPoints = 1000
	maxPoints     = 20_000
	// lead is how long after a span a reading may be whose rate is of the span, and how long before it the reading that it follows.
	lead = time.Hour
	// unknownInterval is what two polls are apart where that cannot be seen.
	unknownInterval = time.Minute
)

// ErrQuery is wrapped by the errors about queries that make no sense.
var ErrQuery = errors.New("store: query")

// span is from, up to but without to, in milliseconds since 1970.
type span struct{ from, to int64 }

func checkSpan(from, to time.Time, points int) (span, int, error) {
	s := span{from.UnixMilli(), to.UnixMilli()}
	switch {
	case s.to <= s.from:
		return s, 0, fmt.Errorf("%w: the span ends (%v) before it begins (%v)", ErrQuery, to, from)
	case points < 0 || points > maxPoints:
		return s, 0, fmt.Errorf("%w: %d points; at most are %d", ErrQuery, points, maxPoints)
	}
	return s, cmp.Or(points, defaultPoints), nil
}

// Graph returns one interface. If there is nothing of it, its Lines have a Gap for the reason. The error is ctx's, the database's, or wraps ErrQuery.
func (s *Store) Graph(ctx context.Context, q GraphQuery) (Graph, error) {
	if q.Interface == "" && q.Index == 0 {
		return Graph{}, fmt.Errorf("%w: no interface", ErrQuery)
	}
	found, polls, err := s.readInterfaces(ctx, q)
	if err != nil {
		return Graph{}, err
	}
	readings := found[q.Interface]
	if readings == nil {
		readings = newReadings()
	}
	return readings.graph(q, polls), nil
}

// Graphs returns the interfaces of q.Device that have one of the counters in the span or shortly before or after it, in order of their names.
func (s *Store) Graphs(ctx context.Context, q GraphQuery) ([]Graph, error) {
	q.Interface, q.Index = "", 0
	found, polls, err := s.readInterfaces(ctx, q)
	if err != nil {
		return nil, err
	}
	var out []Graph
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if len(found[name].rates) > 0 {
			q.Interface = name
			out = append(out, found[name].graph(q, polls))
		}
	}
	return out, nil
}

// readings is what is stored of an interface.
type readings struct {
	rates  map[string][]point // by counter
	time   []point            // seconds that the rates of a moment are of
	absent map[string][]event // why there is none, by counter; "" for all
}

func newReadings() *readings {
	return &readings{rates: map[string][]point{}, absent: map[string][]event{}}
}

// event is why there is no rate at a moment.
type event struct {
	t      int64
	reason Reason
}

// readInterfaces reads the interfaces that q asks for, by name, and when the device was polled.
func (s *Store) readInterfaces(ctx context.Context, q GraphQuery) (map[string]*readings, []point, error) {
	if _, _, err := checkSpan(q.From, q.To, q.Points); err != nil {
		return nil, nil, err
	}
	names, sources := []string{"rate_seconds", AbsentMetric}, map[string]string{}
	for _, c := range q.Counters {
		for _, source := range []string{c, Twin(c)} {
			if source != "" {
				name := series.Name(source) + "_rate"
				names, sources[name] = append(names, name), source
			}
		}
	}
	found := map[string]*readings{}
	take := func(l labels.Labels, points []point) {
		name := interfaceOf(l)
		r := found[name]
		if r == nil {
			r = newReadings()
			found[name] = r
		}
		switch metric := l.Get(model.MetricNameLabel); metric {
		case "rate_seconds":
			r.time = merged(r.time, points)
		case AbsentMetric:
			counter := l.Get(CounterLabel)
			for _, p := range points {
				r.absent[counter] = append(r.absent[counter], event{p.t, Reason(l.Get(VerdictLabel))})
			}
		default:
			r.rates[sources[metric]] = merged(r.rates[sources[metric]], points)
		}
	}
	from, to := q.From.Add(-lead), q.To.Add(lead)
	for _, of := range ofInterface(q.Device, q.Interface, q.Index) {
		if err := s.read(ctx, from, to, take, append(of, named(names))...); err != nil {
			return nil, nil, err
		}
	}
	var polls []point
	err := s.read(ctx, from, to, func(_ labels.Labels, points []point) { polls = merged(polls, points) },
		equal("device", q.Device), equal(model.MetricNameLabel, UpMetric))
	return found, polls, err
}

// reading is a rate and what time it is of.
type reading struct {
	span
	rate float64
}

// graph draws what q asks for.
func (r *readings) graph(q GraphQuery, polls []point) Graph {
	all, points, _ := checkSpan(q.From, q.To, q.Points)
	interval := r.interval(polls)
	step := ceil(max((all.to-all.from)/int64(points), interval), 1000)
	drawn := span{all.from / step * step, ceil(all.to, step)}
	g := Graph{Interface: q.Interface, Step: time.Duration(step) * time.Millisecond, Times: grid(drawn, step)}
	for _, c := range q.Counters {
		line := Line{Counter: c}
		for _, source := range []string{c, Twin(c)} {
			if source != "" && line.Source == "" && len(r.rates[source]) > 0 {
				line.Source = source
			}
		}
		covered := r.covered(line.Source, interval)
		line.Min, line.Avg, line.Max = draw(drawn, step, len(g.Times), covered)
		line.Summary = summarize(all, covered)
		line.Gaps = explain(all, covered, r.events(cmp.Or(line.Source, c), polls), interval)
		g.Lines = append(g.Lines, line)
	}
	return g
}

// grid returns where the buckets of step milliseconds begin.
func grid(all span, step int64) []int64 {
	times := make([]int64, 0, ceil(all.to-all.from, step)/step)
	for t := all.from; t < all.to; t += step {
		times = append(times, t)
	}
	return times
}

func ceil(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// interval returns how many milliseconds two polls are apart, most of the time.
func (r *readings) interval(polls []point) int64 {
	var lengths []int64
	for _, p := range r.time {
		lengths = append(lengths, int64(p.v*1000))
	}
	return cmp.Or(median(lengths), typical(times(polls)), unknownInterval.Milliseconds())
}

func times(points []point) []int64 {
	out := make([]int64, len(points))
	for i, p := range points {
		out[i] = p.t
	}
	return out
}

// covered returns the rates of a counter, each with the time that it is of, ascending.
func (r *readings) covered(source string, interval int64) []reading {
	rates := r.rates[source]
	out := make([]reading, 0, len(rates))
	at := 0 // in r.time
	for _, p := range rates {
		for at < len(r.time) && r.time[at].t < p.t {
			at++
		}
		length := interval
		if at < len(r.time) && r.time[at].t == p.t {
			length = int64(r.time[at].v * 1000)
		}
		out = append(out, reading{span{p.t - length, p.t}, p.v})
	}
	return out
}

// draw returns least, average and most of each bucket.
func draw(all span, step int64, buckets int, covered []reading) (least, average, most []float64) {
	least, average, most = make([]float64, buckets), make([]float64, buckets), make([]float64, buckets)
	weight := make([]float64, buckets)
	for i := range least {
		least[i], most[i] = math.Inf(1), math.Inf(-1)
	}
	for _, r := range covered {
		from, to := max(r.from, all.from), min(r.to, all.to)
		for from < to {
			i := (from - all.from) / step
			end := min(to, all.from+(i+1)*step)
			w := float64(end - from)
			weight[i] += w
			average[i] += w * r.rate
			least[i], most[i] = min(least[i], r.rate), max(most[i], r.rate)
			from = end
		}
	}
	for i := range least {
		if average[i] /= weight[i]; weight[i] == 0 {
			least[i], average[i], most[i] = math.NaN(), math.NaN(), math.NaN()
		}
	}
	return least, average, most
}

// billing is what the averages of Summary.Percentile95 are of, in milliseconds.
const billing = 5 * 60 * 1000

// summarize returns the Summary of what is within all.
func summarize(all span, covered []reading) Summary {
	s := Summary{Least: math.Inf(1), Peak: math.Inf(-1)}
	var averages []float64
	var last int64
	var sum, weight, whole float64
	flush := func() {
		if weight > 0 {
			averages = append(averages, sum/weight)
		}
		sum, weight = 0, 0
	}
	for _, r := range covered {
		from, to := max(r.from, all.from), min(r.to, all.to)
		if from >= to {
			continue
		}
		s.Least, s.Peak = min(s.Least, r.rate), max(s.Peak, r.rate)
		for from < to {
			if i := from / billing; i != last {
				flush()
				last = i
			}
			end := min(to, (from/billing+1)*billing)
			w := float64(end - from)
			sum, weight, whole = sum+w*r.rate, weight+w, whole+w
			s.Total += w * r.rate / 1000
			from = end
		}
	}
	flush()
	if whole == 0 {
		return Summary{Average: math.NaN(), Least: math.NaN(), Peak: math.NaN(), Percentile95: math.NaN()}
	}
	s.Average, s.Covered = s.Total*1000/whole, time.Duration(whole)*time.Millisecond
	slices.Sort(averages)
	s.Percentile95 = averages[(len(averages)*95+99)/100-1]
	return s
}
