package sinks

import (
	"context"
	"errors"
	"math"
	"time"

	"walkabout/alert"
	"walkabout/store"
	"walkabout/web"
)

// Store is what graphs are drawn of; a store.Store is one.
type Store interface {
	Graph(ctx context.Context, q store.GraphQuery) (store.Graph, error)
	States(ctx context.Context, q store.StateQuery) (store.States, error)
}

// History draws graphs for the pages of what s keeps.
func History(s Store) web.History { return history{s} }

type history struct{ store Store }

// graphLine is a line of a graph: a counter, and what of it is drawn.
type graphLine struct{ name, counter string }

// graphKinds are the groups that the pages ask for.
var graphKinds = map[string]struct {
	unit  string
	lines []graphLine
}{
	"traffic":     {"bit/s", []graphLine{{"in", inOctets}, {"out", outOctets}}},
	"utilisation": {"%", []graphLine{{"in", inOctets}, {"out", outOctets}}},
	"packets": {"packet/s", []graphLine{{"in unicast", "ifHCInUcastPkts"}, {"out unicast", "ifHCOutUcastPkts"}, {"in multicast", "ifHCInMulticastPkts"},
		{"out multicast", "ifHCOutMulticastPkts"}, {"in broadcast", "ifHCInBroadcastPkts"}, {"out broadcast", "ifHCOutBroadcastPkts"}}},
	"errors": {"1/s", []graphLine{{"in errors", "ifInErrors"}, {"out errors", "ifOutErrors"}, {"in discards", "ifInDiscards"},
		{"out discards", "ifOutDiscards"}, {"in unknown protocols", "ifInUnknownProtos"}}},
}

// BeingRead is the Problem of a Graph while the store is being opened.
const BeingRead = "the store is reading its log: graphs come when that is done, and what is polled meanwhile will be in them"

const inOctets, outOctets = "ifHCInOctets", "ifHCOutOctets"

// Graph implements web.History.
func (h history) Graph(ctx context.Context, q web.GraphQuery) (web.Graph, error) {
	from, to, points := aligned(q)
	counters, places := []string{inOctets, outOctets}, map[string]int{inOctets: 0, outOctets: 1}
	for _, group := range q.Groups {
		for _, l := range graphKinds[group].lines {
			if _, known := places[l.counter]; !known {
				places[l.counter] = len(counters)
				counters = append(counters, l.counter)
			}
		}
	}
	drawn, err := h.store.Graph(ctx, store.GraphQuery{Device: q.Device, Interface: q.Name, Index: q.Index, Counters: counters, From: from, To: to, Points: points})
	if errors.Is(err, store.ErrOpening) { // which is nothing to be logged for each graph
		return web.Graph{From: from.Unix(), To: to.Unix(), Times: []int64{}, Groups: []web.GraphGroup{}, Gaps: []web.Gap{}, States: []web.StateSpan{}, Problem: BeingRead}, nil
	}
	if err != nil {
		return web.Graph{}, err
	}
	states, err := h.store.States(ctx, store.StateQuery{Device: q.Device, Interface: q.Name, Index: q.Index, From: from, To: to})
	if err != nil {
		return web.Graph{}, err
	}
	g := web.Graph{From: from.Unix(), To: to.Unix(), Step: int64(drawn.Step / time.Second), Times: make([]int64, len(drawn.Times)), Groups: []web.GraphGroup{},
		Gaps: gaps(drawn.Lines[0].Gaps), States: spans(states)}
	for i, begin := range drawn.Times {
		g.Times[i] = begin/1000 + g.Step
	}
	single := drawn.Step <= max(q.Interval, time.Second) // a bucket is a poll: there is nothing between its least and its most
	for _, name := range q.Groups {
		g.Groups = append(g.Groups, group(name, q.Speed, drawn.Lines, places, single))
	}
	in, out := &drawn.Lines[0], &drawn.Lines[1]
	g.Totals = web.Totals{In: total(in), Out: total(out), Covered: in.Covered.Seconds() / max(min(to.Sub(from), time.Since(from)).Seconds(), 1)}
	g.Totals.Covered = min(math.Round(g.Totals.Covered*1e4)/1e4, 1)
	if in.Source == "" && out.Source == "" {
		g.Problem = "nothing is stored of this interface in this span"
	}
	return g, nil
}

// aligned returns the span in whole steps, so that a page that asks again a little later is drawn the same points.
func aligned(q web.GraphQuery) (from, to time.Time, points int) {
	interval := max(int64(q.Interval/time.Second), 1)
	begin, end := q.From.Unix(), q.To.Unix()
	step := max((end-begin+int64(q.Points)-1)/int64(q.Points), interval)
	step = (step + interval - 1) / interval * interval
	begin -= begin % step
	end += (step - end%step) % step
	return time.Unix(begin, 0), time.Unix(end, 0), int((end - begin) / step)
}

func group(name string, speed float64, lines []store.Line, places map[string]int, single bool) web.GraphGroup {
	kind := graphKinds[name]
	out := web.GraphGroup{Name: name, Unit: kind.unit, Series: []web.GraphSeries{}}
	factor := 1.0
	switch name {
	case "traffic":
		factor = 8
	case "utilisation":
		if speed <= 0 {
			return out // of nothing that is known
		}
		factor = 8 / speed * 100
	}
	for _, l := range kind.lines {
		line := &lines[places[l.counter]]
		if line.Source == "" {
			continue
		}
		s := web.GraphSeries{Name: l.name, Avg: scaled(line.Avg, factor)}
		if !single {
			s.Min, s.Max = scaled(line.Min, factor), scaled(line.Max, factor)
		}
		out.Series = append(out.Series, s)
	}
	return out
}

func scaled(values []float64, factor float64) web.Numbers {
	out := make(web.Numbers, len(values))
	for i, v := range values {
		out[i] = v * factor
	}
	return out
}

// total is of a line of octets.
func total(l *store.Line) web.Total {
	if l.Covered == 0 {
		return web.Total{}
	}
	number := func(v float64) *float64 { return &v }
	return web.Total{Octets: number(math.Round(l.Total)), Average: number(math.Round(l.Average * 8)), Maximum: number(math.Round(l.Peak * 8)),
		Percentile95: number(math.Round(l.Percentile95 * 8))}
}

// reasons are why there is no rate, for people.
var reasons = map[store.Reason]string{
	store.Unreachable: "the device did not answer",
	store.NotPolled:   "there was no poll: the collector did not run, or not for this device",
	store.NotServed:   "the device answered without this counter",
	"first":           "the first reading of this interface: a rate takes two",
	"reset":           "the agent restarted, or its counters were cleared",
	"discontinuity":   "the agent says that its counters are not what they were",
	"ambiguous":       "a counter of 32 bits that may have wrapped more than once",
	"implausible":     "faster than the interface can be",
	"stale":           "the agent answered from its cache",
	"gap":             "too long since the last reading",
}

// gaps returns gaps in whole seconds.
func gaps(all []store.Gap) []web.Gap {
	out := []web.Gap{}
	for _, g := range all {
		seconds := func(ms int64) int64 { return (ms + 500) / 1000 }
		reason := string(g.Reason)
		if g.Reason == store.NotPolled {
			reason = "no data"
		}
		out = append(out, web.Gap{From: seconds(g.From), To: seconds(g.To), Reason: reason, Text: reasons[g.Reason]})
	}
	return out
}

// spans returns the times in which both states stood still.
func spans(s store.States) []web.StateSpan {
	out := []web.StateSpan{}
	admin, oper := s.Admin, s.Oper
	for at := int64(math.MinInt64); ; {
		for len(admin) > 0 && admin[0].To <= at {
			admin = admin[1:]
		}
		for len(oper) > 0 && oper[0].To <= at {
			oper = oper[1:]
		}
		if len(admin) == 0 && len(oper) == 0 {
			return out
		}
		begin, end := int64(math.MaxInt64), int64(math.MaxInt64)
		for _, list := range [][]store.Span{admin, oper} {
			if len(list) > 0 {
				begin = min(begin, max(list[0].From, at))
			}
		}
		span := web.StateSpan{From: begin / 1000, Admin: "?", Oper: "?"}
		for _, x := range []struct {
			list []store.Span
			word *string
		}{{admin, &span.Admin}, {oper, &span.Oper}} {
			switch {
			case len(x.list) == 0:
			case x.list[0].From > begin:
				end = min(end, x.list[0].From)
			default:
				end = min(end, x.list[0].To)
				*x.word = alert.StatusName(x.list[0].State)
			}
		}
		span.To = end / 1000
		if n := len(out); n > 0 && out[n-1].To == span.From && out[n-1].Admin == span.Admin && out[n-1].Oper == span.Oper {
			out[n-1].To = span.To
		} else {
			out = append(out, span)
		}
		at = end
	}
}
