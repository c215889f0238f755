package alert

import "context"

// A Notifier tells somebody. Manager calls each from one goroutine of its own, so that a slow one holds up no other.
//
// What it tells is in each Transition, so that a notifier needs nothing else:
//
//	what              Rule, Kind, Severity, Summary (one line); State firing or resolved, with Reason; Flapping; Explains
//	where             Device and Key (an interface's identity); Labels: device, agent_host, hostname (sysName), sysLocation, the target's
//	                  labels; ifName, ifDescr, ifAlias
//	since when        Since, FiredAt, ResolvedAt; At is the poll that caused this transition
//	the last values   Values, by MIB object, as text
//	how often before  FiredBefore, LastFired
//	a link            Link
//	to tell it apart  ID of the transition, the same when it is told again; Fingerprint of the alert, the same from its beginning to its end
//	                  and whenever it comes back: threads, deduplication
//
// Transitions come from a queue on disk (the state file), in the order in which they happened, one call at a time. Silenced ones do not come.
// What groups or escalates may ask Manager.Alerts how an alert stands now: whether it is still Firing, and Ack.
type Notifier interface {
	// Name is the notifier's name in the state file: distinct, and the same after a restart, or what it has not yet
	// delivered is lost.
	Name() string
	// Notify returns nil once it has taken all of ts, which holds at least one, and at most 1,000. It returns when ctx ends. After an error they
	// come again: it may thus see a transition twice, under the same ID. What nobody will ever take it takes, and says so itself. ts must not be kept.
	Notify(ctx context.Context, ts []Transition) error
}
