package collector_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestAColumnThatFails(t *testing.T) {
	for name, index := range map[string]int{"named": 1, "not named": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := ifX.Append(9)
				d := &device{latency: time.Millisecond, fault: func(names []oid.OID) error {
					for i, n := range names {
						if n.HasPrefix(bad) {
							return &session.ResponseError{Status: snmp.GenErr, Index: (i + 1) * index}
						}
					}
					return nil
				}}
				p := one(t, switchOf(10), d, "interfaces", "tcp").next("dev")
				var part *collector.PartError
				if !errors.As(p.Err, &part) || part.Part != "interface/ifHCInBroadcastPkts" || collector.Reason(p.Err) != "genErr" {
					t.Errorf("the poll's error is %v", p.Err)
				}
				if diff := cmp.Diff([]string{"interface_ethernet", "interface_stack", "tcp"}, p.Complete); diff != "" {
					t.Errorf("Complete: %s", diff)
				}
				if len(p.Samples) != 11 {
					t.Fatalf("%d samples, want 11", len(p.Samples))
				}
				s := rowOf(t, p, "interface", "ifName", "Gi0/10")
				fieldOf(t, s, "ifHCInOctets")
				fieldOf(t, s, "ifAlias")
				if _, ok := s.Field("ifHCInBroadcastPkts"); ok {
					t.Error("the column that failed has values")
				}
			})
		})
	}
}

// TestLimitsThatCannotBeRead holds that a 32-bit counter is judged by the speed that the interface had, and by none that is assumed
// where it was never known.
func TestLimitsThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(2)
		for i := range b.ports {
			b.ports[i].noHC, b.ports[i].mbits, b.ports[i].rate = true, 10000, 500e6 // it wraps in 8.6 s, at 1 Gb/s in no less than 34 s
		}
		broken := true
		d := &device{latency: time.Millisecond, fault: failing(ifX.Append(15), &broken)}
		h := one(t, b, d, "interfaces")
		for i, state := range []bool{true, true, false, true, true} {
			d.change(func() { broken = state })
			p := h.next("dev")
			s := rowOf(t, p, "interface", "ifName", "Gi0/1")
			f, ok := s.Field("ifInOctets")
			if (p.Err != nil) != state || ok != (i >= 2) || f.Verdict.HasRate() {
				t.Errorf("poll %d: %v; ifInOctets %v, %+v", i, p.Err, ok, f)
			}
			if strings.Contains(h.log.String(), counter.SpeedAssumed.String()) {
				t.Errorf("poll %d: a speed that was not read is said to be assumed", i)
			}
			if i > 2 && f.Verdict != counter.Ambiguous {
				t.Errorf("poll %d: %v, want ambiguous by the speed of poll 2", i, f.Verdict)
			}
		}
	})
}

// failing answers genErr for names in column as long as broken says so.
func failing(column oid.OID, broken *bool) func([]oid.OID) error {
	return func(names []oid.OID) error {
		for i, n := range names {
			if *broken && n.HasPrefix(column) {
				return &session.ResponseError{Status: snmp.GenErr, Index: i + 1}
			}
		}
		return nil
	}
}

func TestATagThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, fault: func(names []oid.OID) error {
			for i, n := range names {
				if n.HasPrefix(ifX.Append(1, 3)) { // ifName, from the fourth on
					return &session.ResponseError{Status: snmp.GenErr, Index: i + 1}
				}
			}
			return nil
		}}
		d.noBulk = true
		p := one(t, switchOf(6), d, "interfaces").next("dev")
		if len(p.Samples) != 3 || p.Err == nil {
			t.Errorf("%d samples, %v; want the 3 whose name is known, for another name is another series", len(p.Samples), p.Err)
		}
	})
}

func TestAgentsThatBreakTheRules(t *testing.T) {
	column := ifEntry.Append(10)
	inColumn := func(do func(vb *snmp.VarBind)) func([]snmp.VarBind) {
		return func(vbs []snmp.VarBind) {
			for i := range vbs {
				if vbs[i].Name.HasPrefix(column) {
					do(&vbs[i])
				}
			}
		}
	}
	tests := map[string]struct {
		tamper func(vbs []snmp.VarBind)
		reason string // "" is no error
	}{
		"the same name again":     {inColumn(func(vb *snmp.VarBind) { vb.Name = column.Append(1) }), "not_increasing"},
		"goes back":               {inColumn(func(vb *snmp.VarBind) { vb.Name = ifEntry.Append(9, 5) }), "not_increasing"},
		"the column's own name":   {inColumn(func(vb *snmp.VarBind) { vb.Name = column }), "not_increasing"},
		"NULL for a counter":      {inColumn(func(vb *snmp.VarBind) { vb.Value = snmp.Null }), ""},
		"an exception in a table": {inColumn(func(vb *snmp.VarBind) { vb.Value = snmp.NoSuchInstance }), ""},
		"a gauge for a counter":   {inColumn(func(vb *snmp.VarBind) { vb.Value = snmp.Gauge32(5) }), ""},
		"a text for a counter":    {inColumn(func(vb *snmp.VarBind) { vb.Value = snmp.OctetString("5") }), ""},
		"a long index":            {inColumn(func(vb *snmp.VarBind) { vb.Name = vb.Name.Append(7) }), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &device{latency: 20 * time.Millisecond, tamper: test.tamper}
				p := one(t, switchOf(5), d, "interfaces", "tcp").next("dev")
				if (p.Err == nil) != (test.reason == "") || p.Err != nil && collector.Reason(p.Err) != test.reason {
					t.Errorf("error %v, want %q", p.Err, test.reason)
				}
				s := rowOf(t, p, "interface", "ifName", "Gi0/5")
				fieldOf(t, s, "ifOutOctets")
				if f, ok := s.Field("ifInOctets"); ok {
					t.Errorf("ifInOctets is %+v", f)
				}
				if s.Tag("ifIndex") != "" {
					t.Error("a foreign index became a tag")
				}
			})
		})
	}
}

// TestAColumnThatNeverEnds holds that the poll does, and that what it has is kept.
func TestAColumnThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		column := ifEntry.Append(10)
		var names []oid.OID
		endless := uint32(1000)
		d := &device{latency: 20 * time.Millisecond}
		d.fault = func(n []oid.OID) error { names = n; return nil }
		d.tamper = func(vbs []snmp.VarBind) {
			const clocks = 2
			for k := clocks; k < len(names); k++ {
				for i := k; names[k].HasPrefix(column) && i < len(vbs); i += len(names) - clocks {
					if !vbs[i].Name.HasPrefix(column) {
						endless++
						vbs[i] = snmp.VarBind{Name: column.Append(endless), Value: snmp.Counter32(1)}
					}
				}
			}
		}
		p := one(t, switchOf(5), d, "interfaces", "tcp").next("dev")
		if collector.Reason(p.Err) != "timeout" || p.Duration > 9*time.Second {
			t.Errorf("%v after %v", p.Err, p.Duration)
		}
		fieldOf(t, rowOf(t, p, "interface", "ifName", "Gi0/5"), "ifHCOutOctets")
	})
}

func TestAgentsThatAnswerNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, most: 1}
		h := one(t, switchOf(5), d, "interfaces", "tcp")
		p := h.next("dev")
		if p.Answered || collector.Reason(p.Err) != "malformed" {
			t.Errorf("answered %v, %v", p.Answered, p.Err)
		}
		d.change(func() { d.most = 2 })
		p = h.next("dev")
		if p.Answered {
			t.Errorf("answered with two variables of four")
		}
	})
}

// TestAnAgentThatHasNothing holds that it is said, once, when an agent answers and yet has nothing of what is collected, as behind a view.
func TestAnAgentThatHasNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, hidden := switchOf(2), true
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			if hidden {
				return []snmp.VarBind{at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10)))}
			}
			return all.objects(now)
		}}
		h := start(t, map[string]*device{"dev": d}, target("dev", "interfaces", "tcp"))
		told := func() int { return strings.Count(h.log.String(), "has nothing of what is collected") }
		for range 3 {
			if p := h.next("dev"); p.Err != nil || !p.Answered || len(p.Samples) > 0 {
				t.Fatalf("%v, %d samples", p.Err, len(p.Samples))
			}
		}
		if why := h.c.Stats()[0].Why(); told() != 1 || !strings.Contains(why, "has nothing of what is collected") {
			t.Errorf("told %d times; why: %q", told(), why)
		}
		d.change(func() { hidden = false })
		time.Sleep(10 * time.Minute)
		if p := h.next("dev"); len(p.Samples) == 0 || told() != 1 {
			t.Errorf("%d samples, told %d times", len(p.Samples), told())
		}
	})
}

// TestAgentsThatRefuseEverything holds that an agent of which nothing can be had is no device that answers: alerts on its interfaces
// would rest on nothing.
func TestAgentsThatRefuseEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, fault: func([]oid.OID) error { return &session.ResponseError{Status: snmp.AuthorizationError} }}
		h := one(t, switchOf(2), d, "interfaces", "tcp")
		if p := h.next("dev"); p.Answered || collector.Reason(p.Err) != "authorizationError" || len(p.Samples)+len(p.Complete) != 0 {
			t.Errorf("answered %v, %v, %d samples, complete: %v", p.Answered, p.Err, len(p.Samples), p.Complete)
		}
		d.change(func() { d.fault = nil })
		if p := h.next("dev"); !p.Answered || p.Err != nil {
			t.Errorf("answered %v, %v", p.Answered, p.Err)
		}
	})
}

// TestADiscontinuityThatCannotBeRead holds that a poll without the object that tells of discontinuities gives no numbers where the agent
// is known to use it, and costs none of the polls around it more than that.
func TestADiscontinuityThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken bool
		d := &device{latency: time.Millisecond, fault: func(names []oid.OID) error {
			for i, n := range names {
				if broken && n.HasPrefix(ifX.Append(19)) {
					return &session.ResponseError{Status: snmp.GenErr, Index: i + 1}
				}
			}
			return nil
		}}
		b := switchOf(1)
		b.ports[0].moment = 77
		h := one(t, b, d, "interfaces")
		for i, want := range []string{"first", "ok", "", "ok", "ok"} {
			d.change(func() { broken = want == "" })
			p := h.next("dev")
			s := rowOf(t, p, "interface", "ifName", "Gi0/1")
			f, has := s.Field("ifHCInOctets")
			got := ""
			if has {
				got = f.Verdict.String()
			}
			if got != want || (p.Err != nil) != broken {
				t.Errorf("poll %d: %q, want %q; %v", i, got, want, p.Err)
			}
			if span, ok := s.Field("rate_seconds"); i == 3 && (!ok || span.Float64() < 19.9 || span.Float64() > 20.1) {
				t.Errorf("the number over the hole spans %v s, want two intervals", span.Float64())
			}
			fieldOf(t, s, "ifOperStatus")
		}
	})
}

func TestATableThatIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(1)
		big := b.objects(time.Now())[:4] // the system group
		for _, column := range []uint32{2, 8} {
			for i := range uint32(30000) {
				big = append(big, snmp.VarBind{Name: ifEntry.Append(column, i+1), Value: snmp.Integer(1)})
			}
		}
		d := &device{fixed: big}
		h := one(t, b, d, "interfaces")
		p := h.next("dev")
		if collector.Reason(p.Err) != "too_much" {
			t.Errorf("%v", p.Err)
		}
		if len(p.Samples) != 0 {
			t.Errorf("%d samples of a table without an end", len(p.Samples))
		}
	})
}
