package alert

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"walkabout/alert/silence"
)

// ErrNotFound is wrapped by errors about silences and alerts that are not there.
var ErrNotFound = errors.New("not found")

const (
	mostSilences = 10_000             // as many as there may be, those that are over included
	silenceKept  = 5 * 24 * time.Hour // how long one that is over is listed
)

// mutes is what keeps alerts from people.
type mutes struct {
	silences []silence.Silence // in the order in which they were made
}

// Property returns what a matcher of that name compares: see silence.Matcher.
func (a *Alert) Property(name string) string {
	switch name {
	case "device":
		return a.Device
	case "interface":
		return a.Key
	case "rule":
		return a.Rule
	case "kind":
		return a.Kind
	case "severity":
		return a.Severity
	case "fingerprint":
		return a.Fingerprint
	}
	return a.Labels[name]
}

// MaintenancePrefix is before a window's name in Alert.SilencedBy.
const MaintenancePrefix = "maintenance:"

// mutedBy returns what keeps a from people at that time, "" for nothing.
func (e *Engine) mutedBy(a *Alert, at time.Time) string {
	for i := range e.mutes.silences {
		if s := &e.mutes.silences[i]; s.Active(at) && s.Matchers.Match(a.Property) {
			return s.ID
		}
	}
	for i := range e.cfg.Maintenance {
		w := &e.cfg.Maintenance[i]
		if _, ok := w.Active(at); ok && w.Matchers.Match(a.Property) {
			return MaintenancePrefix + w.Name
		}
	}
	return ""
}

// Silence adds s, or puts it in the place of the one with its ID. One that is not valid, or that no moment is in, is an error.
func (e *Engine) Silence(s silence.Silence) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if !s.EndsAt.After(s.StartsAt) {
		return errors.New("alert: a silence ends after it begins")
	}
	for i := range e.mutes.silences {
		if e.mutes.silences[i].ID == s.ID {
			e.changeSilence(s.ID)
			e.mutes.silences[i] = s
			return nil
		}
	}
	if len(e.mutes.silences) >= mostSilences {
		return fmt.Errorf("alert: there are %d silences already; expire some", mostSilences)
	}
	e.mutes.silences = append(e.mutes.silences, s)
	e.changeSilence(s.ID)
	return nil
}

// Expire ends the silence of that ID. It returns the transitions that follow: what it kept from people and still fires.
func (e *Engine) Expire(id string, now time.Time) ([]Transition, error) {
	for i := range e.mutes.silences {
		s := &e.mutes.silences[i]
		if s.ID != id {
			continue
		}
		if !now.Before(s.EndsAt) {
			return nil, fmt.Errorf("alert: the silence %q is over already", id)
		}
		s.EndsAt = stamp(now)
		s.StartsAt = minTime(s.StartsAt, s.EndsAt)
		e.changeSilence(id)
		return e.advanceMutes(nil, now), nil
	}
	return nil, fmt.Errorf("alert: the silence %q is %w", id, ErrNotFound)
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Silences returns all silences, those that are over for 5 days too, in the order in which they were made.
func (e *Engine) Silences() []silence.Silence { return slices.Clone(e.mutes.silences) }

// advanceMutes ends what is over: acknowledgements, and silences of alerts that still fire, of which people are told then.
func (e *Engine) advanceMutes(ts []Transition, now time.Time) []Transition {
	e.mutes.silences = slices.DeleteFunc(e.mutes.silences, func(s silence.Silence) bool { return now.Sub(s.EndsAt) > silenceKept })
	for _, a := range e.active() {
		if a.Ack != nil && !a.Ack.Until.IsZero() && !now.Before(a.Ack.Until) {
			a.Ack = nil
			e.touch(e.owner(a.Alert))
		}
		if a.State == Firing && a.Untold && e.mutedBy(a.Alert, now) == "" {
			a.Untold = false
			ts = e.again(ts, a.Alert, "unsilenced", now)
		}
	}
	return ts
}

// Acknowledge says that somebody looks after the alert of that fingerprint, which is Pending or Firing.
func (e *Engine) Acknowledge(fingerprint string, ack Ack) (Alert, error) {
	switch {
	case ack.By == "":
		return Alert{}, errors.New("alert: an acknowledgement needs to say by whom")
	case len(ack.By) > 1024 || len(ack.Reason) > 1024:
		return Alert{}, errors.New("alert: name and reason have at most 1024 octets")
	case !ack.Until.IsZero() && !ack.Until.After(ack.At):
		return Alert{}, errors.New("alert: an acknowledgement ends after it begins")
	}
	return e.setAck(fingerprint, &ack)
}

// Unacknowledge takes an acknowledgement back.
func (e *Engine) Unacknowledge(fingerprint string) (Alert, error) { return e.setAck(fingerprint, nil) }

func (e *Engine) setAck(fingerprint string, ack *Ack) (Alert, error) {
	for _, a := range e.active() {
		if a.Fingerprint == fingerprint {
			a.Ack = ack
			e.touch(e.owner(a.Alert))
			e.urgent = true
			return *a.Alert, nil
		}
	}
	return Alert{}, fmt.Errorf("alert: an active alert %q is %w", fingerprint, ErrNotFound)
}
