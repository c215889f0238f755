package web

import (
	"time"

	"walkabout/alert"
)

// Alerts answers /api/ui/alerts: those of now that state ("firing", "pending", "resolved", "listed" (never up); may stand several times; firing
// and pending unless given), device and search let through: firing first, those that nobody looks after first, then the newest.
type Alerts struct {
	At       time.Time   `json:"at"`
	Counts   AlertCounts `json:"counts"`   // of all
	Matching int         `json:"matching"` // alerts that are let through
	Offset   int         `json:"offset"`
	Alerts   []Alert     `json:"alerts"`
}

// AlertCounts counts alerts.
type AlertCounts struct {
	Firing       int `json:"firing"`
	Pending      int `json:"pending"`
	Resolved     int `json:"resolved"`     // lately
	NeverUp      int `json:"never_up"`     // state "listed"
	Silenced     int `json:"silenced"`     // of those that are firing or pending
	Acknowledged int `json:"acknowledged"` // likewise
}

// Alert is an alert.Alert, whose JSON docs/alerts.md describes ("fingerprint", "state", "rule", "severity", "since", "summary", "ack",
// "silenced_by", …), with its texts cut.
type Alert struct {
	alert.Alert
	Interface string `json:"interface,omitempty"` // Interface.Key, if it is of one that is known
}
