package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
)

var fleetSorts = []string{"state", "name", "address", "sys_name", "location", "last_poll", "duration", "round_trip", "in", "out", "load", "alerts",
	"interfaces", "since"}

// fleetRow is a device with what it is sorted by.
type fleetRow struct {
	Device
	in, out, load float32
}

func (s *Server) fleet(r *http.Request) (any, error) {
	v := r.URL.Query()
	q, err := parseList(v, fleetSorts...)
	if err != nil {
		return nil, err
	}
	states := v["state"]
	for _, state := range states {
		if !slices.Contains([]string{StateNew, StateUp, StatePartial, StateDown}, state) {
			return nil, badRequest("state: %q is none of %s, %s, %s, %s", state, StateNew, StateUp, StatePartial, StateDown)
		}
	}
	rows, counts := s.rows(func(row *fleetRow) bool {
		return (len(states) == 0 || slices.Contains(states, row.State)) && row.found(q)
	})
	sortFleet(rows, q)
	out := Fleet{At: time.Now(), Counts: counts, Matching: len(rows), Offset: q.offset, Devices: []Device{}}
	for _, row := range page(rows, q) {
		s.busiest(&row.Device)
		out.Devices = append(out.Devices, row.Device)
	}
	return out, nil
}

// rows returns the devices that keep lets through (nil: none), without Busiest, and counts all.
func (s *Server) rows(keep func(*fleetRow) bool) (rows []*fleetRow, counts FleetCounts) {
	marks := s.marks("")
	stats := s.deviceStats()
	all := s.memory.all()
	if keep != nil {
		rows = make([]*fleetRow, 0, len(all))
	}
	for _, d := range all {
		row := d.row(stats, marks)
		counts.add(row, stats)
		if keep != nil && keep(row) {
			rows = append(rows, row)
		}
	}
	counts.Firing, counts.Pending, counts.NeverUp = marks.firing, marks.pending, marks.neverUp
	return rows, counts
}

func (c *FleetCounts) add(row *fleetRow, stats map[string]DeviceStats) {
	c.Devices++
	switch row.State {
	case StateUp:
		c.Up++
	case StatePartial:
		c.Partial++
	case StateDown:
		c.Down++
	default:
		c.New++
	}
	c.Interfaces += row.Interfaces
	c.InterfacesUp += row.InterfacesUp
	c.InterfacesDown += row.InterfacesDown
	if stats[row.Name].Late {
		c.Late++
	}
}

// row returns d as the fleet shows it, without Busiest.
func (d *device) row(stats map[string]DeviceStats, m *marks) *fleetRow {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ps := &d.target, &d.ports
	st := stats[t.Name]
	row := &fleetRow{in: ps.in, out: ps.out, load: ps.load}
	row.Device = Device{Name: t.Name, Address: t.Address, Labels: t.Labels, State: d.state, Cause: d.cause, Why: Text(cmp.Or(st.Why, d.err)),
		Since: d.since, LastPoll: d.last, Interval: t.Interval.Seconds(), Duration: d.duration.Seconds(), RoundTrip: st.RoundTrip.Seconds(),
		UpTime: float64(d.upTime) / 100, SysName: d.system.Name, Location: d.system.Location,
		Interfaces: len(ps.list), InterfacesUp: ps.up, InterfacesDown: ps.down, Busiest: []Busiest{}}
	n := m.devices[t.Name]
	row.Firing, row.Pending = n.firing, n.pending
	return row
}

// busiest fills in row.Busiest.
func (s *Server) busiest(row *Device) {
	d := s.memory.device(row.Name)
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ps := &d.ports
	for _, i := range ps.busiest[:ps.busy] {
		p := &ps.list[i]
		row.Busiest = append(row.Busiest, Busiest{Key: p.key(), Name: p.part(1), In: known(p.in, 8), Out: known(p.out, 8), Load: known(p.load(), 1)})
	}
}

// known returns a rate in another unit, nil if there is none. A float32 knows seven digits; five are shown.
func known(rate float32, factor float64) *float64 {
	v := float64(rate) * factor
	if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	v = digits(v, 5)
	return &v
}

func (row *fleetRow) found(q *listQuery) bool {
	if len(q.words) == 0 {
		return true
	}
	texts := []string{row.Name, row.Address, row.SysName, row.Location, row.State, row.Cause, row.Why}
	for name, value := range row.Labels {
		texts = append(texts, name+"="+value)
	}
	return q.found(texts...)
}

// trouble orders states: what a person wants to see comes first.
var trouble = map[string]int{StateDown: 0, StatePartial: 1, StateNew: 3, StateUp: 4}

func (row *fleetRow) rank() int {
	rank := trouble[row.State]
	if row.State == StateUp && row.Firing > 0 {
		return 2
	}
	return rank
}

func sortFleet(rows []*fleetRow, q *listQuery) {
	number := map[string]func(*fleetRow) float64{
		"duration": func(r *fleetRow) float64 { return r.Duration }, "round_trip": func(r *fleetRow) float64 { return r.RoundTrip },
		"in": func(r *fleetRow) float64 { return float64(r.in) }, "out": func(r *fleetRow) float64 { return float64(r.out) },
		"load": func(r *fleetRow) float64 { return float64(r.load) }, "alerts": func(r *fleetRow) float64 { return float64(r.Firing)*1e6 + float64(r.Pending) },
		"interfaces": func(r *fleetRow) float64 { return float64(r.Interfaces) }, "since": func(r *fleetRow) float64 { return float64(r.Since.UnixMilli()) },
		"last_poll": func(r *fleetRow) float64 { return float64(r.LastPoll.UnixMilli()) },
	}[q.sort]
	text := map[string]func(*fleetRow) string{
		"address": func(r *fleetRow) string { return r.Address }, "sys_name": func(r *fleetRow) string { return r.SysName },
		"location": func(r *fleetRow) string { return r.Location }, "name": func(r *fleetRow) string { return r.Name },
	}[q.sort]
	slices.SortFunc(rows, func(a, b *fleetRow) int {
		c := 0
		switch {
		case number != nil:
			c = cmp.Compare(number(a), number(b))
		case text != nil:
			c = natural(text(a), text(b))
		default:
			c = cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.Firing, a.Firing))
		}
		return cmp.Or(q.ordered(c), natural(a.Name, b.Name))
	})
}

// marks are the alerts of the moment, by what they are of.
type marks struct {
	firing, pending, neverUp int
	devices                  map[string]struct{ firing, pending int }
	ports                    map[string]mark // by Interface.Key
}

type mark struct{ text, fingerprint string }

// marks returns them; those of ports for the ports of one device only, unless it is "".
func (s *Server) marks(device string) *marks {
	m := &marks{neverUp: s.o.Alerts.NeverUpCount(), devices: map[string]struct{ firing, pending int }{}, ports: map[string]mark{}}
	if device != "" {
		for _, a := range s.o.Alerts.NeverUpOf(device) {
			m.ports[Text(a.Key)] = mark{"never up", a.Fingerprint}
		}
	}
	for _, a := range s.o.Alerts.Alerts() {
		n := m.devices[a.Device]
		switch a.State {
		case alert.Firing:
			m.firing++
			n.firing++
		case alert.Pending:
			m.pending++
			n.pending++
		default:
			continue
		}
		m.devices[a.Device] = n
		if a.Device != device {
			continue
		}
		k := Text(a.Key)
		if m.ports[k].text != alert.Firing.String() { // of several the one that fires
			m.ports[k] = mark{a.State.String(), a.Fingerprint}
		}
	}
	return m
}

const mostSlow = 20

// slow returns the devices that are polled late or slowly.
func (s *Server) slow() []SlowDevice {
	out := []SlowDevice{}
	late := map[string]bool{}
	for name, st := range s.deviceStats() {
		d := s.memory.device(name)
		if d == nil || st.Why == "" && !st.Late {
			continue
		}
		d.mu.Lock()
		x := SlowDevice{Name: name, Duration: d.duration.Seconds(), Interval: d.target.Interval.Seconds(), Lag: st.Polls.Lag, Why: Text(st.Why)}
		d.mu.Unlock()
		late[name] = st.Late
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b SlowDevice) int {
		if late[a.Name] != late[b.Name] {
			if late[a.Name] {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Duration/b.Interval, a.Duration/a.Interval), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), mostSlow)]
}
