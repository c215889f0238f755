package mib2

import (
	"context"
	"slices"
	"sync"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// interfaces is what is kept of the links between requests.
type interfaces struct {
	mu      sync.Mutex
	layout  *layout
	stack   *stack
	unicast *unicast
}

// layout is what follows from the links alone. It is immutable.
type layout struct {
	links  *machine.Links
	index  []oid.OID // by row, as links.List
	stacks map[uint32]bool
}

// layoutOf returns the layout of l.
func (i *interfaces) layoutOf(l *machine.Links) *layout {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := i.layout
	if old != nil && old.links == l {
		return old
	}
	next := &layout{links: l, stacks: make(map[uint32]bool)}
	if old != nil && old.links.RowGeneration == l.RowGeneration && len(old.links.List) == len(l.List) {
		next.index = old.index
	} else {
		p := newPacker(len(l.List), 1)
		for _, link := range l.List {
			p.number(link.Index)
			p.end()
		}
		next.index = p.index()
	}
	for _, link := range l.List {
		if link.Master != 0 {
			next.stacks[link.Master] = true
		}
		if link.HasLower() || link.LowerElsewhere && link.Kind != "veth" && link.Kind != "netkit" {
			next.stacks[link.Index] = true
		}
	}
	i.layout = next
	return next
}

// present returns l without the links that c, which was read later, no longer has: a link that is being deleted would be a row
// with holes.
func (l *layout) present(c *machine.LinkCounterTable) *layout {
	var out *layout // nil while nothing is missing
	k := 0
	for row, link := range l.links.List {
		for k < len(c.List) && c.List[k].Index < link.Index {
			k++
		}
		here := k < len(c.List) && c.List[k].Index == link.Index
		if !here && out == nil {
			left := *l.links
			left.List = slices.Clone(left.List[:row])
			out = &layout{links: &left, index: slices.Clone(l.index[:row]), stacks: l.stacks}
		}
		if here && out != nil {
			out.links.List, out.index = append(out.links.List, link), append(out.index, l.index[row])
		}
	}
	if out == nil {
		return l
	}
	return out
}

// view is the links and their counters as one request sees them; ifTable and ifXTable share it. It is for one goroutine.
type view struct {
	*layout
	counters *machine.LinkCounterTable // empty if they cannot be read

	kept    *interfaces
	unicast *unicast // nil until it is needed
}

// interfacesView returns the view of q; false if the links cannot be read.
func (m *MIB) interfacesView(ctx context.Context, q *mib.Request) (*view, bool) {
	v := q.Shared(&m.interfaces, func() any {
		r := m.reading(q)
		links, err := r.Links(ctx)
		if err != nil {
			return (*view)(nil)
		}
		v := &view{layout: m.interfaces.layoutOf(links), kept: &m.interfaces}
		if v.counters, err = r.Counters(ctx); err != nil {
			v.counters = &machine.LinkCounterTable{}
		} else {
			v.layout = v.layout.present(v.counters)
		}
		return v
	}).(*view)
	return v, v != nil
}

// countersOf returns the position in v.counters.List of the counters of the link of that row; -1 if there are none.
func (v *view) countersOf(row int) int {
	index, list := v.links.List[row].Index, v.counters.List
	if row < len(list) && list[row].Index == index { // as good as always
		return row
	}
	lo, hi := 0, len(list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if list[mid].Index < index {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(list) || list[lo].Index != index {
		return -1
	}
	return lo
}

const ifNumber = 1

func (m *MIB) ifScalars() mib.Group {
	return mib.Group{
		Entry:   interfacesGroup,
		Columns: []uint32{ifNumber},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			links, err := m.reading(q).Links(ctx)
			return mib.Scalars(func(uint32) (snmp.Value, bool) {
				if err != nil {
					return snmp.Value{}, false
				}
				return snmp.Integer(int32(len(links.List))), true
			})
		},
	}
}

const (
	ifTableLastChange = 5
	ifStackLastChange = 6
)

func (m *MIB) ifMIBScalars() mib.Group {
	return mib.Group{
		Entry:   ifMIBObjects,
		Columns: []uint32{ifTableLastChange, ifStackLastChange},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			links, err := m.reading(q).Links(ctx)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch {
				case err != nil:
					return snmp.Value{}, false
				case column == ifTableLastChange:
					return m.ticks(links.LastChange), true
				}
				return m.ticks(links.StackChange), m.machine.TellsLayers()
			})
		},
	}
}

// openInterfaces returns the Open of a table of interfaces, whose columns cell serves.
func (m *MIB) openInterfaces(cell func(v *view, row int, column uint32) (snmp.Value, bool)) func(context.Context, *mib.Request) mib.Snapshot {
	return func(ctx context.Context, q *mib.Request) mib.Snapshot {
		v, ok := m.interfacesView(ctx, q)
		if !ok {
			return mib.Snapshot{}
		}
		return mib.Snapshot{Index: v.index, Cell: func(row int, column uint32) (snmp.Value, bool) { return cell(v, row, column) }}
	}
}

// packets names counters of a link that no LinkStat is, but that are computed from some.
type packets uint8

const (
	unicastIn   packets = iota // RxPackets without Multicast
	discardedIn                // RxDropped and RxMissedErrors, which /proc/net/dev adds up too
)

// stat returns a counter of that row.
func (v *view) stat(row int, s machine.LinkStat, kind snmp.Kind) (snmp.Value, bool) {
	i := v.countersOf(row)
	if i < 0 {
		return snmp.Value{}, false
	}
	c := &v.counters.List[i]
	n, known := c.Get(s)
	return counter(kind, c.Wide, n, known)
}

// computed returns a computed counter of that row.
func (v *view) computed(row int, which packets, kind snmp.Kind) (snmp.Value, bool) {
	i := v.countersOf(row)
	if i < 0 {
		return snmp.Value{}, false
	}
	c := &v.counters.List[i]
	switch which {
	case unicastIn:
		_, known := c.Get(machine.RxPackets)
		if v.unicast == nil {
			v.unicast = v.kept.unicastOf(v.counters)
		}
		return counter(kind, c.Wide, v.unicast.in[i], known)
	case discardedIn:
		dropped, known := c.Get(machine.RxDropped)
		missed, _ := c.Get(machine.RxMissedErrors)
		return counter(kind, c.Wide, dropped+missed, known)
	}
	return snmp.Value{}, false
}
