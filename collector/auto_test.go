package collector_test

import (
	"fmt"
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

// TestChoose holds which profiles are chosen for recorded devices.
func TestChoose(t *testing.T) {
	for name, want := range map[string]string{
		"cisco":    "cisco interfaces system",
		"juniper":  "bgp4 juniper system",
		"arista":   "arista bridge entity_sensors host interfaces lldp system",
		"mikrotik": "host mikrotik system",
		"linux":    "host snmp_engine system ucd",
		"ups":      "system ups",
		"dns":      "dns system",
	} {
		synctest.Test(t, func(t *testing.T) {
			choices, err := collector.BuiltIn().Choose(t.Context(), recording(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var chosen []string
			for _, c := range choices {
				if c.Chosen {
					chosen = append(chosen, c.Profile)
				}
				if c.Why == "" {
					t.Errorf("%s: nobody says why of %s", name, c.Profile)
				}
			}
			if got := strings.Join(chosen, " "); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
			i := slices.IndexFunc(choices, func(c collector.Choice) bool { return c.Profile == "cisco" })
			why := "sysObjectID 1.3.6.1.4.1.9.1.1208 is below CISCO-SMI::cisco"
			if name == "cisco" && choices[i].Why != why {
				t.Errorf("why: %s", choices[i].Why)
			}
			if len(choices) != len(collector.BuiltIn()) {
				t.Errorf("%d of %d built-in profiles can be chosen", len(choices), len(collector.BuiltIn()))
			}
		})
	}
}

// TestChooseOfAgentsThatLackThings asks an agent that has no sysObjectID and refuses requests for some of what it is asked.
func TestChooseOfAgentsThatLackThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, objects: func(time.Time) []snmp.VarBind {
			return []snmp.VarBind{at(t, "ifDescr.1", snmp.OctetString("a"))}
		}, fault: func(names []oid.OID) error {
			if slices.ContainsFunc(names, func(n oid.OID) bool { return n.HasPrefix(oid.MustParse("1.3.6.1.4")) }) {
				return &session.ResponseError{Status: snmp.GenErr}
			}
			return nil
		}}
		choices, err := collector.BuiltIn().Choose(t.Context(), d)
		var chosen []string
		for _, c := range choices {
			if c.Chosen {
				chosen = append(chosen, c.Profile)
			}
		}
		if diff := cmp.Diff([]string{"interfaces", "system"}, chosen); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		d.silent, d.timeout = true, time.Second
		if _, err := collector.BuiltIn().Choose(t.Context(), d); err == nil {
			t.Error("something is known of an agent that is silent")
		}
	})
}

// TestAuto polls a device by what it is, until another is in its place.
func TestAuto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := recording(t, "mikrotik")
		tgt := target("dev", "auto", "tcp")
		h := start(t, map[string]*device{"dev": d}, tgt)
		measured := func(p collector.Poll) string {
			var out []string
			for _, s := range p.Samples {
				if !slices.Contains(out, s.Measurement) {
					out = append(out, s.Measurement)
				}
			}
			return strings.Join(out, " ")
		}
		const want = "host_storage host_processor mikrotik mikrotik_cpu mikrotik_memory mikrotik_gauge system"
		for range 2 {
			if p := h.next("dev"); p.Err != nil || measured(p) != want {
				t.Errorf("%v: %s, want %s", p.Err, measured(p), want)
			}
		}
		if n := strings.Count(h.log.String(), "profile=mikrotik chosen=true"); n != 1 {
			t.Errorf("the choice is logged %d times:\n%s", n, h.log.String())
		}
		other := recording(t, "ups")
		d.change(func() {
			d.objects = func(now time.Time) []snmp.VarBind { // it started anew
				vbs := other.objects(now)
				for i := range vbs {
					if vbs[i].Name == system.Append(3, 0) {
						vbs[i].Value = snmp.TimeTicks(uint32(now.UnixMilli() / 10 % 10000))
					}
				}
				return vbs
			}
		})
		if p := h.next("dev"); p.Err != nil || !p.Reset || measured(p) != "system ups ups_input ups_output ups_alarm" {
			t.Errorf("another device: %v, reset %v: %s", p.Err, p.Reset, measured(p))
		}
		tgt.Labels = map[string]string{"upsIdentName": "x"}
		if err := h.c.SetTargets([]collector.Target{tgt}); err == nil || !strings.Contains(err.Error(), "upsIdentName") {
			t.Errorf("a label that a profile may have: %v", err)
		}
	})
}

// TestConfigure holds that a target starts anew when one of its profiles is another, and not when another's is.
func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := one(t, switchOf(1), &device{latency: time.Millisecond}, "interfaces")
		h.next("dev")
		profiles := collector.Profiles{}
		for name, p := range collector.BuiltIn() {
			profiles[name] = p
		}
		changed := *profiles["tcp"]
		changed.MaxRepetitions = 3
		profiles["tcp"] = &changed
		opened := h.devices["dev.example"].opened
		if err := h.c.Configure(profiles, []collector.Target{target("dev", "interfaces")}); err != nil {
			t.Fatal(err)
		}
		h.next("dev")
		if n := h.devices["dev.example"].opened; n != opened {
			t.Errorf("%d sessions after another profile changed", n-opened)
		}
		profiles = collector.Profiles{"interfaces": &changed}
		if err := h.c.Configure(profiles, []collector.Target{target("dev", "interfaces")}); err != nil {
			t.Fatal(err)
		}
		if p := h.next("dev"); p.Err != nil || fmt.Sprint(p.Complete) != "[tcp]" || h.devices["dev.example"].opened == opened {
			t.Errorf("after the target's profile changed: %v, %v", p.Err, p.Complete)
		}
	})
}
