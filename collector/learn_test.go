package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestCounterThatIsNotServed holds that a counter which the agent does not have leaves those that it serves as INTEGER their rates.
func TestCounterThatIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		column := oid.MustParse("1.3.6.1.4.1.99.1.1")
		began := time.Now()
		h := own(t, `
tables:
  - measurement: m
    indexes: [{name: i, type: integer}]
    columns:
      - {name: there, oid: 1.3.6.1.4.1.99.1.1.1, type: counter}
      - {name: missing, oid: 1.3.6.1.4.1.99.1.1.2, type: counter}
`, &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))),
				{Name: column.Append(1, 7), Value: snmp.Integer(int32(now.Sub(began) / time.Millisecond))},
			}
		}})
		rates := 0
		for range 15 {
			for _, s := range h.next("dev").Samples {
				if f, ok := s.Field("there"); ok && f.Verdict == counter.OK {
					rates++
				}
			}
		}
		if rates == 0 {
			t.Error("no rate in 15 polls")
		}
	})
}

// TestRestartThatAnExtraPollFinds holds that how wide counters are is not learned from a poll of one interface, which asks for none.
func TestRestartThatAnExtraPollFinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(2)
		d := &device{latency: time.Millisecond}
		d.objects = func(now time.Time) []snmp.VarBind {
			vbs := b.objects(now)
			for i, vb := range vbs {
				if vb.Name.HasPrefix(ifEntry.Append(14)) {
					vbs[i].Value = snmp.Counter64(uint64(now.Unix()) * 7)
				}
			}
			return vbs
		}
		h := start(t, map[string]*device{"dev": d}, target("dev", "interfaces"))
		h.next("dev")
		h.next("dev")
		d.change(func() { b.boot = time.Now() })
		time.Sleep(2 * time.Second)
		h.c.PollInterface("dev", 2)
		time.Sleep(100 * time.Millisecond)
		if polls := h.of("dev"); !polls[len(polls)-1].Extra || !polls[len(polls)-1].Reset {
			t.Fatal("the poll between two slots did not find the restart")
		}
		h.next("dev")
		if f := fieldOf(t, rowOf(t, h.next("dev"), "interface", "ifName", "Gi0/1"), "ifInErrors"); f.Verdict != counter.OK || !near(f.Rate, 7) {
			t.Errorf("ifInErrors: %v %v, want 7 a second", f.Verdict, f.Rate)
		}
	})
}
