package web

import "time"

// The kinds of a LogEntry.
const (
	KindTrap   = "trap"   // a notification came
	KindAlert  = "alert"  // an alert changed its state
	KindDevice = "device" // a device changed its state, or was reset
)

// Log answers /api/ui/log: the last of what happened, the newest first. kind (may stand several times), device and search choose; with before=ID
// it has what is older than that entry.
type Log struct {
	At      time.Time  `json:"at"`
	Entries []LogEntry `json:"entries"`
	More    bool       `json:"more"` // there are older ones
}

// LogEntry is one thing that happened.
type LogEntry struct {
	ID        uint64    `json:"id"` // ascending within a run of the collector
	At        time.Time `json:"at"`
	Kind      string    `json:"kind"`
	Device    string    `json:"device,omitempty"`      // "": a trap of nobody that is polled
	Interface string    `json:"interface,omitempty"`   // Interface.Key, if it is of one that is known
	Source    string    `json:"source,omitempty"`      // of a trap: the address that it came from, or is of
	Title     string    `json:"title"`                 // "linkDown"; "interface_mismatch firing"; "down: timeout"
	Text      string    `json:"text"`                  // a line more
	Severity  string    `json:"severity,omitempty"`    // of an alert
	Finger    string    `json:"fingerprint,omitempty"` // of an alert
	Fields    []Pair    `json:"fields,omitempty"`      // of a trap: its variable bindings
}

// Pair is a name and a value.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
