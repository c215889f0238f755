package mib2_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestSysUpTime(t *testing.T) {
	tests := []struct {
		at   time.Time
		want uint32
	}{
		{start, 0},
		{start.Add(-time.Second), 0},
		{start.Add(9 * time.Millisecond), 0},
		{start.Add(10 * time.Millisecond), 1},
		{start.Add(24 * time.Hour), 8640000},
		{start.Add((1<<32 + 7) * 10 * time.Millisecond), 7},
	}
	m := (&device{}).mib(t)
	for _, test := range tests {
		if v := ask(t, m, &mib.Request{Version: snmp.V2c, At: test.at}, "1.3.0")[0]; v != snmp.TimeTicks(test.want) {
			t.Errorf("%v after the start sysUpTime is %v, want %d", test.at.Sub(start), v, test.want)
		}
	}
}

// TestFresh checks when the machine is read anew: not within 50 ms, unless the asker wants its time and its counters to belong
// together.
func TestFresh(t *testing.T) {
	d := router()
	m := d.mib(t)
	tests := []struct {
		name  string
		after time.Duration
		fresh bool
		dumps int // so far
	}{
		{"first", 0, false, 1},
		{"within the window", 20 * time.Millisecond, false, 1},
		{"fresh within the window", 30 * time.Millisecond, true, 2},
		{"within the window of the fresh one", 70 * time.Millisecond, false, 2},
		{"beyond it", 90 * time.Millisecond, false, 3},
	}
	for _, test := range tests {
		q := &mib.Request{Version: snmp.V2c, At: now.Add(test.after), Fresh: test.fresh}
		v := ask(t, m, q, "1.3.0", "2.2.1.10.1", "31.1.1.1.6.1", "2.2.1.10.2")
		if d.dumps != test.dumps {
			t.Errorf("%s: counters were read %d times, want %d", test.name, d.dumps, test.dumps)
		}
		if want := uint32(q.At.Sub(start) / (10 * time.Millisecond)); v[0] != snmp.TimeTicks(want) {
			t.Errorf("%s: sysUpTime = %v, want %d", test.name, v[0], want)
		}
	}
}

func TestSystemOfTheMachine(t *testing.T) {
	d := &device{host: &machine.Host{Hostname: "edge", System: "FreeBSD", Release: "14.0"}}
	m := d.mib(t)
	if v := get(t, m, "1.1.0"); v.Octets() != "FreeBSD edge 14.0" {
		t.Errorf("sysDescr = %q", v.Octets())
	}
	if v := get(t, m, "1.5.0"); v.Octets() != "edge" {
		t.Errorf("sysName = %q", v.Octets())
	}
	d.host.Hostname, d.host.Version = "renamed", strings.Repeat("é", 200)
	if v := get(t, m, "1.5.0"); v.Octets() != "renamed" {
		t.Errorf("after a change of the host's name sysName = %q", v.Octets())
	}
	if v := get(t, m, "1.1.0"); len(v.Octets()) > 255 || strings.ToValidUTF8(v.Octets(), "") != v.Octets() {
		t.Errorf("sysDescr is not cut well: %q", v.Octets())
	}
	if v := get(t, m, "1.7.0"); v != snmp.Integer(72) {
		t.Errorf("sysServices = %v", v)
	}
	platforms := map[string]uint32{"linux": 10, "freebsd": 8, "windows": 13, "darwin": 16}
	if want, ok := platforms[runtime.GOOS]; ok && get(t, m, "1.2.0").OID() != oid.New(1, 3, 6, 1, 4, 1, 8072, 3, 2, want) {
		t.Errorf("on %s sysObjectID = %v", runtime.GOOS, get(t, m, "1.2.0"))
	}
}

func TestSetSystem(t *testing.T) {
	m := router().mib(t)
	s := mib2.System{
		Descr: "a router", ObjectID: oid.New(1, 3, 6, 1, 4, 1, 9), Contact: "noc", Name: "core1", Location: "Paris", Services: 6,
		AuthenTraps: 1,
	}
	if err := m.SetSystem(s); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		want := []snmp.Value{
			snmp.OctetString("a router"), snmp.ObjectID(s.ObjectID), snmp.OctetString("noc"), snmp.OctetString("core1"),
			snmp.OctetString("Paris"), snmp.Integer(6), snmp.Integer(1),
		}
		got := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, "1.1.0", "1.2.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "11.30.0")
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("value %d is %v, want %v", i, got[i], want[i])
			}
		}
	}
	check()
	long := strings.Repeat("x", 256)
	for _, bad := range []func(s *mib2.System){
		func(s *mib2.System) { s.Descr = long },
		func(s *mib2.System) { s.Contact = long },
		func(s *mib2.System) { s.Name = long },
		func(s *mib2.System) { s.Location = long },
		func(s *mib2.System) { s.Services = 128 },
		func(s *mib2.System) { s.Services = -1 },
		func(s *mib2.System) { s.ObjectID = oid.OID{} },
	} {
		next := s
		bad(&next)
		if err := m.SetSystem(next); !errors.Is(err, mib2.ErrSystem) {
			t.Errorf("SetSystem(%+v): error %v", next, err)
		}
		check()
	}
}

// TestSetModules: what is added to sysORTable is as old as it has been there.
func TestSetModules(t *testing.T) {
	m := router().mib(t)
	before := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: now}, oid.MustParse("1.3.6.1.2.1.1.9"))
	rows := len(before) / 3
	column := func(n int) string { return fmt.Sprintf("1.9.1.%d.%d", n%10, rows+n/10) }
	first := mib.Module{ID: oid.New(1, 3, 6, 1, 4, 1, 1), Descr: "first"}
	second := mib.Module{ID: oid.New(1, 3, 6, 1, 4, 1, 2), Descr: "second"}
	m.SetModules([]mib.Module{first}, start.Add(time.Second))
	m.SetModules([]mib.Module{second, first}, start.Add(2*time.Second))
	m.SetModules([]mib.Module{second, first}, start.Add(3*time.Second))
	got := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, column(12), column(13), column(14), column(22), column(24), "1.8.0")
	want := []snmp.Value{
		snmp.ObjectID(second.ID), snmp.OctetString("second"), snmp.TimeTicks(200), snmp.ObjectID(first.ID), snmp.TimeTicks(100), snmp.TimeTicks(200),
	}
	if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
		t.Error(diff)
	}
	m.SetModules(nil, start.Add(4*time.Second))
	if got := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: now}, oid.MustParse("1.3.6.1.2.1.1.9")); len(got) != len(before) {
		t.Errorf("%d values, first %d", len(got), len(before))
	}
	if got := ask(t, m, &mib.Request{Version: snmp.V2c, At: now}, "1.8.0")[0]; got != snmp.TimeTicks(400) {
		t.Errorf("sysORLastChange %v after a removal", got)
	}
}

func TestNewNeeds(t *testing.T) {
	good := mib2.Options{Machine: router().machine(), Counters: &snmp.Counters{}, Start: start, System: mib2.DefaultSystem()}
	for name, spoil := range map[string]func(o *mib2.Options){
		"machine":  func(o *mib2.Options) { o.Machine = nil },
		"counters": func(o *mib2.Options) { o.Counters = nil },
		"start":    func(o *mib2.Options) { o.Start = time.Time{} },
		"system":   func(o *mib2.Options) { o.System = mib2.System{} },
	} {
		o := good
		spoil(&o)
		if m, err := mib2.New(o); err == nil {
			t.Errorf("New without %s: %v", name, m)
		}
	}
}

func TestModules(t *testing.T) {
	own := oid.New(1, 3, 6, 1, 4, 1, 99)
	m, err := mib2.New(mib2.Options{
		Machine: router().machine(), Counters: &snmp.Counters{}, Start: start, System: mib2.DefaultSystem(),
		Modules: []mib.Module{{ID: oid.New(1, 3, 6), Descr: "first"}, {ID: own, Descr: "later", Since: start.Add(4 * time.Second)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkColumns(t, m, "1.9.1", map[string][]string{
		"2": {"1 1.3.6", "2 1.3.6.1.4.1.99"},
		"3": {"1 first", "2 later"},
		"4": {"1 0", "2 400"},
	})
	if v := get(t, m, "1.8.0"); v != snmp.TimeTicks(400) {
		t.Errorf("sysORLastChange = %v", v)
	}
}

// TestSnmpGroup checks that every counter stands in its own column, and that one request sees one state.
func TestSnmpGroup(t *testing.T) {
	counters := &snmp.Counters{}
	m, err := mib2.New(mib2.Options{
		Machine: router().machine(), Counters: counters, Start: start, System: mib2.DefaultSystem(),
	})
	if err != nil {
		t.Fatal(err)
	}
	columns := append(append(append(span(1, 6), span(8, 22)...), span(24, 29)...), 31, 32)
	for _, c := range columns {
		counters.Add(snmp.Counter(c), uint64(c)+1<<32)
	}
	view, err := m.View(t.Context(), &mib.Request{Version: snmp.V2c, At: now})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, c := range columns {
			v, err := view.Get(t.Context(), nil, []oid.OID{name("11").Append(c, 0)})
			if err != nil || v[0] != snmp.Counter32(c) {
				t.Errorf("column %d = %v, error %v", c, v, err)
			}
			counters.Add(snmp.Counter(c), 1)
		}
	}
}
