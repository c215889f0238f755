package vacm_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

func family(subtree, mask string, exclude bool) vacm.Family {
	return vacm.Family{Subtree: oid.MustParse(subtree), Mask: mask, Exclude: exclude}
}

func TestContains(t *testing.T) {
	tests := []struct {
		name     string
		families []vacm.Family
		in, out  []string
	}{
		{"nothing", nil, nil, []string{"1", "1.3.6.1"}},
		{"everything", []vacm.Family{family("", "", false)}, []string{"", "1", "2.5.4294967295"}, nil},
		{"a subtree", []vacm.Family{family("1.3.6.1.2.1", "", false)}, []string{"1.3.6.1.2.1", "1.3.6.1.2.1.1.1.0"}, []string{"1.3.6.1.2", "1.3.6.1.2.2", "1.3.6.1.4"}},
		{"but for a part", []vacm.Family{family("1.3.6.1", "", false), family("1.3.6.1.6.3", "", true)}, []string{"1.3.6.1.2", "1.3.6.1.6.2"}, []string{"1.3.6.1.6.3", "1.3.6.1.6.3.15.1"}},
		{"and a part of that", []vacm.Family{family("1.3.6.1", "", false), family("1.3.6.1.6.3", "", true), family("1.3.6.1.6.3.10", "", false)},
			[]string{"1.3.6.1.2", "1.3.6.1.6.3.10.2"}, []string{"1.3.6.1.6.3.11"}},
		// ifEntry.*.5: the row of one interface (RFC 3415 section 5 has such an example).
		{"one row", []vacm.Family{family("1.3.6.1.2.1.2.2.1.0.5", "\xff\xa0", false)}, []string{"1.3.6.1.2.1.2.2.1.1.5", "1.3.6.1.2.1.2.2.1.22.5"}, []string{"1.3.6.1.2.1.2.2.1.1.6", "1.3.6.1.2.1.2.2.1.1"}},
		{"the greater of two as long", []vacm.Family{family("1.3.0.2", "\xd0", false), family("1.3.4.0", "\xe0", true)}, []string{"1.3.5.2"}, []string{"1.3.4.2"}},
	}
	for _, tt := range tests {
		v := vacm.NewView(tt.families...)
		for _, o := range tt.in {
			if !v.Contains(oid.MustParse(o)) {
				t.Errorf("%s: %s is out", tt.name, o)
			}
		}
		for _, o := range tt.out {
			if v.Contains(oid.MustParse(o)) {
				t.Errorf("%s: %s is in", tt.name, o)
			}
		}
	}
}

// Clip loses nothing of a view, and adds nothing where the view is exact: tried on random views with few arcs.
func TestClip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) oid.OID {
		var arcs []uint32
		for range r.IntN(n + 1) {
			arcs = append(arcs, []uint32{0, 1, 2, 1<<32 - 1}[r.IntN(4)])
		}
		return oid.New(arcs...)
	}
	exact := 0
	for range 20_000 {
		var families []vacm.Family
		for range r.IntN(4) {
			f := vacm.Family{Subtree: random(3), Exclude: r.IntN(2) == 0}
			if r.IntN(3) == 0 {
				f.Mask = string([]byte{byte(r.IntN(256))})
			}
			families = append(families, f)
		}
		v := vacm.NewView(families...)
		start, end, probe := random(4), random(4), random(4)
		if v.Exact() {
			exact++
		}
		inRange := !probe.Less(start) && (end.IsEmpty() || probe.Less(end))
		from, to, ok := v.Clip(start, end)
		inClip := ok && !probe.Less(from) && (to.IsEmpty() || probe.Less(to))
		if ok && from.Less(start) || ok && !end.IsEmpty() && (to.IsEmpty() || end.Less(to)) {
			t.Fatalf("%v: the range %v to %v became %v to %v", families, start, end, from, to)
		}
		if inClip && v.Exact() && !v.Contains(probe) {
			t.Fatalf("%v: %v is in %v to %v and not in the view", families, probe, from, to)
		}
		// What Clip passed over, before its part, is not in the view.
		if inRange && v.Contains(probe) && (!ok || probe.Less(from)) {
			t.Fatalf("%v: %v is in the view, and Clip of %v to %v gave %v to %v, %v", families, probe, start, end, from, to, ok)
		}
	}
	if exact < 1000 || exact > 19_000 {
		t.Errorf("%d of 20000 views were exact", exact)
	}
}

func policy() *vacm.Policy {
	return vacm.NewPolicy(
		[]vacm.Member{{vacm.V2c, "reader", "ro"}, {vacm.USM, "admin", "rw"}, {vacm.USM, "admin", "ignored"}, {vacm.USM, "lost", "none"}},
		[]vacm.Entry{
			{Group: "ro", Model: vacm.AnyModel, Level: snmp.NoAuthNoPriv, Exact: true, Views: [3]string{"system", "", ""}},
			{Group: "rw", Model: vacm.AnyModel, Level: snmp.NoAuthNoPriv, Exact: true, Views: [3]string{"system", "", ""}},
			{Group: "rw", Model: vacm.USM, Level: snmp.AuthPriv, Exact: true, Views: [3]string{"all", "all", "gone"}},
			{Group: "rw", Model: vacm.USM, Level: snmp.AuthNoPriv, Prefix: "dns-", Views: [3]string{"all", "", ""}},
		},
		map[string][]vacm.Family{"all": {family("1", "", false)}, "system": {family("1.3.6.1.2.1.1", "", false)}})
}

func TestAllowed(t *testing.T) {
	p := policy()
	const inSystem, outside = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.2.1.0"
	tests := []struct {
		name    string
		model   vacm.SecurityModel
		user    string
		level   snmp.SecurityLevel
		context string
		kind    vacm.ViewType
		system  bool
		other   bool
		err     error
	}{
		{"community reads", vacm.V2c, "reader", snmp.NoAuthNoPriv, "", vacm.Read, true, false, nil},
		{"community writes", vacm.V2c, "reader", snmp.NoAuthNoPriv, "", vacm.Write, false, false, vacm.ErrNoSuchView},
		{"by another model", vacm.V1, "reader", snmp.NoAuthNoPriv, "", vacm.Read, false, false, vacm.ErrNoGroupName},
		{"in another context", vacm.V2c, "reader", snmp.NoAuthNoPriv, "dns-a", vacm.Read, false, false, vacm.ErrNoAccessEntry},
		{"user without protection", vacm.USM, "admin", snmp.NoAuthNoPriv, "", vacm.Read, true, false, nil},
		{"user with protection", vacm.USM, "admin", snmp.AuthPriv, "", vacm.Write, true, true, nil},
		{"with less", vacm.USM, "admin", snmp.AuthNoPriv, "", vacm.Write, false, false, vacm.ErrNoSuchView},
		{"context by prefix", vacm.USM, "admin", snmp.AuthNoPriv, "dns-a", vacm.Read, true, true, nil},
		{"context by prefix, too little", vacm.USM, "admin", snmp.NoAuthNoPriv, "dns-a", vacm.Read, false, false, vacm.ErrNoAccessEntry},
		{"a view that is gone", vacm.USM, "admin", snmp.AuthPriv, "", vacm.Notify, false, false, vacm.ErrNoSuchView},
		{"nobody", vacm.USM, "nobody", snmp.AuthPriv, "", vacm.Read, false, false, vacm.ErrNoGroupName},
		{"a group without entries", vacm.USM, "lost", snmp.AuthPriv, "", vacm.Read, false, false, vacm.ErrNoAccessEntry},
	}
	for _, tt := range tests {
		v, err := p.Allowed(tt.model, tt.user, tt.level, tt.context, tt.kind)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
			continue
		}
		if err == nil && (v.Contains(oid.MustParse(inSystem)) != tt.system || v.Contains(oid.MustParse(outside)) != tt.other) {
			t.Errorf("%s: sysDescr %v, ifNumber %v", tt.name, v.Contains(oid.MustParse(inSystem)), v.Contains(oid.MustParse(outside)))
		}
	}
}

func BenchmarkAllowed(b *testing.B) {
	p := policy()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Allowed(vacm.USM, "admin", snmp.AuthPriv, "", vacm.Read); err != nil {
			b.Fatal(err)
		}
	}
}
