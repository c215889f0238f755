package web

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/counter"
	"walkabout/metric"
)

// Target is a device as it is configured.
type Target struct {
	Name     string
	Address  string
	Labels   map[string]string
	Profiles []string
	Version  string // of SNMP: "1", "2c", "3"
	Interval time.Duration
}

// Poll is what one poll of one device brought.
type Poll struct {
	Device             string
	At                 time.Time
	Interval, Duration time.Duration

	Answered bool
	Cause    string // unless Answered: why, in a word
	Err      error  // unless nil the poll brought a part only, or nothing

	Samples   []metric.Sample
	Complete  []string // measurements that were answered to their end
	UpTime    uint32   // hundredths of a second
	HasUpTime bool
	Reset     bool // the agent restarted, or is another
	Extra     bool // between two polls of the schedule, without counters
}

// Memory is what the pages know of the moment: of every device its last poll, its interfaces with their last rates, and the tables that were
// read last. Its methods may be called by any goroutine. docs/pages.md says what it takes.
type Memory struct {
	hub *hub
	log *ring

	mu      sync.RWMutex
	devices map[string]*device
	fields  map[string]FieldInfo // replaced, never changed
}

// NewMemory returns a Memory without devices: Keep says which there are.
func NewMemory() *Memory {
	return &Memory{hub: newHub(), log: newRing(logSize), devices: map[string]*device{}}
}

// device is what is known of one. Who holds its mu may take no other lock but the log's and the hub's.
type device struct {
	name   string
	mu     sync.Mutex
	target Target

	state, cause string
	err          string
	since, last  time.Time
	duration     time.Duration
	interval     time.Duration
	upTime       uint32
	samples      int

	system System
	ports  ports
	tables map[string]*table
}

// Keep makes targets the devices that there are. What others had is forgotten, and so are tables of a device that has other profiles now.
func (m *Memory) Keep(targets []Target) {
	m.mu.Lock()
	next := make(map[string]*device, len(targets))
	for _, t := range targets {
		d := m.devices[t.Name]
		if d == nil {
			d = &device{name: t.Name, state: StateNew, tables: map[string]*table{}}
		}
		d.mu.Lock()
		if !slices.Equal(d.target.Profiles, t.Profiles) {
			clear(d.tables)
		}
		d.target = t
		d.mu.Unlock()
		next[t.Name] = d
	}
	m.devices = next
	m.mu.Unlock()
	m.hub.tell(TopicConfig, "")
}

func (m *Memory) device(name string) *device {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.devices[name]
}

// all returns every device, in no order.
func (m *Memory) all() []*device {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Collect(maps.Values(m.devices))
}

// Poll takes what a poll brought. Of p.Samples nothing is kept as it is: their strings share large memory. A device that Keep did not name is none.
func (m *Memory) Poll(p Poll) {
	d := m.device(p.Device)
	if d == nil {
		return
	}
	d.mu.Lock()
	entry := d.take(&p)
	d.mu.Unlock()
	if entry.Title != "" {
		m.log.add(entry)
		m.hub.tell(TopicLog, p.Device)
	}
	m.hub.tell(TopicFleet, p.Device)
}

// take returns what the log is told of p, without a title if that is nothing.
func (d *device) take(p *Poll) LogEntry {
	if p.Extra {
		d.ports.change(p)
		return LogEntry{}
	}
	d.last, d.duration, d.interval, d.samples, d.err = p.At, p.Duration, p.Interval, len(p.Samples), ""
	if p.Err != nil {
		d.err = Text(p.Err.Error())
	}
	before, cause := d.state, d.cause
	switch {
	case !p.Answered:
		d.state, d.cause = StateDown, p.Cause
	case p.Err != nil:
		d.state, d.cause = StatePartial, ""
	default:
		d.state, d.cause = StateUp, ""
	}
	entry := LogEntry{At: p.At, Kind: KindDevice, Device: p.Device, Text: d.err}
	if d.state != before {
		d.since = p.At
	}
	switch {
	case d.state != before && (before != StateNew || d.state == StateDown), d.cause != cause:
		entry.Title = d.state
		if d.cause != "" {
			entry.Title += ": " + d.cause
		}
	case p.Reset:
		entry.Title, entry.Text = "reset", "the agent restarted, or another one answers"
	}
	if !p.Answered {
		d.ports.miss()
		return entry
	}
	if p.HasUpTime {
		d.upTime = p.UpTime
	}
	d.ports.take(p)
	d.keep(p)
	return entry
}

// keep takes all of p but its interfaces. A table that was read to its end and has no rows is none.
func (d *device) keep(p *Poll) {
	for rest := p.Samples; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Measurement == rest[0].Measurement {
			n++
		}
		switch name := rest[0].Measurement; name {
		case interfaceTable:
		case systemScalars:
			d.system.take(&rest[0])
		default:
			t := d.tables[name]
			if t == nil {
				t = &table{}
				d.tables[strings.Clone(name)] = t
			}
			t.take(p, rest[:n], slices.Contains(p.Complete, name))
		}
		rest = rest[n:]
	}
	for _, name := range p.Complete {
		if t := d.tables[name]; t != nil && !t.at.Equal(p.At) {
			delete(d.tables, name)
		}
	}
}

const (
	interfaceTable = "interface"
	systemScalars  = "system"
)

// take reads x, which has only what is due: what changes seldom is not read at each poll.
func (s *System) take(x *metric.Sample) {
	for _, f := range x.Fields {
		var dst *string
		switch f.Name {
		case "sysName":
			dst = &s.Name
		case "sysDescr":
			dst = &s.Descr
		case "sysObjectID":
			dst = &s.ObjectID
		case "sysContact":
			dst = &s.Contact
		case "sysLocation":
			dst = &s.Location
		default:
			continue
		}
		if text := Text(f.Str); *dst != text {
			*dst = strings.Clone(text)
		}
	}
	if host := x.Tag("hostname"); s.Name == "" && host != "" {
		s.Name = strings.Clone(Text(host))
	}
}

// verdictText returns the word for v, "" where no rate is in question.
func verdictText(v counter.Verdict) string {
	if v == counter.None {
		return ""
	}
	return v.String()
}
