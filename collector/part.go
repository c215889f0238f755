package collector

import (
	"fmt"
	"slices"
	"time"

	"walkabout/collector/smi"
	"walkabout/counter"
	"walkabout/snmp/oid"
)

// part is one measurement of one target: a table or a group of scalars, and what was learned of its counters.
type part struct {
	measurement   string
	objects       []Object
	table         *Table // nil: scalars
	interval      time.Duration
	repetitions   int  // 0: the target's
	noBulk        bool // walk with GETNEXT though the target's session does not
	last          time.Time
	absent        bool // the agent had nothing of it when it was read last
	discontinuity int  // positions in objects, -1 for none
	identity      []int
	tags          []int
	counters      []int // the position of each of the tracker's columns
	fast, slow    []int
	changes       []int          // positions in poller.signals
	structure     structure      // of a table with slow columns
	deviated      int            // see maxDeviated
	limits        [4]int         // positions of what bounds an interface's counters, by highSpeed to typ; -1 for none
	tracker       *counter.Table // nil without counters
	options       counter.Options

	// remembered holds the limits of interfaces for polls in which they cannot be read: a speed that is not known is assumed, and a
	// wrong assumption makes wrong numbers.
	remembered    map[oid.OID]limits
	warned        map[int]bool // objects of the wrong type that were logged
	discontinuous bool         // the agent has told a discontinuity object that is not 0

	derived []Object // what rows have beside columns
	index   []smi.IndexPart
	links   []link
	sieves  []sieve
	vlans   *vlans // nil: the table is read once
	vlan    tag    // of one of them

	selection *selection // nil: all rows are read

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

func newParts(t Target, collect []string, profiles Profiles, tables func(Object) *lookupTable) ([]*part, error) {
	var parts []*part
	for _, name := range collect {
		profile := profiles[name]
		first := len(parts)
		for _, s := range profile.Scalars {
			parts = append(parts, &part{measurement: s.Measurement, objects: s.Objects, discontinuity: position(s.Objects, s.Discontinuity)})
		}
		for _, table := range profile.Tables {
			p := newTablePart(table, tables)
			if table.VLANs != nil {
				p.vlans = &vlans{list: tables(table.VLANs.object), parts: map[uint32]*vlanPart{}}
			}
			parts = append(parts, p)
		}
		for _, p := range parts[first:] {
			p.interval, p.repetitions = max(t.Interval, time.Duration(profile.Interval)), profile.MaxRepetitions
			if p.table != nil {
				p.interval = max(p.interval, time.Duration(p.table.Interval))
			}
			p.noBulk = profile.Bulk != nil && !*profile.Bulk && !t.NoBulk
		}
	}
	for i, p := range parts {
		if slices.ContainsFunc(parts[:i], func(other *part) bool { return other.measurement == p.measurement }) {
			return nil, fmt.Errorf("two profiles make the measurement %q", p.measurement)
		}
		if err := p.finish(t); err != nil {
			return nil, err
		}
		if p.vlans == nil {
			continue
		}
		p.vlans.make = func() (*part, error) {
			one := newTablePart(*p.table, func(o Object) *lookupTable { return &lookupTable{object: o} })
			one.interval = p.interval
			return one, one.finish(t)
		}
	}
	if t.Interfaces != nil {
		selectInterfaces(parts, t.Interfaces)
	}
	return parts, nil
}

// finish sorts the part's objects, and makes what judges its counters.
func (p *part) finish(t Target) error {
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
	p.options = counter.Options{Interval: p.interval, MaxGap: time.Duration(t.MaxGap) * p.interval, AssumeSpeed: t.AssumeSpeed}
	if err := p.track(); err != nil {
		return fmt.Errorf("measurement %q: %w", p.measurement, err)
	}
	return nil
}

// track makes the part's tracker, if it has counters.
func (p *part) track() (err error) {
	if len(p.counters) > 0 {
		columns, err := counter.NewColumns(counterColumns(p.objects))
		if err != nil {
			return err
		}
		p.tracker, err = counter.NewTable(columns, p.options)
	}
	return err
}

// due reports whether the part is to be read in a poll at now. Polls come at their interval and not exactly then: one that is nearer to the
// part's turn than the one after it is its turn. What an agent has nothing of is looked for when the structure is old, unless the agent tells of
// changes.
func (p *part) due(now time.Time, poll, structure time.Duration) bool {
	interval := p.interval
	if p.absent {
		interval = max(interval, structure)
	}
	return interval <= poll || p.last.IsZero() || now.Sub(p.last) >= interval-poll/2
}

func newTablePart(t Table, tables func(Object) *lookupTable) *part {
	p := &part{measurement: t.Measurement, objects: t.Columns, table: &t, discontinuity: position(t.Columns, t.Discontinuity)}
	for _, name := range t.Identity {
		p.identity = append(p.identity, position(t.Columns, name))
	}
	if l := t.Interface; l != nil {
		p.limits = [4]int{position(t.Columns, l.HighSpeed), position(t.Columns, l.Speed), position(t.Columns, l.MTU), position(t.Columns, l.Type)}
		p.remembered = map[oid.OID]limits{}
	}
	p.newDerived(tables)
	return p
}

func position(objects []Object, name string) int {
	return slices.IndexFunc(objects, func(o Object) bool { return o.Name == name })
}
