package alert

import (
	"context"
	"fmt"
	"time"
)

// A Notifier tells somebody. Manager calls each from one goroutine of its own, so that a slow one holds up no other.
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
