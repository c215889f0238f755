package alert

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	resolvedKept  = time.Hour      // how long Alerts shows what is over
	resolvedMost  = 1000           // and how many of them at most
	portForgotten = 24 * time.Hour // a removed port that comes back sooner is still known to have been used
)

// Engine turns polls into alerts. It is not safe for concurrent use; Manager is. The zero Engine is not usable.
//
// The times that are passed for one device must not go back by much: a step back is taken for no time at all.
type Engine struct {
	cfg      Config
	rules    []Rule               // over rows: the built-in ones and the site's own
	devices  map[string]*device   // the targets, and until Configure those of Restore
	children map[string][]*device // by the name of the device that they are behind, in the order of the configuration
	self     *device              // the collector itself, without a name
	mutes    mutes
	past     map[string]past // by fingerprint
	resolved []Alert         // had been Firing; oldest first
	configs  uint32          // counts configurations
	number   uint64          // of the last transition
	changes

	rows    []row          // scratch of Observe
	names   map[string]int // scratch of Observe: how many rows claim an identity
	layout  layout
	waiting []pendingPort // scratch of Observe
}

// device is what is known of one target.
type device struct {
	name      string
	target    Target
	hostname  string // sysName, from samples
	agentHost string
	location  string // sysLocation
	ports
	conditions  map[conditionKey]*condition
	unreachable *Alert
	reach       reach

	poll         uint32    // counts answered polls
	epoch        uint32    // counts what time is not observed over: polls that failed, resets
	at           time.Time // of the last answered poll
	scheduled    uint32    // counts those of the answered polls that the schedule has
	failed       int       // polls since the last answer
	record       uint64    // the last Poll.Record
	touched      bool      // it is in Engine.touched
	upTime       uint32    // the last sysUpTime
	upTimeAt     time.Time // and when it was read; zero: never
	upTimeBefore uint32    // the one before the last reset
	heldUntil    time.Time // frozen before that; zero without a reset
}

func newDevice(name string) *device {
	return &device{name: name, conditions: map[conditionKey]*condition{}}
}

// NewEngine returns an engine without targets or rules: Configure gives it both. Restore, if at all, comes before.
func NewEngine() *Engine {
	return &Engine{devices: map[string]*device{}, self: newDevice(""), past: map[string]past{}, names: map[string]int{}}
}

// Configure makes cfg the configuration from now on. Alerts of devices, tables and rules that it no longer has are resolved.
// Other alerts go on.
func (e *Engine) Configure(now time.Time, cfg Config) []Transition {
	var ts []Transition
	before := e.cfg.Rules
	e.cfg, e.rules = cfg, append(cfg.dnsRules(), cfg.Rules...)
	e.configs++
	wanted := map[string]Target{}
	e.children = map[string][]*device{}
	for _, t := range cfg.Targets {
		wanted[t.Device] = t
		d := e.devices[t.Device]
		if d == nil {
			d = newDevice(t.Device)
			e.devices[t.Device] = d
			e.touch(d)
		}
		d.target = t
		if parent := t.Labels[ParentLabel]; parent != "" {
			e.children[parent] = append(e.children[parent], d)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		d := e.devices[name]
		t, keep := wanted[name]
		if d.unreachable != nil && !(keep && e.options(d.unreachable.Rule).Enabled) {
			ts = e.resolve(ts, &d.unreachable, now, removalReason(keep))
		}
		collected := keep && (t.Collect == nil || slices.Contains(t.Collect, interfaceTable))
		if !collected || !cfg.InterfaceMismatch.Enabled {
			for _, p := range d.byKey {
				ts = e.quiet(ts, d, p, now, removalReason(collected))
			}
		}
		ts = e.dropConditions(ts, d, now, before, keep)
		if !keep {
			e.remove(d)
		}
	}
	return e.dropConditions(ts, e.self, now, before, true)
}

func removalReason(collected bool) Reason {
	if collected {
		return RuleRemoved
	}
	return TargetRemoved
}

// Observe takes a poll that was answered, in whole or in part, and returns the transitions that it caused.
func (e *Engine) Observe(p Poll) []Transition {
	d := e.devices[p.Device]
	if d == nil {
		return nil
	}
	if p.Record > 0 {
		d.record = p.Record
	}
	ts := e.answered(nil, d, p.At)
	e.readRows(d, p.Samples)
	d.advance(&p)
	before := d.upTime
	if run := d.readUpTime(p); p.Reset || run == restarted || run == unknownRun && allReset(e.rows) {
		d.heldUntil = stamp(p.At).Add(e.cfg.RebootHold)
		d.epoch++
		if run != sameRun { // else the collector has found out later than we did
			d.upTimeBefore = before
		}
		e.touch(d)
	} else if until := stamp(p.At).Add(e.cfg.RebootHold); d.heldUntil.After(until) { // the clock was set back
		d.heldUntil = until
		e.touch(d)
	}
	ts = e.observeReboot(ts, d, &p)
	ts = e.observePorts(ts, d, &p)
	ts = e.observeRules(ts, d, &p)
	ts = e.settleChildren(ts, d, p.At)
	if d.alerting() { // that something was not seen is a change too
		e.touch(d)
	}
	clear(e.rows) // lets go of the samples
	clear(e.waiting)
	return ts
}

// Advance lets time pass: silences and acknowledgements end, what was resolved long ago leaves the list, and what is long gone is forgotten.
func (e *Engine) Advance(now time.Time) []Transition {
	e.resolved = slices.DeleteFunc(e.resolved, func(a Alert) bool { return now.Sub(a.ResolvedAt) > resolvedKept })
	for _, d := range e.devices {
		if d.forget(func(p *port) bool { return !p.goneAt.IsZero() && now.Sub(p.goneAt) > portForgotten }) {
			e.touch(d)
		}
	}
	e.forget(now)
	var ts []Transition
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		ts = e.settle(ts, e.devices[name], now)
	}
	return e.advanceMutes(ts, now)
}

// alerting reports whether anything of d is Pending or Firing but that it does not answer.
func (d *device) alerting() bool {
	return len(d.conditions) > 0 || slices.ContainsFunc(d.byKey, func(p *port) bool { return p.alert != nil })
}

// activeAlert is an alert of the engine's own, and why it stands still.
type activeAlert struct {
	*Alert
	frozen Freeze
}

// view returns a copy for others.
func (a activeAlert) view(e *Engine, now time.Time) Alert {
	b := *a.Alert
	b.Frozen, b.SilencedBy = a.frozen, e.mutedBy(a.Alert, now)
	return b
}

// active returns the alerts that are Pending or Firing, by device, rule, key and kind.
func (e *Engine) active() []activeAlert {
	var list []activeAlert
	for _, d := range e.devices {
		list = d.alerts(list)
	}
	list = e.self.alerts(list)
	slices.SortFunc(list, func(a, b activeAlert) int { return compareAlerts(a.Alert, b.Alert) })
	return list
}

// alerts appends those of d to list.
func (d *device) alerts(list []activeAlert) []activeAlert {
	if d.unreachable != nil {
		list = append(list, activeAlert{d.unreachable, NotFrozen})
	}
	for _, p := range d.byKey {
		if p.alert != nil {
			list = append(list, activeAlert{p.alert, d.frozen(p)})
		}
	}
	for _, c := range d.conditions {
		list = append(list, activeAlert{c.alert, d.frozenCondition(c)})
	}
	return list
}

// Alerts returns the alerts that are Pending or Firing, and those that fired and were Resolved within the last hour, by
// device, rule, key, kind and Since.
func (e *Engine) Alerts(now time.Time) []Alert {
	var list []Alert
	for _, a := range e.active() {
		list = append(list, a.view(e, now))
	}
	list = append(list, e.resolved...)
	slices.SortFunc(list, func(a, b Alert) int { return compareAlerts(&a, &b) })
	return list
}

// Alert returns the alert of a fingerprint that is Pending or Firing, else the one that was Resolved last within the last hour.
func (e *Engine) Alert(fingerprint string, now time.Time) (Alert, bool) {
	for _, a := range e.active() {
		if a.Fingerprint == fingerprint {
			return a.view(e, now), true
		}
	}
	for i := len(e.resolved) - 1; i >= 0; i-- {
		if e.resolved[i].Fingerprint == fingerprint {
			return e.resolved[i], true
		}
	}
	return Alert{}, false
}

// NeverUp returns the ports that are down but raise no alert because nothing shows that they were ever used, as Listed alerts
// in the order of Alerts. After a restart a port is missing until its device answers.
func (e *Engine) NeverUp() []Alert {
	var list []Alert
	for _, d := range e.devices {
		list = e.neverUp(list, d)
	}
	slices.SortFunc(list, func(a, b Alert) int { return compareAlerts(&a, &b) })
	return list
}

// NeverUpOf is NeverUp of one device.
func (e *Engine) NeverUpOf(name string) []Alert {
	d := e.devices[name]
	if d == nil {
		return nil
	}
	list := e.neverUp(nil, d)
	slices.SortFunc(list, func(a, b Alert) int { return compareAlerts(&a, &b) })
	return list
}

func (e *Engine) neverUp(list []Alert, d *device) []Alert {
	for _, p := range d.byKey {
		if p.listedPolls > 0 {
			list = append(list, e.listing(d, p))
		}
	}
	return list
}

// NeverUpCount is how many NeverUp has: most of the free ports of a fleet, so that to list them takes a while.
func (e *Engine) NeverUpCount() int {
	n := 0
	for _, d := range e.devices {
		for _, p := range d.byKey {
			if p.listedPolls > 0 {
				n++
			}
		}
	}
	return n
}

func compareAlerts(a, b *Alert) int {
	return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Kind, b.Kind), a.Since.Compare(b.Since))
}

// newAlert is Inactive until enter is called for it.
func newAlert(device, rule, key, kind string, since time.Time) *Alert {
	return &Alert{Fingerprint: fingerprint(device, rule, key, kind), Device: device, Rule: rule, Key: key, Kind: kind, Since: stamp(since)}
}

// enter moves a into state and appends the transition to ts.
func (e *Engine) enter(ts []Transition, a *Alert, state State, at time.Time) []Transition {
	t := Transition{From: a.State, At: stamp(at)}
	a.State = state
	switch state {
	case Firing:
		a.FiredAt = stamp(at)
		a.ExplainedBy = ""
		e.remember(a)
		if e.cfg.ExternalURL != "" {
			a.Link = e.cfg.ExternalURL + "/alerts/" + a.Fingerprint
		}
		a.Untold = e.mutedBy(a, at) != ""
	case Resolved:
		a.ResolvedAt = stamp(at)
		a.ExplainedBy = ""
		if t.From == Firing {
			e.resolved = append(e.resolved, *a)
			e.resolved = e.resolved[max(0, len(e.resolved)-resolvedMost):]
		}
	}
	t.Quiet = a.Untold
	t.ID, t.Alert = TransitionID(a), *a
	return e.tell(ts, t)
}

// again tells of a, which fires, once more, under an ID that why makes its own.
func (e *Engine) again(ts []Transition, a *Alert, why string, at time.Time) []Transition {
	return e.tell(ts, Transition{ID: TransitionID(a) + "-" + why, From: Firing, At: stamp(at), Quiet: a.Untold, Alert: *a})
}

// tell numbers t and appends it to ts.
func (e *Engine) tell(ts []Transition, t Transition) []Transition {
	e.number++
	t.Number = e.number
	e.touch(e.owner(&t.Alert))
	e.urgent = true
	return append(ts, t)
}

// resolve ends the alert that *slot holds and empties the slot.
func (e *Engine) resolve(ts []Transition, slot **Alert, at time.Time, why Reason) []Transition {
	a := *slot
	*slot = nil
	return e.end(ts, a, at, 0, why)
}

// end resolves a, whose condition was not seen for as long as calm says.
func (e *Engine) end(ts []Transition, a *Alert, at time.Time, calm time.Duration, why Reason) []Transition {
	a.Reason = why
	a.Summary = resolvedSummary(a, at.Add(-calm))
	return e.enter(ts, a, Resolved, at)
}

// stamp is at as the state file can hold it: without the monotonic clock, in UTC.
func stamp(at time.Time) time.Time { return at.Round(0).UTC() }
