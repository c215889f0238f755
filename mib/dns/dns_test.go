package dns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// holes are the columns that rows may lack.
var holes = mibtest.Holes{
	"dnsServZoneLastReloadSuccess": "of primaries, of which servers tell when the file was changed, if anything", "dnsServZoneLastReloadAttempt": "of primaries",
	"dnsServZoneLastSourceAttempt": "of secondaries whose source is not told, or IPv6", "dnsServZoneLastSourceSuccess": "as dnsServZoneLastSourceAttempt",
	"dnsServZoneSerial": "NSD tells none of primaries", "dnsServZoneCurrent": "as dnsServZoneSerial",
}

// fake is a Backend of a test.
type fake struct {
	rules []dns.Rule

	mu       sync.Mutex
	reading  *dns.Reading
	zones    []dns.Zone
	err      error
	delay    time.Duration
	readings int
	asked    int // for zones
	reloads  int
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Read(ctx context.Context) (*dns.Reading, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readings++
	if f.delay > 0 {
		select {
		case <-time.After(f.delay):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	r := *f.reading
	return &r, nil
}

func (f *fake) Zones(context.Context) ([]dns.Zone, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.zones, f.err
}

func (f *fake) Reload(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reloads++
	return f.err
}

func (f *fake) Rules() []dns.Rule { return f.rules }

// everything has a counter for each object that is one, and rows in every table that may have some.
func everything() *fake {
	f := &fake{reading: &dns.Reading{
		Software: "test 1.0", Started: time.Now().Add(-time.Hour), Reloaded: time.Now().Add(-time.Minute), Recursion: dns.RecursionRestricted,
		Service: dns.IterativeOnly, Caches: true, CachesNegative: true, MaxTTL: new(uint32), MaxNegativeTTL: new(uint32), Counters: dns.Counters{},
		Sbelt: []dns.Sbelt{
			{Addr: netip.MustParseAddr("192.0.2.2"), Recursion: dns.RecursiveOnly, Subtree: "."},
			{Addr: netip.MustParseAddr("192.0.2.1"), Name: "ns.Example.org", Recursion: dns.IterativeOnly, Preference: 1, Subtree: "example.org."},
			{Addr: netip.MustParseAddr("2001:db8::1"), Recursion: dns.RecursiveOnly, Subtree: "."},
		},
	}}
	f.rules = append(f.rules, dns.Rule{Object: "dnsResConfigReset"})
	n := uint64(1)
	for _, root := range dns.Roots() {
		for _, o := range mibtest.Below(root) {
			if o.Kind() == snmp.KindCounter32 {
				f.rules = append(f.rules, dns.Rule{Object: o.Name, Plus: []string{o.Name}})
				f.reading.Counters[o.Name] = n
				n++
			}
		}
	}
	f.zones = []dns.Zone{
		{
			Name: "Example.ORG.", Class: 1, Status: dns.ZoneCurrent, Serial: 1<<32 - 1, HasSerial: true, LoadedAt: time.Now().Add(-time.Second), TriedAt: time.Now(),
			From: netip.MustParseAddr("192.0.2.1"), TriedFrom: netip.MustParseAddr("192.0.2.2"),
			Sources: []netip.Addr{netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
		},
		{Name: ".", Class: 1, Status: dns.ZoneNotCurrent, HasSerial: true, Primary: true},
		{Name: `a\.b.\255.example`, Class: 3, Status: dns.ZoneCurrent, HasSerial: true, From: netip.MustParseAddr("2001:db8::1")},
		{Name: "example.org", Class: 1, Status: dns.ZoneNotCurrent}, // of another view
		{Name: strings.Repeat("a.", 57), Class: 1},
		{Name: "..", Class: 1},
	}
	return f
}

func newMIB(t testing.TB, b dns.Backend, writable bool) (*dns.MIB, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	m, err := dns.New(dns.Options{Name: "test", Backend: b, Writable: writable, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, &log
}

func walk(t testing.TB, m *dns.MIB) []snmp.VarBind {
	t.Helper()
	return mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, dns.Roots()...)
}

func TestContract(t *testing.T) {
	m, _ := newMIB(t, everything(), false)
	mibtest.Test(t, m, dns.Roots()...)
	mibtest.Conform(t, walk(t, m), holes)
	if s := m.Stats(); s.LeftOut != 2 || s.NoSources != 1 {
		t.Errorf("%+v: a zone is too long, one has no name, and a source is IPv6", s)
	}
}

// names returns what is served by descriptors, as it reads.
func names(all []snmp.VarBind, prefix string) map[string]string {
	out := map[string]string{}
	for _, vb := range all {
		o, index, _ := mibtest.Find(vb.Name)
		if strings.HasPrefix(o.Name, prefix) {
			out[o.Name+"."+index.String()] = vb.Value.String()
		}
	}
	return out
}

func TestZones(t *testing.T) {
	m, _ := newMIB(t, everything(), false)
	const root, org, odd = "1.0.1", "13.7.69.88.65.77.80.76.69.3.79.82.71.0.1", "15.3.65.46.66.1.255.7.69.88.65.77.80.76.69.0.3"
	want := map[string]string{
		"dnsServZoneLastReloadSuccess." + org: "1", "dnsServZoneLastReloadAttempt." + org: "0", "dnsServZoneLastSourceAttempt." + org: "192.0.2.2",
		"dnsServZoneLastSourceSuccess." + org: "192.0.2.1", "dnsServZoneSerial." + org: "4294967295", "dnsServZoneCurrent." + org: "1", "dnsServZoneStatus." + org: "1",
		"dnsServZoneLastSourceAttempt." + root: "0.0.0.0", "dnsServZoneLastSourceSuccess." + root: "0.0.0.0", "dnsServZoneSerial." + root: "0", "dnsServZoneCurrent." + root: "2",
		"dnsServZoneStatus." + root: "1", "dnsServZoneSerial." + odd: "0", "dnsServZoneCurrent." + odd: "1", "dnsServZoneStatus." + odd: "1",
		"dnsServZoneSrcStatus." + org + ".192.0.2.1": "1", "dnsServZoneSrcStatus." + org + ".192.0.2.9": "1",
	}
	if diff := cmp.Diff(want, names(walk(t, m), "dnsServZone")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// value returns one object; "" if it has no instance.
func value(t testing.TB, m *dns.MIB, fresh bool, object string, index ...uint32) string {
	t.Helper()
	o, ok := mibtest.Named(object)
	if !ok {
		t.Fatal(object)
	}
	q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: fresh}
	view, err := m.View(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	values, err := view.Get(t.Context(), nil, []oid.OID{oid.MustParse(o.OID).Append(append(index, 0)[:max(1, len(index))]...)})
	if err != nil {
		t.Fatal(err)
	}
	if values[0] == snmp.NoSuchInstance {
		return ""
	}
	return values[0].String()
}

// TestCounters: what is served never goes back, whatever becomes of the server's own.
func TestCounters(t *testing.T) {
	f := &fake{rules: []dns.Rule{
		{Object: "dnsServCounterAuthAns", Plus: []string{"zones"}}, {Object: "dnsServCounterNonAuthDatas", Plus: []string{"all"}, Minus: []string{"zones"}},
		{Object: "dnsServCounterErrors", Plus: []string{"errors"}},
	}}
	boot := time.Now().Add(-time.Hour)
	type zones map[string]dns.Counters
	reading := func(started time.Time, all, errors uint64, z zones) *dns.Reading {
		r := &dns.Reading{Started: started, Counters: dns.Counters{"all": all, "errors": errors, "other": all}, ZoneCounters: z}
		if z != nil {
			r.Counters["zones"] = 0
		}
		return r
	}
	zone := func(n uint64) dns.Counters { return dns.Counters{"zones": n} }
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMIB(t, f, false)
		for _, step := range []struct {
			what    string
			reading *dns.Reading
			want    [3]string // AuthAns, NonAuthDatas, Errors
		}{
			{"at first it is what the server says", reading(boot, 100, 7, zones{"a": zone(60), "b": zone(10)}), [3]string{"70", "30", "7"}},
			{"each moves", reading(boot, 110, 7, zones{"a": zone(61), "b": zone(12)}), [3]string{"73", "37", "7"}},
			{"a zone is lost", reading(boot, 110, 7, zones{"a": zone(61)}), [3]string{"73", "37", "7"}},
			{"it comes back and counts anew", reading(boot, 115, 7, zones{"a": zone(61), "b": zone(5)}), [3]string{"78", "37", "7"}},
			{"a zone is loaded anew", reading(boot, 116, 7, zones{"a": zone(1), "b": zone(5)}), [3]string{"79", "37", "7"}},
			{"zones are ahead of the server", reading(boot, 116, 7, zones{"a": zone(4), "b": zone(5)}), [3]string{"82", "37", "7"}},
			{"and level again", reading(boot, 119, 7, zones{"a": zone(4), "b": zone(5)}), [3]string{"82", "37", "7"}},
			{"zones are not told", reading(boot, 120, 7, nil), [3]string{"", "", "7"}},
			{"they are again", reading(boot, 121, 7, zones{}), [3]string{"82", "39", "7"}},
			{"it resets all: one counter tells", reading(boot, 3, 8, zones{}), [3]string{"82", "42", "15"}},
			{"the uptime in seconds creeps", reading(boot.Add(time.Second), 4, 8, zones{}), [3]string{"82", "43", "15"}},
			{"the machine slept, which the uptime counts", reading(boot.Add(-time.Hour), 5, 8, zones{}), [3]string{"82", "44", "15"}},
			{"it restarts, and is ahead of where it was", reading(boot.Add(time.Minute), 500, 9, zones{"a": zone(100)}), [3]string{"182", "444", "24"}},
			{"counters of 64 bits", reading(boot.Add(time.Minute), 500, 9+1<<33, zones{"a": zone(100)}), [3]string{"182", "444", "24"}},
			{"and 32 served", reading(boot.Add(time.Minute), 500, 10+1<<33, zones{"a": zone(100)}), [3]string{"182", "444", "25"}},
		} {
			f.set(func() { f.reading = step.reading })
			time.Sleep(time.Minute)
			got := [3]string{value(t, m, false, "dnsServCounterAuthAns"), value(t, m, false, "dnsServCounterNonAuthDatas"), value(t, m, false, "dnsServCounterErrors")}
			if got != step.want {
				t.Errorf("%s: %v, want %v", step.what, got, step.want)
			}
		}
	})
}

// TestReuse: how often the server is asked.
func TestReuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := everything()
		m, _ := newMIB(t, f, false)
		ask := func(after time.Duration, fresh bool, want int) {
			t.Helper()
			time.Sleep(after)
			if value(t, m, fresh, "dnsServConfigUpTime") == "" {
				t.Error("it has no uptime")
			}
			if f.readings != want {
				t.Errorf("%d readings, want %d", f.readings, want)
			}
		}
		ask(0, false, 1)
		ask(900*time.Millisecond, false, 1)
		ask(0, true, 2)
		ask(40*time.Millisecond, true, 2)
		ask(10*time.Millisecond, true, 3)
		ask(time.Second, false, 4)
		walk(t, m)
		time.Sleep(9 * time.Second)
		walk(t, m)
		if f.asked != 1 {
			t.Errorf("zones were read %d times in 9 s", f.asked)
		}
		time.Sleep(time.Second)
		walk(t, m)
		if f.asked != 2 {
			t.Errorf("zones were read %d times in 10 s", f.asked)
		}
		before := f.readings
		f.set(func() { f.delay = 500 * time.Millisecond }) // what is costly is read less often
		time.Sleep(time.Second)
		ask(0, true, before+1)
		ask(4*time.Second, true, before+1)
		ask(time.Second, true, before+2)
	})
}

// TestSlow: a server that takes its time holds nobody up for long, and what it told stands until the reading is given up.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := everything()
		m, log := newMIB(t, f, false)
		want := value(t, m, false, "dnsServCounterErrors")
		f.set(func() { f.delay = time.Hour })
		time.Sleep(2 * time.Second)
		ask := func(want string, most time.Duration) {
			t.Helper()
			start := time.Now()
			if got := value(t, m, false, "dnsServCounterErrors"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if took := time.Since(start); took > most {
				t.Errorf("it took %v", took)
			}
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { ask(want, time.Second) })
		}
		all.Wait()
		ask(want, 0)
		time.Sleep(9 * time.Second) // it is given up
		synctest.Wait()
		if got := value(t, m, false, "dnsServConfigReset"); got != "1" {
			t.Errorf("dnsServConfigReset is %s, want other(1)", got)
		}
		ask("", 0)
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "longer than 10s") {
			t.Errorf("the log: %s", log)
		}
	})
}

// TestDown: while a server cannot be read nothing is told but that, once.
func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := everything()
		f.err = errors.New("no such thing")
		m, log := newMIB(t, f, false)
		down := map[string]string{"dnsServConfigReset.0": "1", "dnsResConfigReset.0": "1"}
		for range 3 {
			if diff := cmp.Diff(down, names(walk(t, m), "dns")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			time.Sleep(time.Minute)
		}
		if s := m.Stats(); s.Faults != 6 || !errors.Is(s.Err, f.err) {
			t.Errorf("%+v", s)
		}
		f.set(func() { f.err = nil })
		if all := walk(t, m); len(all) < 60 {
			t.Errorf("only %d objects", len(all))
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || strings.Count(log.String(), "again") != 1 {
			t.Errorf("the log: %s", log)
		}
		if err := m.Stats().Err; err != nil {
			t.Error(err)
		}
	})
}

// TestSetOfNoResolver: what a server does not have is not written.
func TestSetOfNoResolver(t *testing.T) {
	f := everything()
	f.rules = nil
	m, _ := newMIB(t, f, true)
	var failed *mib.VarError
	_, err := m.Prepare(t.Context(), &mib.Request{}, []snmp.VarBind{{Name: reset, Value: snmp.Integer(2)}, {Name: resReset, Value: snmp.Integer(2)}})
	if !errors.As(err, &failed) || failed.Status != snmp.NotWritable || failed.Index != 1 {
		t.Errorf("%v", err)
	}
}

func TestSet(t *testing.T) {
	reset, uptime, status := oid.MustParse("1.3.6.1.2.1.32.1.1.1.5.0"), oid.MustParse("1.3.6.1.2.1.32.1.1.1.3.0"), oid.MustParse("1.3.6.1.2.1.32.1.1.4.1.1.6.1.0.1")
	resolver := oid.MustParse("1.3.6.1.2.1.32.2.1.1.7.0")
	to := func(name oid.OID, v snmp.Value) []snmp.VarBind { return []snmp.VarBind{{Name: name, Value: v}} }
	for _, test := range []struct {
		what     string
		writable bool
		vbs      []snmp.VarBind
		want     snmp.ErrorStatus
		reloads  int
	}{
		{"reset", true, to(reset, snmp.Integer(2)), snmp.NoError, 1},
		{"reset both", true, append(to(reset, snmp.Integer(2)), to(resolver, snmp.Integer(2))...), snmp.NoError, 1},
		{"without rw", false, to(reset, snmp.Integer(2)), snmp.NotWritable, 0},
		{"running", true, to(reset, snmp.Integer(4)), snmp.InconsistentValue, 0},
		{"nothing that is", true, to(reset, snmp.Integer(5)), snmp.WrongValue, 0},
		{"a text", true, to(reset, snmp.OctetString("2")), snmp.WrongType, 0},
		{"another object", true, to(uptime, snmp.Gauge32(0)), snmp.NotWritable, 0},
		{"a zone", true, to(status, snmp.Integer(6)), snmp.NotWritable, 0},
	} {
		f := everything()
		m, _ := newMIB(t, f, test.writable)
		change, err := m.Prepare(t.Context(), &mib.Request{}, test.vbs)
		if err == nil {
			err = change.Commit(t.Context())
			change.Close()
		}
		got := snmp.NoError
		if failed := (*mib.VarError)(nil); errors.As(err, &failed) {
			got, err = failed.Status, nil
		}
		if got != test.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", test.what, got, err, test.want)
		}
		if f.reloads != test.reloads {
			t.Errorf("%s: %d reloads, want %d", test.what, f.reloads, test.reloads)
		}
	}
	f := everything()
	f.err = errors.New("it refuses")
	m, _ := newMIB(t, f, true)
	change, err := m.Prepare(t.Context(), &mib.Request{}, to(reset, snmp.Integer(2)))
	if err != nil {
		t.Fatal(err)
	}
	var failed *mib.VarError
	if err := change.Commit(t.Context()); !errors.As(err, &failed) || failed.Status != snmp.CommitFailed {
		t.Errorf("a reload that the server refuses: %v", err)
	}
}

// BenchmarkNext25 is a GETBULK of 25 in dnsServZoneTable of 10,000 zones.
func BenchmarkNext25(b *testing.B) {
	f := everything()
	f.zones = nil
	for i := range 10_000 {
		f.zones = append(f.zones, dns.Zone{Name: fmt.Sprintf("zone%d.example.", i), Class: 1, Status: dns.ZoneCurrent, Serial: uint32(i), HasSerial: true, Primary: true})
	}
	m, _ := newMIB(b, f, false)
	start := oid.MustParse("1.3.6.1.2.1.32.1.1.4.1.1.7.16.8.90.79.78.69.53.48.48.48")
	ranges := []mib.Range{{Start: start, End: dns.Roots()[1]}}
	var q mib.Request
	var vbs []snmp.VarBind
	b.ReportAllocs()
	for b.Loop() {
		q.Reset()
		q.Version, q.At = snmp.V2c, time.Now()
		view, err := m.View(b.Context(), &q)
		if err != nil {
			b.Fatal(err)
		}
		if vbs, err = view.Next(b.Context(), vbs[:0], ranges, 25); err != nil || len(vbs) != 25 {
			b.Fatal(len(vbs), err)
		}
	}
}
