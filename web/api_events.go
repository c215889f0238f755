package web

// Event is what /api/ui/events (text/event-stream) tells as "event: change", its data as JSON: what to fetch anew. Several changes are told together, at most
// one Event a second to a client.
//
// Nothing is ever told twice, nor kept for a client that was away: whoever connects, for the first time or again, is told "event: hello" with a Hello, and fetches what
// it shows. A client that does not read is let go, and connects again. An "event: beat", whose data is null, comes every 15 s, so that a connection
// that is dead is noticed.
type Event struct {
	Topics []string `json:"topics"` // see TopicFleet …
	// Devices are those of which something changed, at most 200; All says that there were more, or that it may be any.
	Devices []string `json:"devices"`
	All     bool     `json:"all,omitempty"`
}

// Hello is the data of the event "hello".
type Hello struct {
	Started int64  `json:"started"` // Unix milliseconds: see Session.Started
	Version string `json:"version"` // another one than the page's: load the page anew
}

// The topics of an Event.
const (
	TopicFleet  = "fleet"  // devices were polled: fleet, device, interface
	TopicAlerts = "alerts" // alerts, silences, acknowledgements
	TopicLog    = "log"    // something new stands in the log
	TopicConfig = "config" // the configuration was read anew: everything
)
