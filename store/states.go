package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// hold is how long a value is taken to last when no other follows, as PromQL's look-back.
const hold = 5 * time.Minute

// States returns when the interface was in which state. The error is ctx's, the database's, or wraps ErrQuery.
func (s *Store) States(ctx context.Context, q StateQuery) (States, error) {
	all, _, err := checkSpan(q.From, q.To, 0)
	if err == nil && q.Interface == "" && q.Index == 0 {
		err = fmt.Errorf("%w: no interface", ErrQuery)
	}
	if err != nil {
		return States{}, err
	}
	found := map[string][]point{}
	take := func(l labels.Labels, points []point) {
		name := l.Get(model.MetricNameLabel)
		found[name] = merged(found[name], points)
	}
	for _, of := range ofInterface(q.Device, q.Interface, q.Index) {
		if err := s.read(ctx, q.From.Add(-lead), q.To, take, append(of, named([]string{"ifAdminStatus", "ifOperStatus"}))...); err != nil {
			return States{}, err
		}
	}
	return States{Admin: states(all, found["ifAdminStatus"]), Oper: states(all, found["ifOperStatus"])}, nil
}

// states returns the runs of equal values within all.
func states(all span, points []point) []Span {
	end := min(all.to, time.Now().UnixMilli())
	holds := max(typical(times(points))*5/2, hold.Milliseconds())
	var out []Span
	for i, p := range points {
		to := p.t + holds
		if i+1 < len(points) {
			to = min(to, points[i+1].t)
		}
		from := max(p.t, all.from)
		if to = min(to, end); from >= to {
			continue
		}
		if n := len(out); n > 0 && out[n-1].State == int(p.v) && out[n-1].To == from {
			out[n-1].To = to
			continue
		}
		out = append(out, Span{from, to, int(p.v)})
	}
	return out
}

// Values returns the gauges that q asks for. The error is ctx's, the database's, or wraps ErrQuery.
func (s *Store) Values(ctx context.Context, q ValueQuery) (Values, error) {
	all, points, err := checkSpan(q.From, q.To, q.Points)
	if err != nil {
		return Values{}, err
	}
	matchers := []*labels.Matcher{equal(model.MetricNameLabel, q.Name)}
	for name, value := range q.Labels {
		matchers = append(matchers, equal(name, value))
	}
	type found struct {
		labels labels.Labels
		points []point
	}
	var series []found
	var apart []int64
	err = s.read(ctx, q.From.Add(-lead), q.To, func(l labels.Labels, points []point) {
		series = append(series, found{l.DropReserved(func(n string) bool { return n == model.MetricNameLabel }), points})
		if d := typical(times(points)); d > 0 {
			apart = append(apart, d)
		}
	}, matchers...)
	if err != nil {
		return Values{}, err
	}
	interval := median(apart)
	step := ceil(max((all.to-all.from)/int64(points), interval, 1), 1000)
	all = span{all.from / step * step, ceil(all.to, step)}
	out := Values{Step: time.Duration(step) * time.Millisecond, Times: grid(all, step)}
	slices.SortFunc(series, func(a, b found) int { return strings.Compare(a.labels.String(), b.labels.String()) })
	holds := max(interval*5/2, hold.Milliseconds())
	for _, f := range series {
		held := held(f.points, holds)
		line := ValueLine{Labels: f.labels.Map(), Last: math.NaN()}
		line.Min, line.Avg, line.Max = draw(all, step, len(out.Times), held)
		for _, r := range held {
			if r.from < all.to && r.to > all.from {
				line.Last = r.rate
			}
		}
		out.Series = append(out.Series, line)
	}
	return out, nil
}

// held returns points, each with the time that it holds.
func held(points []point, holds int64) []reading {
	out := make([]reading, 0, len(points))
	now := time.Now().UnixMilli()
	for i, p := range points {
		to := min(p.t+holds, max(now, p.t+1))
		if i+1 < len(points) {
			to = min(to, points[i+1].t)
		}
		out = append(out, reading{span{p.t, to}, p.v})
	}
	return out
}
