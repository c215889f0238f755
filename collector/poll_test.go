package collector_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(3)
		d := &device{latency: 5 * time.Millisecond, objects: b.objects}
		tg := target("dev", "system", "interfaces", "tcp")
		tg.Labels = map[string]string{"site": "paris", "empty": "", "a": "first"}
		h := start(t, map[string]*device{"dev": d}, tg)
		h.next("dev")
		p := h.next("dev")
		if p.Err != nil {
			t.Fatal(p.Err)
		}
		if diff := cmp.Diff([]string{"interface", "system", "tcp"}, p.Complete); diff != "" {
			t.Errorf("Complete: %s", diff)
		}
		got := rowOf(t, p, "interface", "ifName", "Gi0/2")
		want := metric.Sample{Measurement: "interface", At: p.At, Tags: []metric.Tag{
			{Name: "a", Value: "first"}, {Name: "agent_host", Value: "dev.example"}, {Name: "device", Value: "dev"}, {Name: "hostname", Value: "sw1"},
			{Name: "ifDescr", Value: "GigabitEthernet0/2"}, {Name: "ifName", Value: "Gi0/2"}, {Name: "site", Value: "paris"},
		}}
		gauge := func(name string, n uint64) {
			want.Fields = append(want.Fields, metric.Field{Name: name, Kind: metric.Unsigned, Num: n})
		}
		integer := func(name string, n uint64) {
			want.Fields = append(want.Fields, metric.Field{Name: name, Kind: metric.Integer, Num: n})
		}
		count := func(kind metric.Kind, rate float64, names ...string) {
			for _, name := range names {
				f := metric.Field{Name: name, Kind: kind, Num: fieldOf(t, got, name).Num, Rate: rate, Verdict: counter.OK}
				want.Fields = append(want.Fields, f)
			}
		}
		want.Fields = append(want.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: "to \xff nowhere"})
		integer("ifType", 6)
		integer("ifMtu", 1500)
		gauge("ifSpeed", 1e9)
		gauge("ifHighSpeed", 1000)
		want.Fields = append(want.Fields, metric.Field{Name: "ifPhysAddress", Kind: metric.String, Str: "00:1b:21:3c:9d:02"})
		integer("ifAdminStatus", 1)
		integer("ifOperStatus", 1)
		gauge("ifLastChange", 4200)
		gauge("ifCounterDiscontinuityTime", 0)
		count(metric.Counter32, 2000, "ifInOctets")
		count(metric.Counter32, 20, "ifInUcastPkts")
		count(metric.Counter32, 0, "ifInDiscards", "ifInErrors")
		count(metric.Counter32, 2000, "ifOutOctets")
		count(metric.Counter32, 20, "ifOutUcastPkts")
		count(metric.Counter32, 0, "ifOutDiscards", "ifOutErrors", "ifInMulticastPkts", "ifInBroadcastPkts", "ifOutMulticastPkts", "ifOutBroadcastPkts")
		for _, d := range []string{"In", "Out"} {
			count(metric.Counter64, 2000, "ifHC"+d+"Octets")
			count(metric.Counter64, 20, "ifHC"+d+"UcastPkts")
			count(metric.Counter64, 0, "ifHC"+d+"MulticastPkts", "ifHC"+d+"BroadcastPkts")
		}
		integer("ifIndex", 2)
		span := fieldOf(t, got, "rate_seconds")
		if s := span.Float64(); span.Kind != metric.Float || s < 9.9 || s > 10.1 {
			t.Errorf("rate_seconds is %+v, which is %v; want an interval", span, s)
		}
		want.Fields = append(want.Fields, span)
		if diff := cmp.Diff(want, got, approximately); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if n := fieldOf(t, got, "ifHCInOctets").Num; n < 3600*2000 || n > 3630*2000 {
			t.Errorf("ifHCInOctets is %d", n)
		}

		sys := rowOf(t, p, "system", "device", "dev")
		if fieldOf(t, sys, "sysObjectID").Str != "1.3.6.1.4.1.9.1.516" || fieldOf(t, sys, "sysName").Str != "sw1" || fieldOf(t, sys, "sysUpTime").Num < 360000 {
			t.Errorf("system: %+v", sys.Fields)
		}
		if f := fieldOf(t, rowOf(t, p, "tcp", "device", "dev"), "tcpInSegs"); f.Verdict != counter.OK || !near(f.Rate, 300) {
			t.Errorf("tcpInSegs: %+v", f)
		}
	})
}

var approximately = cmp.Comparer(near)

// near allows what a step of sysUpTime is of 10 s.
func near(a, b float64) bool { return a-b <= 0.005*b+0.3 && b-a <= 0.005*b+0.3 }

// TestRowsAreOfOneMoment holds that all counters of a row and sysUpTime come in one PDU: here every counter is a function of
// the time at which it was asked, so a row that was pieced together would disagree with itself.
func TestRowsAreOfOneMoment(t *testing.T) {
	for name, d := range map[string]*device{
		"whole replies":   {},
		"cut anywhere":    {most: 41},
		"one repetition":  {noBulk: true},
		"tooBig over 70":  {tooBig: 70},
		"cut to one row":  {most: 33},
		"cut and too big": {most: 47, tooBig: 90},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(30)
				for i := range b.ports {
					b.ports[i].rate = 100 // so that octets are sysUpTime
					b.ports[i].noHC = i%3 == 1
					b.ports[i].noX = i%7 == 3
				}
				d.latency = 20 * time.Millisecond
				h := one(t, b, d, "interfaces")
				p := h.next("dev")
				if p.Err != nil {
					t.Fatal(p.Err)
				}
				if len(p.Samples) != 30 {
					t.Fatalf("%d samples, want 30", len(p.Samples))
				}
				moments := map[uint64]bool{}
				for _, s := range p.Samples {
					in := fieldOf(t, s, "ifInOctets").Num
					moments[in] = true
					for _, name := range []string{"ifOutOctets", "ifHCInOctets", "ifHCOutOctets"} {
						if f, ok := s.Field(name); ok && f.Num != in {
							t.Errorf("%s: ifInOctets is %d and %s %d", s.Tag("ifDescr"), in, name, f.Num)
						}
					}
				}
				if len(moments) < 5 {
					t.Errorf("only %d moments: the test shows nothing", len(moments))
				}
				if p = h.next("dev"); p.Err != nil {
					t.Fatal(p.Err)
				}
				for _, s := range p.Samples {
					for _, f := range s.Fields {
						if strings.HasSuffix(f.Name, "Octets") && (f.Verdict != counter.OK || !near(f.Rate, 100)) {
							t.Errorf("%s %s: %v %v, want 100", s.Tag("ifDescr"), f.Name, f.Verdict, f.Rate)
						}
					}
				}
			})
		})
	}
}

func TestSlowColumnsOfRowsThatWentAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(3)
		d := &device{latency: time.Millisecond, objects: b.objects}
		everyPoll := target("dev", "interfaces")
		everyPoll.Structure = 0
		h := start(t, map[string]*device{"dev": d}, everyPoll)
		h.next("dev")
		slow := false
		d.change(func() {
			d.fault = func(names []oid.OID) error {
				if slices.Contains(names, ifX.Append(18)) && !slow { // the slow columns
					slow = true
					b.ports = append(b.ports, port{index: 9, name: "new", descr: "new", typ: 6, mbits: 10})
				}
				return nil
			}
		})
		p := h.next("dev")
		if !slow || p.Err != nil || len(p.Samples) != 3 {
			t.Errorf("%v, %v, %d samples", slow, p.Err, len(p.Samples))
		}
		if p = h.next("dev"); len(p.Samples) != 4 {
			t.Errorf("%d samples, want 4", len(p.Samples))
		}
	})
}

func TestAgentsThatLackThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(4)
		b.engine, b.name = "", ""
		for i := range b.ports {
			b.ports[i].noX = true
		}
		h := one(t, b, &device{latency: time.Millisecond}, "interfaces", "udp", "system")
		h.next("dev")
		p := h.next("dev")
		if p.Err != nil {
			t.Fatal(p.Err)
		}
		if diff := cmp.Diff([]string{"interface", "udp", "system"}, p.Complete); diff != "" {
			t.Error(diff)
		}
		if len(p.Samples) != 5 { // the agent has nothing of udp
			t.Errorf("%d samples, want 5", len(p.Samples))
		}
		s := rowOf(t, p, "interface", "ifDescr", "GigabitEthernet0/3")
		want := []metric.Tag{{Name: "agent_host", Value: "dev.example"}, {Name: "device", Value: "dev"}, {Name: "ifDescr", Value: "GigabitEthernet0/3"}}
		if diff := cmp.Diff(want, s.Tags); diff != "" {
			t.Error(diff)
		}
		if f := fieldOf(t, s, "ifInOctets"); f.Verdict != counter.OK || !near(f.Rate, 3000) {
			t.Errorf("ifInOctets: %+v", f)
		}
	})
}

func TestInterfacesWithoutNamesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(4)
		for i := range 2 {
			b.ports[i].name, b.ports[i].descr = "", "Ethernet Interface"
		}
		b.ports[2].name, b.ports[2].descr = "", ""
		h := one(t, b, &device{latency: time.Millisecond}, "interfaces")
		h.next("dev")
		p := h.next("dev")
		for _, index := range []string{"1", "2", "3"} {
			s := rowOf(t, p, "interface", "ifIndex", index)
			if f := fieldOf(t, s, "ifHCInOctets"); f.Verdict != counter.OK {
				t.Errorf("%s: %v", index, f.Verdict)
			}
		}
		if s := rowOf(t, p, "interface", "ifName", "Gi0/4"); s.Tag("ifIndex") != "" {
			t.Errorf("an interface with a name of its own has the tag ifIndex")
		}
	})
}

// TestRenumberingDuringAWalk holds that an interface that a walk meets under its old index and its new one gets no series of its own for that.
func TestRenumberingDuringAWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(40)
		b.moved = snmp.Null // so the table is walked to its end
		d := &device{latency: time.Millisecond}
		h := one(t, b, d, "interfaces")
		h.next("dev")
		before := d.asked
		d.change(func() {
			d.fault = func([]oid.OID) error {
				if d.asked == before+4 { // the walk has begun
					b.ports[0].index = 90
				}
				return nil
			}
		})
		if p := h.next("dev"); p.Err != nil || len(p.Samples) != 39 {
			t.Errorf("%v, %d samples", p.Err, len(p.Samples))
		}
		p := h.next("dev")
		s := rowOf(t, p, "interface", "ifName", "Gi0/1")
		if f := fieldOf(t, s, "ifHCInOctets"); f.Verdict != counter.First || s.Tag("ifIndex") != "" || fieldOf(t, s, "ifIndex").Num != 90 {
			t.Errorf("%v %+v", s.Tags, f)
		}
		// One that is there to stay has one.
		d.change(func() { b.ports[1].name, b.ports[1].descr = b.ports[2].name, b.ports[2].descr })
		if p := h.next("dev"); len(p.Samples) != 38 {
			t.Errorf("%d samples", len(p.Samples))
		}
		p = h.next("dev")
		for _, index := range []string{"2", "3"} {
			rowOf(t, p, "interface", "ifIndex", index)
		}
	})
}

func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(2)
		d := &device{latency: time.Millisecond}
		h := one(t, b, d, "interfaces", "tcp")
		h.next("dev")
		if p := h.next("dev"); p.Reset || !p.HasUpTime || p.UpTime < 360000 {
			t.Errorf("Reset %v, UpTime %d before any reboot", p.Reset, p.UpTime)
		}
		d.change(func() { b.boot = time.Now() })
		p := h.next("dev")
		if !p.Reset {
			t.Error("the reboot was not seen")
		}
		for _, s := range p.Samples {
			for _, f := range s.Fields {
				if f.Verdict != counter.None && f.Verdict != counter.Reset {
					t.Errorf("%s: %v %v", f.Name, f.Verdict, f.Rate)
				}
			}
		}
		p = h.next("dev")
		if f := fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/1"), "ifHCInOctets"); p.Reset || f.Verdict != counter.OK || !near(f.Rate, 1000) {
			t.Errorf("after the reboot: Reset %v, %+v", p.Reset, f)
		}
	})
}

// TestRebootDuringAPoll lets the agent start anew between the requests of one poll. What was read before is of the old run, what
// comes after of the new one; no pair of them may give a number.
func TestRebootDuringAPoll(t *testing.T) {
	for after := 1; after <= 14; after++ {
		synctest.Test(t, func(t *testing.T) {
			b := switchOf(4)
			for i := range b.ports {
				b.ports[i].rate, b.ports[i].noHC = 50e6, i%2 == 0
			}
			d := &device{latency: 10 * time.Millisecond, tooBig: 20, objects: b.objects} // rows come in two PDUs
			everyPoll := target("dev", "interfaces")
			everyPoll.Structure = 0
			h := start(t, map[string]*device{"dev": d}, everyPoll)
			h.next("dev")
			h.next("dev")
			left := after
			d.change(func() {
				d.fault = func([]oid.OID) error {
					if left--; left == 0 {
						b.boot = time.Now()
					}
					return nil
				}
			})
			for range 2 {
				for _, s := range h.next("dev").Samples {
					for _, f := range s.Fields {
						if strings.HasSuffix(f.Name, "Octets") && f.Verdict.HasRate() && !near(f.Rate, 50e6) {
							t.Errorf("reboot at request %d: %s has a rate of %v (%v)", after, f.Name, f.Rate, f.Verdict)
						}
					}
				}
			}
			if f := fieldOf(t, rowOf(t, h.next("dev"), "interface", "ifName", "Gi0/1"), "ifInOctets"); !f.Verdict.HasRate() {
				t.Errorf("reboot at request %d, two polls later: %v, %v", after, f.Verdict, h.c.Stats())
			}
		})
	}
}

func TestRenumbering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(3)
		d := &device{latency: time.Millisecond}
		h := one(t, b, d, "interfaces")
		h.next("dev")
		h.next("dev")
		d.change(func() { b.ports[0].index, b.ports[1].index = 2, 1 })
		p := h.next("dev")
		for name, want := range map[string]counter.Verdict{"Gi0/1": counter.First, "Gi0/2": counter.First, "Gi0/3": counter.OK} {
			if f := fieldOf(t, rowOf(t, p, "interface", "ifName", name), "ifHCInOctets"); f.Verdict != want {
				t.Errorf("%s: %v, want %v", name, f.Verdict, want)
			}
		}
		p = h.next("dev")
		if f := fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/1"), "ifHCInOctets"); f.Verdict != counter.OK || !near(f.Rate, 1000) {
			t.Errorf("Gi0/1 under its new index: %+v", f)
		}
	})
}

func TestWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(1)
		p := &b.ports[0]
		p.noHC, p.rate = true, 50e6
		p.start = 1<<32 - uint64(3625*p.rate)
		h := one(t, b, &device{latency: time.Millisecond}, "interfaces")
		seen := map[counter.Verdict]int{}
		for range 6 {
			f := fieldOf(t, rowOf(t, h.next("dev"), "interface", "ifName", "Gi0/1"), "ifInOctets")
			seen[f.Verdict]++
			if f.Verdict.HasRate() && !near(f.Rate, 50e6) {
				t.Errorf("%v: %v", f.Verdict, f.Rate)
			}
		}
		if seen[counter.Wrapped] != 1 || seen[counter.OK] != 4 {
			t.Errorf("verdicts %v, want one wrap", seen)
		}
	})
}
