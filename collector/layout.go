package collector

import (
	"fmt"
	"slices"
	"sync"

	"walkabout/collector/smi"
	"walkabout/counter"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// layout is what all targets' parts of one table, or of one group of scalars, have in common. It does not change.
type layout struct {
	measurement   string
	objects       []Object
	table         *Table // nil: scalars
	discontinuity int    // positions in objects, -1 for none
	identity      []int
	tags          []int
	counters      []int // the position of each of columns
	fast, slow    []int
	rowNames      []oid.OID        // the only rows that are read; nil: all
	limits        [4]int           // positions of what bounds an interface's counters, by highSpeed to typ; -1 for none
	columns       *counter.Columns // nil without counters
	names         planNames

	derived []Object // what rows have beside columns
	index   []smi.IndexPart
	links   []link
	sieves  []sieve
	hidden  []int // which of index are no tags
}

// The positions in layout.limits.
const (
	highSpeed = iota
	speed
	mtu
	typ
)

// layouts are those of profiles that are in use.
type layouts struct {
	mu sync.Mutex
	by map[*Profile][]*layout
}

// of returns the layouts of a profile, of its scalars first.
func (l *layouts) of(p *Profile) ([]*layout, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list, ok := l.by[p]; ok {
		return list, nil
	}
	list, err := newLayouts(p)
	if err != nil {
		return nil, err
	}
	if l.by == nil {
		l.by = map[*Profile][]*layout{}
	}
	l.by[p] = list
	return list, nil
}

// forget is for when there are other profiles.
func (l *layouts) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by = nil
}

func newLayouts(p *Profile) ([]*layout, error) {
	var list []*layout
	for _, s := range p.Scalars {
		list = append(list, &layout{measurement: s.Measurement, objects: s.Objects, discontinuity: position(s.Objects, s.Discontinuity)})
	}
	for i := range p.Tables {
		t := &p.Tables[i]
		l := &layout{measurement: t.Measurement, objects: t.Columns, table: t, discontinuity: position(t.Columns, t.Discontinuity)}
		for _, name := range t.Identity {
			l.identity = append(l.identity, position(t.Columns, name))
		}
		if b := t.Interface; b != nil {
			l.limits = [4]int{position(t.Columns, b.HighSpeed), position(t.Columns, b.Speed), position(t.Columns, b.MTU), position(t.Columns, b.Type)}
		}
		for _, x := range t.Rows {
			l.rowNames = append(l.rowNames, x.OID)
		}
		l.newDerived()
		list = append(list, l)
	}
	for _, l := range list {
		if err := l.sort(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sort sorts the objects by what they are for.
func (l *layout) sort() error {
	l.counters, l.tags, l.fast, l.slow = nil, nil, nil, nil
	for c, o := range l.objects {
		switch {
		case o.Type.counter():
			l.counters = append(l.counters, c)
		case o.Tag:
			l.tags = append(l.tags, c)
		}
		if o.Slow {
			l.slow = append(l.slow, c)
		} else {
			l.fast = append(l.fast, c)
		}
	}
	l.names = newPlanNames(l)
	if len(l.counters) == 0 {
		return nil
	}
	var err error
	if l.columns, err = counter.NewColumns(counterColumns(l.objects)); err != nil {
		return fmt.Errorf("measurement %q: %w", l.measurement, err)
	}
	return nil
}

// with returns l with other types of its objects.
func (l *layout) with(objects []Object) (*layout, error) {
	other := *l
	other.objects = objects
	return &other, other.sort()
}

// planNames are the columns of plans: layout.fast, unless they are too many for a plan.
type planNames struct {
	columns  [][]byte // the content octets of their OIDs
	counters uint64   // which of them are counters
	identity uint64   // which of them say what a row is of: they are asked even where no row had them
}

func newPlanNames(l *layout) (n planNames) {
	if l.table == nil || len(l.fast) > planned {
		return n
	}
	for i, c := range l.fast {
		n.columns = append(n.columns, ber.AppendOIDContent(nil, l.objects[c].OID.OID))
		if l.objects[c].Type.counter() {
			n.counters |= 1 << i
		}
		if slices.Contains(l.identity, c) {
			n.identity |= 1 << i
		}
	}
	return n
}
