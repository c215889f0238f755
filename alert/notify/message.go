// Package notify tells people of alerts: it decides which receiver is told what and when, remembers that on disk, and tries again.
//
// A Dispatcher is the alert.Notifier of a program. It hands each transition to every Receiver whose matchers fit. A receiver has a book on disk:
// what it is yet to be told, what it was told and still fires. From that book it composes Messages by its Policy (grouped, at a bounded rate, with
// reminders and escalations), and a Sender carries each to where it is read. Packages web and mail have the senders that speak HTTP and SMTP.
//
// A Message is on disk before it is sent, so that after a crash it is sent again under the same ID if it was not known to be taken.
package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"walkabout/alert"
)

// Why says why a receiver is told of an alert.
type Why string

const (
	News       Why = ""           // it fires, turned out to be flapping, or ended
	Reminder   Why = "reminder"   // it still fires, and nobody has acknowledged it
	Escalation Why = "escalation" // likewise, and others were told before
)

// Item is a transition that a receiver is told. That of a reminder, or an escalation, is from Firing to Firing and has an ID of its own.
type Item struct {
	alert.Transition
	Why Why `json:"why,omitempty"`
}

// Message is what a receiver is told at once. It is a value that nobody changes.
type Message struct {
	ID    string    `json:"id"` // 32 hex digits; the same whenever the message is sent again, and that of no other
	At    time.Time `json:"at"` // when it was composed
	Group string    `json:"group,omitempty"`
	Items []Item    `json:"items"` // at least one, in the order in which they happened

	// Held is how many messages there would have been if the receiver's rate had allowed it: this is a digest of them. Else 0.
	Held int `json:"held,omitempty"`
	// Lost is how many transitions were dropped before this message because too many waited.
	Lost int `json:"lost,omitempty"`
	// Follows are the IDs of the messages in which the receiver first heard of these alerts, oldest first, some at most: the thread.
	Follows []string `json:"follows,omitempty"`
	// Test: it is of no real alert.
	Test bool `json:"test,omitempty"`
}

// identity returns the ID of m, which is for the receiver of that name.
func (m *Message) identity(receiver string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(receiver + "\x00" + m.At.UTC().Format(time.RFC3339Nano)))
	for i := range m.Items {
		_, _ = h.Write([]byte("\x00" + m.Items[i].ID))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// A Sender carries messages to where they are read. Send and Preview are not called at the same time.
type Sender interface {
	// Send returns nil once m was taken. It returns when ctx ends. After an *RejectedError m is given up, after any other error it is
	// tried again, not before what an *RetryError asks for. Errors show no secret.
	Send(ctx context.Context, m *Message) error
	// Preview returns what Send would send of m, as text for people; it shows no secret.
	Preview(m *Message) (string, error)
	// Close lets go of connections. It is called once, after the last Send.
	Close()
}

// Stats is what became of one receiver's notifications.
type Stats struct {
	Name      string
	Waiting   int    // transitions that it is yet to be told
	Held      int    // of these: kept back by its rate
	Messages  uint64 // messages that were taken
	Delivered uint64 // transitions that were taken
	Failures  uint64 // attempts that failed, whatever came of it
	Rejected  uint64 // transitions given up because they will never be taken
	Expired   uint64 // transitions given up after a day
	Dropped   uint64 // transitions dropped because too many waited

	LastError   string    // of the last attempt; "" if it succeeded
	LastSuccess time.Time // zero: none yet
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
