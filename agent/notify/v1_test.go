package notify

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// RFC 3584 section 3.2, with its own examples and Net-SNMP's notifications.
func TestTrapV1(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	linux := oid.MustParse("1.3.6.1.4.1.8072.3.2.10")
	ifIndex := snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.2"), Value: snmp.Integer(2)}
	for _, c := range []struct {
		trap, enterprise  string
		with              oid.OID
		generic, specific int32
	}{
		{"1.3.6.1.6.3.1.1.5.1", "1.3.6.1.4.1.8072.3.2.10", linux, 0, 0},
		{"1.3.6.1.6.3.1.1.5.5", "1.3.6.1.6.3.1.1.5", oid.OID{}, 4, 0},
		{"1.3.6.1.6.3.1.1.5.6", "1.3.6.1.6.3.1.1.5", oid.OID{}, 5, 0},
		{"1.3.6.1.6.3.1.1.5.7", "1.3.6.1.6.3.1.1.5", oid.OID{}, 6, 7},
		{"1.3.6.1.6.3.1.1.5.0", "1.3.6.1.6.3.1.1.5", oid.OID{}, 6, 0},
		{"1.3.6.1.6.3.1.1.5.1.1", "1.3.6.1.6.3.1.1.5.1", oid.OID{}, 6, 1},
		{"1.3.6.1.4.1.8072.4.0.2", "1.3.6.1.4.1.8072.4", linux, 6, 2},
		{"1.3.6.1.4.1.99.5", "1.3.6.1.4.1.99", oid.OID{}, 6, 5},
		{"1.3.6.1.4.1.99.4294967295", "1.3.6.1.4.1.99", oid.OID{}, 6, -1},
		{"0.0", "0", oid.OID{}, 6, 0},
		{"1", "1", oid.OID{}, 6, 0},
	} {
		m := newMessage(Notification{TrapOID: oid.MustParse(c.trap), VarBinds: []snmp.VarBind{ifIndex}, Enterprise: c.with, At: start.Add(12345 * time.Millisecond)}, start)
		p, err := trapV1(m, netip.MustParseAddr("192.0.2.1"))
		if err != nil {
			t.Errorf("%s: %v", c.trap, err)
			continue
		}
		want := snmp.TrapV1Header{Enterprise: oid.MustParse(c.enterprise), AgentAddr: netip.MustParseAddr("192.0.2.1"), GenericTrap: c.generic, SpecificTrap: c.specific, Timestamp: 1234}
		if p.Trap != want {
			t.Errorf("%s: got %+v, want %+v", c.trap, p.Trap, want)
		}
		if len(p.VarBinds) != 1 || p.VarBinds[0] != ifIndex {
			t.Errorf("%s: variable bindings %v", c.trap, p.VarBinds)
		}
	}
	m := newMessage(Notification{TrapOID: ColdStart, VarBinds: []snmp.VarBind{{Name: linux, Value: snmp.Counter64(1)}}}, start)
	if _, err := trapV1(m, netip.IPv4Unspecified()); !errors.Is(err, errCounter64) {
		t.Errorf("Counter64: %v", err)
	}
}

func TestNewMessage(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := newMessage(Notification{TrapOID: LinkUp, Enterprise: oid.New(1, 3), At: start.Add((1<<32 + 5) * 10 * time.Millisecond)}, start)
	want := []string{"1.3.6.1.2.1.1.3.0 5", "1.3.6.1.6.3.1.1.4.1.0 1.3.6.1.6.3.1.1.5.4", "1.3.6.1.6.3.1.1.4.3.0 1.3"}
	var got []string
	for _, vb := range m.varBinds {
		got = append(got, vb.Name.String()+" "+vb.Value.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if early := newMessage(Notification{TrapOID: LinkUp, At: start.Add(-time.Hour)}, start); early.varBinds[0].Value != snmp.TimeTicks(0) {
		t.Errorf("before the start: %v", early.varBinds[0].Value)
	}
}

func TestWanted(t *testing.T) {
	family := func(s string, exclude bool) vacm.Family {
		return vacm.Family{Subtree: oid.MustParse(s), Exclude: exclude}
	}
	ifTable, traps := family("1.3.6.1.2.1.2", false), family("1.3.6.1.6.3.1.1.5", false)
	m := newMessage(Notification{TrapOID: LinkDown, Enterprise: oid.New(1, 3), VarBinds: []snmp.VarBind{
		{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.2"), Value: snmp.Integer(2)}, {Name: oid.MustParse("1.3.6.1.2.1.2.2.1.7.2"), Value: snmp.Integer(1)}}}, time.Now())
	for name, c := range map[string]struct {
		view   *vacm.View
		filter *Filter
		want   bool
	}{
		"nothing by default":        {nil, nil, false},
		"all":                       {vacm.All(), nil, true},
		"name and objects in view":  {vacm.NewView(ifTable, traps), nil, true},
		"an object not in view":     {vacm.NewView(traps, ifTable, family("1.3.6.1.2.1.2.2.1.7", true)), nil, false},
		"the name not in view":      {vacm.NewView(ifTable), nil, false},
		"name included":             {vacm.All(), NewFilter(traps), true},
		"name not mentioned":        {vacm.All(), NewFilter(ifTable), false},
		"name excluded":             {vacm.All(), NewFilter(family("1.3", false), family("1.3.6.1.6.3.1.1.5.3", true)), false},
		"an object excluded":        {vacm.All(), NewFilter(traps, family("1.3.6.1.2.1.2.2.1.7.2", true)), false},
		"another object excluded":   {vacm.All(), NewFilter(traps, family("1.3.6.1.2.1.2.2.1.7.3", true)), true},
		"no families":               {vacm.All(), NewFilter(), false},
		"filtered and not in view":  {vacm.NewView(ifTable), NewFilter(traps), false},
		"everything excluded by ''": {vacm.All(), NewFilter(vacm.Family{Exclude: true}), false},
	} {
		target := Target{View: c.view, Filter: c.filter}
		if got := target.wanted(m); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
