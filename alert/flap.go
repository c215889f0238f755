package alert

import (
	"slices"
	"strconv"
	"time"
)

// flaps is what is remembered of how often an interface's mismatch came and went.
type flaps struct {
	kind    string        // of the alert
	changes []time.Time   // oldest first: the latest, one more than are allowed at most
	calm    time.Duration // for how long a firing alert was observed without its condition, the last time through
	well    bool          // the last observation was without it
}

// changed notes that the mismatch of p comes or goes, and reports whether that is once too often.
func (e *Engine) changed(p *port, at time.Time) bool {
	rule := &e.cfg.InterfaceMismatch
	f := &p.flaps
	if rule.FlapChanges < 1 || f.kind != p.alert.Kind {
		*f = flaps{kind: p.alert.Kind, calm: f.calm, well: f.well}
	}
	if rule.FlapChanges < 1 {
		return false
	}
	f.changes = slices.DeleteFunc(f.changes, func(t time.Time) bool { return at.Sub(t).Abs() > rule.FlapWindow })
	f.changes = append(f.changes, stamp(at))
	f.changes = f.changes[max(0, len(f.changes)-rule.FlapChanges-1):]
	return len(f.changes) > rule.FlapChanges
}

// recovered takes an observation of p that lacks the condition of p.alert, and reports whether the alert is over. One that fires stays Firing until
// the condition was not seen for KeepFiringFor, and for FlapHold if it flaps; the alert's Summary tells how things are now. One that nobody was told of
// yet fires if it has come and gone too often.
func (e *Engine) recovered(ts []Transition, p *port, at time.Time, elapsed time.Duration) ([]Transition, bool) {
	a, f, rule := p.alert, &p.flaps, &e.cfg.InterfaceMismatch
	tooOften := false
	if f.well {
		f.calm += elapsed
	} else {
		tooOften = e.changed(p, at)
		f.calm, f.well = 0, true
	}
	hold := rule.KeepFiringFor
	if rule.FlapChanges > 0 && (a.Flapping || tooOften) {
		hold = max(hold, rule.FlapHold)
	}
	switch {
	case tooOften && a.State == Pending && a.ExplainedBy == "":
		a.Flapping = true
		a.Summary += ", flapping" + p.flapText(at)
		return e.enter(ts, a, Firing, at), false
	case tooOften && a.State == Firing && !a.Flapping:
		return e.flap(ts, p, at), false
	case a.State == Firing && f.calm < hold:
		return ts, false
	}
	calm := f.calm
	f.calm, f.well = 0, false
	p.alert = nil
	return e.end(ts, a, at, calm, Recovered), true
}

// flap marks the alert of p, which fires already. It is told once more for that, under an ID of its own.
func (e *Engine) flap(ts []Transition, p *port, at time.Time) []Transition {
	a := p.alert
	a.Flapping = true
	a.Summary += ", flapping" + p.flapText(at)
	return e.again(ts, a, "flapping", at)
}

// flapText says how often the mismatch of p changed.
func (p *port) flapText(at time.Time) string {
	return ": " + strconv.Itoa(len(p.flaps.changes)) + " changes in " + short(at.Sub(p.flaps.changes[0]))
}
