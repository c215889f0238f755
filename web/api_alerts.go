package web

import (
	"time"

	"walkabout/alert"
)

// Alerts answers /api/ui/alerts: those of now that state ("firing", "pending", "resolved", "listed" (never up); may stand several times; firing
// and pending unless given), device, silenced (true or false) and search let through: firing first, those that nobody looks after first, then the
// newest.
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

// AlertHistory answers /api/ui/history: what became of alerts, the newest first. state (may stand several times), device and search choose; with
// before=NUMBER it has what is older than that transition.
type AlertHistory struct {
	At          time.Time    `json:"at"`
	Transitions []Transition `json:"transitions"`
	More        bool         `json:"more"` // there are older ones
}

// Transition is an alert.Transition ("id", "from", "at", "number", "quiet", and the alert as it was then), with its texts cut.
type Transition struct {
	alert.Transition
	Interface string `json:"interface,omitempty"` // as of Alert
}

// AlertView answers /api/ui/alert.
type AlertView struct {
	At      time.Time    `json:"at"`
	Alert   *Alert       `json:"alert"`   // null: it is neither active nor was lately
	History []Transition `json:"history"` // its last, the newest first
	More    bool         `json:"more"`    // there are older ones
}
