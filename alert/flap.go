package alert

import (
	"slices"
	"strconv"
	"time"
)

// flaps is what is remembered of how often an interface's alert fired and recovered.
type flaps struct {
	kind    string        // of the alert
	changes []time.Time   // oldest first: the latest, one more than are allowed at most
	calm    time.Duration // for how long a flapping alert was observed without its condition, the last time through
	well    bool          // the last observation was without it
}

// changed notes that the alert of p fires or recovers, and reports whether that is once too often.
func (e *Engine) changed(p *port, at time.Time) bool {
	rule := &e.cfg.InterfaceMismatch
	f := &p.flaps
	if rule.FlapChanges < 1 || f.kind != p.alert.Kind {
		*f = flaps{kind: p.alert.Kind}
	}
	if rule.FlapChanges < 1 {
		return false
	}
	f.changes = slices.DeleteFunc(f.changes, func(t time.Time) bool { return at.Sub(t).Abs() > rule.FlapWindow })
	f.changes = append(f.changes, stamp(at))
	f.changes = f.changes[max(0, len(f.changes)-rule.FlapChanges-1):]
	return len(f.changes) > rule.FlapChanges
}

// recovered takes an observation of p that lacks the condition of p.alert, and reports whether the alert is over. One that flaps stays
// Firing until the condition was not seen for FlapHold; the alert's Summary tells how things are now.
func (e *Engine) recovered(ts []Transition, p *port, at time.Time, elapsed time.Duration) ([]Transition, bool) {
	a, f, rule := p.alert, &p.flaps, &e.cfg.InterfaceMismatch
	switch {
	case a.State != Firing: // nobody was told
	case !a.Flapping && !e.changed(p, at):
	case !a.Flapping:
		f.calm, f.well = 0, true
		return e.flap(ts, p, at), false
	case rule.FlapChanges > 0:
		if f.well {
			f.calm += elapsed
		}
		f.well = true
		e.revision++
		if f.calm < rule.FlapHold {
			return ts, false
		}
		e.changed(p, at)
	}
	f.calm, f.well = 0, false
	return e.resolve(ts, &p.alert, at, Recovered), true
}

// flap marks the alert of p, which fires and would otherwise be over. It is told once more for that, under an ID of its own.
func (e *Engine) flap(ts []Transition, p *port, at time.Time) []Transition {
	a := p.alert
	a.Flapping = true
	a.Summary += ", flapping" + p.flapText(at)
	e.revision++
	return append(ts, Transition{ID: transitionID(a) + "-flapping", From: Firing, At: stamp(at), Alert: *a})
}

// flapText says how often the alert of p changed.
func (p *port) flapText(at time.Time) string {
	return ": " + strconv.Itoa(len(p.flaps.changes)) + " changes in " + short(at.Sub(p.flaps.changes[0]))
}
