package collector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/counter"
	"walkabout/snmp"
)

// TestCountersServedAsNumbers: there are agents that serve the counters of ifTable as INTEGER or Gauge32. They have rates from when they were seen to
// count; those that stand still, as where the agent has no such counters, are left out and named.
func TestCountersServedAsNumbers(t *testing.T) {
	for name, as := range map[string]func(n uint64) snmp.Value{
		"INTEGER": func(n uint64) snmp.Value { return snmp.Integer(int32(uint32(n))) },
		"Gauge32": func(n uint64) snmp.Value { return snmp.Gauge32(uint32(n)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(2)
				for i := range b.ports {
					b.ports[i].noHC, b.ports[i].mbits, b.ports[i].rate = true, 100, 1e5
				}
				d := &device{latency: time.Millisecond, tamper: func(vbs []snmp.VarBind) {
					for i := range vbs {
						if vbs[i].Value.Kind() == snmp.KindCounter32 {
							vbs[i].Value = as(vbs[i].Value.Uint())
						}
					}
				}}
				h := one(t, b, d, "interfaces")
				rates := 0
				for poll := range 40 {
					s := rowOf(t, h.next("dev"), "interface", "ifName", "Gi0/1")
					f, ok := s.Field("ifInOctets")
					if ok && f.Verdict == counter.OK {
						rates++
						if f.Rate < 0.99e5 || f.Rate > 1.01e5 {
							t.Errorf("poll %d: %v octets a second, want 100,000", poll, f.Rate)
						}
					} else if ok {
						t.Errorf("poll %d: %v", poll, f)
					}
					if _, ok := s.Field("ifInErrors"); ok {
						t.Errorf("poll %d: ifInErrors, which stands at 0, has a value", poll)
					}
				}
				if rates == 0 {
					t.Error("ifInOctets has no rate")
				}
				log := h.log.String()
				for _, want := range []string{"left out until it was seen to count\" device=dev object=ifInErrors type=" + name, "finding=counter_of_other_type object=ifInOctets"} {
					if strings.Count(log, want) != 1 {
						t.Errorf("%q is not once in the log:\n%s", want, log)
					}
				}
			})
		})
	}
}
