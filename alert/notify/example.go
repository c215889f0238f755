package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
)

// Example returns a message of no real alert: that of a port that is down at that time, or of several alerts of which one ended.
func Example(at time.Time, several bool) *Message {
	down := func(key, alias string) Item {
		fingerprint := strings.Repeat("0123456789abcde", 2) + "f" + key[len(key)-1:] // 32 hex digits
		a := alert.Alert{
			Fingerprint: fingerprint, Device: "core1", Rule: alert.RuleInterfaceMismatch, Kind: alert.KindOperDown, Key: key,
			State: alert.Firing, Severity: alert.Critical, Since: at.Add(-time.Minute), FiredAt: at, Observed: time.Minute, Polls: 3,
			FiredBefore: 2, LastFired: at.Add(-72 * time.Hour), Link: "https://collector.example.net/alerts/" + fingerprint,
			Labels: map[string]string{"device": "core1", "agent_host": "192.0.2.1", "hostname": "core1.example.net", "sysLocation": "Paris, rack 4",
				"ifName": key, "ifAlias": alias, "site": "paris"},
			Values:  map[string]string{"ifAdminStatus": "up", "ifOperStatus": "down", "ifIndex": "3"},
			Summary: "core1 " + key + " (" + alias + "): admin up, oper down, seen for 1m0s",
		}
		return Item{Transition: alert.Transition{ID: a.Fingerprint + "-example-firing", From: alert.Pending, At: at, Alert: a}}
	}
	m := &Message{ID: "00000000000000000000000000000000", At: at, Group: "core1", Test: true, Items: []Item{down("Gi0/3", "uplink <Lyon>")}}
	if several {
		ended := down("Gi0/4", "uplink & Nice")
		ended.ID, ended.From, ended.At = ended.Fingerprint+"-example-resolved", alert.Firing, at.Add(2*time.Minute)
		ended.State, ended.Reason, ended.ResolvedAt = alert.Resolved, alert.Recovered, ended.At
		ended.Summary = "core1 Gi0/4 (uplink & Nice): admin up, oper up; recovered after 3m0s"
		m.Items = append(m.Items, ended, down("Gi0/5", "to a server"))
		m.Held, m.Items[2].Why = 2, Escalation
	}
	return m
}

// TestAt returns m as a test that is sent at that time: under an ID of its own, so that no receiver drops it as a repetition.
func (m *Message) TestAt(now time.Time) *Message {
	t := *m
	t.Test, t.At = true, now.UTC()
	t.Items = slices.Clone(m.Items)
	for i := range t.Items {
		it := &t.Items[i]
		it.ID = it.Fingerprint + "-test-" + strconv.FormatInt(now.UnixNano(), 36)
		it.At = t.At
	}
	t.ID = t.identity("test")
	return &t
}
