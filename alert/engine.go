package alert

import (
	"cmp"
	"context"
	"errors"
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
	devices  map[string]*device // the targets, and until Configure those of Restore
	resolved []Alert            // had been Firing; oldest first
	revision uint64             // moves with whatever a snapshot should not miss

	rows  []row          // scratch of Observe
	names map[string]int // scratch of Observe: how many rows claim an identity
}

// device is what is known of one target.
type device struct {
	name        string
	target      Target
	hostname    string // sysName, from samples
	agentHost   string
	ports       map[string]*port
	unreachable *Alert

	poll      uint64    // counts answered polls
	at        time.Time // of the last answered poll
	extra     bool      // that poll was between two of the schedule
	observing bool      // that poll was taken by this process, and none has failed since
	failed    int       // polls since the last answer
	upTime    uint32    // the last sysUpTime
	upTimeAt  time.Time // and when it was read; zero: never
	heldUntil time.Time // frozen before that; zero without a reset
}

// NewEngine returns an engine without targets or rules: Configure gives it both. Restore, if at all, comes before.
func NewEngine() *Engine {
	return &Engine{devices: map[string]*device{}, names: map[string]int{}}
}

// Configure makes cfg the configuration from now on. Alerts of devices, tables and rules that it no longer has are resolved.
// Other alerts go on.
func (e *Engine) Configure(now time.Time, cfg Config) []Transition {
	var ts []Transition
	e.cfg = cfg
	e.revision++
	wanted := map[string]Target{}
	for _, t := range cfg.Targets {
		wanted[t.Device] = t
		d := e.devices[t.Device]
		if d == nil {
			d = &device{name: t.Device, ports: map[string]*port{}}
			e.devices[t.Device] = d
		}
		d.target = t
	}
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		d := e.devices[name]
		t, keep := wanted[name]
		if d.unreachable != nil && !(keep && cfg.DeviceUnreachable.Enabled) {
			ts = e.resolve(ts, &d.unreachable, now, removalReason(keep))
		}
		collected := keep && (t.Collect == nil || slices.Contains(t.Collect, "interface"))
		if !collected || !cfg.InterfaceMismatch.Enabled {
			for _, p := range d.sortedPorts() {
				p.listed, p.flaps = nil, flaps{}
				if p.alert != nil {
					ts = e.resolve(ts, &p.alert, now, removalReason(collected))
				}
			}
		}
		if !keep {
			delete(e.devices, name)
		}
	}
	return ts
}

func removalReason(collected bool) Reason {
	if collected {
		return RuleRemoved
	}
	return TargetRemoved
}

// Observe takes a poll that was answered, in whole or in part, and returns the transitions that it caused, in the order of
// its samples and then of the keys of what is gone.
func (e *Engine) Observe(p Poll) []Transition {
	d := e.devices[p.Device]
	if d == nil {
		return nil
	}
	var ts []Transition
	if d.failed > 0 {
		d.failed = 0
		e.revision++
	}
	if d.unreachable != nil {
		d.unreachable.Summary = clean(d.name) + ": answers again"
		ts = e.resolve(ts, &d.unreachable, p.At, Recovered)
	}
	e.readRows(d, p.Samples)
	elapsed := d.advance(p)
	if run := d.readUpTime(p); p.Reset || run == restarted || run == unknownRun && allReset(e.rows) {
		d.heldUntil = stamp(p.At).Add(e.cfg.RebootHold)
		e.revision++
	} else if until := stamp(p.At).Add(e.cfg.RebootHold); d.heldUntil.After(until) { // the clock was set back
		d.heldUntil = until
		e.revision++
	}
	if e.cfg.InterfaceMismatch.Enabled {
		ts = e.observePorts(ts, d, p, elapsed)
	}
	clear(e.rows) // lets go of the samples
	return ts
}

// Failed takes a poll that was not answered at all. A poll that we ourselves broke off (context.Canceled) says nothing about
// the device and changes nothing.
func (e *Engine) Failed(at time.Time, device string, err error) []Transition {
	d := e.devices[device]
	if d == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	d.failed++
	d.observing = false
	e.revision++
	if !e.cfg.DeviceUnreachable.Enabled {
		return nil
	}
	var ts []Transition
	if d.unreachable == nil {
		d.unreachable = newAlert(d.name, RuleDeviceUnreachable, "", KindNoAnswer, at)
	}
	a := d.unreachable
	a.Polls, a.Observed = d.failed, max(0, at.Sub(a.Since))
	d.describe(a, err)
	switch {
	case a.State != Firing && d.failed >= e.cfg.DeviceUnreachable.Polls:
		ts = e.enter(ts, a, Firing, at)
	case a.State == Inactive:
		ts = e.enter(ts, a, Pending, at)
	}
	return ts
}

// Advance lets time pass: what was resolved long ago leaves the list, and ports that are long gone are forgotten. The rules of
// today go by observed time only, which passes in Observe, so it returns no transitions yet; callers must not rely on that.
func (e *Engine) Advance(now time.Time) []Transition {
	e.resolved = slices.DeleteFunc(e.resolved, func(a Alert) bool { return now.Sub(a.ResolvedAt) > resolvedKept })
	for _, d := range e.devices {
		for key, p := range d.ports {
			if !p.goneAt.IsZero() && now.Sub(p.goneAt) > portForgotten {
				delete(d.ports, key)
				e.revision++
			}
		}
	}
	return nil
}

// Alerts returns the alerts that are Pending or Firing, and those that fired and were Resolved within the last hour, by
// device, rule, key, kind and Since.
func (e *Engine) Alerts() []Alert {
	var list []Alert
	for _, d := range e.devices {
		if d.unreachable != nil {
			list = append(list, *d.unreachable)
		}
		for _, p := range d.ports {
			if p.alert != nil {
				a := *p.alert
				a.Frozen = d.frozen(p)
				list = append(list, a)
			}
		}
	}
	list = append(list, e.resolved...)
	slices.SortFunc(list, compareAlerts)
	return list
}

// NeverUp returns the ports that are down but raise no alert because nothing shows that they were ever used, as Listed alerts
// in the order of Alerts. After a restart a port is missing until its device answers.
func (e *Engine) NeverUp() []Alert {
	var list []Alert
	for _, d := range e.devices {
		for _, p := range d.ports {
			if p.listed != nil {
				a := *p.listed
				a.Frozen = d.frozen(p)
				list = append(list, a)
			}
		}
	}
	slices.SortFunc(list, compareAlerts)
	return list
}

func compareAlerts(a, b Alert) int {
	return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Kind, b.Kind), a.Since.Compare(b.Since))
}

// newAlert is Inactive until enter is called for it.
func newAlert(device, rule, key, kind string, since time.Time) *Alert {
	return &Alert{Fingerprint: fingerprint(device, rule, key, kind), Device: device, Rule: rule, Key: key, Kind: kind, Since: stamp(since)}
}

// enter moves a into state and appends the transition to ts.
func (e *Engine) enter(ts []Transition, a *Alert, state State, at time.Time) []Transition {
	from := a.State
	a.State = state
	switch state {
	case Firing:
		a.FiredAt = stamp(at)
	case Resolved:
		a.ResolvedAt = stamp(at)
		if from == Firing {
			e.resolved = append(e.resolved, *a)
			e.resolved = e.resolved[max(0, len(e.resolved)-resolvedMost):]
		}
	}
	e.revision++
	return append(ts, Transition{ID: transitionID(a), From: from, At: stamp(at), Alert: *a})
}

// resolve ends the alert that *slot holds and empties the slot.
func (e *Engine) resolve(ts []Transition, slot **Alert, at time.Time, why Reason) []Transition {
	a := *slot
	*slot = nil
	a.Reason = why
	a.Summary = resolvedSummary(a, at)
	return e.enter(ts, a, Resolved, at)
}

// stamp is at as the state file can hold it: without the monotonic clock, in UTC.
func stamp(at time.Time) time.Time { return at.Round(0).UTC() }
