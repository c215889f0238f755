package counter

import (
	"math"
	"math/bits"
	"slices"
)

const (
	// looseProof is in how many polls a Loose column must have risen in some row, and fallen in none since, before it is taken to count. A
	// number that goes up and down at random does so once in 362,880 times, of one row.
	looseProof = 8
	// mostLooseProof is the most that it becomes: it doubles each time a column that was taken to count fell as no counter does, so that what
	// rises for a while and then falls, again and again, has fewer and fewer rates.
	mostLooseProof = 128

	looseBits  = 31      // what a Loose column may wrap at, if it wraps
	looseRange = 1 << 31 // 2^looseBits
)

// loose is what a Table knows of its Loose columns. Sets of columns are bit masks, as in Row.Has.
type loose struct {
	columns []proof // nil until there is something to know
	proven  uint64  // columns that are taken to count
	told    uint64  // columns of which CounterOfOtherType has been told

	// In this poll:
	rose, fell uint64
	broken     uint64 // of those that fell, the ones that no wrap explains
}

// proof is in how many polls a column rose and did not fall, and in how many it must.
type proof struct{ polls, need uint8 }

// countLoose judges column c, which the agent serves as a number that need not be a counter: see Column.Loose.
func (p *pair) countLoose(c int) {
	l, bit := &p.t.loose, uint64(1)<<c
	prev, cur, limit := p.last(c), p.r.Values[c], p.limit(c, 32)
	proven := l.proven&bit != 0
	if proven && prev != cur {
		p.moved++
	}
	switch {
	case cur < prev:
		l.fell |= bit
		p.r.Verdicts[c] = Ambiguous
		possible := p.mayWrap(prev, cur, limit)
		if !possible {
			l.broken |= bit
		}
		if proven {
			p.reset = p.reset || !possible && !p.guessed(c)
			p.doubt = true
		}
		return
	case cur > prev:
		l.rose |= bit
	}
	switch {
	case !proven: // judge gives it no verdict
	case cur == math.MaxInt32 || cur == math.MaxUint32: // it may stand at its end (RFC 2578 section 7.1.7)
		p.r.Verdicts[c] = Ambiguous
	case !(limit > 0) || limit*p.longest >= looseRange:
		p.r.Verdicts[c] = Ambiguous
		p.long |= bit
	case !plausible(cur-prev, p.seconds, 32, limit):
		p.settle(c, cur-prev, Implausible)
	default:
		p.settle(c, cur-prev, OK)
	}
}

// mayWrap reports whether a fall from prev to cur may be a wrap at 2^31 or at 2^32.
func (p *pair) mayWrap(prev, cur uint64, limit float64) bool {
	possible := limit * p.longest * wrapMargin
	return float64(uint32(cur-prev)) <= possible || prev < looseRange && float64((cur-prev)&(looseRange-1)) <= possible
}

// unproven returns the columns that are not taken to count: they have no verdict.
func (t *Table) unproven() uint64 { return t.columns.loose &^ t.loose.proven }

// mute returns the columns whose movement does not show that the table was read anew: those that are unproven, unless there is nothing else yet.
func (t *Table) mute(rows []Row) uint64 {
	m := t.unproven()
	if m == 0 || t.loose.proven != 0 || slices.ContainsFunc(rows, func(r Row) bool { return r.Has&^m != 0 }) {
		return m
	}
	return 0
}

// prove ends a poll for the Loose columns.
func (t *Table) prove() {
	l := &t.loose
	if l.columns == nil {
		l.columns = make([]proof, len(t.columns.list))
	}
	for m := t.columns.loose; m != 0; m &= m - 1 {
		c, bit := bits.TrailingZeros64(m), m&-m
		at, proven := &l.columns[c], l.proven&bit != 0
		at.need = max(at.need, looseProof)
		switch {
		case l.broken&bit != 0 && proven:
			l.proven &^= bit
			*at = proof{need: min(2*at.need, mostLooseProof)}
		case l.fell&bit != 0 && !proven:
			at.polls = 0
		case l.rose&bit != 0 && !proven:
			if at.polls++; at.polls < at.need {
				continue
			}
			if l.proven == 0 { // what moved until now may not be a counter: see mute
				t.refresh = refresh{}
				t.refresh.restart(t.fresh)
				t.age = ageUnknown
			}
			l.proven |= bit
			if l.told&bit == 0 {
				l.told |= bit
				t.found = append(t.found, Finding{Kind: CounterOfOtherType, Row: -1, Column: c})
			}
		}
	}
	l.rose, l.fell, l.broken = 0, 0, 0
}
