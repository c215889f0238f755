package collector

import (
	"slices"
	"time"

	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// grid is what a poll has read of one table or of one group of scalars, which is a grid of one row. Its memory is used again.
type grid struct {
	width   int
	rows    map[oid.OID]int // the row of an index
	index   []oid.OID       // of each row, in the order of their coming
	cells   []snmp.Value    // width a row; NULL is a cell that was not answered
	spans   []span          // of each row's counters
	later   []laterCell     // see span.later
	moments []counter.Instant
	faults  []error // one a column: why it was not read to its end, nil if it was
	walked  bool    // cells may share the memory of messages
	packed  []byte  // scratch
}

// span names the moments, first to last, that the counters of a row are of; both are -1 if none was read.
type span struct {
	first, last int32
	later       int32 // the position behind that in grid.later of the last counter that was not read with the first; 0 if all were
}

var unread = span{first: -1, last: -1}

// laterCell is a counter that came so much later than the first of its row that it matters.
type laterCell struct {
	column, moment int32
	next           int32 // as span.later, of the same row
}

// together is within how much time counters count as read at a time: a TimeTick, which no agent's clock tells apart.
const together = 10 * time.Millisecond

func (g *grid) reset(width int) {
	g.width, g.walked = width, false
	if g.rows == nil {
		g.rows = map[oid.OID]int{}
	}
	clear(g.rows)
	clear(g.index)
	clear(g.cells)
	clear(g.faults)
	g.index, g.cells, g.spans, g.later, g.moments = g.index[:0], g.cells[:0], g.spans[:0], g.later[:0], g.moments[:0]
	g.faults = append(g.faults[:0], make([]error, width)...)
}

// row returns the row of index, which it adds if need be; -1 if the table would get too large.
func (g *grid) row(index oid.OID) int {
	if r, ok := g.rows[index]; ok {
		return r
	}
	if len(g.cells)+g.width > maxCells || len(g.index) == maxRows {
		return -1
	}
	r := len(g.index)
	g.rows[index] = r
	g.index = append(g.index, index)
	for range g.width {
		g.cells = append(g.cells, snmp.Null)
	}
	g.spans = append(g.spans, unread)
	return r
}

// values returns the cells of row r.
func (g *grid) values(r int) []snmp.Value { return g.cells[r*g.width : (r+1)*g.width] }

// touch notes that the counter c of row r came with the latest moment.
func (g *grid) touch(r, c int) {
	m, s := int32(len(g.moments)-1), &g.spans[r]
	switch {
	case s.first < 0:
		s.first = m
	case g.moments[m].At.Sub(g.moments[s.first].At) > together:
		g.later = append(g.later, laterCell{int32(c), m, s.later})
		s.later = int32(len(g.later))
	}
	s.last = m
}

// instant returns when the counters of row r were read, but for the later ones. torn says that the agent started anew between the first and the last of
// all.
func (g *grid) instant(r int) (at counter.Instant, torn bool) {
	s := g.spans[r]
	if s.first < 0 {
		return counter.Instant{}, false
	}
	at = g.moments[s.first]
	if s.last == s.first {
		return at, false
	}
	last := g.moments[s.last]
	at.RoundTrip += min(last.At.Sub(at.At), together)
	// sysUpTime wraps after 497 days, so it is the difference that has a sign.
	return at, at.HasUpTime != last.HasUpTime || int32(last.UpTime-at.UpTime) < 0
}

// laterCounters returns those of the counters of row r that were read later than its first; counters are their columns.
func (g *grid) laterCounters(r int, counters []int) []counter.Later {
	var list []counter.Later
	for at := g.spans[r].later; at != 0; at = g.later[at-1].next {
		cell := g.later[at-1]
		moment := g.moments[cell.moment]
		i := slices.IndexFunc(list, func(l counter.Later) bool { return l.At == moment })
		if i < 0 {
			i = len(list)
			list = append(list, counter.Later{At: moment})
		}
		if k := slices.Index(counters, int(cell.column)); k >= 0 {
			list[i].Columns |= 1 << k
		}
	}
	return list
}

// own gives the cells memory of their own, all in one. As a walk leaves them they keep whole messages alive, for as long as anybody keeps a name or a
// text of a sample.
func (g *grid) own() {
	g.packed = g.packed[:0]
	for _, v := range g.cells {
		if v.Octets() != "" {
			g.packed = v.AppendPacked(g.packed)
		}
	}
	rest := string(g.packed)
	for i, v := range g.cells {
		if v.Octets() != "" {
			g.cells[i], rest = snmp.TakePacked(rest)
		}
	}
}

// blank reports whether nothing was answered.
func (g *grid) blank() bool {
	for _, v := range g.cells {
		if v.Kind() != snmp.KindNull {
			return false
		}
	}
	return true
}

// fault returns the first column that was not read to its end, and why; nil if all were.
func (g *grid) fault() error {
	for _, err := range g.faults {
		if err != nil {
			return err
		}
	}
	return nil
}
