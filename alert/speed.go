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
	if r.oper != statusUp || speed <= 0 || !slices.Contains(wired[:], int64(po.kind)) {
		return ts
	}
	if po.usual == 0 {
		po.usual = speed
		e.touch(d)
	}
	k := conditionKey{RuleInterfaceSpeedDuplex, po.key, KindSpeed}
	if ts, over := e.accept(ts, d, k, p.At); over {
		po.usual = speed
		e.touch(d)
		return ts
	}
	holds := speed != po.usual
	if !holds && len(d.conditions) == 0 {
		return ts
	}
	if e.explanation(d, po, p.At) != nil { // a bundle has lost a link, of which people are told
		d.unknown(k)
		return ts
	}
	ts = e.observe(ts, d, k, &e.cfg.InterfaceSpeedDuplex.RuleOptions, p, holds, func(a *Alert) {
		po.describe(a, d, r)
		a.Values["speed"] = strconv.FormatFloat(speed, 'f', 0, 64)
		a.Values["usualSpeed"] = strconv.FormatFloat(po.usual, 'f', 0, 64)
		a.Summary = clean(po.where(d) + ": runs at " + quantity(speed) + "bit/s; usual are " + quantity(po.usual) + "bit/s")
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
	po := d.get(identity(s, int64(index.Num)), noHint)
	if po == nil {
		po = d.ports.at(int64(index.Num))
	}
	f, _ := s.Field("dot3StatsDuplexStatus")
	now := duplexOf(f.Str)
	if po == nil || now == noDuplex || po.oper != statusUp || po.ignored {
		return ts
	}
	if po.duplex == noDuplex {
		po.duplex = now
		e.touch(d)
	}
	k := conditionKey{RuleInterfaceSpeedDuplex, po.key, KindDuplex}
	if ts, over := e.accept(ts, d, k, p.At); over {
		po.duplex = now
		e.touch(d)
		return ts
	}
	ts = e.observe(ts, d, k, &e.cfg.InterfaceSpeedDuplex.RuleOptions, p, now != po.duplex, func(a *Alert) {
		a.Labels = d.rowLabels(s)
		if po.alias != "" {
			a.Labels["ifAlias"] = po.alias
		}
		a.Values = map[string]string{"dot3StatsDuplexStatus": f.Str, "usualDuplex": po.duplex.String()}
		a.Summary = clean(po.where(d) + ": runs at " + f.Str + "; usual is " + po.duplex.String())
	})
	d.of(k, ethernetTable)
	return ts
}
