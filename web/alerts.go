package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
)

func (s *Server) alerts(r *http.Request) (any, error) {
	v := r.URL.Query()
	q, err := parseList(v)
	if err != nil {
		return nil, err
	}
	states := v["state"]
	if len(states) == 0 {
		states = []string{alert.Firing.String(), alert.Pending.String()}
	}
	for _, text := range states {
		var state alert.State
		if err := state.UnmarshalText([]byte(text)); err != nil || state == alert.Inactive {
			return nil, badRequest("state: %q is none of firing, pending, resolved, listed", text)
		}
	}
	device := v.Get("device")
	out := Alerts{At: time.Now(), Offset: q.offset, Alerts: []Alert{}}
	var all []alert.Alert
	for _, list := range [][]alert.Alert{s.o.Alerts.Alerts(), s.o.Alerts.NeverUp()} {
		for i := range list {
			a := &list[i]
			out.Counts.add(a)
			if contains(states, a.State.String()) && (device == "" || a.Device == device) && foundAlert(a, q) {
				all = append(all, *a)
			}
		}
	}
	sortAlerts(all)
	out.Matching = len(all)
	for _, a := range page(all, q) {
		out.Alerts = append(out.Alerts, s.shown(a))
	}
	return out, nil
}

func (c *AlertCounts) add(a *alert.Alert) {
	switch a.State {
	case alert.Firing:
		c.Firing++
	case alert.Pending:
		c.Pending++
	case alert.Resolved:
		c.Resolved++
		return
	default:
		c.NeverUp++
		return
	}
	if a.SilencedBy != "" {
		c.Silenced++
	}
	if a.Ack != nil {
		c.Acknowledged++
	}
}

func foundAlert(a *alert.Alert, q *listQuery) bool {
	if len(q.words) == 0 {
		return true
	}
	texts := []string{a.Device, a.Rule, a.Kind, a.Key, a.Severity, a.Summary, a.Fingerprint}
	for name, value := range a.Labels {
		texts = append(texts, name+"="+value)
	}
	return q.found(texts...)
}

// sortAlerts puts first what fires and nobody looks after, then the newest.
func sortAlerts(all []alert.Alert) {
	rank := func(a *alert.Alert) int {
		switch {
		case a.State == alert.Firing && a.Ack == nil && a.SilencedBy == "":
			return 0
		case a.State == alert.Firing:
			return 1
		case a.State == alert.Pending:
			return 2
		}
		return 3
	}
	slices.SortFunc(all, func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), b.Since.Compare(a.Since), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
}

// shown returns a with its texts cut.
func (s *Server) shown(a alert.Alert) Alert {
	if a.Key != "" && s.memory.hasPort(a.Device, Text(a.Key)) {
		return Alert{Alert: cut(a), Interface: Text(a.Key)}
	}
	return Alert{Alert: cut(a)}
}

func cut(a alert.Alert) alert.Alert {
	a.Key, a.Summary, a.ExplainedBy = Text(a.Key), Text(a.Summary), Text(a.ExplainedBy)
	for _, texts := range []*map[string]string{&a.Labels, &a.Values} {
		*texts = maps.Clone(*texts) // they are everybody's
		for name, value := range *texts {
			(*texts)[name] = Text(value)
		}
	}
	return a
}

func (m *Memory) hasPort(device, key string) bool {
	d := m.device(device)
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.ports.list, func(p port) bool { return p.key() == key })
}

// alertsOf returns the alerts of a device that are firing or pending; with key those of that interface only.
func (s *Server) alertsOf(device string, key *string) []Alert {
	var all []alert.Alert
	for _, a := range s.o.Alerts.Alerts() {
		if a.Device == device && (a.State == alert.Firing || a.State == alert.Pending) && (key == nil || Text(a.Key) == *key) {
			all = append(all, a)
		}
	}
	sortAlerts(all)
	out := []Alert{}
	for _, a := range all[:min(len(all), maxLimit)] {
		out = append(out, s.shown(a))
	}
	return out
}
