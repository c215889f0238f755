package web

import "time"

// Collector answers /api/ui/collector: the collector about itself.
type Collector struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	Go      string    `json:"go"`     // the release that it was built with
	System  string    `json:"system"` // GOOS/GOARCH
	Started time.Time `json:"started"`
	Health  string    `json:"health"` // "ok", or what is wrong in a sentence: as /healthz has it

	Counts    FleetCounts   `json:"counts"`
	Process   Process       `json:"process"`
	Outputs   []Output      `json:"outputs"`
	Notifiers []Notifier    `json:"notifiers"`
	Spool     Spool         `json:"spool"`
	Store     *StoreHealth  `json:"store"` // null: there is none
	Traps     *TrapReceiver `json:"traps"` // null: none are received
	Reload    Reload        `json:"reload"`
	Slow      []SlowDevice  `json:"slow"`     // at most 20: late, then slowest in relation to their interval
	Problems  []Problem     `json:"problems"` // the last warnings and errors of the log, the newest first
	Viewers   int           `json:"viewers"`  // pages that are open: clients of /api/ui/events
}

// Process is what the collector takes.
type Process struct {
	Memory     uint64  `json:"memory"` // octets that the runtime has from the system
	Heap       uint64  `json:"heap"`   // octets of live and not yet swept objects
	Goroutines int     `json:"goroutines"`
	CPU        float64 `json:"cpu"`  // seconds of processors since it started; 0 where the system does not tell
	CPUs       int     `json:"cpus"` // processors that it may use
}

// Output is where samples go, and what waits for it in the spool.
type Output struct {
	Name      string            `json:"name"`
	State     string            `json:"state"`    // "ok", "failing" (its last write failed), "filling" (a limit of what may wait is near), "absent" (waits in the spool, but is not configured)
	Written   uint64            `json:"written"`  // samples that are durable there
	Rejected  uint64            `json:"rejected"` // samples that it will never take
	Filtered  uint64            `json:"filtered"` // samples that its filter keeps from it
	Retries   uint64            `json:"retries"`
	Errors    map[string]uint64 `json:"errors,omitempty"` // writes that failed, by reason
	Error     string            `json:"error,omitempty"`  // of the last write that failed, whatever came after it
	ErrorAt   time.Time         `json:"error_at,omitzero"`
	LastWrite time.Time         `json:"last_write,omitzero"`
	Waiting   uint64            `json:"waiting"`          // polls in the spool
	Octets    int64             `json:"octets"`           // of them, on disk
	Oldest    float64           `json:"oldest,omitempty"` // how long the oldest has waited, in seconds
	Dropped   uint64            `json:"dropped"`          // polls that were dropped at the limits
}

// Notifier is a way to tell people.
type Notifier struct {
	Name      string `json:"name"`
	Waiting   int    `json:"waiting"`
	Delivered uint64 `json:"delivered"`
	Failed    uint64 `json:"failed"`          // attempts
	Lost      uint64 `json:"lost"`            // rejected, expired, dropped
	Error     string `json:"error,omitempty"` // of the last attempt
}

// Spool is the queue on disk.
type Spool struct {
	Octets   int64  `json:"octets"`
	Segments int    `json:"segments"`
	Appended uint64 `json:"appended"` // polls
	Refused  uint64 `json:"refused"`
	Failures uint64 `json:"failures"` // writes that failed
	Lost     uint64 `json:"lost"`     // polls
	Unsaved  int    `json:"unsaved"`  // polls in memory only, since the disk takes nothing
}

// StoreHealth is the embedded store.
type StoreHealth struct {
	Series   uint64    `json:"series"`  // that are written to at present
	Samples  uint64    `json:"samples"` // appended since the collector started
	Octets   int64     `json:"octets"`  // on disk
	Oldest   time.Time `json:"oldest,omitzero"`
	Newest   time.Time `json:"newest,omitzero"`
	KeepFor  float64   `json:"keep_for,omitempty"`  // seconds
	KeepSize int64     `json:"keep_size,omitempty"` // octets
	Problem  string    `json:"problem,omitempty"`
	// Reading is how much of its log was read, 0 to 1, while nothing can be stored or drawn for that, at the start; null: it is open.
	Reading *float64 `json:"reading,omitempty"`
}

// TrapReceiver is who takes notifications.
type TrapReceiver struct {
	Listen   []string `json:"listen"`
	Received uint64   `json:"received"`
	Refused  uint64   `json:"refused"` // for all reasons together
}

// Reload is the configuration's.
type Reload struct {
	Last time.Time `json:"last,omitzero"` // when it was last read
	Good bool      `json:"good"`          // that was used; else the one before it goes on
}

// SlowDevice is one that is polled slowly or late.
type SlowDevice struct {
	Name     string  `json:"name"`
	Duration float64 `json:"duration"` // seconds
	Interval float64 `json:"interval"`
	Lag      float64 `json:"lag"`
	Why      string  `json:"why"`
}

// Problem is a warning or an error of the log.
type Problem struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"` // "WARN", "ERROR"
	Text  string    `json:"text"`  // message and attributes
}
