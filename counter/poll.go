package counter

import (
	"math"
	"math/bits"
	"strings"
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

type rowKey struct {
	index uint32
	name  string
}

// rowState is what a Table keeps of a row. prev, has and at are the baseline: the last fresh reading.
type rowState struct {
	prev  []uint64
	has   uint64 // columns with a value in prev
	at    Instant
	speed speed

	heard  time.Time // the last reading, fresh or not
	poll   uint64    // its number
	upTime uint32    // of it
	moment uint32    // its discontinuity object

	follows uint8 // polls in a row at which the discontinuity object moved to the moment of the poll

	// Sets of columns.
	passed32    uint64 // Counter64s that have been above 2^32
	fellOnce    uint64 // Counter64s that fell from between 2^31 and 2^32
	disguised   uint64 // that fell so twice: Counter64Is32
	unused      uint64 // Counter64Unused
	seldom      uint64 // PolledTooSeldom has been told
	toldAssumed bool   // SpeedAssumed has been told
}

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
	t.states, t.intervals = t.states[:0], t.intervals[:0]
	for i := range rows {
		st := t.state(&rows[i])
		t.states = append(t.states, st)
		t.intervals = append(t.intervals, t.between(&rows[i], st))
	}
	t.tellTable(rows)

	stale := t.stale(rows)
	moved := 0
	for i := range rows {
		moved += t.judge(rows, i, stale)
	}
	t.learnRefresh(rows, stale, moved)

	if complete {
		t.complete, t.living = t.polls, len(rows)
	}
	t.living = max(t.living, len(rows))
	t.forget(now)
	found := t.found
	t.found = nil
	return found
}

// state returns the row's state, nil if this poll has had the row already.
func (t *Table) state(r *Row) *rowState {
	key := rowKey{r.Index, r.Name}
	st := t.rows[key]
	if st == nil {
		key.name = strings.Clone(key.name) // it may be part of a whole message
		st = &rowState{prev: make([]uint64, len(t.columns))}
		t.rows[key] = st
	} else if st.poll == t.polls {
		return nil
	}
	if st.poll < t.complete {
		st.has = 0 // it was absent from a whole walk
	}
	st.poll = t.polls
	return st
}

// between compares the row's reading with its baseline, and takes note of what it says of the agent.
func (t *Table) between(r *Row, st *rowState) Interval {
	if st == nil {
		return Interval{Verdict: Ambiguous}
	}
	if st.has == 0 {
		st.note(r)
		return Interval{Verdict: First}
	}
	prev, cur := st.at, r.At
	prev.Identity, cur.Identity = 0, 0
	cur.Resolution = time.Duration(t.step) * tick
	if t.step == 0 {
		cur.Resolution = math.MaxInt64 // unknown: no interval is long enough to be measured by it
	}
	t.follow(r, st)
	if st.follows >= followPolls {
		prev.Discontinuity, cur.Discontinuity = 0, 0
	}
	// A gap is a time without readings. While the agent answers from its cache the baseline grows old, and yet there is none.
	iv := Between(prev, cur, t.options.MaxGap+st.heard.Sub(st.at.At))
	if iv.Verdict == Stale {
		return iv
	}
	if t.step != 1 && prev.HasUpTime && cur.HasUpTime {
		if iv.Verdict == Reset {
			t.step = 0
		} else {
			t.step = gcd(t.step, cur.UpTime-prev.UpTime)
		}
	}
	st.note(r)
	return iv
}

func (st *rowState) note(r *Row) {
	st.heard, st.upTime, st.moment = r.At.At, r.At.UpTime, r.At.Discontinuity
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
	if r.At.HasUpTime && r.At.Discontinuity != st.moment && within(time.Duration(int32(r.At.UpTime-r.At.Discontinuity))*tick, followWithin) {
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
	for i, iv := range t.intervals {
		noUpTime = noUpTime || !rows[i].At.HasUpTime
		unsound = unsound || iv.Clock == UnsoundClock
		if st := t.states[i]; follower < 0 && st != nil && st.follows >= followPolls {
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

// stale reports whether the agent may have answered the whole table from the cache that it answered the last fresh poll from: nothing
// moved in any row that has a baseline, and the agent's refresh period has not passed.
//
// One counter that moved is proof that the table was read anew; those that did not are then true zeros.
func (t *Table) stale(rows []Row) bool {
	paired := false
	for i := range rows {
		if v := t.intervals[i].Verdict; v != OK && v != Gap {
			continue
		}
		paired = true
		st := t.states[i]
		for m := st.has & rows[i].Has; m != 0; m &= m - 1 {
			if c := bits.TrailingZeros64(m); rows[i].Values[c] != st.prev[c] {
				return false
			}
		}
	}
	return paired && latest(rows).Sub(t.fresh) <= t.refresh.hold(t.options.Interval)
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

// learnRefresh takes this poll's part in what is known of the agent's cache. moved is how many counters did.
func (t *Table) learnRefresh(rows []Row, stale bool, moved int) {
	if len(rows) == 0 {
		return
	}
	at := latest(rows)
	ranOn, late := false, true
	for _, iv := range t.intervals {
		ranOn = ranOn || iv.Verdict == OK
		late = late && iv.Verdict == Stale
	}
	switch {
	case late:
		return
	case !ranOn:
		t.refresh.restart(at)
	case moved > 0:
		t.refresh.ran(at, moved)
	default:
		t.refresh.stood(at)
	}
	if !stale {
		t.fresh = at
	}
	period, known := t.refresh.period(t.options.Interval)
	if known {
		t.tellChange(&t.toldShort, period > 0 && t.options.Interval < 3*period, Finding{Kind: IntervalTooShort, Row: -1, Column: -1, Period: period})
	}
}

// forget drops rows that have not been seen for long, so that a target that makes and removes interfaces all day costs no more memory than twice
// its living rows.
func (t *Table) forget(now time.Time) {
	crowded := len(t.rows) > 2*t.living+spareRows
	if !crowded && (now.Sub(t.swept) < forgetAfter/60 || len(t.rows) == len(t.states)) {
		return
	}
	t.swept = now
	kept := max(forgetAfter, 2*t.options.MaxGap)
	for key, st := range t.rows {
		if st.poll != t.polls && (crowded || now.Sub(st.heard) > kept) {
			if st.follows >= followPolls {
				t.following--
			}
			delete(t.rows, key)
		}
	}
}
