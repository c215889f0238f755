package collector_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/snmp/oid"
)

// TestPollNow holds that a device is polled at once when that is wanted, once in 2 s at most, without counters, and that the schedule and the rates
// stay as they are.
func TestPollNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond}
		h := one(t, switchOf(2), d, "system", "interfaces")
		h.next("dev")
		first := h.next("dev")
		time.Sleep(time.Second)
		for range 100 {
			if !h.c.PollNow("dev", "interface") {
				t.Fatal("the target is not known")
			}
		}
		if h.c.PollNow("nobody") {
			t.Error("a target is known that is not there")
		}
		time.Sleep(100 * time.Millisecond)
		polls := h.of("dev")
		p := polls[len(polls)-1]
		if !p.Extra || len(polls) != 3 || len(p.Complete) > 0 || p.At.Sub(first.At) > 1200*time.Millisecond {
			t.Errorf("%d polls; the last: extra %v, complete %v, %v after the one before", len(polls), p.Extra, p.Complete, p.At.Sub(first.At))
		}
		row := rowOf(t, p, "interface", "ifName", "Gi0/2")
		fieldOf(t, row, "ifOperStatus")
		if _, ok := row.Field("ifHCInOctets"); ok || len(p.Samples) != 2 {
			t.Errorf("%d samples, counter %v: want the two interfaces without counters", len(p.Samples), ok)
		}

		h.c.PollNow("dev") // the device as a whole, as soon as 2 s are over
		time.Sleep(time.Second)
		if n := len(h.of("dev")); n != 3 {
			t.Errorf("%d polls after a second, want 3", n)
		}
		time.Sleep(1100 * time.Millisecond)
		if polls := h.of("dev"); len(polls) != 4 || len(polls[3].Samples) != 3 || !polls[3].Extra {
			t.Errorf("%d polls after two seconds, want 4, the last one of all", len(polls))
		}
		next := h.next("dev")
		if next.Extra || next.At.Sub(first.At) != 10*time.Second {
			t.Errorf("the schedule's next poll: extra %v, %v after the last", next.Extra, next.At.Sub(first.At))
		}
		f := fieldOf(t, rowOf(t, next, "interface", "ifName", "Gi0/2"), "ifHCInOctets")
		if !near(f.Rate, 2000) {
			t.Errorf("the rate: %+v", f)
		}
		if s := h.c.Stats()[0]; s.Extra != 2 || s.Polls != 3 {
			t.Errorf("%d polls and %d between, want 3 and 2", s.Polls, s.Extra)
		}
	})
}

// TestPollNowAndSilence holds that a device that does not answer is left to its schedule.
func TestPollNowAndSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond}
		h := one(t, switchOf(2), d, "interfaces")
		last := h.next("dev")
		d.change(func() { d.silent = true })
		h.c.PollNow("dev", "interface")
		var p collector.Poll
		for range 3 {
			p = h.next("dev")
			if p.Extra || p.At.Sub(last.At) != 10*time.Second {
				t.Errorf("extra %v, %v after the last", p.Extra, p.At.Sub(last.At))
			}
			last = p
		}
	})
}

// TestPollInterface holds that one interface is polled by its name and no other row is asked for, that the others and all rates stay as they are, and that an
// interface which is not known yet is found.
func TestPollInterface(t *testing.T) {
	for name, filter := range map[string]*collector.InterfaceFilter{
		"all":      nil,
		"filtered": {Exclude: []collector.InterfaceRule{{Name: pattern(`^Gi0/5$`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(5)
				b.ports[2].name = b.ports[1].name // two of one name, told apart by the index
				b.ports[2].descr = b.ports[1].descr
				var asked []uint32
				d := &device{latency: time.Millisecond, objects: b.objects, fault: func(names []oid.OID) error {
					for _, n := range names {
						if n.HasPrefix(ifEntry) && n.Len() > ifEntry.Len()+1 && !slices.Contains(asked, n.Last()) {
							asked = append(asked, n.Last())
						}
					}
					return nil
				}}
				tgt := target("dev", "interfaces", "system")
				tgt.Interfaces = filter
				h := start(t, map[string]*device{"dev": d}, tgt)
				h.next("dev")
				whole := h.next("dev")
				time.Sleep(time.Second)
				d.change(func() { asked, b.ports[1].oper = nil, 2 })
				h.c.PollInterface("dev", 2)
				h.c.PollInterface("dev", 1)
				time.Sleep(500 * time.Millisecond)
				polls := h.of("dev")
				p := polls[len(polls)-1]
				var rows []uint32
				d.change(func() { rows = slices.Clone(asked) })
				if !p.Extra || len(p.Samples) != 2 || len(rows) != 2 {
					t.Fatalf("extra %v, %d samples, rows %v were asked for: %v", p.Extra, len(p.Samples), rows, p.Err)
				}
				row := p.Samples[1]
				if oper := fieldOf(t, row, "ifOperStatus").Num; oper != 2 || row.Tag("ifIndex") != "2" || fieldOf(t, row, "ifAlias").Str == "" {
					t.Errorf("%v", lines(p))
				}
				if _, ok := row.Field("ifHCInOctets"); ok {
					t.Error("it has counters")
				}
				next := h.next("dev")
				if len(next.Samples) != len(whole.Samples) || !near(fieldOf(t, rowOf(t, next, "interface", "ifIndex", "2"), "ifHCInOctets").Rate, 2000) {
					t.Errorf("%d samples, were %d: %v", len(next.Samples), len(whole.Samples), lines(next))
				}
				time.Sleep(time.Second)
				d.change(func() {
					b.ports = append(b.ports, port{index: 9, name: "Gi0/9", descr: "GigabitEthernet0/9", mbits: 1000, typ: 6, oper: 1})
				})
				h.c.PollInterface("dev", 9)
				time.Sleep(500 * time.Millisecond)
				polls = h.of("dev")
				if p := polls[len(polls)-1]; !p.Extra || !strings.Contains(polledNames(p), "Gi0/9") {
					t.Errorf("a new interface: %v %v", polledNames(p), p.Err)
				}
			})
		})
	}
}
