package notify

import (
	"bytes"
	"encoding/json"
	"time"

	"walkabout/alert"
)

// Document is a message as webhooks and programs are given it, in JSON; docs/notifiers.md tells what they may rely on. Times are RFC 3339 in UTC.
type Document struct {
	Version int             `json:"version"` // 1
	ID      string          `json:"id"`
	Group   string          `json:"group,omitempty"`
	Held    int             `json:"held,omitempty"`
	Lost    int             `json:"lost,omitempty"`
	Test    bool            `json:"test,omitempty"`
	Alerts  []DocumentAlert `json:"alerts"` // at least one
}

// DocumentAlert is one transition.
type DocumentAlert struct {
	ID              string            `json:"id"`
	Fingerprint     string            `json:"fingerprint"`
	Status          string            `json:"status"` // "firing" or "resolved"
	Why             Why               `json:"why,omitempty"`
	Reason          alert.Reason      `json:"reason,omitempty"`
	Flapping        bool              `json:"flapping,omitempty"`
	Severity        string            `json:"severity,omitempty"`
	Rule            string            `json:"rule"`
	Kind            string            `json:"kind"`
	Device          string            `json:"device"`
	Key             string            `json:"key"`
	Summary         string            `json:"summary"`
	Since           time.Time         `json:"since"`
	FiredAt         time.Time         `json:"fired_at"`
	At              time.Time         `json:"at"`
	ObservedSeconds float64           `json:"observed_seconds"`
	FiredBefore     int               `json:"fired_before,omitempty"`
	LastFired       time.Time         `json:"last_fired_at,omitzero"`
	Explains        int               `json:"explains,omitempty"`
	Link            string            `json:"link,omitempty"`
	Labels          map[string]string `json:"labels"`
	Values          map[string]string `json:"values"`
}

// Document returns m as JSON, in one line.
func (m *Message) Document() ([]byte, error) {
	d := Document{Version: 1, ID: m.ID, Group: m.Group, Held: m.Held, Lost: m.Lost, Test: m.Test}
	for i := range m.Items {
		t := &m.Items[i]
		d.Alerts = append(d.Alerts, DocumentAlert{
			ID: t.ID, Fingerprint: t.Fingerprint, Status: t.State.String(), Why: t.Why, Reason: t.Reason, Flapping: t.Flapping, Severity: t.Severity,
			Rule: t.Rule, Kind: t.Kind, Device: t.Device, Key: t.Key, Summary: t.Summary, Since: t.Since, FiredAt: t.FiredAt, At: t.At,
			ObservedSeconds: t.Observed.Seconds(), FiredBefore: t.FiredBefore, LastFired: t.LastFired, Explains: t.Explains, Link: t.Link,
			Labels: t.Labels, Values: t.Values,
		})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // this is no page, and people read it
	err := enc.Encode(d)
	return b.Bytes(), err
}
