package collector

import (
	"fmt"
	"slices"
	"time"

	"walkabout/counter"
	"walkabout/snmp/oid"
)

// part is one measurement of one target: a table or a group of scalars, and what was learned of its counters.
type part struct {
	measurement   string
	objects       []Object
	table         *Table // nil: scalars
	discontinuity int    // positions in objects, -1 for none
	identity      []int
	tags          []int
	counters      []int // the position of each of the tracker's columns
	fast, slow    []int
	changes       []int          // positions in poller.signals
	structure     structure      // of a table with slow columns
	deviated      int            // see maxDeviated
	limits        [4]int         // positions of what bounds an interface's counters, by highSpeed to typ; -1 for none
	tracker       *counter.Table // nil without counters

	// remembered holds the limits of interfaces for polls in which they cannot be read: a speed that is not known is assumed, and a
	// wrong assumption makes wrong numbers.
	remembered    map[oid.OID]limits
	warned        map[int]bool // objects of the wrong type that were logged
	discontinuous bool         // the agent has told a discontinuity object that is not 0

	polled bool            // an earlier poll has been judged
	twins  map[string]bool // the series that several of its rows shared
}

// The positions in part.limits.
const (
	highSpeed = iota
	speed
	mtu
	typ
)

type limits struct {
	speed    uint64
	mtu, typ int
}

func newParts(t Target, profiles Profiles) ([]*part, error) {
	var parts []*part
	for _, name := range t.Collect {
		for _, s := range profiles[name].Scalars {
			parts = append(parts, &part{measurement: s.Measurement, objects: s.Objects, discontinuity: position(s.Objects, s.Discontinuity)})
		}
		for _, table := range profiles[name].Tables {
			parts = append(parts, newTablePart(table))
		}
	}
	for i, p := range parts {
		if slices.ContainsFunc(parts[:i], func(other *part) bool { return other.measurement == p.measurement }) {
			return nil, fmt.Errorf("two profiles make the measurement %q", p.measurement)
		}
		for c, o := range p.objects {
			switch {
			case o.Type.counter():
				p.counters = append(p.counters, c)
			case o.Tag:
				p.tags = append(p.tags, c)
			}
			if o.Slow {
				p.slow = append(p.slow, c)
			} else {
				p.fast = append(p.fast, c)
			}
		}
		if len(p.counters) == 0 {
			continue
		}
		var err error
		p.tracker, err = counter.NewTable(counterColumns(p.objects), counter.Options{
			Interval: t.Interval, MaxGap: time.Duration(t.MaxGap) * t.Interval, AssumeSpeed: t.AssumeSpeed,
		})
		if err != nil {
			return nil, fmt.Errorf("measurement %q: %w", p.measurement, err)
		}
	}
	return parts, nil
}

func newTablePart(t Table) *part {
	p := &part{measurement: t.Measurement, objects: t.Columns, table: &t, discontinuity: position(t.Columns, t.Discontinuity)}
	for _, name := range t.Identity {
		p.identity = append(p.identity, position(t.Columns, name))
	}
	if l := t.Interface; l != nil {
		p.limits = [4]int{position(t.Columns, l.HighSpeed), position(t.Columns, l.Speed), position(t.Columns, l.MTU), position(t.Columns, l.Type)}
		p.remembered = map[oid.OID]limits{}
	}
	return p
}

func position(objects []Object, name string) int {
	return slices.IndexFunc(objects, func(o Object) bool { return o.Name == name })
}
