//go:build interop

package dns_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/snmp"
)

// orders is a real server that is given orders.
type orders struct {
	*nameServer
	mib *dns.MIB
}

func startOrders(t *testing.T, kind string) *orders {
	_, addr := startUpstream(t)
	s := servers[kind](t, addr, "")
	s.write(t, "added.test.zone", "%s", exampleZone("added.test"))
	b, err := dns.Open(s.kind, s.access)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := newMIB(t, b, true)
	return &orders{s, m}
}

func (o *orders) prepare(t *testing.T, vbs ...snmp.VarBind) mib.Change {
	t.Helper()
	c, err := o.mib.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, vbs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *orders) set(t *testing.T, vbs ...snmp.VarBind) mib.Change {
	t.Helper()
	c := o.prepare(t, vbs...)
	if err := c.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *orders) undo(t *testing.T, c mib.Change) {
	t.Helper()
	if err := c.Undo(t.Context()); err != nil {
		t.Error(err)
	}
}

// state waits until a zone has a row, and an SOA record to tell, or not.
func (o *orders) state(t *testing.T, zone string, index []uint32, row string, answers bool) {
	t.Helper()
	await(t, func() string {
		a := query{name: zone, kind: mdns.TypeSOA, noRD: true}.ask(t, o.address)
		got := []any{value(t, o.mib, false, "dnsServZoneStatus", index...), a != nil && len(a.Answer) == 1 && a.Authoritative}
		return cmp.Diff([]any{row, answers}, got)
	})
}

// TestZoneOrders: a zone comes and goes by SET, from its sources where they are given, else from what the pattern says; what fails is taken back.
func TestZoneOrders(t *testing.T) {
	for kind, test := range map[string]struct {
		source  []uint32
		answers bool // from a file: its sources do not have the zone
		keeps   bool // zones of the configuration cannot be removed
	}{
		"bind": {source: []uint32{127, 0, 0, 1}}, "nsd": {answers: true, keeps: true}, "knot": {source: []uint32{127, 0, 0, 1}, answers: true},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := startOrders(t, kind)
			zone, example := zoneIndex("ADDED", "TEST"), zoneIndex("EXAMPLE", "TEST")
			add := []snmp.VarBind{{Name: zoneStatus.Append(zone...), Value: snmp.Integer(4)}}
			if test.source != nil {
				add = append(add, snmp.VarBind{Name: srcStatus.Append(zone...).Append(test.source...), Value: snmp.Integer(4)})
			}
			destroy := snmp.VarBind{Name: add[0].Name, Value: snmp.Integer(6)}

			change := o.set(t, add...)
			if got := value(t, o.mib, false, "dnsServZoneStatus", zone...); got != "1" {
				t.Errorf("the row of a new zone is %q at once", got)
			}
			o.state(t, "added.test.", zone, "1", test.answers)
			o.undo(t, change)
			o.state(t, "added.test.", zone, "", false)
			o.set(t, add...)
			o.state(t, "added.test.", zone, "1", test.answers)
			change = o.set(t, destroy)
			o.state(t, "added.test.", zone, "", false)
			o.undo(t, change)
			o.state(t, "added.test.", zone, "1", test.answers)

			change = o.prepare(t, destroy, snmp.VarBind{Name: zoneStatus.Append(example...), Value: snmp.Integer(6)})
			switch err := change.Commit(t.Context()); {
			case test.keeps && !errors.Is(err, dns.ErrRefused):
				t.Errorf("a zone of the configuration: %v", err)
			case !test.keeps && err != nil:
				t.Error(err)
			case !test.keeps:
				o.state(t, "example.test.", example, "", false)
				o.undo(t, change)
			}
			o.state(t, "added.test.", zone, "1", test.answers)
			o.state(t, "example.test.", example, "1", true)
		})
	}
}
