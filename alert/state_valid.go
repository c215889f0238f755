package alert

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

func (s *Snapshot) validate() error {
	if err := s.Collector.validateCollector(); err != nil {
		return err
	}
	for i := range s.Silences {
		if err := s.Silences[i].Validate(); err != nil {
			return fmt.Errorf("silence %q: %w", s.Silences[i].ID, err)
		}
	}
	for fp, p := range s.Past {
		if err := p.validate(); err != nil {
			return fmt.Errorf("alert %s: %w", fp, err)
		}
	}
	devices := map[string]bool{}
	for _, d := range s.Devices {
		if devices[d.Device] {
			return fmt.Errorf("device %q is there twice", d.Device)
		}
		devices[d.Device] = true
		if err := d.validate(); err != nil {
			return fmt.Errorf("device %q: %w", d.Device, err)
		}
	}
	for _, a := range s.Resolved {
		if err := a.validate(Resolved); err != nil {
			return fmt.Errorf("resolved: %w", err)
		}
	}
	for _, u := range s.Undelivered {
		if err := u.validate(); err != nil {
			return fmt.Errorf("undelivered: %w", err)
		}
	}
	return nil
}

func (p past) validate() error {
	if p.Count < 0 || p.Count > mostCounted || !writable(p.Last) {
		return fmt.Errorf("it fired %d times, last at a time out of range", p.Count)
	}
	return nil
}

func (u *Undelivered) validate() error {
	t := &u.Transition
	if err := t.validateAny(); err != nil {
		return err
	}
	if !t.Notifies() {
		return fmt.Errorf("transition %q from %v to %v is not for notifiers", t.ID, t.From, t.State)
	}
	return nil
}

// validateAny accepts a transition as engines make it.
func (t *Transition) validateAny() error {
	if err := t.validate(Pending, Firing, Resolved); err != nil {
		return err
	}
	if t.ID == "" || t.From > Firing || !writable(t.At) {
		return fmt.Errorf("transition %q from %v to %v", t.ID, t.From, t.State)
	}
	return nil
}

// validateCollector accepts the state of the collector itself.
func (d *DeviceState) validateCollector() error {
	err := d.validate()
	if err == nil && (d.Device != "" || d.Unreachable != nil || len(d.Interfaces) > 0) {
		err = errors.New("it has what devices have")
	}
	if err != nil {
		return fmt.Errorf("the collector's own part: %w", err)
	}
	return nil
}

func (d *DeviceState) validate() error {
	if d.Failed < 0 || d.Failed > mostCounted || d.Excused < 0 || d.Excused > mostCounted {
		return fmt.Errorf("%d failed polls, %d of them explained", d.Failed, d.Excused)
	}
	if d.FailedSame < 0 || d.FailedSame > mostCounted {
		return fmt.Errorf("%d failed polls of one kind", d.FailedSame)
	}
	if !writable(d.UpTimeAt, d.HeldUntil, d.PollAt, d.WaitsSince, d.At) {
		return errors.New("time out of range")
	}
	if a := d.Unreachable; a != nil {
		if err := a.validate(Pending, Firing); err != nil {
			return err
		}
		if a.Device != d.Device || !slices.Contains(reachRules, a.Rule) || a.Key != "" {
			return fmt.Errorf("alert of rule %q for %q %q in its place", a.Rule, a.Device, a.Key)
		}
	}
	if err := d.validateConditions(); err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, i := range d.Interfaces {
		if keys[i.Key] {
			return fmt.Errorf("interface %q is there twice", i.Key)
		}
		keys[i.Key] = true
		if i.Absent < 0 || i.Absent > mostCounted || !writable(i.NeverUp, i.RemovedAt, i.Seen.At) {
			return fmt.Errorf("interface %q: absent from %d walks, or time out of range", i.Key, i.Absent)
		}
		if !writable(i.Flaps...) || i.Calm < 0 {
			return fmt.Errorf("interface %q: well for %v, or times of changes out of range", i.Key, i.Calm)
		}
		if slices.Contains(i.Lowers, i.Key) {
			return fmt.Errorf("interface %q is below itself", i.Key)
		}
		if !(i.Speed >= 0 && i.Speed < 1e18) {
			return fmt.Errorf("interface %q: a speed of %v", i.Key, i.Speed)
		}
		a := i.Mismatch
		if a == nil {
			continue
		}
		if err := a.validate(Pending, Firing); err != nil {
			return err
		}
		if a.Device != d.Device || a.Rule != RuleInterfaceMismatch || a.Key != i.Key {
			return fmt.Errorf("interface %q: alert of rule %q for %q %q in its place", i.Key, a.Rule, a.Device, a.Key)
		}
	}
	return nil
}

// writable reports whether the times are zero or of an age that JSON can hold in every time zone.
func writable(times ...time.Time) bool {
	return !slices.ContainsFunc(times, func(t time.Time) bool { return !t.IsZero() && (t.Year() < 1970 || t.Year() > 9000) })
}

// validateConditions accepts conditions of d, each once.
func (d *DeviceState) validateConditions() error {
	known := map[conditionKey]bool{}
	for i := range d.Conditions {
		c := &d.Conditions[i]
		k := conditionKey{c.Alert.Rule, c.Alert.Key, c.Alert.Kind}
		if err := c.Alert.validate(Pending, Firing); err != nil {
			return err
		}
		if known[k] || c.Alert.Device != d.Device || c.Calm < 0 || c.Absent < 0 || c.Absent > mostCounted || !writable(c.Seen.At) {
			return fmt.Errorf("condition %s of %q: twice, of another device, or well for %v", k.rule, k.key, c.Calm)
		}
		known[k] = true
	}
	return nil
}

// reachRules are those of a device that does not answer.
var reachRules = []string{RuleDeviceUnreachable, RuleSNMPSilent, RuleAuthenticationFailed}

// kindsOf are the kinds that alerts of the built-in rules have.
var kindsOf = map[string][]string{
	RuleInterfaceMismatch: {KindOperDown, KindOperUp}, RuleDeviceUnreachable: {KindNoAnswer}, RuleSNMPSilent: {KindSNMPSilent},
	RuleAuthenticationFailed: {KindAuthenticationFailed}, RuleDeviceRebooted: {KindRebooted}, RuleInterfaceUtilisation: {KindAbove},
	RuleInterfaceErrors: {KindAbove}, RuleInterfaceDiscards: {KindAbove}, RuleInterfaceSpeedDuplex: {KindSpeed, KindDuplex},
	RuleCounterTooNarrow: {KindTooNarrow}, RuleSpoolFilling: {KindFilling}, RuleCollectorLate: {KindLate},
	RuleDNSServerDown: {KindServerDown}, RuleDNSZoneStale: {KindNotCurrent, KindBehind},
}

// validate accepts what engines write in one of the states.
func (a *Alert) validate(states ...State) error {
	kinds, builtIn := kindsOf[a.Rule]
	if !builtIn {
		kinds = []string{KindExpression}
	}
	switch {
	case !slices.Contains(states, a.State):
		return fmt.Errorf("alert %s is %v", a.Fingerprint, a.State)
	case !slices.Contains(kinds, a.Kind) || a.Rule == "":
		return fmt.Errorf("alert %s has rule %q and kind %q", a.Fingerprint, a.Rule, a.Kind)
	case a.Fingerprint != fingerprint(a.Device, a.Rule, a.Key, a.Kind):
		return fmt.Errorf("alert %q does not have the fingerprint of its device, rule, key and kind", a.Fingerprint)
	case a.Since.IsZero(), a.State == Firing && a.FiredAt.IsZero(), a.State == Resolved && a.ResolvedAt.IsZero():
		return fmt.Errorf("alert %s lacks a time", a.Fingerprint)
	case !writable(a.Since, a.FiredAt, a.ResolvedAt, a.LastFired), a.Ack != nil && !writable(a.Ack.At, a.Ack.Until):
		return fmt.Errorf("alert %s has a time out of range", a.Fingerprint)
	case a.Flapping && (a.Rule != RuleInterfaceMismatch || a.State != Firing && a.State != Resolved):
		return fmt.Errorf("alert %s of rule %q is flapping while %v", a.Fingerprint, a.Rule, a.State)
	case a.Observed < 0, a.Polls < 0, a.FiredBefore < 0, a.Explains < 0:
		return fmt.Errorf("alert %s was seen for %v in %d polls", a.Fingerprint, a.Observed, a.Polls)
	}
	return nil
}
