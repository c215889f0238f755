package counter

import "time"

const (
	unlearnedRefresh = 60 * time.Second // Net-SNMP's slowest cache
	longestRefresh   = 10 * time.Minute
	enoughSpans      = 3
	busyCounters     = 8 // moved together, they do not fall silent together by chance
)

// refresh learns from a table's polls how long its agent answers from a cache.
//
// What it can see is spans: the time from a poll at which some counter had moved to the next such poll, and how long into it nothing moved. Agents
// that reload on demand (Net-SNMP) and by a timer both show a stillness that is shorter than their period by less than an interval.
// An idle table shows the same, so the estimate may be too long; that costs promptness, where one too short would make wrong numbers.
type refresh struct {
	spans [8]span
	n     int // spans seen, in spans[n % len]
	moved time.Time
	now   span // since moved
}

type span struct {
	still time.Duration // from its start to the last poll at which nothing had moved, 0 if there was none
	whole time.Duration
	busy  bool // at its start busyCounters or more had moved
}

// restart forgets the current span: its start is at, when nothing is known of what moved.
func (r *refresh) restart(at time.Time) { r.moved, r.now = at, span{} }

// stood notes a poll at which nothing had moved since the last fresh one.
func (r *refresh) stood(at time.Time) { r.now.still = at.Sub(r.moved) }

// ran notes a poll at which this many counters had moved.
func (r *refresh) ran(at time.Time, counters int) {
	r.now.whole = at.Sub(r.moved)
	r.spans[r.n%len(r.spans)] = r.now
	r.n++
	r.moved, r.now = at, span{busy: counters >= busyCounters}
}

// seen returns the spans that are remembered, in no order.
func (r *refresh) seen() []span { return r.spans[:min(r.n, len(r.spans))] }

// hold returns for how long after the last fresh poll a table that stands still is Stale rather than idle.
func (r *refresh) hold(interval time.Duration) time.Duration {
	if r.n < enoughSpans {
		return unlearnedRefresh
	}
	var still time.Duration
	for _, s := range r.seen() {
		still = max(still, s.still)
	}
	// Only a regular rhythm makes a longer period than usual believable: an idle table has none.
	if longest, ok := r.regular(interval); ok {
		still = min(still, max(longest, unlearnedRefresh), longestRefresh)
	} else {
		still = min(still, unlearnedRefresh)
	}
	if r.now.busy {
		// A whole busy table that falls silent at once has more likely a cache whose period lies just over the interval.
		still = max(still, interval)
	}
	if still > 0 {
		still += interval / 2 // polls jitter
	}
	return still
}

// regular returns the longest stillness of the last spans if all had about the same.
func (r *refresh) regular(interval time.Duration) (longest time.Duration, ok bool) {
	shortest := time.Duration(1<<63 - 1)
	for i := r.n - enoughSpans; i < r.n; i++ {
		s := r.spans[i%len(r.spans)].still
		shortest, longest = min(shortest, s), max(longest, s)
	}
	return longest, shortest > 0 && longest-shortest <= interval+interval/2
}

// period returns the refresh period (its upper estimate) where busy counters have fallen silent in step often enough that it must be a cache, and
// 0 where no stillness is remembered. known is false in between.
func (r *refresh) period(interval time.Duration) (period time.Duration, known bool) {
	var stood, rhythmic int
	var least, most time.Duration
	for _, s := range r.seen() {
		if s.still == 0 {
			continue
		}
		stood++
		if !s.busy {
			continue
		}
		if rhythmic++; rhythmic == 1 {
			least = s.whole
		}
		least, most = min(least, s.whole), max(most, s.whole)
	}
	if stood == 0 {
		return 0, r.n >= enoughSpans
	}
	return most, rhythmic >= enoughSpans && most-least <= interval+interval/2
}
