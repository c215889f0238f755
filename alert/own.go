package alert

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"walkabout/metric"
)

// Row is what a Condition looks at.
type Row struct {
	Sample   *metric.Sample
	Device   string
	Labels   map[string]string // the target's
	Interval time.Duration     // the target's
}

// observeRules evaluates the rules over rows, and what is of other tables than that of interfaces.
func (e *Engine) observeRules(ts []Transition, d *device, p *Poll) []Transition {
	held := d.held()
	duplex := e.cfg.InterfaceSpeedDuplex.Enabled && !held
	if duplex || len(e.rules) > 0 {
		for i := range p.Samples {
			s := &p.Samples[i]
			if duplex && s.Measurement == ethernetTable {
				ts = e.observeDuplex(ts, d, s, p)
			}
			for j := range e.rules {
				if rule := &e.rules[j]; rule.Measurement == s.Measurement && rule.Enabled && !held {
					ts = e.observeRule(ts, d, rule, s, p)
				}
			}
		}
	}
	return e.missConditions(ts, d, p)
}

func (e *Engine) observeRule(ts []Transition, d *device, rule *Rule, s *metric.Sample, p *Poll) []Transition {
	r := Row{Sample: s, Device: d.name, Labels: d.target.Labels, Interval: p.Interval}
	holds, known := rule.Condition.Eval(&r)
	if known && !holds && len(d.conditions) == 0 {
		return ts
	}
	key := d.rowKey(s)
	if s.Measurement == interfaceTable {
		if po := d.get(key, noHint); po != nil && po.ignored {
			return ts
		}
	}
	k := conditionKey{rule.Name, key, cmp.Or(rule.kind, KindExpression)}
	if !known {
		d.unknown(k)
		return ts
	}
	ts = e.observe(ts, d, k, &rule.RuleOptions, p, holds, func(a *Alert) {
		a.Labels = d.rowLabels(s)
		if f, ok := s.Field("ifAlias"); ok && f.Str != "" {
			a.Labels["ifAlias"] = f.Str
		}
		a.Values = rule.Condition.Values(&r)
		a.Summary = clean(strings.TrimSpace(d.name+" "+key) + ": " + rule.Condition.Summary(&r))
	})
	d.of(k, rule.Measurement)
	return ts
}

// common are the tags that do not tell the rows of a table of one device apart.
var common = [...]string{"agent_host", "device", "hostname"}

// rowKey names a row: an interface by its identity, others by the tags that are their own.
func (d *device) rowKey(s *metric.Sample) string {
	if s.Measurement == interfaceTable {
		f, _ := s.Field("ifIndex")
		if po := d.ports.at(int64(f.Num)); po != nil && po.present == d.poll {
			return po.key
		}
		return identity(s, int64(f.Num))
	}
	var parts []string
	for _, t := range s.Tags {
		if _, label := d.target.Labels[t.Name]; !label && !slices.Contains(common[:], t.Name) && t.Value != "" {
			parts = append(parts, t.Value)
		}
	}
	return strings.ToValidUTF8(strings.Join(parts, " "), "\uFFFD")
}

// Check is one look at the collector itself, of a rule such as RuleSpoolFilling.
type Check struct {
	Rule, Kind, Key string
	Holds           bool
	Labels, Values  map[string]string
	Summary         string // of how things are now, whether Holds or not
}

// Check takes what was seen of the collector itself. Its alerts have no Device.
func (e *Engine) Check(now time.Time, checks []Check) []Transition {
	d := e.self
	d.advance(&Poll{At: now})
	var ts []Transition
	for i := range checks {
		c := &checks[i]
		o := e.options(c.Rule)
		if !o.Enabled {
			continue
		}
		ts = e.observe(ts, d, conditionKey{c.Rule, c.Key, c.Kind}, o, &Poll{At: now}, c.Holds, func(a *Alert) {
			a.Labels = make(map[string]string, len(c.Labels)) // not c.Labels: the rule's are added
			maps.Copy(a.Labels, c.Labels)
			a.Values, a.Summary = c.Values, clean(c.Summary)
		})
	}
	// What is not there any more, an output that was taken out, is no trouble.
	return e.dropOf(ts, d, now, Recovered, func(_ conditionKey, c *condition) bool { return c.poll != d.poll })
}

// LinkDown takes a notification linkDown about the interface of that ifIndex: it stands for a poll that saw it down, within a minute.
func (e *Engine) LinkDown(at time.Time, device string, ifIndex int64) {
	if d := e.devices[device]; d != nil {
		if p := d.ports.at(ifIndex); p != nil {
			p.own().toldAt = at
		}
	}
}
