package store

import (
	"cmp"
	"slices"
	"time"
)

// UpMetric is the series of a device that is 1 at a poll that was answered and 0 at one that was not.
const UpMetric = "snmp_poll_up"

// events returns why there was no rate of the counter at the polls that gave none, ascending.
func (r *readings) events(counter string, polls []point) []event {
	known := map[int64]Reason{}
	for _, of := range []string{"", counter} { // what is said of the counter alone counts
		for _, e := range r.absent[of] {
			known[e.t] = e.reason
		}
	}
	for _, p := range polls {
		if _, ok := known[p.t]; ok {
			continue
		}
		known[p.t] = NotServed
		if p.v == 0 {
			known[p.t] = Unreachable
		}
	}
	for _, p := range r.rates[counter] {
		delete(known, p.t)
	}
	out := make([]event, 0, len(known))
	for t, reason := range known {
		out = append(out, event{t, reason})
	}
	slices.SortFunc(out, func(a, b event) int { return cmp.Compare(a.t, b.t) })
	return out
}

// explain returns the parts of all that no reading covers, with reasons. Two readings leave no gap that is short beside the interval, and neither does the
// time since the last poll.
func explain(all span, covered []reading, events []event, interval int64) []Gap {
	end := min(all.to, time.Now().UnixMilli())
	var out []Gap
	from := all.from
	for _, r := range covered {
		if r.to <= all.from {
			continue
		}
		if r.from >= end {
			break
		}
		if r.from-from > interval/2 {
			out = reasons(out, span{from, r.from}, events, interval)
		}
		from = max(from, r.to)
	}
	late := interval / 2
	if end < all.to || time.Now().UnixMilli()-end < 2*interval { // it is the present: the next poll is to come
		late = 2 * interval
	}
	if end-from > late {
		out = reasons(out, span{from, end}, events, interval)
	}
	return out
}

// reasons appends gap, cut into the parts that polls of it explain. A poll explains the interval before it, and half of one more: neither polls nor the
// agent's clock are exact, so that what is short beside the interval is no time without a poll.
func reasons(out []Gap, gap span, events []event, interval int64) []Gap {
	add := func(from, to int64, reason Reason) {
		if from >= to {
			return
		}
		if n := len(out); n > 0 && out[n-1].To == from && out[n-1].Reason == reason && from > gap.from {
			out[n-1].To = to
			return
		}
		out = append(out, Gap{from, to, reason})
	}
	from := gap.from
	at, _ := slices.BinarySearchFunc(events, gap.from+1, func(e event, t int64) int { return cmp.Compare(e.t, t) })
	for ; at < len(events) && from < gap.to; at++ {
		e := events[at]
		begin := e.t - interval*3/2
		if begin >= gap.to {
			break
		}
		if begin-from <= interval/2 {
			begin = from
		}
		add(from, begin, NotPolled)
		add(begin, min(e.t, gap.to), e.reason)
		from = max(from, min(e.t, gap.to))
	}
	if rest := gap.to - from; from > gap.from && (rest <= interval/2 || rest <= interval*3/2 && at == len(events)) { // the latter is the present
		out[len(out)-1].To = gap.to
		return out
	}
	add(from, gap.to, NotPolled)
	return out
}
