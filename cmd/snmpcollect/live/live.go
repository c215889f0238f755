// Package live is what a collector shows of the moment: its devices, the last rates of every interface, the alerts. A Table keeps it, /api/live
// serves it, and Frame draws it on a terminal.
package live

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"walkabout/collector"
	"walkabout/counter"
	"walkabout/metric"
)

// Interface is the last that is known of one. A rate that there is none of is nil.
type Interface struct {
	Device  string   `json:"device"`
	Name    string   `json:"name"` // ifName, else ifDescr
	Alias   string   `json:"alias,omitempty"`
	Admin   string   `json:"admin"`
	Oper    string   `json:"oper"`
	In      *float64 `json:"in"`     // bits a second
	Out     *float64 `json:"out"`    // bits a second
	Errors  *float64 `json:"errors"` // a second, in and out
	Speed   float64  `json:"speed"`  // bits a second; 0: it tells none
	Verdict string   `json:"verdict,omitempty"`
	Alert   string   `json:"alert,omitempty"` // firing, pending, "never up", or nothing
}

// Load returns the share of the speed that the busier direction takes, 0 to 1; 0 if it cannot be told.
func (i Interface) Load() float64 {
	if i.Speed <= 0 {
		return 0
	}
	return max(number(i.In), number(i.Out)) / i.Speed
}

func number(n *float64) float64 {
	if n == nil {
		return 0
	}
	return *n
}

// Table keeps the last interfaces of every device. It is a collector.Sink; its methods may be called by any goroutine. It takes some 60 octets an
// interface, and its name.
type Table struct {
	mu      sync.Mutex
	devices map[string]*device
}

// device is the last poll of one.
type device struct {
	poll collector.Poll // without samples
	n    int            // samples
	rows []row          // of its last answered poll
}

// row is an Interface, small.
type row struct {
	name, alias          string
	in, out, err, speed  float32 // octets and errors a second, bits a second; below 0: none
	admin, oper, verdict uint8
}

// NewTable returns an empty Table.
func NewTable() *Table { return &Table{devices: map[string]*device{}} }

// Poll implements collector.Sink. It keeps nothing of p.Samples, whose strings share large memory.
func (t *Table) Poll(_ context.Context, p collector.Poll) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.devices[p.Device]
	if d == nil {
		d = &device{}
		t.devices[p.Device] = d
	}
	if p.Extra { // what something told to have changed, without counters
		d.change(p.Samples)
		return
	}
	d.n = len(p.Samples)
	if p.Answered {
		d.take(p.Samples)
	}
	p.Samples = nil
	d.poll = p
}

// take makes rows of the interfaces among samples. A name that was there before is used again.
func (d *device) take(samples []metric.Sample) {
	old := d.rows
	rows := d.rows[:0]
	var f finder
	for i := range samples {
		s := &samples[i]
		if s.Measurement != "interface" {
			continue
		}
		r := f.states(s)
		r.in, r.verdict = f.rate(s, ifHCInOctets, ifInOctets)
		r.out, _ = f.rate(s, ifHCOutOctets, ifOutOctets)
		in, _ := f.rate(s, ifInErrors, ifInErrors)
		out, _ := f.rate(s, ifOutErrors, ifOutErrors)
		if r.err = -1; in >= 0 || out >= 0 {
			r.err = max(in, 0) + max(out, 0)
		}
		name, alias := cmp.Or(s.Tag("ifName"), s.Tag("ifDescr")), f.field(s, ifAlias).Str
		if n := len(rows); n < len(old) { // old[n] is still what it was: rows is behind it
			r.name, r.alias = kept(old[n].name, name), kept(old[n].alias, alias)
		} else {
			r.name, r.alias = strings.Clone(name), strings.Clone(alias)
		}
		rows = append(rows, r)
	}
	clear(old[min(len(rows), len(old)):])
	d.rows = rows
}

// change takes states of interfaces among samples, and leaves all else as it is. One that is not known yet has its row with the next poll.
func (d *device) change(samples []metric.Sample) {
	var f finder
	for i := range samples {
		s := &samples[i]
		if s.Measurement != "interface" {
			continue
		}
		now, name := f.states(s), cmp.Or(s.Tag("ifName"), s.Tag("ifDescr"))
		for k := range d.rows {
			if r := &d.rows[k]; r.name == name {
				r.admin, r.oper, r.speed = now.admin, now.oper, now.speed
			}
		}
	}
}

// kept returns old if it is now still so, else a copy of now.
func kept(old, now string) string {
	if old == now {
		return old
	}
	return strings.Clone(now)
}

// The fields that are looked for.
const (
	ifAdminStatus = iota
	ifOperStatus
	ifHighSpeed
	ifSpeed
	ifHCInOctets
	ifInOctets
	ifHCOutOctets
	ifOutOctets
	ifInErrors
	ifOutErrors
	ifAlias
	fieldCount
)

var fieldNames = [fieldCount]string{"ifAdminStatus", "ifOperStatus", "ifHighSpeed", "ifSpeed", "ifHCInOctets", "ifInOctets", "ifHCOutOctets", "ifOutOctets",
	"ifInErrors", "ifOutErrors", "ifAlias"}

// finder finds fields where they were in the sample before: those of a table's rows have the same order.
type finder struct{ at [fieldCount]int }

// states returns a row with what an interface is at present.
func (f *finder) states(s *metric.Sample) row {
	r := row{admin: uint8(f.field(s, ifAdminStatus).Num), oper: uint8(f.field(s, ifOperStatus).Num), speed: float32(f.field(s, ifHighSpeed).Num) * 1e6}
	if r.speed == 0 {
		r.speed = float32(f.field(s, ifSpeed).Num)
	}
	return r
}

func (f *finder) field(s *metric.Sample, name int) *metric.Field {
	if i := f.at[name]; i < len(s.Fields) && s.Fields[i].Name == fieldNames[name] {
		return &s.Fields[i]
	}
	for i := range s.Fields {
		if s.Fields[i].Name == fieldNames[name] {
			f.at[name] = i
			return &s.Fields[i]
		}
	}
	return &noField
}

var noField metric.Field // nobody changes it

// rate returns the rate of the first of two fields that there is, -1 for none, and its verdict.
func (f *finder) rate(s *metric.Sample, name, other int) (float32, uint8) {
	x := f.field(s, name)
	if x.Name == "" {
		x = f.field(s, other)
	}
	if !x.Verdict.HasRate() {
		return -1, uint8(x.Verdict)
	}
	return float32(x.Rate), uint8(x.Verdict)
}

// Keep forgets the devices that targets do not name.
func (t *Table) Keep(targets []collector.Target) {
	wanted := make(map[string]bool, len(targets))
	for _, target := range targets {
		wanted[target.Name] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.devices {
		if !wanted[name] {
			delete(t.devices, name)
		}
	}
}

// Devices returns the last poll of every device, in the order of their names, without samples; counts has how many there were.
func (t *Table) Devices() (polls []collector.Poll, counts []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.devices {
		polls = append(polls, d.poll)
	}
	slices.SortFunc(polls, func(a, b collector.Poll) int { return strings.Compare(a.Device, b.Device) })
	for _, p := range polls {
		counts = append(counts, t.devices[p.Device].n)
	}
	return polls, counts
}

// Interfaces returns those that keep lets through, in the order of their devices.
func (t *Table) Interfaces(keep func(*Interface) bool) []Interface {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := make([]string, 0, len(t.devices))
	for name := range t.devices {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []Interface
	for _, name := range names {
		for _, r := range t.devices[name].rows {
			if i := r.public(name); keep(&i) {
				out = append(out, i)
			}
		}
	}
	return out
}

func (r *row) public(device string) Interface {
	i := Interface{Device: device, Name: r.name, Alias: r.alias, Admin: status(r.admin), Oper: status(r.oper), Speed: float64(r.speed),
		In: known(r.in, 8), Out: known(r.out, 8), Errors: known(r.err, 1)}
	if v := counter.Verdict(r.verdict); v != counter.None {
		i.Verdict = v.String()
	}
	return i
}

func known(rate float32, factor float64) *float64 {
	if rate < 0 {
		return nil
	}
	v := float64(rate) * factor
	return &v
}

// statuses are the words of ifOperStatus (RFC 2863); ifAdminStatus has the first three.
var statuses = [...]string{"?", "up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"}

func status(n uint8) string {
	if int(n) >= len(statuses) {
		n = 0
	}
	return statuses[n]
}

// Poller is what is known of a device's polls.
type Poller struct {
	Device   string  `json:"device"`
	State    string  `json:"state"`    // up, partial, silent, or new before the first poll
	Last     float64 `json:"last"`     // seconds since it was polled; below 0: never
	Duration float64 `json:"duration"` // of the last poll, in seconds
	Lag      float64 `json:"lag"`      // by which it began late, in seconds
	UpTime   float64 `json:"upTime"`   // of the agent, in seconds; 0: not told
	Polls    uint64  `json:"polls"`
	Failed   uint64  `json:"failed"`
	Partial  uint64  `json:"partial"`
	Missed   uint64  `json:"missed"`
	Requests uint64  `json:"requests"`
	Retries  uint64  `json:"retries"`
	Withheld uint64  `json:"withheld"` // counter readings without a rate
	Error    string  `json:"error,omitempty"`
}

// newPoller joins what the collector counts of a device and its last poll.
func newPoller(s collector.Stats, upTime uint32, now time.Time) Poller {
	p := Poller{Device: s.Device, State: "new", Last: -1, Duration: s.Duration.Seconds(), Lag: s.Lag.Seconds(), UpTime: float64(upTime) / 100,
		Polls: s.Polls, Failed: s.Failed, Partial: s.Partial, Missed: s.Missed, Requests: s.Requests, Retries: s.Retries, Error: s.Err}
	if !s.Last.IsZero() {
		p.Last = now.Sub(s.Last).Seconds()
		switch {
		case !s.Answered:
			p.State = "silent"
		case s.Err != "":
			p.State = "partial"
		default:
			p.State = "up"
		}
	}
	for v, n := range s.Verdicts {
		if !v.HasRate() {
			p.Withheld += n
		}
	}
	return p
}
