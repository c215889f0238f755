package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/internal/secret"
)

// Alertmanager is a notify.Mirror that posts alerts to one Alertmanager by its API v2, as Prometheus does. Each of a cluster is given all of them.
type Alertmanager struct {
	*poster
	lasting time.Duration
}

// alertsPath is where alerts are posted, below the Alertmanager's URL.
const alertsPath = "api/v2/alerts"

// mostPosted bounds the alerts of one request.
const mostPosted = 256

// NewAlertmanager checks o, whose URL is the Alertmanager's, with the prefix of its paths if it has one. every is how often it is shown what fires:
// what it is not shown for four times as long is over for it.
func NewAlertmanager(o Options, every time.Duration) (*Alertmanager, error) {
	u, err := url.Parse(o.URL.Reveal())
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("alertmanager: url is not of the form http://host:9093")
	}
	o.URL = secret.New(u.JoinPath(alertsPath).String())
	p, err := newPoster("alertmanager", o)
	if err != nil {
		return nil, err
	}
	if every <= 0 {
		every = notify.DefaultEvery
	}
	return &Alertmanager{poster: p, lasting: 4 * every}, nil
}

// posted is an alert of the API (postableAlert in its openapi.yaml).
type posted struct {
	Labels       map[string]string `json:"labels"` // its identity: only what stays as it is while it fires
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Show implements notify.Mirror.
func (a *Alertmanager) Show(ctx context.Context, alerts []alert.Alert) error {
	now := time.Now()
	var refused []error
	for part := range slices.Chunk(alerts, mostPosted) {
		body, err := encode(a.posts(part, now))
		if err != nil {
			return fmt.Errorf("alertmanager: encoding: %w", err)
		}
		err = a.post(ctx, body, nil)
		if rejected := new(notify.RejectedError); errors.As(err, &rejected) {
			refused = append(refused, err) // it took those of the part that it likes; the other parts may be well
			continue
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(refused...)
}

// Preview returns what would be posted of alerts.
func (a *Alertmanager) Preview(alerts []alert.Alert) (string, error) {
	body, err := encode(a.posts(alerts, time.Now()))
	return "POST " + a.where() + "\n\n" + pretty(body), err
}

func (a *Alertmanager) posts(alerts []alert.Alert, now time.Time) []posted {
	var list []posted
	for i := range alerts {
		x := &alerts[i]
		p := posted{Labels: identity(x), Annotations: annotations(x), StartsAt: x.FiredAt, EndsAt: now.Add(a.lasting), GeneratorURL: x.Link}
		if x.State == alert.Resolved {
			p.EndsAt = x.ResolvedAt
		}
		if p.EndsAt.Before(p.StartsAt) { // the clock was set back; Alertmanager refuses what ends before it starts
			p.StartsAt = p.EndsAt
			if x.State == alert.Firing {
				p.StartsAt = now
			}
		}
		list = append(list, p)
	}
	return list
}

// changing are labels that may change under an alert: they are told as annotations.
var changing = []string{"agent_host", "hostname", "sysLocation", "ifAlias", "ifDescr", "ifName"}

// identity returns the labels that are the alert to Alertmanager. Those that it itself gives a meaning take the place of others.
func identity(x *alert.Alert) map[string]string {
	labels := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(x.Labels)) { // of two that become one the same is taken each time
		if !slices.Contains(changing, name) {
			labels[labelName(name)] = x.Labels[name]
		}
	}
	maps.Copy(labels, map[string]string{"alertname": x.Rule, "kind": x.Kind, "device": x.Device})
	if x.Severity != "" {
		labels["severity"] = x.Severity
	}
	if x.Key != "" {
		labels["interface"] = x.Key
	}
	for name, value := range labels {
		labels[name] = strings.ToValidUTF8(value, "\uFFFD")
	}
	return labels
}

func annotations(x *alert.Alert) map[string]string {
	said := map[string]string{"summary": x.Summary, "fingerprint": x.Fingerprint}
	for _, name := range changing {
		if v := x.Labels[name]; v != "" {
			said[name] = v
		}
	}
	for name, value := range x.Values {
		said["value_"+labelName(name)] = value
	}
	if x.Explains > 0 {
		said["explains"] = fmt.Sprint(x.Explains)
	}
	if x.FiredBefore > 0 {
		said["fired_before"] = fmt.Sprint(x.FiredBefore)
	}
	if x.Flapping {
		said["flapping"] = "true"
	}
	for name, value := range said {
		said[name] = strings.ToValidUTF8(value, "\uFFFD")
	}
	return said
}

// labelName makes a name that every Alertmanager takes: [a-zA-Z_][a-zA-Z0-9_]*.
func labelName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		return "_" + clean
	}
	return clean
}
