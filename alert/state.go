package alert

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// snapshotVersion is the format that Encode writes and DecodeSnapshot reads.
const snapshotVersion = 1

// mostCounted is more polls than any device has missed.
const mostCounted = 1 << 30

// Snapshot is everything that alerting must remember over a restart: a JSON document.
type Snapshot struct {
	Version     int           `json:"version"` // 1
	SavedAt     time.Time     `json:"saved_at"`
	Devices     []DeviceState `json:"devices"`
	Resolved    []Alert       `json:"resolved,omitempty"` // fired and ended lately; oldest first
	Undelivered []Undelivered `json:"undelivered,omitempty"`
}

// DeviceState is what is remembered of one target.
type DeviceState struct {
	Device      string           `json:"device"`
	AgentHost   string           `json:"agent_host,omitempty"`
	Hostname    string           `json:"hostname,omitempty"`
	Failed      int              `json:"failed,omitempty"`  // polls since the last answer
	UpTime      uint32           `json:"up_time,omitempty"` // the last sysUpTime, in hundredths of a second, at UpTimeAt
	UpTimeAt    time.Time        `json:"up_time_at,omitzero"`
	HeldUntil   time.Time        `json:"held_until,omitzero"` // frozen after a reset
	Unreachable *Alert           `json:"unreachable,omitempty"`
	Interfaces  []InterfaceState `json:"interfaces,omitempty"`
}

// InterfaceState is what is remembered of one interface.
type InterfaceState struct {
	Key       string    `json:"key"`
	Used      bool      `json:"used,omitempty"`          // never never_up again
	NeverUp   time.Time `json:"never_up_since,omitzero"` // since when it is known to be never_up
	Absent    int       `json:"absent,omitempty"`        // complete walks that lacked it since it was last seen
	RemovedAt time.Time `json:"removed_at,omitzero"`     // it no longer exists
	Mismatch  *Alert    `json:"mismatch,omitempty"`      // Pending or Firing

	// When alerts of FlapsOf fired and recovered lately, oldest first, and for how long a flapping one has been well.
	FlapsOf string        `json:"flaps_of,omitempty"`
	Flaps   []time.Time   `json:"flaps,omitempty"`
	Calm    time.Duration `json:"calm_ns,omitempty"`
}

// Undelivered is a transition that some notifiers have not yet told.
type Undelivered struct {
	Transition Transition `json:"transition"`
	Notifiers  []string   `json:"notifiers"` // by Name
}

// Snapshot returns the engine's state, without Undelivered, in the order of names.
func (e *Engine) Snapshot(now time.Time) Snapshot {
	s := Snapshot{Version: snapshotVersion, SavedAt: stamp(now), Resolved: slices.Clone(e.resolved)}
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		d := e.devices[name]
		ds := DeviceState{
			Device: d.name, AgentHost: d.agentHost, Hostname: d.hostname, Failed: d.failed, HeldUntil: stamp(d.heldUntil),
			Unreachable: copyAlert(d.unreachable), UpTime: d.upTime, UpTimeAt: stamp(d.upTimeAt),
		}
		for _, p := range d.sortedPorts() {
			ds.Interfaces = append(ds.Interfaces, InterfaceState{
				Key: p.key, Used: p.used, NeverUp: p.listedFrom, Absent: p.absent, RemovedAt: p.goneAt, Mismatch: copyAlert(p.alert),
				FlapsOf: p.flaps.kind, Flaps: slices.Clone(p.flaps.changes), Calm: p.flaps.calm,
			})
		}
		s.Devices = append(s.Devices, ds)
	}
	return s
}

func copyAlert(a *Alert) *Alert {
	if a == nil {
		return nil
	}
	b := *a
	return &b
}

// Encode returns s as JSON.
func (s Snapshot) Encode() ([]byte, error) { return json.Marshal(s) }

// DecodeSnapshot returns what Encode wrote. Anything that no engine could have written is an error, which says what is wrong.
func DecodeSnapshot(data []byte) (Snapshot, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Snapshot{}, fmt.Errorf("alert: state is not JSON: %w", err)
	}
	if head.Version != snapshotVersion {
		return Snapshot{}, fmt.Errorf("alert: state has version %d; this program reads %d", head.Version, snapshotVersion)
	}
	var s Snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return Snapshot{}, fmt.Errorf("alert: state does not decode: %w", err)
	}
	if err := s.validate(); err != nil {
		return Snapshot{}, fmt.Errorf("alert: state makes no sense: %w", err)
	}
	return s, nil
}

func (s *Snapshot) validate() error {
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
		t := u.Transition
		if err := t.validate(Firing, Resolved); err != nil {
			return fmt.Errorf("undelivered: %w", err)
		}
		if t.ID == "" || !t.Notifies() || !writable(t.At) {
			return fmt.Errorf("undelivered: transition %q from %v to %v is not for notifiers", t.ID, t.From, t.State)
		}
	}
	return nil
}

func (d *DeviceState) validate() error {
	if d.Failed < 0 || d.Failed > mostCounted {
		return fmt.Errorf("%d failed polls", d.Failed)
	}
	if !writable(d.UpTimeAt, d.HeldUntil) {
		return fmt.Errorf("time out of range")
	}
	if a := d.Unreachable; a != nil {
		if err := a.validate(Pending, Firing); err != nil {
			return err
		}
		if a.Device != d.Device || a.Rule != RuleDeviceUnreachable || a.Key != "" {
			return fmt.Errorf("alert of rule %q for %q %q in its place", a.Rule, a.Device, a.Key)
		}
	}
	keys := map[string]bool{}
	for _, i := range d.Interfaces {
		if keys[i.Key] {
			return fmt.Errorf("interface %q is there twice", i.Key)
		}
		keys[i.Key] = true
		if i.Absent < 0 || i.Absent > mostCounted || !writable(i.NeverUp, i.RemovedAt) {
			return fmt.Errorf("interface %q: absent from %d walks, or time out of range", i.Key, i.Absent)
		}
		if !writable(i.Flaps...) || i.Calm < 0 {
			return fmt.Errorf("interface %q: well for %v, or times of changes out of range", i.Key, i.Calm)
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

// validate accepts what engines write in one of the states.
func (a *Alert) validate(states ...State) error {
	kinds := map[string][]string{RuleInterfaceMismatch: {KindOperDown, KindOperUp}, RuleDeviceUnreachable: {KindNoAnswer}}
	switch {
	case !slices.Contains(states, a.State):
		return fmt.Errorf("alert %s is %v", a.Fingerprint, a.State)
	case !slices.Contains(kinds[a.Rule], a.Kind):
		return fmt.Errorf("alert %s has rule %q and kind %q", a.Fingerprint, a.Rule, a.Kind)
	case a.Fingerprint != fingerprint(a.Device, a.Rule, a.Key, a.Kind):
		return fmt.Errorf("alert %q does not have the fingerprint of its device, rule, key and kind", a.Fingerprint)
	case a.Since.IsZero(), a.State == Firing && a.FiredAt.IsZero(), a.State == Resolved && a.ResolvedAt.IsZero():
		return fmt.Errorf("alert %s lacks a time", a.Fingerprint)
	case !writable(a.Since, a.FiredAt, a.ResolvedAt):
		return fmt.Errorf("alert %s has a time out of range", a.Fingerprint)
	case a.Flapping && (a.Rule != RuleInterfaceMismatch || a.State != Firing && a.State != Resolved):
		return fmt.Errorf("alert %s of rule %q is flapping while %v", a.Fingerprint, a.Rule, a.State)
	case a.Observed < 0, a.Polls < 0:
		return fmt.Errorf("alert %s was seen for %v in %d polls", a.Fingerprint, a.Observed, a.Polls)
	}
	return nil
}

// Restore makes s, which DecodeSnapshot or Snapshot returned, the state of an engine that has none yet. Configure follows; it
// resolves what belongs to targets that are no more. The time until the next poll is not observed time.
func (e *Engine) Restore(s Snapshot) {
	e.resolved = slices.Clone(s.Resolved[max(0, len(s.Resolved)-resolvedMost):])
	for _, ds := range s.Devices {
		d := &device{
			name: ds.Device, agentHost: ds.AgentHost, hostname: ds.Hostname, failed: ds.Failed, heldUntil: ds.HeldUntil,
			unreachable: copyAlert(ds.Unreachable), upTime: ds.UpTime, upTimeAt: ds.UpTimeAt, ports: map[string]*port{},
		}
		for _, i := range ds.Interfaces {
			d.ports[i.Key] = &port{
				key: i.Key, used: i.Used, listedFrom: i.NeverUp, absent: i.Absent, goneAt: i.RemovedAt, alert: copyAlert(i.Mismatch),
				flaps: flaps{kind: i.FlapsOf, changes: slices.Clone(i.Flaps), calm: i.Calm},
			}
		}
		e.devices[d.name] = d
	}
}
