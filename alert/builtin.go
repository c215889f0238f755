package alert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// observeReboot has the alert device_rebooted while d is held for a reset.
func (e *Engine) observeReboot(ts []Transition, d *device, p *Poll) []Transition {
	held := d.held()
	if !e.cfg.DeviceRebooted.Enabled || !held && len(d.conditions) == 0 {
		return ts
	}
	o := e.cfg.DeviceRebooted
	o.For, o.Polls = 0, 1
	return e.observe(ts, d, conditionKey{RuleDeviceRebooted, "", KindRebooted}, &o, p, held, func(a *Alert) {
		a.Labels = d.labels()
		a.Values = map[string]string{}
		a.Summary = clean(d.name + ": the device or its SNMP agent restarted")
		if p.HasUpTime {
			a.Values["sysUpTime"] = strconv.FormatUint(uint64(p.UpTime), 10)
			a.Summary += ", it is up for " + upTime(p.UpTime)
		}
		if d.upTimeBefore > 0 {
			a.Values["sysUpTimeBefore"] = strconv.FormatUint(uint64(d.upTimeBefore), 10)
			a.Summary += " and was for " + upTime(d.upTimeBefore)
		}
	})
}

// upTime writes a sysUpTime for people.
func upTime(ticks uint32) string { return short(time.Duration(ticks) * 10 * time.Millisecond) }

// interfaceRules evaluates the built-in rules but the mismatch for the row r of the port po.
func (e *Engine) interfaceRules(ts []Transition, d *device, po *port, r *row, p *Poll) []Transition {
	if o := &e.cfg.InterfaceUtilisation; o.Enabled {
		ts = e.share(ts, d, po, r, p, RuleInterfaceUtilisation, o, utilisation(r))
	}
	if o := &e.cfg.InterfaceErrors; o.Enabled {
		ts = e.share(ts, d, po, r, p, RuleInterfaceErrors, o, shareOf(r, o.Least, ifInErrors, ifOutErrors))
	}
	if o := &e.cfg.InterfaceDiscards; o.Enabled {
		ts = e.share(ts, d, po, r, p, RuleInterfaceDiscards, o, shareOf(r, o.Least, ifInDiscards, ifOutDiscards))
	}
	if o := &e.cfg.InterfaceSpeedDuplex; o.Enabled {
		ts = e.observeSpeed(ts, d, po, r, p)
	}
	return ts
}

// direction is what a threshold is compared to, in one direction of an interface.
type direction struct {
	share, rate float64 // rate is a second
	known       bool    // true also of what the agent does not serve at all
}

// utilisation returns the shares of the speed that octets take.
func utilisation(r *row) (both [2]direction) {
	speed := r.speed()
	if speed <= 0 || r.oper != statusUp {
		return both
	}
	for i, cs := range [...][2]column{{ifHCInOctets, ifInOctets}, {ifHCOutOctets, ifOutOctets}} {
		if rate, ok := r.rate(cs[0], cs[1]); ok {
			both[i] = direction{8 * rate / speed, 8 * rate, true}
		} else {
			both[i].known = r.at[cs[0]]+r.at[cs[1]] == 0
		}
	}
	return both
}

// shareOf returns the shares of packets that in and out count. Outbound packets are those that were to be sent, inbound ones those that were
// delivered, which lack those with errors (RFC 2863, ifOutUcastPkts and ifInErrors).
func shareOf(r *row, least float64, in, out column) (both [2]direction) {
	for i, c := range [...]column{in, out} {
		bad, ok := r.rate(c)
		if !ok {
			both[i].known = r.at[c] == 0
			continue
		}
		if bad == 0 || bad < least {
			both[i].known = true
			continue
		}
		packets, ok := r.packets(i == 1)
		if i == 0 {
			packets += bad
		}
		if ok {
			both[i] = direction{min(1, bad/max(bad, packets)), bad, true}
		}
	}
	return both
}

// packets returns the packets a second of all kinds in a direction.
func (r *row) packets(out bool) (float64, bool) {
	sets := [...][3]column{{ifHCInUcastPkts, ifHCInMulticastPkts, ifHCInBroadcastPkts}, {ifInUcastPkts, ifInMulticastPkts, ifInBroadcastPkts},
		{ifInUcastPkts, ifInNUcastPkts, ifInNUcastPkts}}
	if out {
		sets = [...][3]column{{ifHCOutUcastPkts, ifHCOutMulticastPkts, ifHCOutBroadcastPkts}, {ifOutUcastPkts, ifOutMulticastPkts, ifOutBroadcastPkts},
			{ifOutUcastPkts, ifOutNUcastPkts, ifOutNUcastPkts}}
	}
	for _, set := range sets {
		unicast, ok1 := r.rate(set[0])
		second, ok2 := r.rate(set[1])
		third, ok3 := r.rate(set[2])
		if set[1] == set[2] {
			third = 0
		}
		if ok1 && ok2 && ok3 {
			return unicast + second + third, true
		}
	}
	if out {
		return r.rate(ifHCOutUcastPkts, ifOutUcastPkts)
	}
	return r.rate(ifHCInUcastPkts, ifInUcastPkts)
}

var shareNames = map[string][2]string{ // of the rate, in and out
	RuleInterfaceUtilisation: {"bits/s in", "bits/s out"}, RuleInterfaceErrors: {"ifInErrors", "ifOutErrors"}, RuleInterfaceDiscards: {"ifInDiscards", "ifOutDiscards"},
}

// share observes one of the rules with a threshold.
func (e *Engine) share(ts []Transition, d *device, po *port, r *row, p *Poll, rule string, o *ThresholdRule, both [2]direction) []Transition {
	holds := both[0].known && both[0].share > o.Above || both[1].known && both[1].share > o.Above
	if !holds && len(d.conditions) == 0 {
		return ts
	}
	k := conditionKey{rule, po.key, KindAbove}
	if !holds && (!both[0].known || !both[1].known) {
		d.unknown(k)
		return ts
	}
	ts = e.observe(ts, d, k, &o.RuleOptions, p, holds, func(a *Alert) {
		po.describe(a, d, r)
		var parts []string
		for i, x := range both {
			if !x.known {
				continue
			}
			name := [...]string{"in", "out"}[i]
			a.Values[name+"Share"] = strconv.FormatFloat(x.share, 'g', 4, 64)
			a.Values[name+"Rate"] = strconv.FormatFloat(x.rate, 'g', 6, 64)
			if x.share > o.Above || !holds {
				parts = append(parts, fmt.Sprintf("%.3g %% (%s %s)", 100*x.share, quantity(x.rate), shareNames[rule][i]))
			}
		}
		a.Summary = clean(po.where(d) + ": " + shareTexts[rule] + " " + strings.Join(parts, ", "))
	})
	d.of(k, interfaceTable)
	return ts
}

var shareTexts = map[string]string{RuleInterfaceUtilisation: "used by", RuleInterfaceErrors: "errors in", RuleInterfaceDiscards: "discards of"}

// quantity writes a rate for people.
func quantity(v float64) string {
	for _, u := range [...]struct {
		from float64
		name string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if v >= u.from {
			return strconv.FormatFloat(v/u.from, 'f', 2, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " "
}

// of says which table the condition k is of, if it is there.
func (d *device) of(k conditionKey, measurement string) {
	if c := d.conditions[k]; c != nil {
		c.measurement = measurement
	}
}

// octets32 is how many octets a Counter32 counts until it wraps.
const octets32 = 1 << 32

// observeNarrow has the alert counter_too_narrow if octets of interfaces of d that are up may wrap within an interval.
func (e *Engine) observeNarrow(ts []Transition, d *device, p *Poll) []Transition {
	if !e.cfg.CounterTooNarrow.Enabled || p.Interval <= 0 {
		return ts
	}
	var names []string
	least := time.Duration(0)
	for i := range e.rows {
		r := &e.rows[i]
		if _, narrow := r.get(ifInOctets); !narrow || r.oper != statusUp || r.at[ifHCInOctets] > 0 {
			continue
		}
		speed := r.speed()
		if speed <= 0 {
			continue
		}
		wraps := octets32 * 8 / speed * float64(time.Second) // as a time.Duration it overflows where an agent tells a few bits a second
		if wraps < float64(p.Interval) {
			names = append(names, r.name)
			if d := time.Duration(wraps); least == 0 || d < least {
				least = d
			}
		}
	}
	if len(names) == 0 && len(d.conditions) == 0 {
		return ts
	}
	k := conditionKey{RuleCounterTooNarrow, "", KindTooNarrow}
	ts = e.observe(ts, d, k, &e.cfg.CounterTooNarrow, p, len(names) > 0, func(a *Alert) {
		a.Labels = d.labels()
		slices.Sort(names)
		a.Values = map[string]string{"interfaces": strconv.Itoa(len(names)), "interval": p.Interval.String(), "wrapsAfter": short(least)}
		shown := strings.Join(names[:min(3, len(names))], ", ")
		if len(names) > 3 {
			shown += " …"
		}
		a.Summary = clean(fmt.Sprintf("%s: 32-bit counters of %s (%s) wrap after %s, which is less than the interval of %v: poll oftener, or by SNMPv2c or v3",
			d.name, plural(len(names), "interface"), shown, short(least), p.Interval))
		if len(names) == 0 {
			a.Summary = clean(d.name + ": no counter wraps within the interval")
		}
	})
	return ts
}
