package web

import (
	"slices"
	"strings"
	"time"
)

// LastPoll is the last poll of a device in short.
type LastPoll struct {
	Device   string
	At       time.Time
	Duration time.Duration
	Answered bool
	Err      string        // "" if it was answered as a whole
	UpTime   time.Duration // of the agent when it last answered; 0: it told none
	Samples  int
}

// sorted returns every device in the order of their names.
func (m *Memory) sorted() []*device {
	all := m.all()
	slices.SortFunc(all, func(a, b *device) int { return strings.Compare(a.name, b.name) })
	return all
}

// Polls returns the last poll of every device that was polled, in the order of their names.
func (m *Memory) Polls() []LastPoll {
	var out []LastPoll
	for _, d := range m.sorted() {
		d.mu.Lock()
		if d.state != StateNew {
			out = append(out, LastPoll{Device: d.name, At: d.last, Duration: d.duration, Answered: d.state != StateDown, Err: d.err,
				UpTime: time.Duration(d.upTime) * 10 * time.Millisecond, Samples: d.samples})
		}
		d.mu.Unlock()
	}
	return out
}

// Interfaces calls visit with every interface, in the order of their devices, without what alerts say of it and its recent rates. visit may keep x, and
// must not call m.
func (m *Memory) Interfaces(visit func(device string, x Interface)) {
	none := &marks{}
	for _, d := range m.sorted() {
		d.mu.Lock()
		for i := range d.ports.list {
			visit(d.name, d.port(i, none))
		}
		d.mu.Unlock()
	}
}
