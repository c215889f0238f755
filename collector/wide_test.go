package collector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestWideCounters holds that an agent which serves Counter64 where a MIB has Counter32 is taken at its word, and that another agent at its address is
// judged anew; one that serves both kinds in a column is left with those of the MIB.
func TestWideCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(2)
		wide := func(only uint32) func(time.Time) []snmp.VarBind {
			return func(now time.Time) []snmp.VarBind {
				vbs := b.objects(now)
				for i, vb := range vbs {
					if vb.Name.HasPrefix(ifEntry.Append(14)) && (only == 0 || vb.Name.Last() == only) {
						vbs[i].Value = snmp.Counter64(1<<32 + uint64(now.Unix())*7)
					}
				}
				return vbs
			}
		}
		d := &device{latency: time.Millisecond, objects: wide(0)}
		h := start(t, map[string]*device{"dev": d}, target("dev", "interfaces"))
		h.next("dev")
		rated := func(port string, verdict counter.Verdict, rate float64) {
			t.Helper()
			f := fieldOf(t, rowOf(t, h.next("dev"), "interface", "ifName", port), "ifInErrors")
			if f.Verdict != verdict || f.Rate < rate-0.01 || f.Rate > rate+0.01 {
				t.Errorf("ifInErrors: %v %v, want %v %v", f.Verdict, f.Rate, verdict, rate)
			}
		}
		rated("Gi0/1", counter.OK, 7)
		if s := h.c.Stats()[0]; s.WrongTypes != 0 {
			t.Error(h.log.String())
		}
		d.change(func() { b.boot, d.objects = time.Now(), b.objects }) // replaced by one that keeps to the MIB
		h.next("dev")
		rated("Gi0/1", counter.OK, 0)
		d.change(func() { b.boot, d.objects = time.Now(), wide(2) })
		h.next("dev")
		rated("Gi0/1", counter.OK, 0)
		if s := h.c.Stats()[0]; s.WrongTypes == 0 || !strings.Contains(h.log.String(), "wrong type") {
			t.Errorf("%d values of the wrong type\n%s", s.WrongTypes, h.log.String())
		}
	})
}

// TestNULs holds that the NULs which some agents count to a text are no part of tags and names.
func TestNULs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(1)
		b.ports[0].name, b.ports[0].descr, b.ports[0].alias = "eth0\x00", "\x00\x00", "uplink\x00"
		b.name = "sw1\x00"
		h := one(t, b, &device{latency: time.Millisecond}, "interfaces", "system")
		p := h.next("dev")
		s := rowOf(t, p, "interface", "ifName", "eth0")
		if alias := fieldOf(t, s, "ifAlias").Str; alias != "uplink" || s.Tag("ifDescr") != "" || s.Tag("hostname") != "sw1" {
			t.Errorf("ifAlias %q, tags %v", alias, s.Tags)
		}
	})
}

// TestUnscaledSensor holds that a sensor's value without its scale is left out by that name.
func TestUnscaledSensor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sensor := oid.MustParse("1.3.6.1.2.1.99.1.1.1")
		h := start(t, map[string]*device{"dev": {latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))),
				{Name: sensor.Append(4, 7), Value: snmp.Integer(31)}, {Name: sensor.Append(5, 7), Value: snmp.Integer(1)},
			}
		}}}, target("dev", "entity_sensors"))
		p := h.next("dev")
		if len(p.Samples) != 1 || !strings.Contains(h.log.String(), "how a sensor's value is scaled") {
			t.Errorf("%v\n%s", lines(p), h.log.String())
		}
	})
}

// TestFastInterfaceWithout64Bits holds that 32 bits of octets at 10 Gb/s have a rate where the packets prove it, and that an agent which does not count frames of
// unknown protocols by themselves, as Linux does not, is no worse off than one that always serves 0.
func TestFastInterfaceWithout64Bits(t *testing.T) {
	for name, unknown := range map[string]snmp.Value{"no ifInUnknownProtos": snmp.Null, "ifInUnknownProtos is 0": snmp.Counter32(0), "ifInUnknownProtos of another type": snmp.Integer(0)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(1)
				b.ports[0].noHC, b.ports[0].mbits, b.ports[0].rate = true, 10_000, 1_000_000
				h := start(t, map[string]*device{"dev": {latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
					vbs := b.objects(now)
					if unknown != snmp.Null {
						vbs = append(vbs, snmp.VarBind{Name: ifEntry.Append(15, 1), Value: unknown})
					}
					return vbs
				}}}, target("dev", "interfaces"))
				h.next("dev")
				f := fieldOf(t, rowOf(t, h.next("dev"), "interface", "ifName", "Gi0/1"), "ifInOctets")
				proven := unknown.Kind() != snmp.KindInteger
				if f.Verdict.HasRate() != proven || proven && (f.Rate < 990_000 || f.Rate > 1_010_000) {
					t.Errorf("%v %v", f.Verdict, f.Rate)
				}
			})
		})
	}
}
