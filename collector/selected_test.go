package collector_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func pattern(s string) collector.Pattern { return collector.Pattern{Regexp: regexp.MustCompile(s)} }

// polledNames returns the ifNames of a poll's interfaces.
func polledNames(p collector.Poll) string {
	var names []string
	for _, s := range p.Samples {
		if s.Measurement == "interface" {
			names = append(names, s.Tag("ifName"))
		}
	}
	return strings.Join(names, " ")
}

// filtered runs a collector of one switch whose interfaces are filtered. asked holds the ifIndexes of the counters that were asked for.
func filtered(t *testing.T, b *box, f collector.InterfaceFilter) (h *harness, d *device, asked *[]uint32) {
	t.Helper()
	asked = new([]uint32)
	d = &device{latency: time.Millisecond, objects: b.objects, fault: func(names []oid.OID) error {
		for _, n := range names {
			if n.HasPrefix(ifX.Append(6)) && n.Len() > 11 && !slices.Contains(*asked, n.Last()) {
				*asked = append(*asked, n.Last())
			}
		}
		return nil
	}}
	tgt := target("dev", "interfaces")
	tgt.Interfaces = &f
	return start(t, map[string]*device{"dev": d}, tgt), d, asked
}

func TestInterfaceFilter(t *testing.T) {
	for name, tt := range map[string]struct {
		filter collector.InterfaceFilter
		want   string
	}{
		"by name":        {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Name: pattern(`^Gi0/[12]$`)}}}, "Gi0/1 Gi0/2"},
		"but for a name": {collector.InterfaceFilter{Exclude: []collector.InterfaceRule{{Name: pattern(`^Gi0/[12]$`)}}}, "Gi0/3 Gi0/4 Gi0/5"},
		"by alias":       {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Alias: pattern(`uplink`)}}}, "Gi0/4"},
		"by type":        {collector.InterfaceFilter{Exclude: []collector.InterfaceRule{{Type: []string{"ethernetCsmacd"}}}}, "Gi0/5"},
		"by number":      {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Type: []string{"24"}}}}, "Gi0/5"},
		"by status":      {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Oper: []string{"down"}}}}, "Gi0/3"},
		"all of a rule":  {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Oper: []string{"up"}, Descr: pattern("/[345]"), Admin: []string{"up"}}}}, "Gi0/4 Gi0/5"},
		"none":           {collector.InterfaceFilter{Include: []collector.InterfaceRule{{Name: pattern("nothing")}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := switchOf(5)
				b.ports[2].oper, b.ports[3].alias, b.ports[4].typ = 2, "uplink to core", 24
				h, d, asked := filtered(t, b, tt.filter)
				h.next("dev")
				p := h.next("dev")
				if got := polledNames(p); p.Err != nil || got != tt.want {
					t.Fatalf("%v: %q, want %q", p.Err, got, tt.want)
				}
				for _, s := range p.Samples {
					if _, ok := s.Field("ifAlias"); !ok || !fieldOf(t, s, "ifHCInOctets").Verdict.HasRate() {
						t.Errorf("%+v", s.Fields)
					}
				}
				d.change(func() {
					if n := len(strings.Fields(tt.want)); len(*asked) != n {
						t.Errorf("the counters of %v were asked for", *asked)
					}
				})
			})
		})
	}
}

// TestInterfaceFilterFollows holds that the filter follows the interface and not its index, and sees new ones.
func TestInterfaceFilterFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(6)
		h, d, _ := filtered(t, b, collector.InterfaceFilter{Include: []collector.InterfaceRule{{Name: pattern(`^Gi0/2$|^new`)}}})
		h.next("dev")
		d.change(func() { b.ports[1].index, b.ports[2].index, b.moved = 3, 2, snmp.TimeTicks(99) })
		p := h.next("dev")
		if got := polledNames(p); got != "Gi0/2" || fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/2"), "ifIndex").Float64() != 3 {
			t.Errorf("renumbered: %q", got)
		}
		d.change(func() { b.ports[1].index, b.ports[2].index = 2, 3 }) // nothing tells of it but the names
		p = h.next("dev")
		if got := polledNames(p); got != "Gi0/2" || fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/2"), "ifIndex").Float64() != 2 {
			t.Errorf("renumbered in silence: %q", got)
		}
		d.change(func() { b.ports[4].name, b.moved = "new1", snmp.TimeTicks(199) })
		if got := polledNames(h.next("dev")); got != "Gi0/2 new1" {
			t.Errorf("a new one: %q", got)
		}
		d.change(func() { b.ports[5].name = "new2" })
		time.Sleep(5 * time.Minute)
		if got := polledNames(h.next("dev")); got != "Gi0/2 new1 new2" {
			t.Errorf("a new one that nothing tells of: %q", got)
		}
	})
}

// TestInterfaceFilterOfAnAgentThatBearsLittle holds that requests get smaller where an agent refuses large ones.
func TestInterfaceFilterOfAnAgentThatBearsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d, _ := filtered(t, switchOf(8), collector.InterfaceFilter{Exclude: []collector.InterfaceRule{{Name: pattern(`^Gi0/1$`)}}})
		d.change(func() { d.fault, d.tooBig = nil, 30 })
		h.next("dev")
		p := h.next("dev")
		if n := len(strings.Fields(polledNames(p))); p.Err != nil || n != 7 {
			t.Errorf("%d interfaces, %v", n, p.Err)
		}
		bad := ifX.Append(18)
		d.change(func() {
			d.tooBig, d.fault = 0, func(names []oid.OID) error {
				for i, n := range names {
					if n.HasPrefix(bad) {
						return &session.ResponseError{Status: snmp.GenErr, Index: i + 1}
					}
				}
				return nil
			}
		})
		time.Sleep(5 * time.Minute)
		p = h.next("dev")
		if n := len(strings.Fields(polledNames(p))); n != 7 || p.Err == nil || !strings.Contains(p.Err.Error(), "interface/ifAlias") {
			t.Errorf("%d interfaces, %v", n, p.Err)
		}
	})
}

func TestInterfaceFilterRefuses(t *testing.T) {
	for want, f := range map[string]collector.InterfaceFilter{
		`type: nothing is called "ethernetCsmaCD"; did you mean "ethernetCsmacd"?`: {Include: []collector.InterfaceRule{{Type: []string{"ethernetCsmaCD"}}}},
		`oper: nothing is called "broken"`:                                         {Exclude: []collector.InterfaceRule{{Oper: []string{"broken"}}}},
		"a rule that says nothing":                                                 {Exclude: []collector.InterfaceRule{{}}},
	} {
		tgt := target("dev", "interfaces")
		tgt.Interfaces = &f
		if err := tgt.Validate(collector.BuiltIn()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	tgt := target("dev", "interfaces")
	tgt.Interfaces = &collector.InterfaceFilter{Include: []collector.InterfaceRule{{Type: []string{"6", "ieee8023adLag"}, Admin: []string{"up"}}}}
	if diff := cmp.Diff(nil, tgt.Validate(collector.BuiltIn())); diff != "" {
		t.Error(diff)
	}
}
