package alert

import (
	"cmp"
	"slices"
	"time"
)

// conditionKey tells the conditions of one device apart.
type conditionKey struct{ rule, key, kind string }

// condition is one that holds, or that held until lately. One that does not hold is not remembered.
type condition struct {
	alert       *Alert
	measurement string // whose rows it is of; "": none in particular
	seen        seen
	poll        uint32 // of the device at that time
	rows        uint32 // device.poll that had its row, whether it could be told or not
	absent      int    // complete walks in a row that lacked it
	well        bool   // the last observation was without it
	calm        time.Duration
}

// frozenCondition says why the alert of c stands still.
func (d *device) frozenCondition(c *condition) Freeze {
	switch {
	case d.failed > 0:
		return Unreachable
	case d.held() && c.alert.Rule != RuleDeviceRebooted:
		return Rebooting
	case c.absent > 0:
		return NotSeen
	}
	return NotFrozen
}

// seldom is how far two observations may be apart that still observe the time between them, where the target's interval is shorter: there are
// tables that are read every 5 minutes.
const seldom = 15 * time.Minute

// observe takes one observation of a condition of d in the poll p. describe fills in the alert: Labels, Values, Summary.
func (e *Engine) observe(ts []Transition, d *device, k conditionKey, o *RuleOptions, p *Poll, holds bool, describe func(*Alert)) []Transition {
	c := d.conditions[k]
	if c == nil {
		if !holds {
			return ts
		}
		c = &condition{alert: newAlert(d.name, k.rule, k.key, k.kind, p.At)}
		d.conditions[k] = c
	}
	fresh := c.alert.State == Inactive
	elapsed := c.seen.observe(d, p, max(seldom, gapIntervals*p.Interval))
	c.poll, c.rows, c.absent = d.poll, d.poll, 0
	a := c.alert
	e.touch(d)
	if !holds {
		if c.well {
			c.calm += elapsed
		}
		c.well = true
		if a.State == Firing && c.calm < o.KeepFiringFor {
			return ts
		}
		describe(a)
		e.dress(a)
		delete(d.conditions, k)
		return e.end(ts, a, p.At, c.calm, Recovered)
	}
	if !fresh && !c.well {
		a.Observed += elapsed
	}
	c.well, c.calm = false, 0
	a.Polls++
	describe(a)
	e.dress(a)
	switch {
	case a.State == Firing:
	case a.Polls >= o.Polls && a.Observed >= o.For:
		if a.Observed > 0 {
			a.Summary += ", seen for " + short(a.Observed)
		}
		ts = e.enter(ts, a, Firing, p.At)
	case fresh:
		ts = e.enter(ts, a, Pending, p.At)
	}
	return ts
}

// unknown says that p had the row of a condition, and that it cannot be told whether that holds.
func (d *device) unknown(k conditionKey) {
	if c := d.conditions[k]; c != nil {
		c.rows, c.absent = d.poll, 0
	}
}

// drop ends a condition for another reason than that it does not hold.
func (e *Engine) drop(ts []Transition, d *device, k conditionKey, at time.Time, why Reason) []Transition {
	c := d.conditions[k]
	if c == nil {
		return ts
	}
	delete(d.conditions, k)
	return e.end(ts, c.alert, at, 0, why)
}

// dropOf ends the conditions that a function picks, in the order of their keys.
func (e *Engine) dropOf(ts []Transition, d *device, at time.Time, why Reason, pick func(conditionKey, *condition) bool) []Transition {
	if len(d.conditions) == 0 {
		return ts
	}
	var keys []conditionKey
	for k, c := range d.conditions {
		if pick(k, c) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		ts = e.drop(ts, d, k, at, why)
	}
	return ts
}

func compareKeys(a, b conditionKey) int {
	return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.key, b.key), cmp.Compare(a.kind, b.kind))
}

// missConditions counts the complete walks of p for conditions whose rows they lacked.
func (e *Engine) missConditions(ts []Transition, d *device, p *Poll) []Transition {
	if d.held() {
		return ts
	}
	return e.dropOf(ts, d, p.At, Removed, func(_ conditionKey, c *condition) bool {
		if c.rows == d.poll || c.measurement == "" || !slices.Contains(p.Complete, c.measurement) {
			return false
		}
		c.absent++
		e.touch(d)
		return c.absent >= removedAfter
	})
}

// dropConditions ends those of rules that are off, other than before, or whose table is not collected any more.
func (e *Engine) dropConditions(ts []Transition, d *device, now time.Time, before []Rule, keep bool) []Transition {
	if !keep {
		return e.dropOf(ts, d, now, TargetRemoved, func(conditionKey, *condition) bool { return true })
	}
	ts = e.dropOf(ts, d, now, RuleRemoved, func(k conditionKey, _ *condition) bool {
		if !e.options(k.rule).Enabled {
			return true
		}
		is, was := ruleOf(e.cfg.Rules, k.rule), ruleOf(before, k.rule)
		return is != nil && was != nil && (is.Measurement != was.Measurement || !is.Condition.Same(was.Condition))
	})
	return e.dropOf(ts, d, now, TargetRemoved, func(_ conditionKey, c *condition) bool {
		measurement := c.measurement
		if measurement == dnsPrimaryTable { // made of the other
			measurement = dnsZoneTable
		}
		return measurement != "" && d.target.Collect != nil && !slices.Contains(d.target.Collect, measurement)
	})
}

func ruleOf(rules []Rule, name string) *Rule {
	for i := range rules {
		if rules[i].Name == name {
			return &rules[i]
		}
	}
	return nil
}

// noRule are the options of a rule that is not there any more.
var noRule RuleOptions

// options returns those of the rule of that name.
func (e *Engine) options(rule string) *RuleOptions {
	switch rule {
	case RuleInterfaceMismatch:
		return &e.cfg.InterfaceMismatch.RuleOptions
	case RuleDeviceUnreachable:
		return &e.cfg.DeviceUnreachable
	case RuleSNMPSilent:
		return &e.cfg.SNMPSilent
	case RuleAuthenticationFailed:
		return &e.cfg.AuthenticationFailed
	case RuleDeviceRebooted:
		return &e.cfg.DeviceRebooted
	case RuleInterfaceUtilisation:
		return &e.cfg.InterfaceUtilisation.RuleOptions
	case RuleInterfaceErrors:
		return &e.cfg.InterfaceErrors.RuleOptions
	case RuleInterfaceDiscards:
		return &e.cfg.InterfaceDiscards.RuleOptions
	case RuleInterfaceSpeedDuplex:
		return &e.cfg.InterfaceSpeedDuplex.RuleOptions
	case RuleCounterTooNarrow:
		return &e.cfg.CounterTooNarrow
	case RuleSpoolFilling:
		return &e.cfg.SpoolFilling
	case RuleCollectorLate:
		return &e.cfg.CollectorLate
	case RuleDNSServerDown:
		return &e.cfg.DNSServerDown
	case RuleDNSZoneStale:
		return &e.cfg.DNSZoneStale
	}
	if r := ruleOf(e.cfg.Rules, rule); r != nil {
		return &r.RuleOptions
	}
	return &noRule
}

// dress gives a, which was just described, what its rule adds.
func (e *Engine) dress(a *Alert) {
	o := e.options(a.Rule)
	a.Severity = o.Severity
	for name, value := range o.Labels {
		if _, taken := a.Labels[name]; !taken {
			a.Labels[name] = value
		}
	}
}
