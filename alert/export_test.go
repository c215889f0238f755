package alert

import "reflect"

// NoRareIsChanged reports whether somebody has changed what all ports share that have nothing rare.
func NoRareIsChanged() bool { return !reflect.DeepEqual(noRare, rare{}) }

// Ledger is what the lines of a journal add up to, for tests that write one line for each step.
type Ledger struct{ l *ledger }

// NewLedger returns one without lines.
func NewLedger() *Ledger { return &Ledger{newLedger()} }

// Write adds the line that a Manager writes for what changed in e and the transitions that came of it.
func (l *Ledger) Write(e *Engine, ts []Transition) error {
	c := commit{Transitions: ts}
	e.takeChanges(&c)
	if c.empty() {
		return nil
	}
	data, err := c.line()
	if err != nil {
		return err
	}
	return l.l.add(data)
}

// Snapshot returns the state that the lines add up to.
func (l *Ledger) Snapshot() Snapshot { return l.l.snapshot() }
