package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/web"
)

var at = time.Date(2026, 11, 21, 18, 0, 0, 0, time.UTC)

// fixture is a Server over devices that a test polls by hand.
type fixture struct {
	memory  *web.Memory
	alerts  alertList
	stats   []web.DeviceStats
	history web.History
	mux     *http.ServeMux
	server  *web.Server
}

type alertList struct {
	current, never []alert.Alert
	past           []alert.Transition // the newest first
}

func (a *alertList) Alerts() []alert.Alert  { return a.current }
func (a *alertList) NeverUp() []alert.Alert { return a.never }
func (a *alertList) NeverUpCount() int      { return len(a.never) }
func (a *alertList) Alert(fingerprint string) (alert.Alert, bool) {
	for _, c := range a.current {
		if c.Fingerprint == fingerprint {
			return c, true
		}
	}
	return alert.Alert{}, false
}
func (a *alertList) NeverUpOf(device string) (list []alert.Alert) {
	for _, n := range a.never {
		if n.Device == device {
			list = append(list, n)
		}
	}
	return list
}

// History is a Manager's, but for what this package does not ask for.
func (a *alertList) History(q alert.HistoryQuery) (list []alert.Transition, err error) {
	for _, t := range a.past {
		if (q.Device == "" || t.Device == q.Device) && (q.Fingerprint == "" || t.Fingerprint == q.Fingerprint) && (q.Before == 0 || t.Number < q.Before) && (q.Match == nil || q.Match(&t)) && len(list) < q.Limit {
			list = append(list, t)
		}
	}
	return list, nil
}

func newFixture(names ...string) *fixture {
	f := &fixture{memory: web.NewMemory()}
	var targets []web.Target
	for i, name := range names {
		targets = append(targets, web.Target{Name: name, Address: fmt.Sprintf("192.0.2.%d", i+1), Labels: map[string]string{"site": "paris"}, Interval: 30 * time.Second,
			Profiles: []string{"system", "interfaces"}, Version: "2c"})
	}
	f.memory.Keep(targets)
	return f
}

func (f *fixture) serve() *fixture {
	f.server = web.New(web.Options{Version: "1.2.3", Started: at, Memory: f.memory, Alerts: &f.alerts, Stats: func() []web.DeviceStats { return f.stats }, History: f.history,
		Collector: func() web.Collector { return web.Collector{Health: "ok"} }, Session: func(*http.Request) web.Session { return web.Session{User: "ann", MayWrite: true} },
		Log: slog.New(slog.DiscardHandler)})
	f.mux = http.NewServeMux()
	f.server.Handle(f.mux)
	return f
}

// get asks for a path below /api/ui/ and decodes the answer into v; it returns the status.
func (f *fixture) get(t testing.TB, path string, v any) int {
	t.Helper()
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/ui/"+path, nil))
	body := w.Body.String()
	if !utf8.ValidString(body) {
		t.Errorf("%s: the answer is not UTF-8", path)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%s: %d: %v: %.200s", path, w.Code, err, body)
	}
	return w.Code
}

// port is a row of the interfaces, as far as a test cares.
type port struct {
	name, descr, alias string
	index              uint64
	admin, oper        uint64
	in, out            float64 // octets a second
	verdict            counter.Verdict
	lastChange         uint64
}

func (p port) sample(device string) metric.Sample {
	rate := func(name string, v float64) metric.Field {
		if !p.verdict.HasRate() {
			return metric.Field{Name: name, Kind: metric.Counter64, Verdict: p.verdict}
		}
		return metric.Field{Name: name, Kind: metric.Counter64, Rate: v, Verdict: p.verdict}
	}
	s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "device", Value: device}}, Fields: []metric.Field{
		{Name: "ifIndex", Kind: metric.Integer, Num: p.index}, {Name: "ifAdminStatus", Kind: metric.Integer, Num: p.admin}, {Name: "ifOperStatus", Kind: metric.Integer, Num: p.oper},
		{Name: "ifHighSpeed", Kind: metric.Unsigned, Num: 1000}, {Name: "ifAlias", Kind: metric.String, Str: p.alias},
		{Name: "ifLastChange", Kind: metric.Unsigned, Num: p.lastChange},
		rate("ifHCInOctets", p.in), rate("ifHCOutOctets", p.out), rate("ifInErrors", 1), rate("ifOutErrors", 2), rate("ifInDiscards", 0.5),
	}}
	if p.descr != "" {
		s.Tags = append(s.Tags, metric.Tag{Name: "ifDescr", Value: p.descr})
	}
	if p.name != "" {
		s.Tags = append(s.Tags, metric.Tag{Name: "ifName", Value: p.name})
	}
	return s
}

// poll polls a device: n is how many polls after the first.
func (f *fixture) poll(device string, n int, more []metric.Sample, ports ...port) {
	p := web.Poll{Device: device, At: at.Add(time.Duration(n) * 30 * time.Second), Interval: 30 * time.Second, Duration: 20 * time.Millisecond, Answered: true,
		UpTime: 360000 + uint32(n)*3000, HasUpTime: true, Complete: []string{"interface"}, Samples: more}
	for _, x := range ports {
		p.Samples = append(p.Samples, x.sample(device))
	}
	f.memory.Poll(p)
}

func number(v float64) *float64 { return &v }

func up(name string, index uint64, in, out float64) port {
	return port{name: name, index: index, admin: 1, oper: 1, in: in, out: out, verdict: counter.OK}
}

func TestFleet(t *testing.T) {
	f := newFixture("core1", "core2", "edge1", "new10", "new9")
	f.poll("core1", 0, []metric.Sample{{Measurement: "system", Fields: []metric.Field{{Name: "sysName", Kind: metric.String, Str: "core1.example"},
		{Name: "sysLocation", Kind: metric.String, Str: "Rack 4"}}}},
		up("ge-0/0/1", 1, 1e6, 2e6), up("ge-0/0/2", 2, 100e6, 0), port{name: "ge-0/0/3", index: 3, admin: 1, oper: 2, verdict: counter.First},
		up("ge-0/0/4", 4, 3e6, 1), up("ge-0/0/5", 5, 1, 1), port{name: "ge-0/0/6", index: 6, admin: 2, oper: 2})
	f.memory.Poll(web.Poll{Device: "core2", At: at, Interval: 30 * time.Second, Cause: "snmp_silent", Err: errors.New("no answer")})
	f.memory.Poll(web.Poll{Device: "edge1", At: at, Interval: 30 * time.Second, Answered: true, Err: errors.New("interface: timeout")})
	f.memory.Poll(web.Poll{Device: "nobody", At: at, Answered: true})
	f.alerts.current = []alert.Alert{{Device: "core1", Key: "ge-0/0/3", State: alert.Firing, Fingerprint: "f1"}, {Device: "core2", State: alert.Pending}, {Device: "edge1", State: alert.Resolved}}
	f.alerts.never = []alert.Alert{{Device: "core1", Key: "ge-0/0/6", State: alert.Listed}}
	f.stats = []web.DeviceStats{{Device: "core1", RoundTrip: 3 * time.Millisecond}, {Device: "core2", Why: "it is silent", Late: true}}
	f.serve()

	var got web.Fleet
	if code := f.get(t, "fleet", &got); code != 200 {
		t.Fatal(code)
	}
	want := web.FleetCounts{Devices: 5, Up: 1, Partial: 1, Down: 1, New: 2, Interfaces: 6, InterfacesUp: 4, InterfacesDown: 1, Firing: 1, Pending: 1, NeverUp: 1, Late: 1}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got.Matching != 5 || len(got.Devices) != 5 || got.Devices[0].Name != "core2" || got.Devices[1].Name != "edge1" || got.Devices[2].Name != "core1" {
		t.Fatalf("those in trouble are not first: %+v", got)
	}
	core1 := web.Device{Name: "core1", Address: "192.0.2.1", Labels: map[string]string{"site": "paris"}, State: "up", Since: at, LastPoll: at, Interval: 30, Duration: 0.02,
		RoundTrip: 0.003, UpTime: 3600, SysName: "core1.example", Location: "Rack 4", Interfaces: 6, InterfacesUp: 4, InterfacesDown: 1, Firing: 1, Busiest: []web.Busiest{
			{Key: "ge-0/0/2", Name: "ge-0/0/2", In: number(8e8), Out: number(0), Load: number(0.8)},
			{Key: "ge-0/0/4", Name: "ge-0/0/4", In: number(2.4e7), Out: number(8), Load: number(0.024)},
			{Key: "ge-0/0/1", Name: "ge-0/0/1", In: number(8e6), Out: number(1.6e7), Load: number(0.016)}}}
	if diff := cmp.Diff(core1, got.Devices[2]); diff != "" {
		t.Errorf("core1 (-want +got):\n%s", diff)
	}
	if d := got.Devices[0]; d.Cause != "snmp_silent" || d.Why != "it is silent" || d.Pending != 1 {
		t.Errorf("core2: %+v", d)
	}
	for query, names := range map[string]string{
		"state=down&state=new": "core2 new9 new10", "search=RACK+core": "core1", "search=site%3Dparis&sort=name&desc=true": "new10 new9 edge1 core2 core1", "search=silent": "core2",
		"sort=name&offset=1&limit=2": "core2 edge1", "sort=in&desc=true&limit=1": "core1", "offset=100": "", "sort=alerts&desc=true&limit=1": "core1", "limit=0": "",
	} {
		var got web.Fleet
		f.get(t, "fleet?"+query, &got)
		var found []string
		for _, d := range got.Devices {
			found = append(found, d.Name)
		}
		if strings.Join(found, " ") != names {
			t.Errorf("%s: %v, want %s", query, found, names)
		}
	}
}

func TestDevice(t *testing.T) {
	f := newFixture("core1").serve()
	f.poll("core1", 0, nil, up("ge-0/0/2", 2, 1, 1), port{name: "ge-0/0/10", index: 10, admin: 1, oper: 1, verdict: counter.First, lastChange: 354000},
		up("dup", 20, 1, 1), up("dup", 21, 2, 2), port{index: 30, descr: "Vlan 7", admin: 1, oper: 1, verdict: counter.OK}, port{index: 31, admin: 7, oper: 99})
	sensors := []metric.Sample{
		{Measurement: "host_storage", Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "hrStorageDescr", Value: "/var"}, {Name: "site", Value: "paris"}},
			Fields: []metric.Field{{Name: "hrStorageUsed", Kind: metric.Integer, Num: 90}, {Name: "failures", Kind: metric.Counter32, Rate: 0.25, Verdict: counter.OK}}},
		{Measurement: "host_storage", Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "hrStorageDescr", Value: "/"}},
			Fields: []metric.Field{{Name: "hrStorageUsed", Kind: metric.Integer, Num: 100}, {Name: "failures", Kind: metric.Counter32, Verdict: counter.Reset}, {Name: "note", Kind: metric.String, Str: "x"}}},
		{Measurement: "ip", Fields: []metric.Field{{Name: "inf", Kind: metric.Float, Num: math.Float64bits(math.Inf(1))}, {Name: "forwarding", Kind: metric.Boolean, Num: 1}}},
	}
	f.poll("core1", 1, sensors, up("ge-0/0/10", 10, 125, 250), up("ge-0/0/2", 2, 1e6, 1)) // in another order, and some are gone
	f.alerts.current = []alert.Alert{{Device: "core1", Key: "ge-0/0/2", State: alert.Firing, Fingerprint: "f1", Summary: "s"}, {Device: "core1", State: alert.Pending},
		{Device: "core2", State: alert.Firing}}

	var got web.DeviceView
	if code := f.get(t, "device?device=core1", &got); code != 200 {
		t.Fatal(code)
	}
	want := []web.Interface{
		{Key: "ge-0/0/2", Index: 2, Name: "ge-0/0/2", Admin: "up", Oper: "up", Speed: 1e9, In: number(8e6), Out: number(8), Load: number(0.008), Errors: number(3),
			Discards: number(0.5), Verdict: "ok", LastChange: at.Add(-time.Hour), Recent: web.Recent{Interval: 30, In: web.Numbers{8, 8e6}, Out: web.Numbers{8, 8}},
			Alert: "firing", Finger: "f1"},
		{Key: "ge-0/0/10", Index: 10, Name: "ge-0/0/10", Admin: "up", Oper: "up", Speed: 1e9, In: number(1000), Out: number(2000), Load: number(2e-6), Errors: number(3),
			Discards: number(0.5), Verdict: "ok", LastChange: at.Add(-time.Hour), Recent: web.Recent{Interval: 30, In: web.Numbers{math.NaN(), 1000}, Out: web.Numbers{math.NaN(), 2000}}},
	}
	equalNaN := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(want, got.Interfaces, equalNaN); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
	if len(got.Alerts) != 2 || got.Alerts[0].Interface != "ge-0/0/2" || got.Alerts[1].State != alert.Pending {
		t.Errorf("alerts: %+v", got.Alerts)
	}
	var tables []string
	for _, x := range got.Tables {
		text, _ := json.Marshal(x.Rows)
		names, _ := json.Marshal(x.Columns)
		tables = append(tables, x.Title, string(names), string(text))
	}
	wantTables := []string{
		"Storage", `[{"name":"hrStorageDescr","kind":"tag"},{"name":"hrStorageUsed","kind":"number"},{"name":"failures","kind":"rate"},{"name":"note","kind":"text"}]`,
		`[["/var",90,0.25,null],["/",100,null,"x"]]`,
		"IP", `[{"name":"inf","kind":"number"},{"name":"forwarding","kind":"boolean"}]`, `[[null,true]]`}
	if diff := cmp.Diff(wantTables, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	var table web.Table
	f.get(t, "table?device=core1&measurement=host_storage&sort=hrStorageUsed&desc=true&search=/&limit=1", &table)
	if table.Matching != 2 || table.Total != 2 || len(table.Rows) != 1 || table.Rows[0][0] != "/" {
		t.Errorf("%+v", table)
	}
	for query, keys := range map[string]string{"sort=name&desc=true": "ge-0/0/10 ge-0/0/2", "sort=name": "ge-0/0/2 ge-0/0/10", "sort=in&desc=true&limit=1": "ge-0/0/2",
		"search=firing": "ge-0/0/2", "sort=alert": "ge-0/0/2 ge-0/0/10", "sort=index&offset=1": "ge-0/0/10"} {
		var got web.DeviceView
		f.get(t, "device?device=core1&"+query, &got)
		var found []string
		for _, x := range got.Interfaces {
			found = append(found, x.Key)
		}
		if strings.Join(found, " ") != keys {
			t.Errorf("%s: %v, want %s", query, found, keys)
		}
	}
}

// TestKeys: every interface has a name of its own, and it finds it.
func TestKeys(t *testing.T) {
	f := newFixture("sw 1/ü").serve()
	f.poll("sw 1/ü", 0, nil, up("dup", 20, 1, 1), up("dup", 21, 2, 2), port{index: 30, descr: "Vlan 7", admin: 1, oper: 1}, port{index: 31, admin: 7, oper: 99},
		port{name: "ge-0/0/1.0 <b>\"'&%2F", index: 32}, port{name: "bad \xff", index: 33})
	var view web.DeviceView
	f.get(t, "device?device="+url.QueryEscape("sw 1/ü"), &view)
	want := []string{"dup (ifIndex 20)", "dup (ifIndex 21)", "Vlan 7", "ifIndex 31", "ge-0/0/1.0 <b>\"'&%2F", "bad \uFFFD"}
	for i, x := range view.Interfaces {
		if x.Key != want[i] {
			t.Errorf("key %q, want %q", x.Key, want[i])
		}
		var one web.InterfaceView
		if code := f.get(t, "interface?"+url.Values{"device": {"sw 1/ü"}, "interface": {x.Key}}.Encode(), &one); code != 200 || one.Interface.Index != x.Index {
			t.Errorf("%q: %d, %+v", x.Key, code, one.Interface)
		}
	}
	if len(view.Interfaces) != len(want) {
		t.Errorf("%d interfaces", len(view.Interfaces))
	}
}

// TestKeysOfNamesThatAreChanged: so has each of those whose names are the same once they are cut and made UTF-8.
func TestKeysOfNamesThatAreChanged(t *testing.T) {
	long := strings.Repeat("x", web.MaxText)
	f := newFixture("sw1").serve()
	f.poll("sw1", 0, nil, up(long+"a", 1, 1, 1), up(long+"b", 2, 2, 2), up("p\xfe", 3, 3, 3), up("p\xff", 4, 4, 4))
	var view web.DeviceView
	f.get(t, "device?device=sw1", &view)
	found := map[int64]int64{}
	for _, x := range view.Interfaces {
		var one web.InterfaceView
		f.get(t, "interface?"+url.Values{"device": {"sw1"}, "interface": {x.Key}}.Encode(), &one)
		found[x.Index] = one.Interface.Index
	}
	if diff := cmp.Diff(map[int64]int64{1: 1, 2: 2, 3: 3, 4: 4}, found); diff != "" {
		t.Errorf("ifIndex by the key of each (-want +got):\n%s", diff)
	}
}

// asked remembers what it is to draw.
type asked struct{ web.GraphQuery }

func (a *asked) Graph(_ context.Context, q web.GraphQuery) (web.Graph, error) {
	a.GraphQuery = q
	return web.Graph{}, nil
}

// TestGraphNames: what the store is asked for of an interface that is there, or was once.
func TestGraphNames(t *testing.T) {
	f, h := newFixture("core1"), &asked{}
	f.history = h
	f.serve()
	f.poll("core1", 0, nil, up("lan", 3, 1, 1), up("lan", 4, 2, 2), up("ge-0", 5, 3, 3), port{index: 6, admin: 1, oper: 1}, up("ifIndex 9", 7, 1, 1))
	type named struct {
		Name  string
		Index int64
	}
	for key, want := range map[string]named{
		"lan (ifIndex 3)": {"lan", 3}, "lan (ifIndex 4)": {"lan", 4}, "ge-0": {"ge-0", 0}, "ifIndex 6": {"", 6}, "ifIndex 9": {"ifIndex 9", 0},
		"gone (ifIndex 12)": {"gone", 12}, "ifIndex 13": {"", 13}, "gone": {"gone", 0}, "gone (ifIndex x)": {"gone (ifIndex x)", 0}, "ifIndex 0": {"ifIndex 0", 0},
		"gone ifIndex 1": {"gone ifIndex 1", 0},
	} {
		var g web.Graph
		if code := f.get(t, "graph?"+url.Values{"device": {"core1"}, "interface": {key}}.Encode(), &g); code != http.StatusOK {
			t.Errorf("%q: status %d", key, code)
		}
		if diff := cmp.Diff(want, named{h.Name, h.Index}); diff != "" {
			t.Errorf("%q: -want +got:\n%s", key, diff)
		}
	}
}

// TestStates: what changes, and when, is told.
func TestStates(t *testing.T) {
	f := newFixture("core1").serve()
	f.poll("core1", 0, nil, up("a", 1, 1, 1), up("b", 2, 1, 1))
	f.memory.Poll(web.Poll{Device: "core1", At: at.Add(30 * time.Second), Interval: 30 * time.Second, Cause: "timeout", Err: errors.New("no answer")})
	down := port{name: "a", index: 1, admin: 1, oper: 2, verdict: counter.OK} // its agent tells nothing of it
	f.poll("core1", 2, nil, down, up("b", 2, 1, 1))
	extra := web.Poll{Device: "core1", At: at.Add(70 * time.Second), Answered: true, Extra: true, UpTime: 367000, HasUpTime: true,
		Samples: []metric.Sample{port{name: "b", index: 2, admin: 1, oper: 7, lastChange: 366900}.sample("core1")}}
	f.memory.Poll(extra)
	var got web.DeviceView
	f.get(t, "device?device=core1", &got)
	a, b := got.Interfaces[0], got.Interfaces[1]
	if a.Oper != "down" || !a.LastChange.Equal(at.Add(time.Minute)) || b.Oper != "lowerLayerDown" || !b.LastChange.Equal(at.Add(69*time.Second)) {
		t.Errorf("a %s %v, b %s %v", a.Oper, a.LastChange, b.Oper, b.LastChange)
	}
	if diff := cmp.Diff([]any{8.0, nil, 0.0}, nulls(a.Recent.In)); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}
	if d := got.Device; d.State != "up" || !d.Since.Equal(at.Add(time.Minute)) || d.InterfacesDown != 2 {
		t.Errorf("%+v", d)
	}
	var log web.Log
	f.get(t, "log", &log)
	if len(log.Entries) != 2 || log.Entries[0].Title != "up" || log.Entries[1].Title != "down: timeout" || log.Entries[1].Text != "no answer" {
		t.Errorf("%+v", log.Entries)
	}
	for range 40 {
		f.poll("core1", 5, nil, up("a", 1, 1, 1))
	}
	f.get(t, "device?device=core1", &got)
	if n := len(got.Interfaces[0].Recent.In); n != web.RecentPoints {
		t.Errorf("%d recent rates", n)
	}
	f.memory.Keep(nil)
	var failure map[string]string
	if code := f.get(t, "device?device=core1", &failure); code != 404 || failure["error"] == "" {
		t.Errorf("%d %v", code, failure)
	}
}

func nulls(n web.Numbers) []any {
	var out []any
	for _, v := range n {
		if math.IsNaN(v) {
			out = append(out, nil)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// TestStatusNames: what a device says that the MIB does not have is shown as it says it, and is not "up".
func TestStatusNames(t *testing.T) {
	f := newFixture("core1").serve()
	f.poll("core1", 0, nil, port{name: "a", admin: 3, oper: 7}, port{name: "b", admin: 0, oper: 9}, port{name: "c", admin: 257, oper: 1<<64 - 1})
	var got web.DeviceView
	f.get(t, "device?device=core1", &got)
	var words []string
	for _, x := range got.Interfaces {
		words = append(words, x.Admin+" "+x.Oper)
	}
	if diff := cmp.Diff([]string{"testing lowerLayerDown", "? 9", "255 255"}, words); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAlerts(t *testing.T) {
	f := newFixture("core1").serve()
	f.poll("core1", 0, nil, up("a", 1, 1, 1))
	labels := map[string]string{"ifAlias": strings.Repeat("x", 10_000)}
	f.alerts.current = []alert.Alert{
		{Device: "core1", Key: "a", State: alert.Firing, Fingerprint: "1", Since: at, Labels: labels, Ack: &alert.Ack{By: "ann"}},
		{Device: "core1", Key: "gone", State: alert.Firing, Fingerprint: "2", Since: at.Add(-time.Hour)},
		{Device: "core2", State: alert.Pending, Fingerprint: "3", SilencedBy: "s1"}, {Device: "core2", State: alert.Resolved, Fingerprint: "4"}}
	f.alerts.never = []alert.Alert{{Device: "core1", Key: "b", State: alert.Listed, Fingerprint: "5"}}
	for query, want := range map[string]string{"": "2 1 3", "state=resolved&state=listed": "4 5", "device=core2": "3", "search=GONE": "2", "offset=1&limit=1": "1",
		"silenced=true": "3", "silenced=false": "2 1", "state=listed&device=core1": "5", "state=listed&device=core2": ""} {
		var got web.Alerts
		f.get(t, "alerts?"+query, &got)
		var found []string
		for _, a := range got.Alerts {
			found = append(found, a.Fingerprint)
			if n := len(a.Labels["ifAlias"]); n > web.MaxText+len("…") {
				t.Errorf("ifAlias has %d octets", n)
			}
			if (a.Interface != "") != (a.Key == "a") {
				t.Errorf("%s is of the interface %q", a.Fingerprint, a.Interface)
			}
		}
		if strings.Join(found, " ") != want {
			t.Errorf("%q: %v, want %s", query, found, want)
		}
		if diff := cmp.Diff(web.AlertCounts{Firing: 2, Pending: 1, Resolved: 1, NeverUp: 1, Silenced: 1, Acknowledged: 1}, got.Counts); diff != "" {
			t.Error(diff)
		}
	}
	if len(labels["ifAlias"]) != 10_000 {
		t.Error("the alert itself was changed")
	}
}

// TestAlertHistory: what was is found, page by page, with its texts cut, and one alert with what became of it.
func TestAlertHistory(t *testing.T) {
	f := newFixture("core1", "core2").serve()
	f.poll("core1", 0, nil, up("a", 1, 1, 1))
	transition := func(number uint64, device, key, fingerprint string, state alert.State) alert.Transition {
		return alert.Transition{Number: number, Alert: alert.Alert{Device: device, Key: key, Fingerprint: fingerprint, State: state, Summary: strings.Repeat("x", 1000)}}
	}
	f.alerts.past = []alert.Transition{transition(4, "core1", "a", "1", alert.Resolved), transition(3, "core1", "a", "1", alert.Firing),
		transition(2, "core2", "b", "2", alert.Pending), transition(1, "core1", "a", "1", alert.Pending)}
	f.alerts.current = []alert.Alert{{Device: "core1", Key: "a", Fingerprint: "1", State: alert.Resolved}}
	check := func(query string, got []web.Transition, more bool, want string) {
		t.Helper()
		var numbers []string
		for _, x := range got {
			numbers = append(numbers, fmt.Sprint(x.Number))
			if len(x.Summary) > web.MaxText+len("…") || (x.Interface != "") != (x.Key == "a") {
				t.Errorf("%s: %+v", query, x)
			}
		}
		if text := fmt.Sprint(strings.Join(numbers, " "), " ", more); text != want {
			t.Errorf("%q: %s, want %s", query, text, want)
		}
	}
	for query, want := range map[string]string{"": "4 3 2 1 false", "limit=2": "4 3 true", "limit=2&before=3": "2 1 false", "search=CORE2": "2 false", "state=pending": "2 1 false",
		"device=core1&state=firing&state=resolved": "4 3 false"} {
		var got web.AlertHistory
		f.get(t, "history?"+query, &got)
		check(query, got.Transitions, got.More, want)
	}
	var got web.AlertView
	f.get(t, "alert?fingerprint=1", &got)
	check("alert", got.History, got.More, "4 3 1 false")
	if got.Alert == nil || got.Alert.Interface != "a" {
		t.Errorf("%+v", got.Alert)
	}
}

// TestRefused: what makes no sense is said, with the status that is its.
func TestRefused(t *testing.T) {
	f := newFixture("core1").serve()
	f.poll("core1", 0, nil, up("a", 1, 1, 1))
	for path, want := range map[string]int{
		"fleet?sort=colour": 400, "fleet?offset=-1": 400, "fleet?limit=x": 400, "fleet?desc=1": 400, "fleet?state=odd": 400, "fleet?search=" + strings.Repeat("x", 2000): 400,
		"device": 400, "device?device=core9": 404, "device?device=core1&sort=colour": 400, "table?device=core1&measurement=none": 404, "interface?device=core1": 400,
		"interface?device=core1&interface=b": 404, "graph?device=core1&interface=b": 404, "graph?device=core1&interface=a&from=x": 400, "graph?device=core1&interface=a&from=10&to=5": 400,
		"graph?device=core1&interface=a&points=0": 400, "graph?device=core1&interface=a&group=colour": 400, "alerts?state=odd": 400, "alerts?state=inactive": 400,
		"log?kind=odd": 400, "log?before=x": 400, "alerts?silenced=perhaps": 400, "history?state=odd": 400, "history?before=-1": 400, "alert": 400, "alert?fingerprint=x": 404,
	} {
		var got map[string]string
		if code := f.get(t, path, &got); code != want || got["error"] == "" {
			t.Errorf("%s: %d %v, want %d", path, code, got, want)
		}
	}
}

// TestHostile: whatever a device says, the answer is JSON of UTF-8 and of a bounded size.
func TestHostile(t *testing.T) {
	f := newFixture("core1").serve()
	long := strings.Repeat("é\xff\x00<script>\u202e", 2000)
	f.poll("core1", 0, []metric.Sample{
		{Measurement: "system", Fields: []metric.Field{{Name: "sysName", Kind: metric.String, Str: long}, {Name: "sysDescr", Kind: metric.String, Str: long}, {Name: "sysLocation", Kind: metric.String, Str: long}}},
		{Measurement: "odd", Tags: []metric.Tag{{Name: "tag", Value: long}}, Fields: []metric.Field{{Name: "text", Kind: metric.String, Str: long}}}},
		port{name: long, descr: long, alias: long, index: 1})
	f.memory.Trap(metric.Sample{At: at, Tags: []metric.Tag{{Name: "name", Value: long}, {Name: "agent_host", Value: "192.0.2.1"}}, Fields: []metric.Field{{Name: long, Kind: metric.String, Str: long}}})
	f.memory.Transitions([]alert.Transition{{Alert: alert.Alert{Rule: long, Summary: long, Severity: long}}})
	f.memory.Poll(web.Poll{Device: "core1", At: at, Err: errors.New(long), Cause: "timeout"})
	for _, path := range []string{"fleet", "device?device=core1", "log", "collector", "device?device=" + url.QueryEscape(long), "interface?device=core1&interface=" + url.QueryEscape(long)} {
		w := httptest.NewRecorder()
		f.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/ui/"+path, nil))
		body := w.Body.String()
		if !json.Valid([]byte(body)) || !utf8.ValidString(body) || len(body) > 20_000 || strings.Contains(body, "<script>") {
			t.Errorf("%.60s: %d octets, valid JSON: %v", path, len(body), json.Valid([]byte(body)))
		}
	}
}

func TestText(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"short": {"ge-0/0/1", "ge-0/0/1"}, "empty": {"", ""}, "bad": {"a\xffb", "a\uFFFDb"}, "just": {strings.Repeat("é", 256), strings.Repeat("é", 256)},
		"long": {strings.Repeat("é", 257), strings.Repeat("é", 255) + "…"}, "wide": {strings.Repeat("😀", 5000), strings.Repeat("😀", 255) + "…"},
	} {
		if got := web.Text(tt.in); got != tt.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLogPages(t *testing.T) {
	f := newFixture("core1").serve()
	for i := range 2500 {
		f.memory.Trap(metric.Sample{At: at, Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "agent_host", Value: "192.0.2.1"}, {Name: "name", Value: "linkDown"}},
			Fields: []metric.Field{{Name: "sysUpTime", Kind: metric.Unsigned, Num: 5}, {Name: "ifIndex", Kind: metric.Integer, Num: uint64(i)}}})
	}
	seen, before := 0, ""
	for {
		var got web.Log
		f.get(t, "log?limit=300&kind=trap&device=core1"+before, &got)
		for _, e := range got.Entries {
			if want := uint64(2500 - seen); e.ID != want || e.Text != fmt.Sprintf("ifIndex=%d", want-1) || len(e.Fields) != 2 {
				t.Fatalf("entry %d: %+v", want, e)
			}
			seen++
		}
		if !got.More {
			break
		}
		before = fmt.Sprintf("&before=%d", got.Entries[len(got.Entries)-1].ID)
	}
	if seen != 2000 {
		t.Errorf("%d entries are remembered", seen)
	}
	var none web.Log
	f.get(t, "log?search=linkup", &none)
	if len(none.Entries) != 0 {
		t.Errorf("%d entries", len(none.Entries))
	}
}

func TestSessionAndCollector(t *testing.T) {
	f := newFixture("core1")
	f.stats = []web.DeviceStats{{Device: "core1", Late: true, Why: "late"}, {Device: "core9", Why: "gone"}}
	f.serve()
	var s web.Session
	f.get(t, "session", &s)
	if s.Version != "1.2.3" || !s.Started.Equal(at) || s.User != "ann" || !s.MayWrite || s.Store {
		t.Errorf("%+v", s)
	}
	var c web.Collector
	f.get(t, "collector", &c)
	if c.Health != "ok" || c.Counts.Late != 1 || len(c.Slow) != 1 || c.Slow[0].Why != "late" {
		t.Errorf("%+v", c)
	}
}

// TestProblems: the last warnings are remembered, and everything is handed on.
func TestProblems(t *testing.T) {
	var out strings.Builder
	var p web.Problems
	log := slog.New(p.Handler(slog.NewTextHandler(&out, nil))).With("part", "x").WithGroup("g")
	for i := range 150 {
		log.Warn("odd", "n", i)
	}
	log.Info("fine")
	last := p.Last()
	if len(last) != 100 || last[0].Text != "odd part=x g.n=149" || last[0].Level != "WARN" || strings.Count(out.String(), "\n") != 151 {
		t.Errorf("%d: %+v", len(last), last[0])
	}
}

// TestUnits: what is known of fields makes figures of their numbers.
func TestUnits(t *testing.T) {
	f := newFixture("core1").serve()
	f.memory.Describe(map[string]web.FieldInfo{"hrDeviceStatus": {Labels: map[int64]string{2: "running"}}, "hrMemorySize": {Unit: "B", Factor: 1024},
		"hrSystemUptime": {Unit: "s", Factor: 0.01}, "diskIONReadX": {Unit: "B"}})
	integer := func(name string, n uint64) metric.Field {
		return metric.Field{Name: name, Kind: metric.Integer, Num: n}
	}
	tag := func(name, value string) []metric.Tag { return []metric.Tag{{Name: name, Value: value}} }
	f.poll("core1", 0, []metric.Sample{
		{Measurement: "entity_sensor", Tags: tag("entPhySensorType", "celsius"), Fields: []metric.Field{{Name: "entPhySensorValue", Kind: metric.Float, Num: math.Float64bits(41.5)}}},
		{Measurement: "entity_sensor", Tags: tag("entPhySensorType", "other"), Fields: []metric.Field{{Name: "entPhySensorValue", Kind: metric.Float, Num: math.Float64bits(7)}}},
		{Measurement: "host", Fields: []metric.Field{integer("hrMemorySize", 1000), integer("hrSystemUptime", 250), integer("hrDeviceStatus", 2), {Name: "rate_seconds", Kind: metric.Float}}},
		{Measurement: "host_storage", Tags: tag("hrStorageDescr", "/"), Fields: []metric.Field{integer("hrStorageAllocationUnits", 4096), integer("hrStorageSize", 300), integer("hrStorageUsed", 100)}},
		{Measurement: "host_storage", Tags: tag("hrStorageDescr", "swap"), Fields: []metric.Field{integer("hrStorageAllocationUnits", 4096), integer("hrStorageSize", 0), integer("hrStorageUsed", 0)}},
		{Measurement: "interface_ethernet", Fields: []metric.Field{integer("ifIndex", 1), integer("dot3StatsDuplexStatus", 2)}},
		{Measurement: "interface_ethernet", Fields: []metric.Field{integer("ifIndex", 2), integer("dot3StatsDuplexStatus", 3)}},
		{Measurement: "ucd_diskio", Fields: []metric.Field{{Name: "diskIONReadX", Kind: metric.Counter64, Rate: 5, Verdict: counter.OK}, integer("hrDeviceStatus", 9)}},
	}, up("ge-0", 1, 1, 1), up("ge-1", 2, 1, 1), up("ge-2", 3, 1, 1))
	var got web.DeviceView
	f.get(t, "device?device=core1", &got)
	tables := map[string]string{}
	for _, x := range got.Tables {
		columns := ""
		for _, c := range x.Columns {
			columns += fmt.Sprintf("%s %s %s, ", c.Name, c.Kind, c.Unit)
		}
		rows, _ := json.Marshal(x.Rows)
		tables[x.Measurement] = columns + string(rows)
	}
	want := map[string]string{
		"entity_sensor": `entPhySensorType tag , entPhySensorValue number , [["celsius","41.5 °C"],["other",7]]`,
		"host":          `hrMemorySize number B, hrSystemUptime number s, hrDeviceStatus text , [[1024000,2.5,"running(2)"]]`,
		"host_storage": `hrStorageDescr tag , used number %, hrStorageAllocationUnits number , hrStorageSize number B, hrStorageUsed number B, ` +
			`[["/",33.3,4096,1228800,409600],["swap",null,4096,0,0]]`,
		"interface_ethernet": `ifIndex number , dot3StatsDuplexStatus number , [[1,2],[2,3]]`,
		"ucd_diskio":         `diskIONReadX rate B, hrDeviceStatus text , [[5,9]]`,
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var duplex []string
	for _, x := range got.Interfaces {
		duplex = append(duplex, x.Duplex)
	}
	if diff := cmp.Diff([]string{"half", "full", ""}, duplex); diff != "" {
		t.Errorf("duplex (-want +got):\n%s", diff)
	}
	var sorted web.Table
	f.get(t, "table?device=core1&measurement=host_storage&sort=used&desc=true&search=/", &sorted)
	if len(sorted.Rows) != 1 || sorted.Rows[0][0] != "/" {
		t.Errorf("by share: %v", sorted.Rows)
	}
}
