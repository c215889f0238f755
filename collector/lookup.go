package collector

import (
	"context"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// lookupTable is a column of another table, as it was read last. It is shared by all parts of a target that look into it.
type lookupTable struct {
	object Object
	column column
	read   time.Time // zero: never, or it must be read again

	missed map[oid.OID]bool // rows that were asked for and are not there, at most maxRows: whether they were since aged
	aged   time.Time        // when those that were no longer asked for were forgotten
	fresh  bool             // some of missed were not asked for before it was read last
}

// get returns the cell of a row; NULL if there is none.
func (l *lookupTable) get(index oid.OID) snmp.Value {
	v, ok := l.column.find(index)
	if !ok {
		l.miss(index)
	}
	return v
}

func (l *lookupTable) miss(index oid.OID) {
	asked, known := l.missed[index]
	if asked || !known && len(l.missed) >= maxRows {
		return
	}
	if l.missed == nil {
		l.missed = map[oid.OID]bool{}
	}
	l.missed[index.Clone()], l.fresh = true, l.fresh || !known
}

// age forgets, once a structure's interval, the missed rows that nothing asked for in it: by then all that look into l did.
func (l *lookupTable) age(now time.Time, structure time.Duration) {
	if now.Sub(l.aged) < structure {
		return
	}
	l.aged = now
	for index, asked := range l.missed {
		if !asked {
			delete(l.missed, index)
		} else {
			l.missed[index] = false
		}
	}
}

// due reports whether l is to be read before it is used at now: it is too old, or rows were missed that may be there by now.
func (l *lookupTable) due(now time.Time, structure time.Duration) bool {
	return l.read.IsZero() || l.fresh || now.Sub(l.read) >= structure
}

// lookup returns the target's table of a column.
func (p *poller) lookup(o Object) *lookupTable {
	for _, l := range p.lookups {
		if l.object.OID.OID == o.OID.OID {
			return l
		}
	}
	l := &lookupTable{object: o}
	p.lookups = append(p.lookups, l)
	return l
}

// readLookups reads what the part looks into, as far as that is due. A column that breaks off keeps what it had; the error is the one after which nothing
// more can be asked.
func (p *poller) readLookups(ctx context.Context, s *scratch, part *part, now time.Time) error {
	tables := part.tables
	if part.vlans != nil {
		tables = []*lookupTable{part.vlans.list} // what its rows look into is each VLAN's own
	}
	for _, l := range tables {
		if !l.due(now, p.target.Structure) {
			continue
		}
		g := &s.grid
		g.reset(1)
		w := &s.walker
		*w = walker{asker: &p.asker, grid: g, objects: []Object{l.object}, legs: w.legs, names: w.names, indexes: w.indexes, state: w.state, reread: w.reread}
		err := w.walk(ctx, []int{0})
		l.take(g, err == nil && g.fault() == nil)
		l.age(now, p.target.Structure)
		l.read, l.fresh = now, false
		if err != nil {
			return err
		}
	}
	return nil
}

// take keeps what was read of l; what it had before as well, unless whole, as far as there is room.
func (l *lookupTable) take(g *grid, whole bool) {
	cells := make(map[oid.OID]snmp.Value, len(g.index))
	for r, index := range g.index {
		cells[index] = g.values(r)[0]
		delete(l.missed, index)
	}
	for i := 0; !whole && i < l.column.rows.len() && len(cells) < maxRows; i++ {
		index, v := l.column.at(i)
		if _, read := g.rows[index]; !read {
			cells[index] = v
		}
	}
	l.column = newColumn(cells)
}

// forgetLookups makes all tables be read again: the agent is not the one that it was.
func (p *poller) forgetLookups() {
	for _, l := range p.lookups {
		l.read, l.column, l.missed = time.Time{}, column{}, nil
	}
}
