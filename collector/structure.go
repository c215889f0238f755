package collector

import (
	"slices"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// structure is what was read of a table's slow columns. It stands in for reading them again as long as the table has the same rows, each
// of the same name, the agent tells of no change, and it is not too old.
type structure struct {
	read    time.Time    // zero: there is none
	signals []snmp.Value // of the objects that tell of changes, as they were before the columns were read
	index   indexes      // of the rows, in the order in which the table is walked
	names   texts        // of each row: what it is of
	cells   string       // of each row in turn, the slow columns: snmp.Value.AppendPacked
	plan    plan
}

// holds reports whether s may be taken for what the table is at now, so far as can be told without asking for the table.
func (s *structure) holds(signals []snmp.Value, now time.Time, lasts time.Duration) bool {
	return !s.read.IsZero() && !s.old(now, lasts) && slices.Equal(s.signals, signals)
}

// old reports whether s was read too long before now to be taken for anything.
func (s *structure) old(now time.Time, lasts time.Duration) bool {
	return !s.read.IsZero() && now.Sub(s.read) >= lasts
}

// has reports whether the table had a row.
func (s *structure) has(index oid.OID) bool {
	for i := range s.index.len() {
		if s.index.at(i) == index {
			return true
		}
	}
	return false
}

// told reports whether one of the objects that tell of changes is there.
func (s *structure) told() bool {
	return slices.ContainsFunc(s.signals, func(v snmp.Value) bool { return v.IsNumber() })
}

// fits reports whether s may be used at now for the rows of g.
func (s *structure) fits(p *part, g *grid, signals []snmp.Value, now time.Time, lasts time.Duration) bool {
	return s.holds(signals, now, lasts) && s.same(p, g)
}

// same reports whether g has the rows of s, of the same names.
func (s *structure) same(p *part, g *grid) bool {
	if !s.index.equal(g.index) {
		return false
	}
	for r := range g.index {
		if p.identify(g.values(r)) != s.names.at(r) {
			return false
		}
	}
	return true
}

// fill puts the slow columns into g, whose rows it fits.
func (s *structure) fill(p *part, g *grid) {
	rest := s.cells
	for r := range s.index.len() {
		values := g.values(r)
		for _, c := range p.slow {
			values[c], rest = snmp.TakePacked(rest)
		}
	}
}

// keep takes the slow columns of the first rows of g, which have been read, as they will be for some time. Nothing of it points into the
// messages that they came in. another says that the plan is another than before.
func (s *structure) keep(p *part, g *grid, rows int, signals []snmp.Value, now time.Time) (another bool) {
	s.read, s.signals = now, s.signals[:0]
	for _, v := range signals {
		s.signals = append(s.signals, v.Clone())
	}
	before := s.plan
	s.plan = newPlan(p, g, rows)
	s.index = newIndexes(g.index[:rows])
	var names textList
	var cells []byte
	for r := range rows {
		values := g.values(r)
		names.add(p.identify(values))
		for _, c := range p.slow {
			cells = values[c].AppendPacked(cells)
		}
	}
	s.names, s.cells = names.texts(), string(cells)
	return !s.plan.equal(&before)
}

// forget makes the slow columns be read again.
func (s *structure) forget() { s.read = time.Time{} }
