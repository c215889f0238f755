package alert

import (
	"slices"
	"strconv"
	"time"

	"walkabout/metric"
)

// ethernetTable is the measurement of dot3StatsTable (EtherLike-MIB, RFC 3635).
const ethernetTable = "interface_ethernet"

// wired are the types of interfaces whose speed is that of a link that was negotiated, and not of the air or a shaper: ethernetCsmacd(6),
// fastEther(62), fastEtherFX(69), gigabitEthernet(117), ieee8023adLag(161).
var wired = [...]int64{6, 62, 69, 117, 161}

// observeSpeed has the alert of a speed that is another than it was. What is new is usual after AcceptAfter.
func (e *Engine) observeSpeed(ts []Transition, d *device, po *port, r *row, p *Poll) []Transition {
	speed := r.speed()
	if r.oper != statusUp || speed <= 0 || !slices.Contains(wired[:], po.traits.kind) {
		return ts
	}
	if po.speed == 0 {
		po.speed = speed
		e.touch(d)
	}
	k := conditionKey{RuleInterfaceSpeedDuplex, po.key, KindSpeed}
	if ts, over := e.accept(ts, d, k, p.At); over {
		po.speed = speed
		e.touch(d)
		return ts
	}
	holds := speed != po.speed
	if !holds && len(d.conditions) == 0 || e.explanation(d, po, p.At) != nil {
		return ts
	}
	ts = e.observe(ts, d, k, &e.cfg.InterfaceSpeedDuplex.RuleOptions, p, holds, func(a *Alert) {
		po.describe(a, d, r)
		po.said = status{} // of another alert
		a.Values["speed"] = strconv.FormatFloat(speed, 'f', 0, 64)
		a.Values["usualSpeed"] = strconv.FormatFloat(po.speed, 'f', 0, 64)
		a.Summary = clean(po.where(d) + ": runs at " + quantity(speed) + "bit/s; usual are " + quantity(po.speed) + "bit/s")
	})
	d.of(k, interfaceTable)
	return ts
}

// accept ends an alert that fires for AcceptAfter, and reports whether it did.
func (e *Engine) accept(ts []Transition, d *device, k conditionKey, at time.Time) ([]Transition, bool) {
	if len(d.conditions) == 0 {
		return ts, false
	}
	c := d.conditions[k]
	if c == nil || c.alert.State != Firing || at.Sub(c.alert.FiredAt) < e.cfg.InterfaceSpeedDuplex.AcceptAfter {
		return ts, false
	}
	return e.drop(ts, d, k, at, Accepted), true
}

// observeDuplex does for dot3StatsDuplexStatus what observeSpeed does for the speed. s is a row of dot3StatsTable.
func (e *Engine) observeDuplex(ts []Transition, d *device, s *metric.Sample, p *Poll) []Transition {
	index, _ := s.Field("ifIndex")
	po := d.ports[identity(s, int64(index.Num))]
	if po == nil {
		po = d.byIndex[int64(index.Num)]
	}
	f, ok := s.Field("dot3StatsDuplexStatus")
	if po == nil || !ok || po.oper != statusUp || po.ignored || f.Str != "halfDuplex" && f.Str != "fullDuplex" {
		return ts
	}
	if po.duplex == "" {
		po.duplex = f.Str
		e.touch(d)
	}
	k := conditionKey{RuleInterfaceSpeedDuplex, po.key, KindDuplex}
	if ts, over := e.accept(ts, d, k, p.At); over {
		po.duplex = f.Str
		e.touch(d)
		return ts
	}
	ts = e.observe(ts, d, k, &e.cfg.InterfaceSpeedDuplex.RuleOptions, p, f.Str != po.duplex, func(a *Alert) {
		a.Labels = d.rowLabels(s)
		if po.traits.alias != "" {
			a.Labels["ifAlias"] = po.traits.alias
		}
		a.Values = map[string]string{"dot3StatsDuplexStatus": f.Str, "usualDuplex": po.duplex}
		a.Summary = clean(po.where(d) + ": runs at " + f.Str + "; usual is " + po.duplex)
	})
	d.of(k, ethernetTable)
	return ts
}
