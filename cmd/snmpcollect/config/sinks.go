package config

import (
	"fmt"
	"slices"
	"strings"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/internal/secret"
)

// secret reads s, which is written below at; false if it cannot be had.
func (r *reader) secret(s source, at ...any) (secret.String, bool) {
	if !s.inline.IsZero() && r.inline == 0 {
		r.inline = r.doc.Line(append(at, s.key)...)
	}
	v, err := s.read(r.getenv)
	if err != nil {
		r.fail(err, at...)
		return v, false
	}
	return v, true
}

// name returns the name of an output or notifier: the one given, which must be distinct, else its kind, numbered if need be.
func (r *reader) name(given, kind string, taken map[string]bool, at ...any) string {
	name := given
	if given == "" {
		name = kind
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s%d", kind, n)
		}
	} else if taken[given] {
		r.fail(fmt.Errorf("the name %q is there already", given), at...)
	}
	taken[name] = true
	return name
}

// AlertsFor returns c.Alerts for these targets.
func (c Config) AlertsFor(targets []collector.Target) alert.Config {
	alerts := c.Alerts
	alerts.Rules = append(slices.Clip(alerts.Rules), c.Store.alertRules()...)
	known := map[string][]string{} // by t.Collect: thousands of targets have the same
	for _, t := range targets {
		collect := strings.Join(t.Collect, "\x00")
		if known[collect] == nil {
			known[collect] = slices.Clip(measurements(t.Collect, c.Profiles))
		}
		host, _, err := collector.SplitAddress(t.Address)
		if err != nil {
			host = t.Address // cannot be: the target was found right
		}
		alerts.Targets = append(alerts.Targets, alert.Target{Device: t.Name, AgentHost: host, Labels: t.Labels, Collect: known[collect]})
	}
	return alerts
}

// measurements returns what the profiles of these names measure.
func measurements(names []string, profiles collector.Profiles) []string {
	var out []string
	if slices.Contains(names, collector.Auto) {
		names = profiles.Names()
	}
	for _, n := range names {
		if p, ok := profiles[n]; ok {
			out = append(out, p.Measurements()...)
		}
	}
	return out
}

// headers returns the headers that are written below at; false if one cannot be had.
func (r *reader) headers(written map[string]headerValue, at ...any) (map[string]secret.String, bool) {
	headers := map[string]secret.String{}
	for name, h := range written {
		if !h.inline.IsZero() && r.inline == 0 {
			r.inline = r.doc.Line(append(at, "headers", name)...)
		}
		v, err := source{name, h.inline, h.file, h.env}.read(r.getenv)
		if err != nil {
			r.fail(fmt.Errorf("headers: %w", err), append(at, "headers", name)...)
			return nil, false
		}
		headers[name] = v
	}
	return headers, true
}
