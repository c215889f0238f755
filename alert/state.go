package alert

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"walkabout/alert/silence"
)

// snapshotVersion is the format that Encode writes and DecodeSnapshot reads.
const snapshotVersion = 1

// mostCounted is more polls than any device has missed.
const mostCounted = 1 << 30

// Snapshot is everything that alerting must remember over a restart: a JSON document.
type Snapshot struct {
	Version     int               `json:"version"`          // 1
	Number      uint64            `json:"number,omitempty"` // of the last transition
	SavedAt     time.Time         `json:"saved_at"`
	Devices     []DeviceState     `json:"devices"`
	Collector   DeviceState       `json:"collector,omitzero"` // of the collector itself
	Resolved    []Alert           `json:"resolved,omitempty"` // fired and ended lately; oldest first
	Past        map[string]past   `json:"past,omitempty"`     // by fingerprint: how often alerts fired lately
	Silences    []silence.Silence `json:"silences,omitempty"` // in the order in which they were made
	Undelivered []Undelivered     `json:"undelivered,omitempty"`
}

// DeviceState is what is remembered of one target.
type DeviceState struct {
	Device       string           `json:"device"`
	AgentHost    string           `json:"agent_host,omitempty"`
	Hostname     string           `json:"hostname,omitempty"`
	Failed       int              `json:"failed,omitempty"`  // polls since the last answer
	UpTime       uint32           `json:"up_time,omitempty"` // the last sysUpTime, in hundredths of a second, at UpTimeAt
	UpTimeAt     time.Time        `json:"up_time_at,omitzero"`
	HeldUntil    time.Time        `json:"held_until,omitzero"` // frozen after a reset
	Unreachable  *Alert           `json:"unreachable,omitempty"`
	Interfaces   []InterfaceState `json:"interfaces,omitempty"`
	Location     string           `json:"location,omitempty"`       // sysLocation
	PollAt       time.Time        `json:"poll_at,omitzero"`         // the last poll that is in this state, answered or not
	Excused      int              `json:"excused,omitempty"`        // failed polls that the device it is behind explains
	FailedRule   string           `json:"failed_rule,omitempty"`    // of the last failed poll
	FailedSame   int              `json:"failed_same,omitempty"`    // failed polls in a row that were of this rule
	WaitsSince   time.Time        `json:"waits_since,omitzero"`     // since when its alert waits for a poll of the device it is behind
	At           time.Time        `json:"at,omitzero"`              // the last answered poll that is in this state
	Record       uint64           `json:"record,omitempty"`         // Poll.Record of that poll
	UpTimeBefore uint32           `json:"up_time_before,omitempty"` // the last sysUpTime before the last reset
	Conditions   []ConditionState `json:"conditions,omitempty"`     // of all rules but those above
}

// ConditionState is a condition that holds, or that held until lately.
type ConditionState struct {
	Alert       Alert         `json:"alert"`
	Measurement string        `json:"measurement,omitempty"`
	Absent      int           `json:"absent,omitempty"` // complete walks that lacked its row
	Well        bool          `json:"well,omitempty"`   // it does not hold
	Calm        time.Duration `json:"calm_ns,omitempty"`
	Seen        SeenState     `json:"seen,omitzero"`
}

// SeenState is when something was last observed, so that the time until it is observed next counts over a restart as it does without one.
type SeenState struct {
	At     time.Time `json:"at,omitzero"`
	Missed uint64    `json:"missed,omitempty"` // polls of the schedule since then; 2 stands for more
	Extra  bool      `json:"extra,omitempty"`  // it was by a poll between two of the schedule
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
	Well    bool          `json:"well,omitempty"`
	Seen    SeenState     `json:"seen,omitzero"` // of Mismatch

	Lowers []string `json:"lowers,omitempty"` // what it runs over
	Speed  float64  `json:"speed,omitempty"`  // that it should have, in bits per second
	Duplex string   `json:"duplex,omitempty"` // likewise
}

// Undelivered is a transition that some notifiers have not yet told.
type Undelivered struct {
	Transition Transition `json:"transition"`
	Notifiers  []string   `json:"notifiers"` // by Name
}

// Snapshot returns the engine's state, without Undelivered, in the order of names.
func (e *Engine) Snapshot(now time.Time) Snapshot {
	s := Snapshot{Version: snapshotVersion, Number: e.number, SavedAt: stamp(now), Resolved: slices.Clone(e.resolved), Silences: e.Silences(), Collector: e.self.state()}
	if len(e.past) > 0 {
		s.Past = maps.Clone(e.past)
	}
	for _, name := range slices.Sorted(maps.Keys(e.devices)) {
		s.Devices = append(s.Devices, e.devices[name].state())
	}
	return s
}

func (d *device) state() DeviceState {
	ds := DeviceState{
		Device: d.name, AgentHost: d.agentHost, Hostname: d.hostname, Failed: d.failed, HeldUntil: stamp(d.heldUntil),
		Unreachable: copyAlert(d.unreachable), UpTime: d.upTime, UpTimeAt: stamp(d.upTimeAt), Location: d.location, Excused: d.reach.excused,
		PollAt: stamp(d.reach.result), FailedRule: d.reach.rule, FailedSame: d.reach.same, WaitsSince: d.reach.waitsSince,
		At: stamp(d.at), Record: d.record, UpTimeBefore: d.upTimeBefore,
	}
	for _, p := range d.byKey {
		i := InterfaceState{
			Key: p.key, Used: p.used, NeverUp: p.listedFrom, Absent: int(p.absent), RemovedAt: p.goneAt, Mismatch: copyAlert(p.alert),
			FlapsOf: p.flaps.kind, Flaps: slices.Clone(p.flaps.changes), Calm: p.flaps.calm, Well: p.flaps.well,
			Lowers: slices.Clone(p.lowers), Speed: p.usual, Duplex: p.duplex.String(),
		}
		if p.alert != nil {
			i.Seen = d.seenState(p.seen)
		}
		ds.Interfaces = append(ds.Interfaces, i)
	}
	keys := make([]conditionKey, 0, len(d.conditions))
	for k := range d.conditions {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		c := d.conditions[k]
		ds.Conditions = append(ds.Conditions, ConditionState{Alert: *c.alert, Measurement: c.measurement, Absent: c.absent, Well: c.well, Calm: c.calm,
			Seen: d.seenState(c.seen)})
	}
	return ds
}

// mostMissed is the number of polls beyond which it makes no difference how many something was not seen in.
const mostMissed = 2

func (d *device) seenState(s seen) SeenState {
	state := SeenState{Missed: uint64(min(d.scheduled-s.scheduled, mostMissed)), Extra: s.extra}
	if s.epoch == d.epoch {
		state.At = stamp(s.at)
	}
	return state
}

// restored returns s for a device whose counts of polls begin anew at mostMissed.
func (s SeenState) restored() seen {
	return seen{at: s.At, scheduled: mostMissed - uint32(min(s.Missed, mostMissed)), extra: s.Extra}
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

// Restore makes s, which DecodeSnapshot or Snapshot returned, the state of an engine that has none yet. Configure follows; it
// resolves what belongs to targets that are no more. The time until the next poll is not observed time.
func (e *Engine) Restore(s Snapshot) {
	e.resolved = slices.Clone(s.Resolved[max(0, len(s.Resolved)-resolvedMost):])
	e.mutes.silences, e.number = slices.Clone(s.Silences), s.Number
	maps.Copy(e.past, s.Past)
	e.self = restoreDevice(s.Collector)
	for _, ds := range s.Devices {
		e.devices[ds.Device] = restoreDevice(ds)
	}
}

func restoreDevice(ds DeviceState) *device {
	d := newDevice(ds.Device)
	d.agentHost, d.hostname, d.location, d.failed, d.heldUntil = ds.AgentHost, ds.Hostname, ds.Location, ds.Failed, ds.HeldUntil
	d.unreachable, d.upTime, d.upTimeAt = copyAlert(ds.Unreachable), ds.UpTime, ds.UpTimeAt
	d.reach = reach{rule: ds.FailedRule, same: ds.FailedSame, excused: ds.Excused, result: ds.PollAt, waitsSince: ds.WaitsSince}
	d.at, d.record, d.upTimeBefore, d.scheduled = ds.At, ds.Record, ds.UpTimeBefore, mostMissed
	for _, i := range ds.Interfaces {
		p := d.add(i.Key)
		p.used, p.absent, p.usual, p.duplex = i.Used, uint8(min(i.Absent, math.MaxUint8)), i.Speed, duplexOf(i.Duplex)
		*p.own() = rare{
			listedFrom: i.NeverUp, goneAt: i.RemovedAt, alert: copyAlert(i.Mismatch),
			flaps:  flaps{kind: i.FlapsOf, changes: slices.Clone(i.Flaps), calm: i.Calm, well: i.Well},
			lowers: slices.Clone(i.Lowers), seen: i.Seen.restored(),
		}
		p.slim()
	}
	for _, c := range ds.Conditions {
		d.conditions[conditionKey{c.Alert.Rule, c.Alert.Key, c.Alert.Kind}] = &condition{
			alert: copyAlert(&c.Alert), measurement: c.Measurement, absent: c.Absent, well: c.Well, calm: c.Calm, seen: c.Seen.restored(),
		}
	}
	return d
}
