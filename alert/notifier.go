package alert

import (
	"context"
	"fmt"
	"time"
)

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
// What groups or escalates may ask Manager.Alert how an alert stands now: whether it is still Firing, and Ack.
type Notifier interface {
	// Name is the notifier's name in the state file: distinct, and the same after a restart, or what it has not yet
	// delivered is lost.
	Name() string
	// Notify returns nil once the receiver has taken all of ts, which holds at least one. It returns when ctx ends.
	// After a *RejectedError the transitions are given up; after any other error they are tried again. Receivers may
	// thus see a transition twice, under the same ID. ts must not be kept.
	Notify(ctx context.Context, ts []Transition) error
}

// RejectedError says that the receiver will never take this notification, so that trying again is useless.
type RejectedError struct{ Err error }

func (e *RejectedError) Error() string { return fmt.Sprintf("rejected: %v", e.Err) }
func (e *RejectedError) Unwrap() error { return e.Err }

// RetryError says how long the receiver asked to be left alone.
type RetryError struct {
	After time.Duration
	Err   error
}

func (e *RetryError) Error() string { return fmt.Sprintf("%v (try again after %v)", e.Err, e.After) }
func (e *RetryError) Unwrap() error { return e.Err }
