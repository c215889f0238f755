package web

import (
	"strings"
	"sync"

	"walkabout/alert"
	"walkabout/metric"
)

// logSize is how many entries are remembered; a device that sends traps without end drives out what is older, of whoever it is.
const logSize = 2000

// ring is the log: the last entries.
type ring struct {
	mu   sync.Mutex
	last uint64     // ID of the newest; 0: none yet
	list []LogEntry // that of ID n is at n % cap
}

func newRing(size int) *ring { return &ring{list: make([]LogEntry, 0, size)} }

func (r *ring) add(e LogEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	e.ID = r.last
	if len(r.list) < cap(r.list) {
		r.list = append(r.list, e)
		return
	}
	r.list[(e.ID-1)%uint64(cap(r.list))] = e
}

// texts are those of e that a search looks through.
func (e *LogEntry) texts() []string {
	out := []string{e.Device, e.Interface, e.Source, e.Title, e.Text, e.Severity}
	for _, p := range e.Fields {
		out = append(out, p.Name+"="+p.Value)
	}
	return out
}

// before returns at most limit entries older than the ID (0: all are) that match lets through, the newest first, and whether there are more.
func (r *ring) before(id uint64, limit int, match func(*LogEntry) bool) (out []LogEntry, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id == 0 || id > r.last {
		id = r.last + 1
	}
	oldest := r.last - uint64(len(r.list)) + 1
	out = []LogEntry{}
	for n := id - 1; n >= oldest && n > 0; n-- {
		e := &r.list[(n-1)%uint64(cap(r.list))]
		if !match(e) {
			continue
		}
		if len(out) == limit {
			return out, true
		}
		out = append(out, *e)
	}
	return out, false
}

// Transitions notes what became of alerts.
func (m *Memory) Transitions(ts []alert.Transition) {
	for i := range ts {
		t := &ts[i]
		title := t.Rule + " " + t.State.String()
		if t.State == alert.Resolved && t.Reason != "" {
			title += ": " + string(t.Reason)
		}
		m.log.add(LogEntry{At: t.At, Kind: KindAlert, Device: t.Device, Title: Text(title), Text: Text(t.Summary), Severity: Text(t.Severity), Finger: t.Fingerprint,
			Interface: m.portKey(t.Device, t.Key)})
		m.hub.tell(TopicAlerts, t.Device)
		m.hub.tell(TopicLog, t.Device)
	}
}

// Changed tells the pages that alerts are another than they were in a way that is no transition: acknowledged, silenced.
func (m *Memory) Changed() { m.hub.tell(TopicAlerts, "") }

// maxPairs is how many variable bindings of a notification the log keeps.
const maxPairs = 32

// trapValue writes a value of a notification; a status of an interface by its name too.
func trapValue(f *metric.Field) string {
	text := textOf(cellOf(f))
	switch object, _, _ := strings.Cut(f.Name, "."); object {
	case "ifAdminStatus", "ifOperStatus":
		if f.Kind == metric.Integer && f.Num <= 255 {
			return status(uint8(f.Num)) + "(" + text + ")"
		}
	}
	return text
}

// Trap notes a notification, as the sample that package trap makes of one.
func (m *Memory) Trap(s metric.Sample) {
	e := LogEntry{At: s.At, Kind: KindTrap, Device: s.Tag("device"), Source: s.Tag("source"), Title: Text(s.Tag("name"))}
	if e.Source == "" {
		e.Source = s.Tag("agent_host")
	}
	for _, f := range s.Fields {
		if object, _, _ := strings.Cut(f.Name, "."); object == "ifIndex" && e.Interface == "" {
			e.Interface = m.portOf(e.Device, int32(f.Num)) // #nosec G115 -- an InterfaceIndex has 31 bits; others are nobody's
		}
		if len(e.Fields) == maxPairs {
			continue
		}
		pair := Pair{Name: Text(f.Name), Value: Text(trapValue(&f))}
		if f.Name != "sysUpTime" && f.Name != "inform" {
			if e.Text != "" {
				e.Text += ", "
			}
			e.Text += pair.Name + "=" + pair.Value
		}
		e.Fields = append(e.Fields, pair)
	}
	e.Text = Text(e.Text)
	m.log.add(e)
	m.hub.tell(TopicLog, e.Device)
}
