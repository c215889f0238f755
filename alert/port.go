package alert

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// port is what is known of one interface; its key outlives reboots and renumbering. There are hundreds of thousands of them, of which hardly one has
// anything to tell: what few have is in rare.
type port struct {
	key   string
	alias string // ifAlias as it was last told

	*rare // noRare, which nobody changes, or the port's own: see own

	usual     float64 // bits per second that it should run at, as it always did; 0: not known
	linkSpeed float64 // bits per second, as they were last told
	kind      int32   // ifType, likewise
	index     int32   // ifIndex of the last row
	configs   uint32  // Engine.configs when ignored was worked out
	present   uint32  // device.poll that had a row of it

	admin, oper uint8 // of the last row
	duplex      duplex
	absent      uint8 // complete walks since a row was last seen
	hasIndex    bool
	used        bool // something has shown that it was in use: it is never never_up again
	ignored     bool // no rule looks at it
}

// rare is what few ports have.
type rare struct {
	alert  *Alert // Pending or Firing, of either kind
	flaps  flaps  // of alert, and of those before it
	said   status // what alert tells, or would tell of a port that is listed
	seen   seen   // its status, outside a freeze, while there is an alert or it is listed
	lowers []string

	goneAt time.Time // when it was removed; zero while it exists
	toldAt time.Time // when a linkDown told of it; zero: not since it was seen

	listedFrom  time.Time // since when it is known to be never_up; zero if it is not
	listedPolls uint32    // polls of this run that saw it so
	name, descr string    // ifName and ifDescr, while it is listed
}

// noRare is what ports have that have nothing rare.
var noRare rare

// own returns the rare part of p to be changed.
func (p *port) own() *rare {
	if p.rare == &noRare {
		p.rare = &rare{}
	}
	return p.rare
}

// slim lets go of a rare part in which nothing is left.
func (p *port) slim() {
	if r := p.rare; r != &noRare && r.alert == nil && r.flaps.kind == "" && len(r.lowers) == 0 && r.goneAt.IsZero() && r.toldAt.IsZero() && r.listedFrom.IsZero() {
		p.rare = &noRare
	}
}

// duplex is dot3StatsDuplexStatus as far as it is compared.
type duplex uint8

const (
	noDuplex duplex = iota
	halfDuplex
	fullDuplex
)

var duplexNames = [...]string{noDuplex: "", halfDuplex: "halfDuplex", fullDuplex: "fullDuplex"}

func (d duplex) String() string { return duplexNames[d] }

// duplexOf returns what a label means; noDuplex if it is none that is compared.
func duplexOf(label string) duplex { return duplex(max(0, slices.Index(duplexNames[:], label))) }

// ports are those of a device.
type ports struct {
	byKey   []*port // ascending
	byIndex []*port // those that have an ifIndex, ascending
	moved   bool    // byIndex is to be made anew
}

func compareKey(p *port, key string) int { return strings.Compare(p.key, key) }

// get returns the port of a key; nil if there is none. hint is where among byIndex it probably is: rows come in the order of ifIndex.
func (ps *ports) get(key string, hint int) *port {
	if hint >= 0 && hint < len(ps.byIndex) && ps.byIndex[hint].key == key {
		return ps.byIndex[hint]
	}
	if i, found := slices.BinarySearchFunc(ps.byKey, key, compareKey); found {
		return ps.byKey[i]
	}
	return nil
}

// noHint is the hint of who has none.
const noHint = -1

// add makes a port of a key that has none.
func (ps *ports) add(key string) *port {
	p := &port{key: strings.Clone(key), rare: &noRare} // key may be part of all that the poll read
	i, _ := slices.BinarySearchFunc(ps.byKey, key, compareKey)
	ps.byKey = slices.Insert(ps.byKey, i, p)
	return p
}

// at returns the port that had an ifIndex in its last row; nil if none had.
func (ps *ports) at(index int64) *port {
	i, found := slices.BinarySearchFunc(ps.byIndex, index, func(p *port, index int64) int { return cmp.Compare(int64(p.index), index) })
	if !found {
		return nil
	}
	return ps.byIndex[i]
}

// reindex makes byIndex anew if ports came, went or changed their ifIndex. Of two that had the same the one that was seen last has it.
func (ps *ports) reindex(poll uint32) {
	if !ps.moved {
		return
	}
	ps.moved = false
	ps.byIndex = ps.byIndex[:0]
	for _, p := range ps.byKey {
		if p.hasIndex && p.goneAt.IsZero() {
			ps.byIndex = append(ps.byIndex, p)
		}
	}
	slices.SortFunc(ps.byIndex, func(a, b *port) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(poll-a.present, poll-b.present))
	})
	ps.byIndex = slices.Clip(slices.CompactFunc(ps.byIndex, func(a, b *port) bool { return a.index == b.index }))
}

// forget drops ports that are long gone, and reports whether there were any.
func (ps *ports) forget(gone func(p *port) bool) bool {
	before := len(ps.byKey)
	ps.byKey = slices.DeleteFunc(ps.byKey, gone)
	ps.moved = ps.moved || len(ps.byKey) < before
	return len(ps.byKey) < before
}
