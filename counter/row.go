package counter

import (
	"math"
	"math/bits"
)

// judge sets the results of rows[i] and returns how many of its counters moved. f is the table's.
func (t *Table) judge(rows []Row, i int, f freshness) (moved int) {
	r := &rows[i]
	st, iv := t.state(r), r.interval
	clear(r.Rates[:len(t.columns.list)])
	clear(r.Verdicts[:len(t.columns.list)])
	r.Elapsed, r.Clock = iv.Elapsed, iv.Clock
	served := t.served(r)
	if st == nil {
		fill(r.Verdicts, served, Ambiguous)
		return 0
	}
	var now speed
	if t.columns.bounded != 0 {
		now = speedOf(r, t.options.AssumeSpeed)
		t.tellAssumed(rows, i, served, now)
	}
	both := served & st.has
	fill(r.Verdicts, served&^both, First)
	switch {
	case iv.Verdict != OK && iv.Verdict != Gap:
		fill(r.Verdicts, both, iv.Verdict)
	case f != isFresh:
		fill(r.Verdicts, both, Stale)
	default:
		over := now.over(speed{st.speed, st.speedAssumed})
		p := pair{t: t, row: i, r: r, st: st, prev: t.words(int(r.state)), odd: st.odd(), assumed: over.assumed, limits: over.limits()}
		if len(r.Later) == 0 && p.odd.later == nil {
			p.judge(iv, both)
		} else {
			p.judgeApart(iv, both)
		}
		if p.reset {
			clear(r.Rates[:len(t.columns.list)])
			fill(r.Verdicts, both, Reset)
		}
		st.setOdd(p.odd)
		moved = p.moved
	}
	if m := t.unproven(); m != 0 {
		fill(r.Verdicts, m, None)
	}
	if f != isStale && iv.Verdict != Stale {
		t.keep(r, served, now)
	}
	return moved
}

// served returns the columns of which r has a value that its type can hold.
func (t *Table) served(r *Row) uint64 {
	set := r.Has & (1<<len(t.columns.list) - 1)
	for m := set & t.columns.narrow; m != 0; m &= m - 1 {
		if c := bits.TrailingZeros64(m); r.Values[c]>>32 != 0 {
			set &^= 1 << c
		}
	}
	return set
}

func fill(verdicts []Verdict, set uint64, v Verdict) {
	for ; set != 0; set &= set - 1 {
		verdicts[bits.TrailingZeros64(set)] = v
	}
}

// tellAssumed tells whether an assumed speed limits counters of rows[i].
func (t *Table) tellAssumed(rows []Row, i int, served uint64, s speed) {
	if rows[i].Unread {
		return
	}
	st := t.state(&rows[i])
	t.tellChange(&st.toldAssumed, s.assumed && served&t.columns.bounded != 0, Finding{Kind: SpeedAssumed, Row: i, Column: -1})
}

// pair judges the counters of one row over an Interval that is OK or a Gap. Sets of columns are bit masks, as in Row.Has.
type pair struct {
	t       *Table
	row     int
	r       *Row
	st      *rowState
	prev    []uint32 // see Table.words
	odd     oddities // st's
	assumed bool     // the speed is
	limits  limits

	// Of the columns that are judged, those that were read together:
	iv      Interval
	seconds float64 // iv.Elapsed
	longest float64 // for which the agent may have counted
	both    uint64  // columns with two readings
	long    uint64  // Ambiguous because the interval is too long for 32 bits
	doubt   bool    // they may have been reset: a fall that only an assumed limit makes impossible

	moved   int
	numbers uint64 // have a rate
	agreed  uint64 // have a rate that a Counter64 confirms
	reset   bool   // the row's counters were
}

// judgeApart judges the columns of both by the times between their own readings, which are not the same for all. iv is that of the row's first.
func (p *pair) judgeApart(iv Interval, both uint64) {
	var before []Later
	if p.odd.later != nil {
		before = *p.odd.later
	}
	for _, cur := range moments(p.r.At, p.r.Later) {
		for _, prev := range moments(p.t.baseline(p.st), before) {
			columns := both & cur.Columns & prev.Columns
			if columns == 0 {
				continue
			}
			if cur.first && prev.first {
				p.judge(iv, columns)
			} else if own := p.t.apart(iv, prev.At, cur.At); own.Verdict == OK || own.Verdict == Gap {
				p.judge(own, columns)
			} else {
				fill(p.r.Verdicts, columns, own.Verdict)
			}
		}
	}
}

// reading is columns that were read at one moment; first says that it is the first of its row.
type reading struct {
	Later
	first bool
}

// moments returns the readings that a row consists of.
func moments(first Instant, later []Later) []reading {
	all := []reading{{Later{Columns: math.MaxUint64, At: first}, true}}
	for _, l := range later {
		all[0].Columns &^= l.Columns
		all = append(all, reading{l, false})
	}
	return all
}

// last returns column c of the baseline.
func (p *pair) last(c int) uint64 { return p.t.columns.value(p.prev, c) }

// judge judges the columns of both over iv.
func (p *pair) judge(iv Interval, both uint64) {
	p.iv, p.both, p.long, p.doubt = iv, both, 0, false
	p.seconds = iv.Elapsed.Seconds()
	p.longest = p.seconds + iv.Slack.Seconds() + p.t.lag.Seconds()
	// The narrow ones first: they may show that the row was reset, and a Counter64's fall then says nothing about its width.
	for m := p.both & p.t.columns.loose; m != 0; m &= m - 1 {
		p.countLoose(bits.TrailingZeros64(m))
	}
	for m := p.both & p.t.columns.narrow &^ p.t.columns.loose; m != 0; m &= m - 1 {
		p.count(bits.TrailingZeros64(m), 32)
	}
	for m := p.both &^ p.t.columns.narrow; m != 0; m &= m - 1 {
		c := bits.TrailingZeros64(m)
		if width := p.width(c); width != 0 {
			p.count(c, width)
		}
	}
	for m := p.long; m != 0; m &= m - 1 {
		p.bound(bits.TrailingZeros64(m))
	}
	if p.doubt {
		p.withhold()
	}
	for m := (p.long &^ p.numbers) | p.odd.seldom; m != 0; m &= m - 1 {
		p.tellSeldom(bits.TrailingZeros64(m))
	}
}

// count judges column c as a counter of this width.
func (p *pair) count(c int, width uint8) {
	prev, cur := p.last(c), p.r.Values[c]
	if prev != cur {
		p.moved++
	}
	if width == 32 && p.twinWorks(c) && p.countByTwin(c) {
		return
	}
	diff, v, impossible := difference(p.seconds, p.longest, prev, cur, width, p.limit(c, width))
	switch {
	case v == Reset || impossible && !p.guessed(c):
		p.reset = true
		return
	case impossible: // or faster than was assumed: no proof of either
		p.doubt = true
	}
	if v == Ambiguous {
		p.long |= 1 << c
	}
	p.settle(c, diff, v)
}

// countByTwin judges column c, of 32 bits, by what the Counter64 that counts the same went on by; false if that says nothing. A
// counter that agrees with its twin modulo 2^32 has not been reset, however far it fell and whatever its limit is. An interval in which
// it may wrap unseen is left to the rules for that.
func (p *pair) countByTwin(c int) bool {
	wide := p.t.columns.list[c].wide
	if p.r.Values[wide] < p.last(int(wide)) || p.limit(c, 32)*p.longest >= 1<<32 {
		return false
	}
	whole := p.r.Values[wide] - p.last(int(wide))
	agrees := uint32(whole) == uint32(p.r.Values[c]-p.last(c))
	switch {
	case agrees && whole < 1<<32:
		p.agreed |= 1 << c
		v := OK
		if p.r.Values[c] < p.last(c) {
			v = Wrapped
		}
		if limit := p.limit(c, 32); !p.guessed(c) && !plausible(whole, p.seconds, 32, limit) {
			v = Implausible
		}
		p.settle(c, whole, v)
	case agrees, p.guessed(c) && whole >= 1<<31: // it may have wrapped more than once
		p.r.Verdicts[c] = Ambiguous
	default:
		return false
	}
	return true
}

// guessed reports whether the limit of column c follows from a speed that was only assumed.
func (p *pair) guessed(c int) bool { return p.assumed && p.t.columns.list[c].unit != Events }

// withhold takes back the numbers of the narrow counters that no twin confirms.
func (p *pair) withhold() {
	for m := p.both & p.t.columns.narrow & p.numbers &^ p.agreed; m != 0; m &= m - 1 {
		c := bits.TrailingZeros64(m)
		p.r.Rates[c], p.r.Verdicts[c] = 0, Ambiguous
	}
}

// settle sets the verdict of column c, and its rate if it has one.
func (p *pair) settle(c int, diff uint64, v Verdict) {
	if v.HasRate() {
		if p.iv.Verdict == Gap {
			v = Gap
		} else {
			p.numbers |= 1 << c
			p.r.Rates[c] = float64(diff) / p.seconds
		}
	}
	p.r.Verdicts[c] = v
}

// limit is the most that column c counts in a second, 0 for a Counter64 of which that was only assumed.
func (p *pair) limit(c int, width uint8) float64 {
	col := &p.t.columns.list[c]
	limit, assumed := p.limits[col.unit], p.assumed
	if col.unit == Events {
		limit, assumed = col.maxRate, col.assumed
	}
	if width == 64 && assumed {
		return 0
	}
	return limit
}

// width returns what the Counter64 of column c is to be judged as: 64, 32 if it is a 32-bit counter in disguise, 0 if it is not used. In that
// case it has set the verdict.
func (p *pair) width(c int) uint8 {
	st, bit := p.st, uint64(1)<<c
	prev, cur := p.last(c), p.r.Values[c]
	if p.odd.unused&bit != 0 && cur != 0 {
		// It has come to life, and what it counted until now is unknown.
		p.flip(&p.odd.unused, Counter64Unused, c)
		p.r.Verdicts[c] = First
		return 0
	}
	if p.odd.unused&bit == 0 && prev == 0 && cur == 0 && p.twinMoved(c) {
		p.flip(&p.odd.unused, Counter64Unused, c)
	}
	if p.odd.unused&bit != 0 {
		return 0
	}
	switch {
	case (prev|cur)>>32 != 0:
		st.passed32 |= bit
		if p.odd.disguised&bit != 0 {
			p.flip(&p.odd.disguised, Counter64Is32, c)
		}
	case cur < prev && prev>>31 != 0 && (st.passed32|p.odd.disguised)&bit == 0 && !p.reset:
		if p.odd.fellOnce&bit != 0 {
			p.flip(&p.odd.disguised, Counter64Is32, c)
		}
		p.odd.fellOnce |= bit
	}
	if p.odd.disguised&bit != 0 {
		return 32
	}
	return 64
}

func (p *pair) twinMoved(c int) bool {
	twin := p.t.columns.list[c].twin
	return twin >= 0 && p.both>>twin&1 != 0 && p.last(int(twin)) != p.r.Values[twin]
}

// bound gives column c, octets over an interval in which 32 bits may wrap unseen, its number if the packets of the same pair of readings leave only
// one possible.
func (p *pair) bound(c int) {
	col := &p.t.columns.list[c]
	for _, set := range col.packets {
		set |= col.served & (p.st.has | p.r.Has | p.r.Broken)
		if set&^p.numbers != 0 {
			continue
		}
		var packets uint64
		for m := set; m != 0; m &= m - 1 {
			packets += p.advance(bits.TrailingZeros64(m))
		}
		if packets >= 1<<32 || packets*largestFrame(p.r) >= 1<<p.range32(c) {
			return
		}
		v := OK
		if p.r.Values[c] < p.last(c) {
			v = Wrapped
		}
		p.settle(c, uint64(uint32(p.r.Values[c]-p.last(c))), v)
		return
	}
}

// range32 is at how many bits column c, which has 32, may wrap.
func (p *pair) range32(c int) uint8 {
	if p.t.columns.loose>>c&1 != 0 {
		return looseBits
	}
	return 32
}

// advance is what column c, which has a number, went on by.
func (p *pair) advance(c int) uint64 {
	diff := p.r.Values[c] - p.last(c)
	if (p.t.columns.narrow|p.odd.disguised)>>c&1 != 0 {
		return uint64(uint32(diff))
	}
	return diff
}

// tellSeldom tells whether column c, of 32 bits, is polled too seldom. It begins when a number is lost for that reason, and ends when none need
// be: an idle interface alone does not end it.
func (p *pair) tellSeldom(c int) {
	limit := p.limit(c, 32)
	told := p.odd.seldom>>c&1 != 0
	holds := seldom(p.t.options.Interval, p.range32(c), limit) && !p.twinWorks(c) && (p.t.columns.narrow|p.odd.disguised)>>c&1 != 0
	if told != holds {
		p.odd.seldom ^= 1 << c
		p.t.found = append(p.t.found, Finding{Kind: PolledTooSeldom, Cleared: told, Row: p.row, Column: c, Period: WrapTime(p.range32(c), limit)})
	}
}

// twinWorks reports whether the Counter64 that counts the same as column c does so in 64 bits.
func (p *pair) twinWorks(c int) bool {
	wide := p.t.columns.list[c].wide
	return wide >= 0 && (p.both&^p.odd.unused&^p.odd.disguised)>>wide&1 != 0
}

// flip changes column c's membership in one of the row's sets, and tells it.
func (p *pair) flip(set *uint64, kind FindingKind, c int) {
	*set ^= 1 << c
	p.t.found = append(p.t.found, Finding{Kind: kind, Cleared: *set>>c&1 == 0, Row: p.row, Column: c})
}
