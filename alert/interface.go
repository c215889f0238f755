package alert

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/counter"
	"walkabout/metric"
)

// interfaceTable is the measurement of ifTable and ifXTable.
const interfaceTable = "interface"

// ifAdminStatus and ifOperStatus (IF-MIB, RFC 2863).
const (
	statusUp             = 1
	statusDown           = 2
	statusUnknown        = 4
	statusNotPresent     = 6
	statusLowerLayerDown = 7
)

// bootTicks is how much sysUpTime a port may show as its last change and still count as unchanged since the boot: 5 minutes.
const bootTicks = 5 * 60 * 100

// removedAfter is how many complete walks in a row must lack a port until it is removed.
const removedAfter = 2

// port is what is known of one interface; its key outlives reboots and renumbering.
type port struct {
	key    string
	used   bool      // something has shown that it was in use: it is never never_up again
	absent int       // complete walks since a row was last seen
	goneAt time.Time // when it was removed; zero while it exists

	alert      *Alert    // Pending or Firing, of either kind
	flaps      flaps     // of alert, and of those before it
	listed     *Alert    // never_up
	listedFrom time.Time // since when it is known to be never_up; zero if it is not

	present  uint64 // device.poll that had a row of it
	observed uint64 // device.poll that had its status, outside a freeze
	said     status // what alert or listed describes
}

// status is what a row says that an alert shows.
type status struct {
	admin, oper          int64
	index                int64
	lastChange           uint64 // ifLastChange, in hundredths of a second of sysUpTime
	alias                string
	hasIndex, hasLastChg bool
}

// row is one Sample of the interface table.
type row struct {
	status
	sample              *metric.Sample
	name                string // ifName, else ifDescr, else ifIndex
	hasAdmin, hasOper   bool
	hasOctets, counted  bool // there is a counter of octets received; it is above 0
	verdicts, allResets bool // it has counters that were compared; all of them were reset
}

// readRows fills e.rows with the interfaces among samples.
func (e *Engine) readRows(d *device, samples []metric.Sample) {
	e.rows = e.rows[:0]
	clear(e.names)
	for i := range samples {
		s := &samples[i]
		if i == 0 {
			d.learn(s)
		}
		if s.Measurement != interfaceTable {
			continue
		}
		r := readRow(s)
		e.names[r.name]++
		e.rows = append(e.rows, r)
	}
}

func readRow(s *metric.Sample) row {
	r := row{sample: s, allResets: true}
	for i := range s.Fields {
		f := &s.Fields[i]
		if f.Verdict != counter.None && f.Verdict != counter.First {
			r.verdicts = true
			r.allResets = r.allResets && f.Verdict == counter.Reset
		}
		switch f.Name {
		case "ifIndex":
			r.index, r.hasIndex = int64(f.Num), true
		case "ifAdminStatus":
			r.admin, r.hasAdmin = int64(f.Num), true
		case "ifOperStatus":
			r.oper, r.hasOper = int64(f.Num), true
		case "ifLastChange":
			r.lastChange, r.hasLastChg = f.Num, true
		case "ifAlias":
			r.alias = f.Str
		case "ifHCInOctets", "ifInOctets":
			// Either being above 0 is enough: there are agents whose 64-bit counters stay at 0.
			r.hasOctets = true
			r.counted = r.counted || f.Num > 0
		}
	}
	r.name = identity(s, r.index)
	return r
}

// identity names a row across renumbering. What is not UTF-8 is replaced, as the state file would.
func identity(s *metric.Sample, index int64) string {
	name := s.Tag("ifName")
	if name == "" {
		name = s.Tag("ifDescr")
	}
	if name == "" {
		return "ifIndex " + strconv.FormatInt(index, 10)
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// allReset reports whether every row with compared counters was reset. One row alone may have had its counters cleared.
func allReset(rows []row) bool {
	some := false
	for i := range rows {
		if rows[i].verdicts && !rows[i].allResets {
			return false
		}
		some = some || rows[i].verdicts
	}
	return some
}

// observePorts evaluates e.rows, the interfaces of the poll p of d.
func (e *Engine) observePorts(ts []Transition, d *device, p Poll, elapsed time.Duration) []Transition {
	complete := slices.Contains(p.Complete, interfaceTable)
	held := d.held()
	seen := 0
	for i := range e.rows {
		r := &e.rows[i]
		po := e.port(d, r)
		if po.present == d.poll {
			continue // two rows without anything to tell them apart: the first stands
		}
		po.present, po.absent = d.poll, 0
		seen++
		if !po.goneAt.IsZero() {
			po.goneAt = time.Time{}
			e.revision++
		}
		if r.showsUse() && !po.used {
			po.used = true
			e.revision++
		}
		if !held && r.hasAdmin && r.hasOper {
			ts = e.evaluate(ts, d, po, r, p.At, elapsed, complete)
		}
	}
	if complete && !held && seen < len(d.ports) {
		ts = e.miss(ts, d, p.At)
	}
	return ts
}

// port returns what is known of the interface that r is a row of. Rows that share an identity are told apart by ifIndex,
// which is all that they leave.
func (e *Engine) port(d *device, r *row) *port {
	key := r.name
	if e.names[key] > 1 {
		key += " (ifIndex " + strconv.FormatInt(r.index, 10) + ")"
	}
	p := d.ports[key]
	if p == nil {
		p = &port{key: key}
		d.ports[key] = p
		e.revision++
	}
	return p
}

// miss counts a complete walk for the ports that it did not contain.
func (e *Engine) miss(ts []Transition, d *device, at time.Time) []Transition {
	var gone []*port
	for _, p := range d.ports {
		if p.present == d.poll || !p.goneAt.IsZero() {
			continue
		}
		e.revision++
		if p.absent++; p.absent >= removedAfter {
			gone = append(gone, p)
		}
	}
	slices.SortFunc(gone, func(a, b *port) int { return strings.Compare(a.key, b.key) })
	for _, p := range gone {
		p.goneAt, p.listed, p.listedFrom, p.flaps = stamp(at), nil, time.Time{}, flaps{}
		if p.alert != nil {
			ts = e.resolve(ts, &p.alert, at, Removed)
		}
	}
	return ts
}

// mismatch returns the kind of disagreement between the two statuses, "" for none.
func mismatch(admin, oper int64) string {
	switch {
	case admin == statusUp && (oper == statusDown || oper == statusNotPresent || oper == statusLowerLayerDown):
		return KindOperDown
	case admin == statusDown && oper == statusUp:
		return KindOperUp
	}
	return ""
}

// showsUse reports whether r proves that the port was not always down and silent. unknown(4) proves nothing either way.
func (r *row) showsUse() bool {
	if r.counted || r.hasLastChg && r.lastChange > bootTicks {
		return true
	}
	switch r.oper {
	case statusDown, statusUnknown, statusNotPresent, statusLowerLayerDown:
		return false
	}
	return r.hasOper
}

// evaluate takes one more observation of a port. elapsed is the time since the device's previous poll.
func (e *Engine) evaluate(ts []Transition, d *device, p *port, r *row, at time.Time, elapsed time.Duration, complete bool) []Transition {
	kind := mismatch(r.admin, r.oper)
	if kind == KindOperDown && p.alert == nil && !p.used && !r.hasOctets && !complete {
		return ts // whether this is never_up is in the part of the walk that is missing
	}
	if p.observed != d.poll-1 {
		elapsed = 0
	}
	p.observed = d.poll
	if p.alert != nil && p.alert.Kind != kind {
		p.describe(p.alert, d, r)
		var over bool
		if ts, over = e.recovered(ts, p, at, elapsed); !over {
			return ts
		}
	}
	if kind == KindOperDown && p.alert == nil && !p.used && r.hasOctets {
		e.list(d, p, r, at)
		return ts
	}
	p.listed, p.listedFrom = nil, time.Time{}
	if kind == "" {
		return ts
	}
	if p.alert == nil {
		p.alert = newAlert(d.name, RuleInterfaceMismatch, p.key, kind, at)
		p.alert.Polls = 1
		p.describe(p.alert, d, r)
		return e.enter(ts, p.alert, Pending, at)
	}
	a := p.alert
	a.Polls++
	if !p.flaps.well {
		a.Observed += elapsed
	}
	p.flaps.calm, p.flaps.well = 0, false
	if r.status != p.said {
		p.describe(a, d, r)
	}
	// This is at least the second poll that agrees, whatever For is.
	if a.State == Pending && a.Observed >= e.cfg.InterfaceMismatch.For {
		p.describe(a, d, r)
		a.Summary += ", seen for " + short(a.Observed)
		if a.Flapping = e.changed(p, at); a.Flapping {
			a.Summary += ", flapping" + p.flapText(at)
		}
		ts = e.enter(ts, a, Firing, at)
	}
	return ts
}

// list makes p never_up, or keeps it so.
func (e *Engine) list(d *device, p *port, r *row, at time.Time) {
	if p.listedFrom.IsZero() {
		p.listedFrom = stamp(at)
		e.revision++
	}
	if p.listed == nil {
		p.listed = newAlert(d.name, RuleInterfaceMismatch, p.key, KindNeverUp, p.listedFrom)
		p.listed.State = Listed
		p.describe(p.listed, d, r)
	} else if r.status != p.said {
		p.describe(p.listed, d, r)
	}
	p.listed.Polls++
}
