package collector

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unique"

	"walkabout/counter"
)

// part is one measurement of one target: a table or a group of scalars, and what was learned of its counters.
type part struct {
	*layout
	declared    *layout // of the profile; see learnCounters
	learned     bool
	interval    time.Duration
	repetitions int  // 0: the target's
	noBulk      bool // walk with GETNEXT though the target's session does not
	last        time.Time
	absent      bool           // the agent had nothing of it when it was read last
	changes     []int          // positions in poller.signals
	structure   structure      // of a table with slow columns
	deviated    int            // see maxDeviated
	tracker     *counter.Table // nil without counters
	options     counter.Options

	// remembered holds the limits of interfaces for polls in which they cannot be read: a speed that is not known is assumed, and a
	// wrong assumption makes wrong numbers.
	remembered    map[uint32]unique.Handle[limits]
	warned        map[int]bool // objects of the wrong type that were logged
	discontinuous bool         // the agent has told a discontinuity object that is not 0

	tables []*lookupTable // of layout.links
	vlans  *vlans         // nil: the table is read once
	vlan   tag            // of one of them

	selection *selection // nil: all rows are read
	narrow    bool       // the grid has but the rows that a poll between two slots wants

	polled bool            // an earlier poll has been judged
	twins  map[string]bool // the series that several of its rows shared
}

// limits bound what an interface's counters can count.
type limits struct {
	speed    uint64
	mtu, typ int
}

func newParts(t Target, collect []string, profiles Profiles, known *layouts, tables func(Object) *lookupTable) ([]*part, error) {
	var parts []*part
	for _, name := range collect {
		profile := profiles[name]
		list, err := known.of(profile)
		if err != nil {
			return nil, fmt.Errorf("profile %q: %w", name, err)
		}
		for _, l := range list {
			if slices.ContainsFunc(parts, func(other *part) bool { return other.measurement == l.measurement }) {
				return nil, fmt.Errorf("two profiles make the measurement %q", l.measurement)
			}
			p, err := newPart(l, t, profile, tables)
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
	}
	slices.SortStableFunc(parts, func(a, b *part) int { return cmp.Compare(a.turn(), b.turn()) })
	if t.Interfaces != nil {
		selectInterfaces(parts, t.Interfaces)
	}
	return parts, nil
}

func newPart(l *layout, t Target, profile *Profile, tables func(Object) *lookupTable) (*part, error) {
	p := &part{layout: l, declared: l, interval: max(t.Interval, time.Duration(profile.Interval)), repetitions: profile.MaxRepetitions}
	p.noBulk = profile.Bulk != nil && !*profile.Bulk && !t.NoBulk
	if l.table != nil {
		p.interval = max(p.interval, time.Duration(l.table.Interval))
	}
	p.options = counter.Options{Interval: p.interval, MaxGap: time.Duration(t.MaxGap) * p.interval, AssumeSpeed: t.AssumeSpeed}
	if l.table != nil && l.table.VLANs != nil {
		p.vlans = &vlans{list: tables(l.table.VLANs.object), parts: map[uint32]*part{}}
	}
	p.look(tables)
	return p, p.track()
}

// turn says when a poll reads the part, whatever the order of the profiles: interfaces first, which are what most polls are for; and what is read by VLAN
// last, since an agent may keep silent about each.
func (p *part) turn() int {
	switch {
	case p.table != nil && p.table.Interface != nil:
		return -1
	case p.vlans != nil:
		return 1
	}
	return 0
}

// look gives p the tables that its rows look into.
func (p *part) look(tables func(Object) *lookupTable) {
	for _, k := range p.links {
		p.tables = append(p.tables, tables(k.object))
	}
}

// vlanPart returns a part for one VLAN of p's.
func (p *part) vlanPart() (*part, error) {
	one := &part{layout: p.declared, declared: p.declared, interval: p.interval, options: p.options}
	one.look(func(o Object) *lookupTable { return &lookupTable{object: o} })
	return one, one.track()
}

// track makes the part's tracker, if it has counters.
func (p *part) track() (err error) {
	if len(p.counters) > 0 {
		if p.tracker, err = counter.NewTable(p.columns, p.options); err != nil {
			return fmt.Errorf("measurement %q: %w", p.measurement, err)
		}
	}
	return nil
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

func position(objects []Object, name string) int {
	return slices.IndexFunc(objects, func(o Object) bool { return o.Name == name })
}
