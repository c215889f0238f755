package counter

import (
	"math"
	"math/bits"
	"time"
)

const (
	forgetAfter = time.Hour
	spareRows   = 64 // absent rows that are kept beside as many as the living
	// followPolls is how often in a row a discontinuity object must have moved to the moment of the poll before it is taken to mean nothing. Until then
	// each move costs a number.
	followPolls  = 3
	followWithin = time.Second
)

// Poll judges one poll of the table. It sets Rates, Verdicts, Elapsed and Clock of every row, and appends to dst what is new about the
// target. now is when the poll ended (monotonic), and is used only to forget rows.
//
// complete says that the walk reached the table's end, so that a row that is not in rows does not exist: should it come back, it is
// First. Without it rows that are absent keep their last reading. A poll that gave no rows at all because the target did not answer is
// not told to the Table. Rows that were absent for an hour and for two MaxGaps are forgotten, earlier where they outnumber the living.
//
// Poll panics if the slices of a row are shorter than the table's columns.
func (t *Table) Poll(now time.Time, complete bool, rows []Row, dst []Finding) []Finding {
	t.found = dst
	t.polls++
	sorted := t.place(rows)
	for i := range rows {
		rows[i].interval = t.between(&rows[i])
	}
	t.tellTable(rows)

	compared, still := t.compare(rows)
	f := t.freshness(rows, compared, still)
	t.lag = t.refresh.lag(t.options.Interval)
	moved := 0
	for i := range rows {
		moved += t.judge(rows, i, f)
	}
	t.learn(rows, f, compared, still, moved)
	if t.columns.loose != 0 {
		t.prove()
	}

	if complete {
		t.complete, t.living = t.polls, len(rows)
	}
	t.living = max(t.living, len(rows))
	t.tidy(now, rows, sorted)
	found := t.found
	t.found = nil
	return found
}

// state returns r's state, nil if this poll has had the row already.
func (t *Table) state(r *Row) *rowState {
	if r.state == twice {
		return nil
	}
	return &t.rows[r.state]
}

// between compares the row's reading with its baseline, and takes note of what it says of the agent.
func (t *Table) between(r *Row) Interval {
	st := t.state(r)
	if st == nil {
		return Interval{Verdict: Ambiguous}
	}
	if t.moment(r.At.At) <= st.heard {
		return Interval{Verdict: Stale} // it came late; a baseline that a cache holds back may be older still
	}
	if st.has == 0 {
		t.note(r, st)
		return Interval{Verdict: First}
	}
	prev, cur := t.baseline(st), r.At
	prev.Identity, cur.Identity = 0, 0
	step := t.step
	if step != 1 && prev.HasUpTime && cur.HasUpTime { // with what this pair shows: a poll that came late is the first whose time is not the others'
		step = gcd(step, cur.UpTime-prev.UpTime)
	}
	cur.Resolution = resolution(step)
	t.follow(r, st)
	if st.follows >= followPolls {
		prev.Discontinuity, cur.Discontinuity = 0, 0
	}
	// A gap is a time without readings. While the agent answers from its cache the baseline grows old, and yet there is none.
	iv := between(prev, cur, t.options.MaxGap+time.Duration(st.heard-st.at), t.ranOn(st, cur))
	if t.step = step; iv.Verdict == Reset {
		t.step = 0 // it may be another agent
	}
	t.note(r, st)
	return iv
}

// resolution is step as a time; of 0, an unknown one, no interval is long enough to be measured by it.
func resolution(step uint32) time.Duration {
	if step == 0 {
		return math.MaxInt64
	}
	return time.Duration(step) * tick
}

// apart compares readings of counters of which one at least was not the first of its row; iv is what those say, of which nothing stands against a number
// but a Gap.
func (t *Table) apart(iv Interval, prev, cur Instant) Interval {
	prev.Identity, cur.Identity, prev.Discontinuity, cur.Discontinuity = 0, 0, 0, 0
	cur.Resolution = resolution(t.step)
	own := between(prev, cur, 0, true)
	if own.Verdict == OK {
		own.Verdict = iv.Verdict
	}
	return own
}

// ranOn reports whether readings from after the baseline, of which none showed a reset, prove that the agent ran on until cur.
func (t *Table) ranOn(st *rowState, cur Instant) bool {
	if st.heard <= st.at || st.lastUpTime == 0 {
		return false // there are none, or one without a clock
	}
	last := Instant{At: t.time(st.heard), UpTime: st.lastUpTime, HasUpTime: true}
	return Between(last, cur, 0).Verdict == OK
}

func (t *Table) note(r *Row, st *rowState) {
	st.heard, st.lastUpTime, st.lastDiscontinuity = t.moment(r.At.At), r.At.UpTime, r.At.Discontinuity
}

func gcd(a, b uint32) uint32 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// follow watches whether the row's discontinuity object does no more than repeat sysUpTime. One that is the moment of the
// poll, poll after poll, says nothing about the counters.
func (t *Table) follow(r *Row, st *rowState) {
	was := st.follows >= followPolls
	if r.At.HasUpTime && r.At.Discontinuity != st.lastDiscontinuity && within(time.Duration(int32(r.At.UpTime-r.At.Discontinuity))*tick, followWithin) {
		st.follows = min(st.follows+1, followPolls)
	} else {
		st.follows = 0
	}
	if is := st.follows >= followPolls; is && !was {
		t.following++
	} else if was && !is {
		t.following--
	}
}

// tellTable tells what is new about the whole table's sysUpTime and discontinuity objects.
func (t *Table) tellTable(rows []Row) {
	if len(rows) == 0 {
		return
	}
	var noUpTime, unsound bool
	follower := -1
	for i := range rows {
		noUpTime = noUpTime || !rows[i].At.HasUpTime
		unsound = unsound || rows[i].interval.Clock == UnsoundClock
		if st := t.state(&rows[i]); follower < 0 && st != nil && st.follows >= followPolls {
			follower = i
		}
	}
	t.tellChange(&t.toldNoUpTime, noUpTime, Finding{Kind: NoUpTime, Row: -1, Column: -1})
	t.tellChange(&t.toldUnsound, unsound, Finding{Kind: UnsoundUpTime, Row: -1, Column: -1})
	t.tellChange(&t.toldFollows, t.following > 0, Finding{Kind: FollowsUpTime, Row: follower, Column: -1})
}

// tellChange appends f if holds is news against told, which is what was told last.
func (t *Table) tellChange(told *bool, holds bool, f Finding) {
	if *told == holds {
		return
	}
	*told, f.Cleared = holds, !holds
	t.found = append(t.found, f)
}

// freshness is what a poll's readings of the whole table are worth.
type freshness uint8

const (
	isFresh freshness = iota
	// isStale: the agent may have answered from the cache that it answered the last fresh poll from. No baseline moves.
	isStale
	// isFirstFresh: the first that is known to be fresh. The readings before it came from a cache of unknown age, so there is nothing to
	// measure it from.
	isFirstFresh
)

// age says how old a table's baselines may be.
type age uint8

const (
	ageNone    age = iota // as old as their instants say
	ageUnknown            // first readings: they may come from a cache
	ageCached             // first readings of an agent that has been seen to use one
)

// compare holds the poll's readings against the baselines. compared says that there were any of the same run of the agent, still that no counter
// of theirs had moved.
//
// One counter that moved is proof that the table was read anew; those that did not are then true zeros. So is a row that a whole walk
// did not have. A row that the last fresh poll missed proves nothing: it may have moved before.
func (t *Table) compare(rows []Row) (compared, still bool) {
	still = true
	mute := t.mute(rows)
	for i := range rows {
		v, st := rows[i].interval.Verdict, t.state(&rows[i])
		if st != nil && st.new && t.complete >= t.freshPoll {
			still = false
		}
		if v == First || v == Stale || st == nil || st.taken != t.freshPoll {
			continue
		}
		compared = compared || v == OK || v == Gap || v == Discontinuity
		words := t.words(int(rows[i].state))
		for m := st.has & rows[i].Has &^ mute; m != 0 && still; m &= m - 1 {
			c := bits.TrailingZeros64(m)
			still = rows[i].Values[c] == t.columns.value(words, c)
		}
	}
	return compared, still
}

// freshness judges the whole table's readings.
func (t *Table) freshness(rows []Row, compared, still bool) freshness {
	switch {
	case !compared:
		return isFresh
	case still && !t.outlasted(rows):
		return isStale
	case !still && t.age == ageCached:
		return isFirstFresh
	}
	return isFresh
}

// outlasted reports whether more than the agent's refresh period has passed for certain since the last fresh poll.
func (t *Table) outlasted(rows []Row) bool {
	passed := latest(rows).Sub(t.fresh)
	slack := passed / driftShare
	for i := range rows {
		slack = max(slack, passed/driftShare+rows[i].At.RoundTrip)
	}
	return passed-slack > t.refresh.hold(t.options.Interval)
}

// latest returns when the last of the rows was read.
func latest(rows []Row) time.Time {
	var at time.Time
	for i := range rows {
		if rows[i].At.At.After(at) {
			at = rows[i].At.At
		}
	}
	return at
}

// learn takes this poll's part in what is known of the agent's cache. moved is how many counters did.
func (t *Table) learn(rows []Row, f freshness, compared, still bool, moved int) {
	late := true
	for i := range rows {
		late = late && rows[i].interval.Verdict == Stale
	}
	if late {
		return
	}
	at := latest(rows)
	switch {
	case !compared:
		t.refresh.restart(at)
		t.age = ageUnknown
		if t.lag > 0 || still && t.refresh.n > 0 {
			t.age = ageCached
		}
	case still:
		t.refresh.stood(at)
		if f == isStale && t.age == ageUnknown {
			t.age = ageCached
		}
	default:
		t.refresh.ran(at, max(moved, 1)) // a counter whose difference was withheld moved too
		t.age = ageNone
	}
	if f != isStale {
		t.fresh, t.freshPoll = at, t.polls
	}
	if period, known := t.refresh.period(t.options.Interval); known {
		tooShort := period > 0 && t.options.Interval < 3*period
		t.tellChange(&t.toldShort, tooShort, Finding{Kind: IntervalTooShort, Row: -1, Column: -1, Period: period})
	}
}
