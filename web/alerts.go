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
	if err := knownStates(states); err != nil {
		return nil, err
	}
	device, silenced := v.Get("device"), v.Get("silenced")
	if silenced != "" && silenced != "true" && silenced != "false" {
		return nil, badRequest("silenced: %q is neither true nor false", Text(silenced))
	}
	out := Alerts{At: time.Now(), Offset: q.offset, Alerts: []Alert{}}
	list := s.o.Alerts.Alerts()
	for i := range list {
		out.Counts.add(&list[i])
	}
	out.Counts.NeverUp = s.o.Alerts.NeverUpCount()
	switch { // to list them all takes a while
	case !slices.Contains(states, alert.Listed.String()):
	case device != "":
		list = append(list, s.o.Alerts.NeverUpOf(device)...)
	default:
		list = append(list, s.o.Alerts.NeverUp()...)
	}
	var all []*alert.Alert
	for i := range list {
		a := &list[i]
		if slices.Contains(states, a.State.String()) && (device == "" || a.Device == device) && (silenced == "" || (silenced == "true") == (a.SilencedBy != "")) && foundAlert(a, q) {
			all = append(all, a)
		}
	}
	sortAlerts(all)
	out.Matching = len(all)
	for _, a := range page(all, q) {
		out.Alerts = append(out.Alerts, s.shown(*a))
	}
	return out, nil
}

// knownStates returns what is wrong with the parameters state.
func knownStates(states []string) error {
	for _, text := range states {
		var state alert.State
		if err := state.UnmarshalText([]byte(text)); err != nil || state == alert.Inactive {
			return badRequest("state: %q is none of firing, pending, resolved, listed", Text(text))
		}
	}
	return nil
}

// alertHistory answers with AlertHistory.
func (s *Server) alertHistory(r *http.Request) (any, error) {
	v := r.URL.Query()
	q, err := parseList(v)
	if err != nil {
		return nil, err
	}
	before, err := parseBefore(v)
	if err != nil {
		return nil, err
	}
	states := v["state"]
	if err := knownStates(states); err != nil {
		return nil, err
	}
	out := AlertHistory{At: time.Now()}
	h := alert.HistoryQuery{Device: v.Get("device"), Before: before, Words: q.words, Limit: q.limit, Match: func(t *alert.Transition) bool {
		return (len(states) == 0 || slices.Contains(states, t.State.String())) && foundAlert(&t.Alert, q)
	}}
	out.Transitions, out.More, err = s.transitions(h)
	return out, err
}

// transitions returns those of q, the newest first, and whether there are more.
func (s *Server) transitions(q alert.HistoryQuery) (out []Transition, more bool, err error) {
	limit := q.Limit
	q.Limit++
	ts, err := s.o.Alerts.History(q)
	if err != nil {
		return nil, false, err
	}
	out = []Transition{}
	for _, t := range ts[:min(len(ts), limit)] {
		shown := s.shown(t.Alert)
		t.Alert = shown.Alert
		out = append(out, Transition{Transition: t, Interface: shown.Interface})
	}
	return out, len(ts) > limit, nil
}

// alert answers with an AlertView.
func (s *Server) alert(r *http.Request) (any, error) {
	fingerprint := r.URL.Query().Get("fingerprint")
	if fingerprint == "" {
		return nil, badRequest("fingerprint: which one?")
	}
	out := AlertView{At: time.Now()}
	if a, ok := s.o.Alerts.Alert(fingerprint); ok {
		shown := s.shown(a)
		out.Alert = &shown
	}
	var err error
	if out.History, out.More, err = s.transitions(alert.HistoryQuery{Fingerprint: fingerprint, Limit: defaultLimit}); err != nil {
		return nil, err
	}
	if out.Alert == nil && len(out.History) == 0 {
		return nil, notFound("nothing is known of an alert %q (any more)", Text(fingerprint))
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
func sortAlerts(all []*alert.Alert) {
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
	slices.SortFunc(all, func(a, b *alert.Alert) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Since.Compare(a.Since), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
}

// shown returns a with its texts cut.
func (s *Server) shown(a alert.Alert) Alert {
	return Alert{Alert: cut(a), Interface: s.memory.portKey(a.Device, a.Key)}
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

// portKey returns the Interface.Key of what an alert of the device is of; "" if it is of no interface that is known.
func (m *Memory) portKey(device, key string) string {
	key = Text(key)
	return m.findPort(device, func(p *port) bool { return key != "" && p.key() == key })
}

// portOf is portKey of an ifIndex.
func (m *Memory) portOf(device string, index int32) string {
	return m.findPort(device, func(p *port) bool { return p.index == index })
}

func (m *Memory) findPort(device string, match func(*port) bool) string {
	d := m.device(device)
	if d == nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.ports.list {
		if p := &d.ports.list[i]; match(p) {
			return p.key()
		}
	}
	return ""
}

// alertsOf returns the alerts of a device that are firing or pending; with key those of that interface only.
func (s *Server) alertsOf(device string, key *string) []Alert {
	var all []*alert.Alert
	list := s.o.Alerts.Alerts()
	for i := range list {
		if a := &list[i]; a.Device == device && (a.State == alert.Firing || a.State == alert.Pending) && (key == nil || Text(a.Key) == *key) {
			all = append(all, a)
		}
	}
	sortAlerts(all)
	out := []Alert{}
	for _, a := range all[:min(len(all), maxLimit)] {
		out = append(out, s.shown(*a))
	}
	return out
}
