package collector

import (
	"slices"
	"strings"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// structure is what was read of a table's slow columns. It stands in for reading them again as long as the table has the same rows, each
// of the same name, the agent tells of no change, and it is not too old.
type structure struct {
	read    time.Time    // zero: there is none
	signals []snmp.Value // of the objects that tell of changes, as they were before the columns were read
	index   []oid.OID    // of each row, in the order in which the table is walked
	names   []string     // of each row: what it is of
	cells   []uint32     // of each row, one a slow column: a position in values
	values  []snmp.Value // all different: most rows have a type, a speed, a state in common
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

// told reports whether one of the objects that tell of changes is there.
func (s *structure) told() bool {
	return slices.ContainsFunc(s.signals, func(v snmp.Value) bool { return v.IsNumber() })
}

// fits reports whether s may be used at now for the rows of g.
func (s *structure) fits(p *part, g *grid, signals []snmp.Value, now time.Time, lasts time.Duration) bool {
	if !s.holds(signals, now, lasts) || !slices.Equal(s.index, g.index) {
		return false
	}
	for r, name := range s.names {
		if p.identify(g.values(r)) != name {
			return false
		}
	}
	return true
}

// fill puts the slow columns into g, whose rows it fits.
func (s *structure) fill(p *part, g *grid) {
	for r := range s.index {
		values := g.values(r)
		for i, c := range p.slow {
			values[c] = s.values[s.cells[r*len(p.slow)+i]]
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
	s.index, s.names = keepIndex(g.index[:rows]), make([]string, rows)
	s.cells, s.values = make([]uint32, 0, rows*len(p.slow)), nil
	known := map[snmp.Value]uint32{}
	for r := range rows {
		values := g.values(r)
		s.names[r] = s.plan.keep(r, p.identify(values))
		for _, c := range p.slow {
			at, ok := known[values[c]]
			if !ok {
				at = uint32(len(s.values))
				known[values[c]] = at
				s.values = append(s.values, values[c].Clone())
			}
			s.cells = append(s.cells, at)
		}
	}
	s.values = slices.Clip(s.values)
	return !s.plan.equal(&before)
}

// keepIndex returns list in memory of its own, all in one.
func keepIndex(list []oid.OID) []oid.OID {
	var all strings.Builder
	for _, o := range list {
		all.WriteString(o.Packed())
	}
	kept, rest := make([]oid.OID, len(list)), all.String()
	for i, o := range list {
		kept[i], _ = oid.FromPacked(rest[:len(o.Packed())]) // it was one
		rest = rest[len(o.Packed()):]
	}
	return kept
}

// forget makes the slow columns be read again.
func (s *structure) forget() { s.read = time.Time{} }
