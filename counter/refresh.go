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
	moved int // counters that had moved at its start
}

// restart forgets the current span: its start is at, when nothing is known of what moved, and so something may have.
func (r *refresh) restart(at time.Time) { r.moved, r.now = at, span{moved: 1} }

// stood notes a poll at which nothing had moved since the last fresh one.
func (r *refresh) stood(at time.Time) { r.now.still = at.Sub(r.moved) }

// ran notes a poll at which this many counters had moved.
func (r *refresh) ran(at time.Time, counters int) {
	r.now.whole = at.Sub(r.moved)
	r.spans[r.n%len(r.spans)] = r.now
	r.n++
	r.moved, r.now = at, span{moved: counters}
}

// seen returns the spans that are remembered, in no order.
func (r *refresh) seen() []span { return r.spans[:min(r.n, len(r.spans))] }

// hold returns for how long after the last fresh poll a table that stands still is Stale rather than idle.
func (r *refresh) hold(interval time.Duration) time.Duration {
	if r.n < enoughSpans {
		return unlearnedRefresh
	}
	hold := r.estimate(interval)
	if r.now.moved > 0 {
		hold = max(hold, interval) // a period of about one interval shows but now and then
	}
	if hold > 0 {
		hold += interval / 2 // polls jitter
	}
	return hold
}

// lag returns how much longer than the time between two fresh polls the time between what they read may be: an agent that reloads by a timer
// was asked at any moment of its period. It is 0 while the table was never seen to stand still.
func (r *refresh) lag(interval time.Duration) time.Duration {
	lag := r.estimate(interval)
	if r.n < enoughSpans && (lag > 0 || r.now.still > 0) {
		return unlearnedRefresh
	}
	return lag
}

// estimate returns the longest that stillness was seen to last and then end, as polls may have been lost within it; 0 if there was none.
func (r *refresh) estimate(interval time.Duration) (longest time.Duration) {
	for _, s := range r.seen() {
		if s.still > 0 {
			longest = max(longest, s.whole)
		}
	}
	// An idle table has no rhythm: only a regular one makes a period longer than usual believable.
	if rhythm, ok := r.regular(interval); ok {
		return min(longest, max(rhythm, unlearnedRefresh), longestRefresh)
	}
	return min(longest, unlearnedRefresh)
}

// regular returns the longest of the last spans if stillness ended each after about the same time.
func (r *refresh) regular(interval time.Duration) (longest time.Duration, ok bool) {
	if r.n < enoughSpans {
		return 0, false
	}
	var shortest time.Duration
	for i := r.n - enoughSpans; i < r.n; i++ {
		s := r.spans[i%len(r.spans)]
		if s.still == 0 {
			return 0, false
		}
		if longest = max(longest, s.whole); shortest == 0 || s.whole < shortest {
			shortest = s.whole
		}
	}
	return longest, longest-shortest <= interval+interval/2
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
		if s.moved < busyCounters {
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
