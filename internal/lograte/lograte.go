// Package lograte holds log lines of one kind apart: what fails for a night is said some hundred times and not a million.
package lograte

import "time"

// Interval is the least time between two lines of one kind.
const Interval = time.Minute

// Kind is one kind of line; the zero Kind was never said. It is not safe for concurrent use.
type Kind struct{ last time.Time }

// Due reports whether a line may be logged now, and notes that it is.
func (k *Kind) Due() bool {
	now := time.Now()
	if !k.last.IsZero() && now.Sub(k.last) < Interval {
		return false
	}
	k.last = now
	return true
}
