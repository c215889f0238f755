package counter

import (
	"math"
	"slices"
	"time"
	"unique"
)

// rowKey says which row a rowState is of.
type rowKey struct {
	index uint32
	name  string
}

// moment is a time in nanoseconds since its Table's epoch, a third of a time.Time's size.
type moment int64

// never is before all moments.
const never moment = math.MinInt64

// rowState is what a Table keeps of a row, beside the values. There are millions of them in a fleet, so it is packed, and names are shared with
// other Tables.
type rowState struct {
	name  unique.Handle[string]
	index uint32

	// The baseline: the last fresh reading.
	taken         uint32 // the number of its poll
	has           uint64 // columns with a value in it
	at            moment
	roundTrip     time.Duration
	engine        uint64
	engineTime    uint32
	upTime        uint32
	speed         uint64 // in bits a second
	discontinuity uint32
	hasEngineTime bool
	hasUpTime     bool
	speedAssumed  bool

	follows           uint8  // polls in a row at which the discontinuity object moved to the moment of the poll
	heard             moment // the last reading, fresh or not
	poll              uint32 // its number; 0 is none yet
	lastUpTime        uint32 // its sysUpTime
	lastDiscontinuity uint32 // its discontinuity object
	new               bool   // the last complete poll did not have the row
	toldAssumed       bool   // SpeedAssumed has been told
	passed32          uint64 // Counter64s that have been above 2^32
	oddities          *oddities
}

// oddities are sets of columns that few rows have any in; nil is none.
type oddities struct {
	fellOnce  uint64 // Counter64s that fell from between 2^31 and 2^32
	disguised uint64 // that fell so twice: Counter64Is32
	unused    uint64 // Counter64Unused
	seldom    uint64 // PolledTooSeldom has been told

	later *[]Later // the baseline's; nil is none
}

func (st *rowState) is(r *Row) bool { return st.index == r.Index && st.name.Value() == r.Name }

// odd returns the row's oddities.
func (st *rowState) odd() oddities {
	if st.oddities == nil {
		return oddities{}
	}
	return *st.oddities
}

// setOdd makes o the row's oddities.
func (st *rowState) setOdd(o oddities) {
	switch {
	case o == st.odd():
	case o == oddities{}:
		st.oddities = nil
	default:
		kept := o // allocated here alone
		st.oddities = &kept
	}
}

// moment returns at in the Table's own measure.
func (t *Table) moment(at time.Time) moment { return moment(at.Sub(t.epoch)) }

// since returns the time from m to at.
func (t *Table) since(m moment, at time.Time) time.Duration { return at.Sub(t.time(m)) }

func (t *Table) time(m moment) time.Time { return t.epoch.Add(time.Duration(m)) }

// baseline returns when the last fresh reading was taken.
func (t *Table) baseline(st *rowState) Instant {
	return Instant{
		At: t.time(st.at), RoundTrip: st.roundTrip, UpTime: st.upTime, HasUpTime: st.hasUpTime,
		EngineTime: st.engineTime, HasEngineTime: st.hasEngineTime, Engine: st.engine, Discontinuity: st.discontinuity,
	}
}

// keep makes r the baseline of its row.
func (t *Table) keep(r *Row, served uint64, s speed) {
	st := &t.rows[r.state]
	st.has, st.taken = served, t.polls
	st.at, st.roundTrip = t.moment(r.At.At), r.At.RoundTrip
	st.upTime, st.hasUpTime = r.At.UpTime, r.At.HasUpTime
	st.engine, st.engineTime, st.hasEngineTime = r.At.Engine, r.At.EngineTime, r.At.HasEngineTime
	st.discontinuity = r.At.Discontinuity
	st.speed, st.speedAssumed = s.bits, s.assumed
	if o := st.odd(); len(r.Later) > 0 || o.later != nil {
		if o.later = nil; len(r.Later) > 0 {
			later := slices.Clone(r.Later)
			o.later = &later
		}
		st.setOdd(o)
	}
	t.columns.store(t.words(int(r.state)), r.Values)
}

// words returns the values of the i-th state's baseline.
func (t *Table) words(i int) []uint32 {
	n := t.columns.words
	return t.prev[i*n : (i+1)*n]
}

// twice is the state of a row that its poll has had already.
const twice = -1

// place gives each row its state; sorted says that those are in the order of the rows. From one poll to the next they are, but for rows that
// come or go, so that it takes no more than a look at each.
func (t *Table) place(rows []Row) (sorted bool) {
	if len(t.rows) == 0 && len(rows) > 0 {
		t.epoch = rows[0].At.At
	}
	var places map[rowKey]int32
	next := 0
	for i := range rows {
		r := &rows[i]
		if next == len(t.rows) || !t.rows[next].is(r) {
			if places == nil {
				places = t.places()
			}
			next = t.find(r, places)
		}
		st := &t.rows[next]
		r.state = int32(next)
		next++
		if st.poll == t.polls {
			r.state = twice
			continue
		}
		if st.new = st.poll < t.complete; st.new {
			st.has = 0
		}
		st.poll = t.polls
	}
	return places == nil
}

// places returns where the state of each row is.
func (t *Table) places() map[rowKey]int32 {
	places := make(map[rowKey]int32, len(t.rows))
	for i := range t.rows {
		places[rowKey{t.rows[i].index, t.rows[i].name.Value()}] = int32(i)
	}
	return places
}

// find returns where the state of r is, which it makes if need be.
func (t *Table) find(r *Row, places map[rowKey]int32) int {
	key := rowKey{r.Index, r.Name}
	at, ok := places[key]
	if !ok {
		at = int32(len(t.rows))
		places[key] = at
		t.rows = append(t.rows, rowState{name: unique.Make(r.Name), index: r.Index, heard: never})
		t.prev = append(t.prev, make([]uint32, t.columns.words)...)
	}
	return int(at)
}

// tidy ends a poll: it puts the states into the order of rows, and forgets rows that have not been seen for long, so that a target that makes and
// removes interfaces all day costs no more memory than twice its living rows.
func (t *Table) tidy(now time.Time, rows []Row, sorted bool) {
	crowded := len(t.rows) > 2*t.living+spareRows
	sweep := crowded || now.Sub(t.swept) >= forgetAfter/60 && len(t.rows) != len(rows)
	if sorted && !sweep {
		return
	}
	order := make([]int32, 0, len(t.rows))
	for i := range rows {
		if rows[i].state != twice {
			order = append(order, rows[i].state)
		}
	}
	if sweep {
		t.swept = now
	}
	kept := max(forgetAfter, 2*t.options.MaxGap)
	for i := range t.rows {
		switch st := &t.rows[i]; {
		case st.poll == t.polls:
		case sweep && (crowded || t.since(st.heard, now) > kept):
			if st.follows >= followPolls {
				t.following--
			}
		default:
			order = append(order, int32(i))
		}
	}
	states, prev := make([]rowState, 0, len(order)), make([]uint32, 0, len(order)*t.columns.words)
	for _, i := range order {
		states = append(states, t.rows[i])
		prev = append(prev, t.words(int(i))...)
	}
	t.rows, t.prev = states, prev
}
