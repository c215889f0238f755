package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
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
	for _, t := range targets {
		host, _, err := collector.SplitAddress(t.Address)
		if err != nil {
			host = t.Address // cannot be: the target was found right
		}
		alerts.Targets = append(alerts.Targets, alert.Target{Device: t.Name, AgentHost: host, Labels: t.Labels, Collect: measurements(t.Collect, c.Profiles)})
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

func (r *reader) notifiers(list []notifier) []Notifier {
	var out []Notifier
	names := map[string]bool{}
	for i, n := range list {
		switch {
		case n.Webhook != nil && n.Log != nil:
			r.fail(errors.New("one entry is one notifier: begin each with its own dash"), "notify", i)
		case n.Log != nil:
			out = append(out, Notifier{Name: r.name(n.Log.Name, "log", names, "notify", i)})
		case n.Webhook != nil:
			if o, ok := r.webhook(n.Webhook, i); ok {
				o.Name = r.name(n.Webhook.Name, "webhook", names, "notify", i)
				out = append(out, Notifier{Name: o.Name, Webhook: &o})
			}
		default:
			r.fail(errors.New("a notifier is webhook: {…} or log: {}"), "notify", i)
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

func (r *reader) webhook(w *webhook, i int) (notify.WebhookOptions, bool) {
	at := []any{"notify", i, "webhook"}
	url, ok1 := r.secret(source{"url", w.URL, w.URLFile, w.URLEnv}, at...)
	token, ok2 := r.secret(source{"token", w.Token, w.TokenFile, w.TokenEnv}, at...)
	headers, ok3 := r.headers(w.Headers, at...)
	o := notify.WebhookOptions{Name: "webhook", URL: url.Reveal(), Token: token, Headers: headers, Timeout: time.Duration(w.Timeout)}
	if !ok1 || !ok2 || !ok3 {
		return o, false
	}
	if _, err := notify.NewWebhook(o); err != nil {
		r.fail(err, at...)
		return o, false
	}
	return o, true
}
