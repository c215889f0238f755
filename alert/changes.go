package alert

import (
	"maps"
	"slices"

	"walkabout/alert/silence"
)

// changes are what differs from what is on disk.
type changes struct {
	touched  []*device       // their state changed; each once
	removed  map[string]bool // names of devices that are no more
	silenced map[string]bool // IDs of silences that are new, or changed
	urgent   bool            // something is not to wait: there are transitions, or what no replay of polls brings back
}

// touch notes that the state of d changed. A poll that only shows what is known already changes nothing.
func (e *Engine) touch(d *device) {
	if d != nil && !d.touched {
		d.touched = true
		e.touched = append(e.touched, d)
	}
}

// owner returns the device that a is of.
func (e *Engine) owner(a *Alert) *device {
	if a.Device == "" {
		return e.self
	}
	return e.devices[a.Device]
}

func (e *Engine) changeSilence(id string) {
	if e.silenced == nil {
		e.silenced = map[string]bool{}
	}
	e.silenced[id], e.urgent = true, true
}

// remove forgets a device that is no target any more.
func (e *Engine) remove(d *device) {
	delete(e.devices, d.name)
	if e.removed == nil {
		e.removed = map[string]bool{}
	}
	e.removed[d.name], e.urgent = true, true
}

// dirty reports whether anything differs from what is on disk.
func (e *Engine) dirty() bool {
	return e.urgent || len(e.touched) > 0 || len(e.removed) > 0 || len(e.silenced) > 0
}

// takeChanges fills c with what changed, which counts as being on disk from then on.
func (e *Engine) takeChanges(c *commit) {
	c.Number = e.number
	c.Gone = slices.Sorted(maps.Keys(e.removed))
	for _, d := range e.touched {
		d.touched = false
		switch {
		case d == e.self:
			state := d.state()
			c.Collector = &state
		case e.devices[d.name] == d:
			c.Devices = append(c.Devices, d.state())
		}
	}
	for i := range e.mutes.silences {
		if e.silenced[e.mutes.silences[i].ID] {
			c.Silences = append(c.Silences, e.mutes.silences[i])
		}
	}
	clear(e.touched)
	e.changes = changes{touched: e.touched[:0]}
}

// takeQuiet fills c with the states of at most that many devices that changed and that none of the transitions is of.
func (e *Engine) takeQuiet(c *commit, most int, fresh []Transition) {
	told := map[string]bool{}
	for i := range fresh {
		told[fresh[i].Device] = true
	}
	left := e.touched[:0]
	for _, d := range e.touched {
		if d == e.self || told[d.name] || len(c.Devices) >= most {
			left = append(left, d)
			continue
		}
		d.touched = false
		if e.devices[d.name] == d {
			c.Devices = append(c.Devices, d.state())
		}
	}
	clear(e.touched[len(left):])
	e.touched = left
}

// takeAll fills c with what changed and with what is no device's, for a file that begins anew.
func (e *Engine) takeAll(c *commit) {
	e.takeChanges(c)
	self := e.self.state()
	c.Gone, c.Collector, c.Silences = nil, &self, e.Silences()
	c.Past, c.Resolved = maps.Clone(e.past), slices.Clone(e.resolved)
}

// commit is a line of the journal: what changed at one moment. docs/alert-state.md describes it.
type commit struct {
	Format int `json:"format,omitempty"` // of the first line of a file: commitFormat

	Devices   []DeviceState     `json:"devices,omitempty"`   // all of their state
	Gone      []string          `json:"gone,omitempty"`      // devices that are no targets any more
	Collector *DeviceState      `json:"collector,omitempty"` // of the collector itself
	Silences  []silence.Silence `json:"silences,omitempty"`  // new or changed

	Number      uint64              `json:"number,omitempty"`      // of the last transition
	Recorded    uint64              `json:"recorded,omitempty"`    // the history and the outputs have the transitions up to this number
	Transitions []Transition        `json:"transitions,omitempty"` // for the history and the outputs
	To          []string            `json:"to,omitempty"`          // the notifiers that are to tell them
	Done        map[string][]uint64 `json:"done,omitempty"`        // by notifier: numbers of those that it told, or gave up

	// Of a file that begins anew. Later lines follow from their transitions.
	Past     map[string]past `json:"past,omitempty"`
	Resolved []Alert         `json:"resolved,omitempty"`
	Pending  []Undelivered   `json:"pending,omitempty"`
}

// commitFormat is the format that is written and read. Version 1 was one document, a Snapshot.
const commitFormat = 2

func (c *commit) empty() bool {
	return len(c.Devices)+len(c.Gone)+len(c.Silences)+len(c.Transitions)+len(c.Done) == 0 && c.Collector == nil
}
