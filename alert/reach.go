package alert

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
)

// PollError is the error of a poll that was not answered, with what it is called in one word.
type PollError struct {
	// Cause decides which rule the alert is of: CauseSNMPSilent and CauseAuthentication have their own; all else is device_unreachable. A poll
	// that failed for CauseCrowded says nothing about the device.
	Cause string
	Err   error
}

// Causes of failed polls that decide something.
const (
	CauseHostDown       = "host_down"      // it answers neither ping nor SNMP
	CauseSNMPSilent     = "snmp_silent"    // it answers ping, and not SNMP
	CauseAuthentication = "authentication" // it answers that user, password or community are wrong
	CauseCrowded        = "crowded"        // the collector had too much else to do
)

func (e *PollError) Error() string { return e.Err.Error() }
func (e *PollError) Unwrap() error { return e.Err }

// parentWait is how long a device that is to fire waits at most for a poll of the device that it is behind.
const parentWait = 2 * time.Minute

// reach is what is known of why a device does not answer.
type reach struct {
	rule       string    // of the last failed poll
	same       int       // failed polls in a row that were of this rule
	excused    int       // failed polls that the device it is behind explains
	result     time.Time // of the last poll, answered or not
	waitsSince time.Time // since when it would fire if its parent were known; zero: it does not wait
}

// causeOf returns the cause of err, and which rule and kind it is.
func causeOf(err error) (cause, rule, kind string) {
	var p *PollError
	if errors.As(err, &p) {
		cause = p.Cause
	}
	switch cause {
	case CauseSNMPSilent:
		return cause, RuleSNMPSilent, KindSNMPSilent
	case CauseAuthentication, "authorizationError", "unknown_user", "security_level", "decryption":
		return cause, RuleAuthenticationFailed, KindAuthenticationFailed
	}
	return cause, RuleDeviceUnreachable, KindNoAnswer
}

// Failed takes a poll that was not answered at all. A poll that we ourselves broke off (context.Canceled), or had no time for, says nothing
// about the device and changes nothing.
func (e *Engine) Failed(at time.Time, device string, err error) []Transition {
	d := e.devices[device]
	cause, rule, kind := causeOf(err)
	if d == nil || errors.Is(err, context.Canceled) || cause == CauseCrowded {
		return nil
	}
	d.failed++
	d.epoch++
	d.reach.result = at
	if d.reach.rule != rule {
		d.reach.rule, d.reach.same = rule, 0
	}
	d.reach.same++
	e.touch(d)
	ts := e.reclassify(nil, d, rule, kind, at)
	if a := d.unreachable; a != nil && a.Rule == rule {
		a.Polls, a.Observed = d.failed, max(0, at.Sub(a.Since))
		d.describe(a, cause, err)
		e.dress(a)
	}
	ts = e.settle(ts, d, at)
	if a := d.unreachable; a != nil && a.State == Inactive {
		ts = e.enter(ts, a, Pending, at)
	}
	if a := d.unreachable; a != nil && a.State != Firing {
		e.urgent = true // no replay brings back a poll that failed
	}
	return e.settleChildren(ts, d, at)
}

// reclassify sees to it that d has an alert of the rule that its silence is of: at once while nobody was told of another, else when it lasts.
func (e *Engine) reclassify(ts []Transition, d *device, rule, kind string, at time.Time) []Transition {
	since, explained := at, ""
	o := e.options(rule)
	if a := d.unreachable; a != nil && a.Rule != rule {
		if a.State == Firing && (!o.Enabled || d.reach.same < max(1, o.Polls)) {
			return ts
		}
		if a.State != Firing {
			since, explained = a.Since, a.ExplainedBy
		}
		ts = e.resolve(ts, &d.unreachable, at, Superseded)
	}
	if d.unreachable == nil && o.Enabled {
		d.unreachable = newAlert(d.name, rule, "", kind, since)
		d.unreachable.ExplainedBy = explained
	}
	return ts
}

// settle decides whether the alert of d, which does not answer, fires: not while what it is behind explains it, nor before that was polled once.
func (e *Engine) settle(ts []Transition, d *device, at time.Time) []Transition {
	a := d.unreachable
	if a == nil || a.State == Firing {
		return ts
	}
	by, asked := e.behind(d, a.Since, at)
	if by != nil {
		if a.ExplainedBy != by.name && by.unreachable != nil {
			e.touch(by)
			by.unreachable.Explains++
		}
		e.touch(d)
		a.ExplainedBy, d.reach.excused, d.reach.waitsSince = by.name, d.failed, time.Time{}
		return ts
	}
	if a.ExplainedBy != "" {
		a.ExplainedBy = ""
		e.touch(d)
	}
	if d.failed-d.reach.excused < max(1, e.options(a.Rule).Polls) {
		return ts
	}
	if !asked {
		if d.reach.waitsSince.IsZero() {
			d.reach.waitsSince = stamp(at)
			e.touch(d)
		}
		if at.Sub(d.reach.waitsSince).Abs() < parentWait {
			return ts
		}
	}
	d.reach.waitsSince = time.Time{}
	return e.enter(ts, a, Firing, at)
}

// behind returns the nearest device that d is behind and that does not answer; else whether those in between were all polled since, and lately: what was
// so before a restart says little.
func (e *Engine) behind(d *device, since, at time.Time) (by *device, asked bool) {
	asked = true
	seen := []*device{d}
	for {
		parent := e.devices[d.target.Labels[ParentLabel]]
		if parent == nil || slices.Contains(seen, parent) { // a loop explains nothing
			return nil, asked
		}
		if parent.unreachable != nil && (parent.unreachable.State == Firing || parent.unreachable.State == Pending || parent.failed > 0) {
			return parent, true
		}
		asked = asked && !parent.reach.result.Before(since) && at.Sub(parent.reach.result) <= parentWait
		seen = append(seen, parent)
		d = parent
	}
}

// settleChildren decides for those behind d, of which something is known now.
func (e *Engine) settleChildren(ts []Transition, d *device, at time.Time) []Transition {
	return e.settleBelow(ts, d, at, 0)
}

// mostBehind bounds how many devices one can be behind.
const mostBehind = 16

func (e *Engine) settleBelow(ts []Transition, d *device, at time.Time, depth int) []Transition {
	if depth > mostBehind {
		return ts
	}
	for _, child := range e.children[d.name] {
		ts = e.settle(ts, child, at)
		ts = e.settleBelow(ts, child, at, depth+1)
	}
	return ts
}

// answered takes note that d answers.
func (e *Engine) answered(ts []Transition, d *device, at time.Time) []Transition {
	if d.failed > 0 {
		e.touch(d)
	}
	d.failed, d.reach = 0, reach{result: at}
	if d.unreachable != nil {
		d.unreachable.Summary = clean(d.name) + ": answers again"
		ts = e.resolve(ts, &d.unreachable, at, Recovered)
	}
	return ts
}

// reachSummaries say in a few words what each cause means.
var reachSummaries = map[string]string{
	CauseHostDown: "host down", CauseSNMPSilent: "SNMP silent, though it answers ping",
}

// describe fills in a, the device's own alert.
func (d *device) describe(a *Alert, cause string, err error) {
	text := "no answer"
	if err != nil {
		text = err.Error()
	}
	a.Values = map[string]string{"error": text, "failedPolls": strconv.Itoa(d.failed)}
	if cause != "" {
		a.Values["cause"] = cause
	}
	a.Labels = d.labels()
	where := d.name
	if host := a.Labels["agent_host"]; host != "" && host != d.name {
		where += " (" + host + ")"
	}
	what := "no answer"
	if a.Rule == RuleAuthenticationFailed {
		what = "authentication failed: no answer"
	} else if s := reachSummaries[cause]; s != "" {
		what = s + ": no answer"
	}
	a.Summary = clean(where + ": " + what + " to " + plural(d.failed, "poll") + ": " + text)
}
