package main

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"walkabout/alert"
	"walkabout/store/rules"
)

// storeChecks shows the alerts of the store's rules to the collector's own, which remember them, hold them back while they are silenced, and tell people. The
// time for which a rule wants its expression to hold has passed when it fires. After a restart what fired goes on until the rule was evaluated, and while
// it is pending again.
func (p *parts) storeChecks() []alert.Check {
	if p.store == nil {
		return nil
	}
	active, unknown := p.store.rules.Active()
	firing := map[[2]string]*alert.Alert{}
	current := p.alerts.Alerts()
	for i := range current {
		if a := &current[i]; a.Device == "" && a.Kind == alert.KindExpression && a.State == alert.Firing {
			firing[[2]string{a.Rule, a.Key}] = a
		}
	}
	var out []alert.Check
	for i := range active {
		c, ok := p.store.check(&active[i])
		if before := firing[[2]string{c.Rule, c.Key}]; ok && (active[i].Firing || before != nil) {
			out = append(out, c)
			delete(firing, [2]string{c.Rule, c.Key})
		}
	}
	for _, a := range firing {
		if slices.ContainsFunc(unknown, func(name string) bool { return p.store.isOf(a.Rule, name) }) {
			out = append(out, alert.Check{Rule: a.Rule, Kind: a.Kind, Key: a.Key, Holds: true, Labels: a.Labels, Values: a.Values, Summary: a.Summary})
		}
	}
	return out
}

// check returns what alert is shown of a; false if the rule files name no such alert. A severity that a template makes is that of the first rule.
func (e *embedded) check(a *rules.Alert) (alert.Check, bool) {
	name, ok := e.names[rules.Named{Alert: a.Name, Severity: a.Labels["severity"]}]
	if !ok {
		for n, rule := range e.names {
			if n.Alert == a.Name && (!ok || rule < name) {
				name, ok = rule, true
			}
		}
	}
	c := alert.Check{Rule: name, Kind: alert.KindExpression, Holds: true, Labels: map[string]string{}, Values: map[string]string{"value": strconv.FormatFloat(a.Value, 'g', 6, 64)}}
	var key []string
	for _, label := range slices.Sorted(maps.Keys(a.Labels)) {
		if label == "alertname" || label == "job" {
			continue
		}
		c.Labels[label] = a.Labels[label]
		key = append(key, label+"="+a.Labels[label])
	}
	c.Key = strings.Join(key, " ")
	c.Summary = cmp.Or(a.Annotations["summary"], a.Annotations["description"], strings.TrimSpace(a.Name+" "+c.Key))
	return c, ok
}

// isOf reports whether the rule of alert is that of the alertname.
func (e *embedded) isOf(rule, alertname string) bool {
	for n, name := range e.names {
		if name == rule && n.Alert == alertname {
			return true
		}
	}
	return false
}
