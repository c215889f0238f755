package collector

import (
	"slices"
	"strings"
	"unique"

	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// row is a row of the grid that makes a sample.
type row struct {
	at     int    // in the grid
	name   string // counter.Row.Name
	index  uint32 // counter.Row.Index
	series string // its tags
	twin   bool   // another row has the same tags, or it has none: the index must be a tag
	judged int    // its counter.Row; -1 without counters

	derived []snmp.Value // of part.derived
}

// rows appends to dst the first count rows of the grid that make samples, in the order of their index.
func (p *part) rows(dst []row, g *grid, count int) []row {
	if p.table == nil {
		return append(dst, row{})
	}
	for r := range count {
		values := g.values(r)
		if !p.usable(g, values) {
			continue
		}
		one := row{at: r, name: p.identify(values), derived: p.derive(g.index[r], values)}
		if !p.passes(values, one.derived) {
			continue
		}
		switch {
		case p.table.Interface == nil:
			one.name += p.derivedName(one.derived) + " " + g.index[r].String()
		case g.index[r].Len() != 1:
			continue // not an ifIndex
		default:
			one.index = g.index[r].Arc(0)
		}
		dst = append(dst, one)
	}
	slices.SortFunc(dst, func(a, b row) int { return g.index[a.at].Compare(g.index[b.at]) })
	if p.table.Index.Field || len(p.hidden) > 0 {
		dst = p.tellApart(dst, g)
	}
	return dst
}

// tellApart finds rows that have the same tags: those need their index as one more. Where they are seen for the first time the poll goes without
// them: it may be one interface that was given another index between two requests of the walk, and what is once a series stays one.
func (p *part) tellApart(rows []row, g *grid) []row {
	if p.narrow { // what others there are is known
		for i := range rows {
			r := &rows[i]
			r.series = p.series(g.values(r.at), r.derived)
			r.twin = strings.Trim(r.series, "\x00") == "" || p.twins[r.series]
		}
		return rows
	}
	seen := make(map[string]int, len(rows))
	var twins map[string]bool
	for i := range rows {
		r := &rows[i]
		r.series = p.series(g.values(r.at), r.derived)
		r.twin = strings.Trim(r.series, "\x00") == ""
		if first, ok := seen[r.series]; ok && !r.twin {
			if twins == nil {
				twins = map[string]bool{}
			}
			twins[r.series], rows[first].twin, r.twin = true, true, true
			continue
		}
		seen[r.series] = i
	}
	before, polled := p.twins, p.polled
	p.twins, p.polled = twins, true
	if !polled || twins == nil {
		return rows
	}
	return slices.DeleteFunc(rows, func(r row) bool { return twins[r.series] && !before[r.series] })
}

// series joins the values of a row's tags.
func (p *part) series(values, derived []snmp.Value) string {
	parts := make([]string, 0, 4)
	for _, c := range p.tags {
		s, _ := text(&p.objects[c], values[c])
		parts = append(parts, s)
	}
	for i := range p.derived {
		if p.derived[i].Tag {
			parts = append(parts, p.derivedText(i, derived))
		}
	}
	return strings.Join(parts, "\x00")
}

// usable reports whether the tags and the identity of a row are known. A tag that the agent does not have is known to be absent; one
// whose column broke off before the row is not, and without it the row would be a series of its own.
func (p *part) usable(g *grid, values []snmp.Value) bool {
	broken := func(c int) bool { return g.faults[c] != nil && values[c].Kind() == snmp.KindNull }
	return !slices.ContainsFunc(p.tags, broken) && !slices.ContainsFunc(p.identity, broken)
}

// identify returns what a row is of: the first of its identity columns that says anything.
func (p *part) identify(values []snmp.Value) string {
	for _, c := range p.identity {
		if s, _ := text(&p.objects[c], values[c]); s != "" {
			return s
		}
	}
	return ""
}

// count gives what was read of a row's counters to r. torn says that they are not of one run of the agent, and must not be judged.
// Where the discontinuity object, which the agent is known to use, could not be read, no counter is given.
// Counters of 32 bits of an interface whose limits could not be read are not given either; those of 64 bits need none.
func (p *part) count(g *grid, at int, r *counter.Row) (torn bool) {
	values := g.values(at)
	if r.At, torn = g.instant(at); torn {
		return true
	}
	r.Later = g.laterCounters(at, p.counters)
	if p.discontinuity >= 0 {
		v := values[p.discontinuity]
		if v.Kind() == snmp.KindNull && g.faults[p.discontinuity] != nil && p.discontinuous {
			return false // a move of it would go unseen
		}
		r.At.Discontinuity = uint32(v.Uint())
		p.discontinuous = p.discontinuous || r.At.Discontinuity != 0
	}
	known := true
	if p.table != nil && p.table.Interface != nil {
		var l limits
		l, known = p.limit(g, g.index[at].Arc(0), values)
		r.Speed, r.MTU, r.Type, r.Unread = l.speed, l.mtu, l.typ, !known
	}
	for k, c := range p.counters {
		kind := p.objects[c].kind()
		if values[c].Kind() == kind && (known || kind == snmp.KindCounter64) {
			r.Values[k] = counterValue(values[c])
			r.Has |= 1 << k
		} else if values[c].Kind() != snmp.KindNull || g.faults[c] != nil {
			r.Broken |= 1 << k
		}
	}
	return false
}

// limit returns the limits of an interface, and whether they are known.
func (p *part) limit(g *grid, index uint32, values []snmp.Value) (limits, bool) {
	var numbers [4]int64
	for i, c := range p.limits {
		if c < 0 {
			continue
		}
		if g.faults[c] != nil && values[c].Kind() == snmp.KindNull {
			was, ok := p.remembered[index]
			if !ok {
				return limits{}, false
			}
			return was.Value(), true
		}
		numbers[i] = values[c].Int()
	}
	l := limits{speed: counter.Speed(uint32(numbers[highSpeed]), uint32(numbers[speed])), mtu: int(numbers[mtu]), typ: int(numbers[typ])}
	if was, ok := p.remembered[index]; !ok || was.Value() != l {
		if p.remembered == nil || !ok && len(p.remembered) >= maxRows { // interfaces came and went, and no walk was complete
			p.remembered = map[uint32]unique.Handle[limits]{}
		}
		p.remembered[index] = unique.Make(l)
	}
	return l, true
}

// forget drops the limits of interfaces that no longer exist, after a walk that was complete.
func (p *part) forget(g *grid) {
	there := 0
	for _, index := range g.index {
		if index.Len() == 1 {
			if _, ok := p.remembered[index.Arc(0)]; ok {
				there++
			}
		}
	}
	if there == len(p.remembered) {
		return
	}
	for index := range p.remembered {
		if _, ok := g.rows[oid.New(index)]; !ok {
			delete(p.remembered, index)
		}
	}
}
