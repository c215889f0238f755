package web

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/metric"
)

var interfaceSorts = []string{"index", "name", "alias", "admin", "oper", "speed", "in", "out", "load", "errors", "discards", "alert", "last_change"}

func (s *Server) deviceView(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query(), interfaceSorts...)
	if err != nil {
		return nil, err
	}
	d, err := s.find(r)
	if err != nil {
		return nil, err
	}
	m, stats := s.marks(d.name), s.deviceStats()
	row := d.row(stats, m)
	s.busiest(&row.Device)
	out := DeviceView{At: time.Now(), Device: row.Device, Offset: q.offset, Tables: []Table{}}
	out.Polls = stats[row.Name].Polls
	out.Alerts = s.alertsOf(row.Name, nil)

	fields := s.memory.described()
	d.mu.Lock()
	defer d.mu.Unlock()
	out.System = d.system
	out.Polls.Profiles, out.Polls.Version, out.Polls.Samples, out.Polls.Error = d.target.Profiles, d.target.Version, d.samples, d.err
	all := make([]placed, 0, len(d.ports.list))
	for i := range d.ports.list {
		if p := d.port(i, m); q.found(p.Key, p.Descr, p.Alias, p.Admin, p.Oper, p.Verdict, p.Alert, p.MAC) {
			all = append(all, placed{p, i})
		}
	}
	sortInterfaces(all, q)
	duplex := d.duplexes()
	out.Matching, out.Interfaces = len(all), []Interface{}
	for _, p := range page(all, q) {
		p.Recent, p.Duplex = d.recent(p.place), duplex[p.Index]
		out.Interfaces = append(out.Interfaces, p.Interface)
	}
	first := &listQuery{limit: InlineRows}
	for _, name := range d.tableNames() {
		t, err := d.tables[name].answer(name, d.target.Labels, fields, first)
		if err != nil {
			return nil, err
		}
		out.Tables = append(out.Tables, t)
	}
	return out, nil
}

// tableNames returns the tables that d has, what people look at first in front.
func (d *device) tableNames() []string {
	var names []string
	for name := range d.tables {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(titleRank(a), titleRank(b)), strings.Compare(a, b)) })
	return names
}

// placed is an interface and its place among the device's ports.
type placed struct {
	Interface
	place int
}

// status returns the name of ifAdminStatus or ifOperStatus; 0: it was not told.
func status(n uint8) string {
	if n == 0 {
		return "?"
	}
	return alert.StatusName(int(n))
}

// port returns the interface at place i without Recent; d's mu is held.
func (d *device) port(i int, m *marks) Interface {
	p := &d.ports.list[i]
	x := Interface{Key: p.key(), Index: int64(p.index), Name: p.part(1), Descr: p.part(2), Alias: p.part(3), MAC: p.part(4), Type: int64(p.typ), MTU: int64(p.mtu),
		Admin: status(p.admin), Oper: status(p.oper), Speed: math.Round(float64(p.speed)), In: known(p.in, 8), Out: known(p.out, 8), Load: known(p.load(), 1),
		Errors: known(p.errors, 1), Discards: known(p.discard, 1), Verdict: verdictText(counter.Verdict(p.verdict))}
	if p.changedAt != 0 {
		x.LastChange = time.UnixMilli(p.changedAt).UTC()
	}
	k := m.ports[p.key()]
	x.Alert, x.Finger = k.text, k.fingerprint
	return x
}

// recent returns the last rates of the port at place i; d's mu is held.
func (d *device) recent(i int) Recent {
	r := Recent{Interval: d.interval.Seconds()}
	r.In, r.Out = d.ports.lastRates(i)
	for _, list := range []Numbers{r.In, r.Out} {
		for k, v := range list {
			list[k] = digits(v, 3)
		}
	}
	return r
}

// duplexes returns what is known of interfaces' duplex, by ifIndex; d's mu is held.
func (d *device) duplexes() map[int64]string {
	t := d.tables["interface_ethernet"]
	if t == nil {
		return nil
	}
	batch, err := metric.Decode(t.data)
	if err != nil {
		return nil // the table itself tells of it
	}
	out := make(map[int64]string, len(batch.Samples))
	for i := range batch.Samples {
		var index, duplex int64
		for _, f := range batch.Samples[i].Fields {
			switch f.Name {
			case "ifIndex":
				index = int64(f.Num)
			case "dot3StatsDuplexStatus":
				duplex = int64(f.Num)
			}
		}
		switch duplex {
		case 2:
			out[index] = "half"
		case 3:
			out[index] = "full"
		}
	}
	return out
}

// alertRank orders interfaces by what a person wants to see first.
func alertRank(x *Interface) int {
	switch {
	case x.Alert == "firing" && x.Oper != "up":
		return 0
	case x.Alert == "firing":
		return 1
	case x.Alert == "pending":
		return 2
	case x.Alert == "" && x.Admin == "up":
		return 3
	}
	return 4
}

func sortInterfaces(all []placed, q *listQuery) {
	unknown := func(v *float64) float64 {
		if v == nil {
			return -1
		}
		return *v
	}
	number := map[string]func(*Interface) float64{
		"in": func(x *Interface) float64 { return unknown(x.In) }, "out": func(x *Interface) float64 { return unknown(x.Out) },
		"load": func(x *Interface) float64 { return unknown(x.Load) }, "errors": func(x *Interface) float64 { return unknown(x.Errors) },
		"discards": func(x *Interface) float64 { return unknown(x.Discards) }, "speed": func(x *Interface) float64 { return x.Speed },
		"alert":       func(x *Interface) float64 { return float64(alertRank(x)) },
		"last_change": func(x *Interface) float64 { return float64(x.LastChange.UnixMilli()) },
	}[q.sort]
	text := map[string]func(*Interface) string{
		"alias": func(x *Interface) string { return x.Alias }, "admin": func(x *Interface) string { return x.Admin }, "oper": func(x *Interface) string { return x.Oper },
	}[q.sort]
	slices.SortStableFunc(all, func(a, b placed) int {
		c := 0
		switch {
		case number != nil:
			c = cmp.Compare(number(&a.Interface), number(&b.Interface))
		case text != nil:
			c = strings.Compare(text(&a.Interface), text(&b.Interface))
		case q.sort == "name":
			c = natural(a.Key, b.Key)
		default:
			c = cmp.Compare(a.Index, b.Index)
		}
		return cmp.Or(q.ordered(c), cmp.Compare(a.Index, b.Index))
	})
}

// natural compares names as people count: ge-0/0/9 comes before ge-0/0/10.
func natural(a, b string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	x, y := a, b
	for x != "" && y != "" {
		n, m := digits(x), digits(y)
		if n > 0 && m > 0 {
			p, q := strings.TrimLeft(x[:n], "0"), strings.TrimLeft(y[:m], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), strings.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

func (s *Server) table(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query())
	if err != nil {
		return nil, err
	}
	d, err := s.find(r)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	name := r.URL.Query().Get("measurement")
	t := d.tables[name]
	if t == nil {
		return nil, notFound("nothing was read of %q of %s", Text(name), d.target.Name)
	}
	return t.answer(name, d.target.Labels, s.memory.described(), q)
}

// findPort returns the device that r asks for, locked, and the place of its interface.
func (s *Server) findPort(r *http.Request) (*device, int, error) {
	d, err := s.find(r)
	if err != nil {
		return nil, 0, err
	}
	key := r.URL.Query().Get("interface")
	if key == "" {
		return nil, 0, badRequest("interface: which one?")
	}
	d.mu.Lock()
	for i := range d.ports.list {
		if d.ports.list[i].key() == key {
			return d, i, nil
		}
	}
	d.mu.Unlock()
	return nil, 0, notFound("%s has no interface %q (any more)", d.target.Name, Text(key))
}

func (s *Server) interfaceView(r *http.Request) (any, error) {
	m, stats := s.marks(r.URL.Query().Get("device")), s.deviceStats()
	d, i, err := s.findPort(r)
	if err != nil {
		return nil, err
	}
	out := InterfaceView{At: time.Now(), Interface: d.port(i, m), Store: s.o.History != nil}
	out.Interface.Recent, out.Interface.Duplex = d.recent(i), d.duplexes()[out.Interface.Index]
	d.mu.Unlock()
	row := d.row(stats, m)
	s.busiest(&row.Device)
	out.Device = row.Device
	out.Alerts = s.alertsOf(row.Name, &out.Interface.Key)
	return out, nil
}
