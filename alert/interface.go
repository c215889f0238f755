package alert

import (
	"slices"
	"strconv"
	"strings"
	"time"

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

// status is what a row says that an alert shows.
type status struct {
	alias                string
	lastChange           uint32 // ifLastChange, in hundredths of a second of sysUpTime
	index                int32
	admin, oper          uint8 // what is above 255 is 255
	hasIndex, hasLastChg bool
}

// readRows fills e.rows with the interfaces among samples.
func (e *Engine) readRows(d *device, samples []metric.Sample) {
	e.rows = e.rows[:0]
	clear(e.names)
	if len(samples) > 0 {
		e.learn(d, &samples[0])
	}
	e.learnLocation(d, samples)
	for i := range samples {
		if s := &samples[i]; s.Measurement == interfaceTable {
			r := e.layout.read(s)
			e.names[r.name]++
			e.rows = append(e.rows, r)
		}
	}
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

// observePorts evaluates e.rows, the interfaces of the poll p of d: first each by itself, then those that are to fire, which may depend on others.
func (e *Engine) observePorts(ts []Transition, d *device, p *Poll) []Transition {
	complete := slices.Contains(p.Complete, interfaceTable)
	held := d.held()
	seen := 0
	e.waiting = e.waiting[:0]
	for i := range e.rows {
		r := &e.rows[i]
		po := e.port(d, r, i, p.Extra)
		if po.present == d.poll {
			continue // two rows without anything to tell them apart: the first stands
		}
		if po.absent > 0 {
			e.touch(d)
		}
		po.present, po.absent, po.admin, po.oper = d.poll, 0, r.admin, r.oper
		seen++
		if r.hasIndex && (!po.hasIndex || po.index != r.index) {
			po.index, po.hasIndex, d.moved = r.index, true, true
		}
		if !po.goneAt.IsZero() {
			po.own().goneAt, d.moved = time.Time{}, true
			e.touch(d)
		}
		if r.showsUse() && !po.used {
			po.used = true
			e.touch(d)
		}
		if !e.looksAt(d, po, r) {
			ts = e.ignore(ts, d, po, p)
			continue
		}
		if !held && r.hasAdmin && r.hasOper && e.cfg.InterfaceMismatch.Enabled {
			ts = e.evaluate(ts, d, po, r, p, complete)
		}
		if !held {
			ts = e.interfaceRules(ts, d, po, r, p)
		}
	}
	d.reindex(d.poll)
	e.readStack(d, p)
	ts = e.fire(ts, d, p.At)
	if complete && !held {
		if seen < len(d.byKey) {
			ts = e.miss(ts, d, p.At)
		}
		ts = e.observeNarrow(ts, d, p)
	}
	if len(d.byKey) > mostPorts && !p.Extra {
		ts = e.crowded(ts, d, p.At)
	}
	return ts
}

// mostPorts is how many ports of a device are known: twice as many as a poll can have.
const mostPorts = 40_000

// crowded forgets the ports that the poll did not have: those of an agent that has others each time, be its walks complete or not.
func (e *Engine) crowded(ts []Transition, d *device, at time.Time) []Transition {
	for _, p := range d.byKey {
		if p.present != d.poll && p.alert != nil {
			ts = e.resolve(ts, &p.own().alert, at, Removed)
		}
	}
	d.forget(func(p *port) bool { return p.present != d.poll })
	d.reindex(d.poll)
	e.touch(d)
	return ts
}

// port returns what is known of the interface that r, the i-th row, is of. Rows that share an identity are told apart by ifIndex,
// which is all that they leave.
func (e *Engine) port(d *device, r *row, i int, extra bool) *port {
	key := r.name
	if e.names[key] > 1 || extra { // such a poll may have but one of them
		if indexed := key + " (ifIndex " + strconv.Itoa(int(r.index)) + ")"; e.names[key] > 1 || d.get(indexed, noHint) != nil {
			key = indexed
		}
	}
	p := d.get(key, i)
	if p == nil {
		p = d.add(key)
		e.touch(d)
	}
	return p
}

// miss counts a complete walk for the ports that it did not contain.
func (e *Engine) miss(ts []Transition, d *device, at time.Time) []Transition {
	var gone []*port
	for _, p := range d.byKey {
		if p.present == d.poll || !p.goneAt.IsZero() {
			continue
		}
		e.touch(d)
		if p.absent++; p.absent >= removedAfter {
			gone = append(gone, p)
		}
	}
	for _, p := range gone {
		r := p.own()
		r.goneAt, r.listedPolls, r.listedFrom, r.flaps = stamp(at), 0, time.Time{}, flaps{}
		if r.alert != nil {
			ts = e.resolve(ts, &r.alert, at, Removed)
		}
		d.moved = true
	}
	d.reindex(d.poll)
	return ts
}

// mismatch returns the kind of disagreement between the two statuses, "" for none.
func (e *Engine) mismatch(admin, oper uint8) string {
	rule := &e.cfg.InterfaceMismatch
	switch {
	case admin == statusUp && (oper == statusDown || oper == statusNotPresent || oper == statusLowerLayerDown || slices.Contains(rule.Also, int64(oper))):
		return KindOperDown
	case admin == statusDown && oper == statusUp && !rule.NoReverse:
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

// toldFor is how long a linkDown stands for a poll that saw the port down.
const toldFor = time.Minute

// evaluate takes one more observation of a port, in a poll that had the whole table or not.
func (e *Engine) evaluate(ts []Transition, d *device, p *port, r *row, poll *Poll, complete bool) []Transition {
	at := poll.At
	kind := e.mismatch(r.admin, r.oper)
	if kind == KindOperDown && p.alert == nil && !p.used && !r.hasOctets && !complete {
		return ts // whether this is never_up is in the part of the walk that is missing
	}
	elapsed := time.Duration(0)
	if p.alert != nil || p.listedPolls > 0 {
		unbroken := p.seen.inEvery(d, poll)
		if elapsed = p.seen.observe(d, poll, gapIntervals*poll.Interval); !unbroken {
			elapsed = 0
		}
	}
	if p.alert != nil {
		e.touch(d)
	}
	if p.alert != nil && p.alert.Kind != kind {
		e.show(d, p, r)
		var over bool
		if ts, over = e.recovered(ts, p, at, elapsed); !over {
			return ts
		}
	}
	if kind == KindOperDown && p.alert == nil && !p.used && r.hasOctets {
		e.list(d, p, r, poll)
		return ts
	}
	if !p.listedFrom.IsZero() {
		p.listedFrom, p.listedPolls = time.Time{}, 0
		e.touch(d)
	}
	if kind == "" {
		if p.rare != &noRare {
			p.toldAt = time.Time{}
			p.slim()
		}
		return ts
	}
	return e.mismatched(ts, d, p, r, kind, poll, elapsed)
}

// show has the alert of p tell what the row r says.
func (e *Engine) show(d *device, p *port, r *row) {
	p.said = r.status
	p.describe(p.alert, d, r)
	e.dress(p.alert)
}

// mismatched takes an observation of p that has the mismatch kind, of which its alert, if there is one, is too.
func (e *Engine) mismatched(ts []Transition, d *device, p *port, r *row, kind string, poll *Poll, elapsed time.Duration) []Transition {
	at := poll.At
	fresh, back := p.alert == nil, p.alert != nil && p.flaps.well
	if fresh {
		p.own().alert = newAlert(d.name, RuleInterfaceMismatch, p.key, kind, at)
		p.seen.observe(d, poll, 0)
		if kind == KindOperDown && !p.toldAt.IsZero() && at.Sub(p.toldAt).Abs() < toldFor {
			p.alert.Polls = 1 // the device itself has said so
		}
	}
	a := p.alert
	a.Polls++
	if !fresh && !back {
		a.Observed += elapsed
	}
	p.flaps.calm, p.flaps.well = 0, false
	if !fresh && p.said == (status{}) && p.tells(r) { // it is from before a restart
		p.said = r.status
	}
	if fresh || r.status != p.said {
		e.show(d, p, r)
	}
	tooOften := (fresh || back) && e.changed(p, at)
	if fresh {
		ts = e.enter(ts, a, Pending, at)
	}
	switch {
	case a.State == Pending:
		e.waiting = append(e.waiting, pendingPort{p, r, tooOften})
	case tooOften && !a.Flapping:
		ts = e.flap(ts, p, at)
	}
	return ts
}

// pendingPort is a port whose alert is Pending, with the row that shows it.
type pendingPort struct {
	*port
	row      *row
	tooOften bool // it has come and gone too often
}

// fire lets those of e.waiting fire that are due and that nothing explains.
func (e *Engine) fire(ts []Transition, d *device, at time.Time) []Transition {
	for _, w := range e.waiting {
		a := w.alert
		below := e.explanation(d, w.port, at)
		switch {
		case below != nil:
			if a.ExplainedBy == "" {
				below.alert.Explains++
			}
			a.ExplainedBy, a.Polls, a.Observed = below.key, 0, 0
			e.touch(d)
		case a.ExplainedBy != "": // from now on it is on its own
			a.ExplainedBy, a.Polls = "", 1
			e.touch(d)
		}
	}
	rule := &e.cfg.InterfaceMismatch
	for _, w := range e.waiting {
		a := w.alert
		due := a.Polls >= max(1, rule.Polls) && a.Observed >= rule.For
		if a.ExplainedBy != "" || !due && !w.tooOften || d.unsure(w.port) {
			continue
		}
		e.show(d, w.port, w.row)
		if a.Observed > 0 {
			a.Summary += ", seen for " + short(a.Observed)
		}
		if names := d.allDisabled(w.port); names != "" {
			a.Summary += clean(", and all that is below it is disabled: " + names)
		}
		if a.Explains > 0 {
			a.Summary += ", and with it " + plural(a.Explains, "interface") + " above it"
		}
		if a.Flapping = w.tooOften; a.Flapping {
			a.Summary += ", flapping" + w.flapText(at)
		}
		ts = e.enter(ts, a, Firing, at)
	}
	return ts
}

// list makes p never_up, or keeps it so.
func (e *Engine) list(d *device, p *port, r *row, poll *Poll) {
	x := p.own()
	if x.listedFrom.IsZero() {
		x.listedFrom = stamp(poll.At)
		e.touch(d)
	}
	if x.listedPolls == 0 {
		x.seen.observe(d, poll, 0)
	}
	if name := r.sample.Tag("ifName"); name == p.key {
		x.name = p.key
	} else if name != x.name {
		x.name = strings.Clone(name)
	}
	if descr := r.sample.Tag("ifDescr"); descr != x.descr {
		x.descr = strings.Clone(descr)
	}
	x.said = r.status
	x.listedPolls++
}

// listing returns what is to be listed of p, which is never_up.
func (e *Engine) listing(d *device, p *port) Alert {
	a := newAlert(d.name, RuleInterfaceMismatch, p.key, KindNeverUp, p.listedFrom)
	a.State, a.Polls, a.Frozen = Listed, int(p.listedPolls), d.frozen(p)
	labels := d.labels()
	for name, value := range map[string]string{"ifName": p.name, "ifDescr": p.descr} {
		if value != "" {
			labels[name] = value
		}
	}
	p.show(a, d, labels, p.said)
	e.dress(a)
	return *a
}
