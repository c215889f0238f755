package collector

import (
	"context"
	"slices"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// selection is which interfaces of a target are polled. It is shared by the parts whose rows are interfaces.
type selection struct {
	filter  *InterfaceFilter
	rows    []oid.OID // their indexes
	signals []snmp.Value
	read    time.Time // zero: it is to be made anew
}

func (s *selection) holds(signals []snmp.Value, now time.Time, structure time.Duration) bool {
	return !s.read.IsZero() && now.Sub(s.read) < structure && slices.Equal(s.signals, signals)
}

// choose walks what the filter looks at, and nothing else, and selects. fatal is the error after which nothing more can be asked.
func (s *selection) choose(ctx context.Context, p *part, w *walker, signals []snmp.Value, now time.Time) (err, fatal error) {
	g := w.grid
	g.reset(len(traits))
	objects := make([]Object, 0, len(traits))
	for _, o := range traits {
		objects = append(objects, Object{OID: OID{OID: o}})
	}
	w.objects = objects
	fatal = w.walk(ctx, s.filter.traits())
	w.objects = p.objects
	if fatal != nil {
		return fatal, fatal
	}
	if err = g.fault(); err != nil {
		return err, nil
	}
	s.rows = s.rows[:0]
	for r, index := range g.index {
		if index.Len() == 1 && s.filter.selects(g.values(r)) { // what has more is no ifIndex
			s.rows = append(s.rows, index.Clone())
		}
	}
	slices.SortFunc(s.rows, oid.OID.Compare)
	s.read, s.signals = now, s.signals[:0]
	for _, v := range signals {
		s.signals = append(s.signals, v.Clone())
	}
	return nil, nil
}

// readSelected is read for a table of interfaces of which some are selected: those are asked for by name.
func (p *part) readSelected(ctx context.Context, w *walker, signals []snmp.Value, structure time.Duration) (rows int, err error) {
	now, g := time.Now(), w.grid
	for again := range 2 {
		if p.table.Interface != nil && !p.selection.holds(signals, now, structure) {
			if err, fatal := p.selection.choose(ctx, p, w, signals, now); err != nil {
				g.reset(len(p.objects))
				w.fail(err, p.fast)
				w.fail(err, p.slow)
				return 0, fatal
			}
			p.structure.forget()
		}
		g.reset(len(p.objects))
		if err := p.getRows(ctx, w.asker, g, p.selection.rows, p.fast); err != nil {
			w.fail(err, p.slow)
			return len(g.index), err
		}
		if again == 1 || p.table.Interface == nil || p.sameRows(g) {
			break
		}
		p.selection.read = time.Time{} // interfaces came, went or have other names: some that were left out may now be wanted
	}
	rows = len(g.index)
	if p.structure.fits(p, g, signals, now, structure) {
		p.structure.fill(p, g)
		return rows, nil
	}
	if err := p.getRows(ctx, w.asker, g, p.selection.rows, p.slow); err != nil {
		return rows, err
	}
	if g.fault() == nil {
		p.structure.keep(p, g, rows, signals, now)
	}
	return rows, nil
}

// sameRows reports whether the rows of g are those of the structure, with their names; true if there is none yet.
func (p *part) sameRows(g *grid) bool {
	return p.structure.read.IsZero() || p.structure.same(p, g)
}

// selectInterfaces gives a selection to the parts whose rows are interfaces: the one with Interface, which makes it, and those that are
// indexed by ifIndex.
func selectInterfaces(parts []*part, filter *InterfaceFilter) {
	var s *selection
	for _, p := range parts {
		switch {
		case p.table == nil || p.vlans != nil || len(p.rowNames) > 0:
		case p.table.Interface != nil:
			s = &selection{filter: filter}
			p.selection = s
		case s != nil && len(p.index) == 1 && p.index[0].Name == "ifIndex":
			p.selection = s
		}
	}
}

// asked is some columns of some of the selected rows.
type asked struct {
	rows    []oid.OID
	columns []int
}

// getRows asks for columns of rows. Faults are left in the grid; the error is the one after which nothing more can be asked.
func (p *part) getRows(ctx context.Context, a *asker, g *grid, rows []oid.OID, columns []int) error {
	if len(columns) == 0 {
		return nil
	}
	perRow := min(len(columns), a.width)
	var left []asked
	for some := range slices.Chunk(rows, max(1, a.repetitions(perRow))) {
		for part := range slices.Chunk(columns, perRow) {
			left = append(left, asked{some, part})
		}
	}
	slices.Reverse(left) // the last is asked first
	for len(left) > 0 {
		next := left[len(left)-1]
		left = left[:len(left)-1]
		err := p.getSome(ctx, a, g, next)
		if err == nil {
			continue
		}
		remedy, _ := a.remedyFor(ctx, err, a.clocks())
		half := func(n int) int { return (n + 1) / 2 }
		switch {
		case remedy == giveUp:
			for _, c := range columns {
				g.faults[c] = err
			}
			return err
		case len(next.rows) > 1:
			n := half(len(next.rows))
			a.limit = max(1, n)
			left = append(left, asked{next.rows[n:], next.columns}, asked{next.rows[:n], next.columns})
		case len(next.columns) > 1:
			n := half(len(next.columns))
			left = append(left, asked{next.rows, next.columns[n:]}, asked{next.rows, next.columns[:n]})
		default:
			g.faults[next.columns[0]] = err
		}
	}
	return nil
}

// getSome puts one request.
func (p *part) getSome(ctx context.Context, a *asker, g *grid, what asked) error {
	names := make([]oid.OID, 0, len(what.rows)*len(what.columns))
	for _, row := range what.rows {
		for _, c := range what.columns {
			names = append(names, a.arena.Join(p.objects[c].OID.OID, row, oid.OID{}))
		}
	}
	at, vbs, err := a.getInstances(ctx, names)
	if err != nil {
		return err
	}
	g.moments, g.walked = append(g.moments, at), true
	for i, vb := range vbs {
		if vb.Name != names[i] {
			return errOtherName
		}
		if vb.Value.IsException() {
			continue
		}
		r := g.row(what.rows[i/len(what.columns)])
		if r < 0 {
			return errTooMuch
		}
		c := what.columns[i%len(what.columns)]
		g.cells[r*g.width+c] = vb.Value
		if p.objects[c].Type.counter() {
			g.touch(r, c)
		}
	}
	return nil
}
