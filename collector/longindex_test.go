package collector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestAnIndexAsLongAsItMayBe holds that a row of ifTable whose index leaves no room for the longer names of ifXTable costs that row, and no other.
func TestAnIndexAsLongAsItMayBe(t *testing.T) {
	for name, filter := range map[string]*collector.InterfaceFilter{"all": nil, "selected": {Exclude: []collector.InterfaceRule{{Type: []string{"softwareLoopback"}}}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(3)
				long := append([]uint32{1}, make([]uint32, oid.MaxLen-ifEntry.Len()-2)...)
				d := &device{latency: time.Millisecond, fault: func(names []oid.OID) error {
					for _, n := range names {
						if n.Len() > oid.MaxLen { // as a session says it
							return fmt.Errorf("no such name can be asked for: %v", n)
						}
					}
					return nil
				}}
				d.objects = func(now time.Time) []snmp.VarBind {
					vbs := b.objects(now)
					for c := uint32(1); c <= 20; c++ {
						vbs = append(vbs, snmp.VarBind{Name: ifEntry.Append(c).Append(long...), Value: snmp.Counter32(5)})
					}
					return vbs
				}
				dev := target("dev", "interfaces", "tcp")
				dev.Interfaces = filter
				h := start(t, map[string]*device{"dev": d}, dev)
				for range 3 {
					p := h.next("dev")
					if p.Err != nil {
						t.Fatal(p.Err)
					}
					for i := range 3 {
						s := rowOf(t, p, "interface", "ifName", fmt.Sprintf("Gi0/%d", i+1))
						fieldOf(t, s, "ifInOctets")
						fieldOf(t, s, "ifHCInOctets")
						fieldOf(t, s, "ifAlias")
					}
				}
			})
		})
	}
}
