package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestStructure holds when slow columns are read: at the first poll, when they are old, and at once when something says that they
// have changed; and that what they said is told at every poll.
func TestStructure(t *testing.T) {
	alias := ifX.Append(18)
	tests := map[string]struct {
		change func(b *box) // before the third poll, at which the alias of the first port is another too
		read   bool         // at the third poll
	}{
		"nothing moves":          {func(*box) {}, false},
		"ifTableLastChange":      {func(b *box) { b.moved = snmp.TimeTicks(7) }, true},
		"no ifTableLastChange":   {func(b *box) { b.moved = snmp.Null }, true},
		"a port more":            {func(b *box) { b.ports = append(b.ports, port{index: 9, name: "new", typ: 6, mbits: 10}) }, true},
		"a port less":            {func(b *box) { b.ports = b.ports[:2] }, true},
		"another index":          {func(b *box) { b.ports[2].index = 7 }, true},
		"another name":           {func(b *box) { b.ports[1].name = "Gi9/9" }, true},
		"two change places":      {func(b *box) { b.ports[0].index, b.ports[1].index = 2, 1 }, true},
		"the agent starts again": {func(b *box) { b.boot = time.Now() }, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(3)
				asked := 0
				d := &device{latency: time.Millisecond, fault: func(names []oid.OID) error {
					for _, n := range names {
						if n == alias {
							asked++
						}
					}
					return nil
				}}
				h := one(t, b, d, "interfaces")
				poll := func(old bool) bool {
					t.Helper()
					d.change(func() { asked = 0 })
					p := h.next("dev")
					got := fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/1"), "ifAlias").Str
					if want := map[bool]string{true: "one", false: "two"}[old]; p.Err != nil || got != want {
						t.Errorf("ifAlias is %q, want %q; %v", got, want, p.Err)
					}
					return asked > 0
				}
				d.change(func() { b.ports[0].alias = "one" })
				if !poll(true) || poll(true) {
					t.Error("the alias is to be read at the first poll, and not at the second")
				}
				d.change(func() {
					b.ports[0].alias = "two"
					tt.change(b)
				})
				if got := poll(!tt.read); got != tt.read {
					t.Errorf("read: %v, want %v", got, tt.read)
				}
				for range 30 { // 5 minutes
					h.next("dev")
				}
				poll(false)
			})
		})
	}
}

// TestASlowColumnThatFails holds that a poll without it says so, and that the next asks again.
func TestASlowColumnThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		d := &device{latency: time.Millisecond, fault: failing(ifX.Append(18), &broken)}
		h := one(t, switchOf(3), d, "interfaces")
		for i, state := range []bool{true, true, false, false} {
			d.change(func() { broken = state })
			p := h.next("dev")
			_, ok := rowOf(t, p, "interface", "ifName", "Gi0/1").Field("ifAlias")
			if ok == state || (p.Err != nil) != state || state && collector.Reason(p.Err) != "genErr" {
				t.Errorf("poll %d: ifAlias %v, %v", i, ok, p.Err)
			}
		}
	})
}
