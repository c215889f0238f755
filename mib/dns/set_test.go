package dns_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	reset      = oid.MustParse("1.3.6.1.2.1.32.1.1.1.5.0")
	resReset   = oid.MustParse("1.3.6.1.2.1.32.2.1.1.7.0")
	recurs     = oid.MustParse("1.3.6.1.2.1.32.1.1.1.2.0")
	zoneStatus = oid.MustParse("1.3.6.1.2.1.32.1.1.4.1.1.6")
	srcStatus  = oid.MustParse("1.3.6.1.2.1.32.1.1.4.2.1.4")
)

// zoneIndex is the index of a zone of the class IN.
func zoneIndex(labels ...string) []uint32 {
	var arcs []uint32
	for _, label := range labels {
		arcs = append(arcs, uint32(len(label)))
		for i := range len(label) {
			arcs = append(arcs, uint32(label[i]))
		}
	}
	arcs = append(arcs, 0)
	return append(append([]uint32{uint32(len(arcs))}, arcs...), 1)
}

// obedient is a fake that takes every order; it refuses to remove primaries, to add "refused", and fails at "fails".
type obedient struct {
	*fake
	orders []string
	stuck  bool // what was done cannot be taken back
}

func (o *obedient) note(format string, a ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.orders = append(o.orders, fmt.Sprintf(format, a...))
	if strings.Contains(o.orders[len(o.orders)-1], "fails") {
		return errors.New("it will not")
	}
	return nil
}

func (o *obedient) CheckAdd(z dns.NewZone) error {
	if z.Name == "refused" {
		return errors.New("no pattern")
	}
	return nil
}
func (o *obedient) AddZone(_ context.Context, z dns.NewZone) error {
	return o.note("add %s %v", z.Name, z.Sources)
}

func (o *obedient) CheckRemove(z *dns.Zone) error {
	if z.Primary {
		return errors.New("it is a primary")
	}
	return nil
}

func (o *obedient) restore(what string) dns.Restore {
	return func(context.Context) error {
		if o.stuck {
			return errors.New("it is stuck")
		}
		return o.note("restore %s", what)
	}
}

func (o *obedient) RemoveZone(_ context.Context, name string) (dns.Restore, error) {
	return o.restore(name), o.note("remove %s", name)
}

func (o *obedient) SetRecursion(_ context.Context, r dns.Recursion) (dns.Restore, error) {
	return o.restore("recursion"), o.note("recursion %d", r)
}

func (o *obedient) Reload(context.Context) error { return o.note("reload") }

func TestSetOrders(t *testing.T) {
	vb := func(name oid.OID, v int32, arcs ...uint32) snmp.VarBind {
		return snmp.VarBind{Name: name.Append(arcs...), Value: snmp.Integer(v)}
	}
	org, fresh := zoneIndex("EXAMPLE", "ORG"), zoneIndex("NEW", "EXAMPLE")
	source := func(zone []uint32, last uint32) []uint32 { return slices.Concat(zone, []uint32{192, 0, 2, last}) }
	chaos := slices.Concat(fresh[:len(fresh)-1], []uint32{3})
	for _, test := range []struct {
		what   string
		vbs    []snmp.VarBind
		want   string // error, and whom it blames
		orders []string
	}{
		{"all at once, in the order that is safe", []snmp.VarBind{
			vb(reset, 2), vb(zoneStatus, 4, fresh...), vb(srcStatus, 4, source(fresh, 7)...), vb(zoneStatus, 6, org...), vb(recurs, 2), vb(resReset, 2),
		}, "", []string{"recursion 2", "remove example.org", "add new.example [192.0.2.7]", "reload"}},
		{"sources before their zone", []snmp.VarBind{vb(srcStatus, 4, source(fresh, 7)...), vb(srcStatus, 4, source(fresh, 8)...), vb(zoneStatus, 4, fresh...)}, "", []string{"add new.example [192.0.2.7 192.0.2.8]"}},
		{"without a source", []snmp.VarBind{vb(zoneStatus, 4, fresh...)}, "", []string{"add new.example []"}},
		{"as it is", []snmp.VarBind{vb(zoneStatus, 1, org...), vb(srcStatus, 1, source(org, 9)...)}, "", nil},
		{"destroy what is not", []snmp.VarBind{vb(zoneStatus, 6, fresh...), vb(srcStatus, 6, source(fresh, 1)...), vb(srcStatus, 6, source(org, 2)...)}, "", nil},
		{"a zone with its sources", []snmp.VarBind{vb(srcStatus, 6, source(org, 9)...), vb(zoneStatus, 6, org...)}, "", []string{"remove example.org"}},

		{"a row that is", []snmp.VarBind{vb(zoneStatus, 4, org...)}, "inconsistentValue 0", nil},
		{"a row that is not", []snmp.VarBind{vb(zoneStatus, 1, fresh...)}, "inconsistentValue 0", nil},
		{"createAndWait", []snmp.VarBind{vb(zoneStatus, 5, fresh...)}, "wrongValue 0", nil},
		{"notInService", []snmp.VarBind{vb(zoneStatus, 2, org...)}, "wrongValue 0", nil},
		{"no RowStatus", []snmp.VarBind{vb(zoneStatus, 7, org...)}, "wrongValue 0", nil},
		{"no INTEGER", []snmp.VarBind{{Name: zoneStatus.Append(org...), Value: snmp.Gauge32(6)}}, "wrongType 0", nil},
		{"a primary", []snmp.VarBind{vb(zoneStatus, 6, 1, 0, 1)}, "inconsistentValue 0", nil},
		{"of the class CHAOS", []snmp.VarBind{vb(zoneStatus, 4, chaos...)}, "noCreation 0", nil},
		{"the root", []snmp.VarBind{vb(zoneStatus, 4, 1, 0, 2)}, "noCreation 0", nil},
		{"in lower case", []snmp.VarBind{vb(zoneStatus, 4, zoneIndex("new")...)}, "noCreation 0", nil},
		{"a name that means more", []snmp.VarBind{vb(zoneStatus, 4, zoneIndex("X;", "EXAMPLE")...)}, "noCreation 0", nil},
		{"a path", []snmp.VarBind{vb(zoneStatus, 4, zoneIndex("..", "ETC")...)}, "noCreation 0", nil},
		{"an option", []snmp.VarBind{vb(zoneStatus, 4, zoneIndex("-CLEAN")...)}, "noCreation 0", nil},
		{"no name", []snmp.VarBind{vb(zoneStatus, 4, 3, 9, 'A', 0, 1)}, "noCreation 0", nil},
		{"a length that is not", []snmp.VarBind{vb(zoneStatus, 4, 9, 1, 'A', 0, 1)}, "noCreation 0", nil},
		{"the column alone", []snmp.VarBind{vb(zoneStatus, 4)}, "noCreation 0", nil},
		{"the column of sources alone", []snmp.VarBind{vb(srcStatus, 4, 1, 2, 3, 4)}, "noCreation 0", nil},
		{"a source of no address", []snmp.VarBind{vb(zoneStatus, 4, fresh...), vb(srcStatus, 4, slices.Concat(fresh, []uint32{300, 0, 0, 1})...)}, "noCreation 1", nil},
		{"a source of 0.0.0.0", []snmp.VarBind{vb(zoneStatus, 4, fresh...), vb(srcStatus, 4, slices.Concat(fresh, []uint32{0, 0, 0, 0})...)}, "noCreation 1", nil},
		{"a source more", []snmp.VarBind{vb(srcStatus, 4, source(org, 8)...)}, "inconsistentValue 0", nil},
		{"a source less", []snmp.VarBind{vb(srcStatus, 6, source(org, 9)...)}, "inconsistentValue 0", nil},
		{"a source of no zone", []snmp.VarBind{vb(srcStatus, 4, source(fresh, 8)...)}, "inconsistentName 0", nil},
		{"a source that is not", []snmp.VarBind{vb(srcStatus, 1, source(org, 8)...)}, "inconsistentValue 0", nil},
		{"two minds", []snmp.VarBind{vb(zoneStatus, 6, org...), vb(zoneStatus, 1, org...)}, "inconsistentValue 1", nil},
		{"two minds about recursion", []snmp.VarBind{vb(recurs, 1), vb(recurs, 2)}, "inconsistentValue 1", nil},
		{"no value of recursion", []snmp.VarBind{vb(recurs, 4)}, "wrongValue 0", nil},
		{"it cannot be added", []snmp.VarBind{vb(zoneStatus, 4, zoneIndex("REFUSED")...)}, "inconsistentValue 0", nil},
		{"it fails, and what was before it is taken back", []snmp.VarBind{vb(recurs, 3), vb(zoneStatus, 6, org...), vb(zoneStatus, 4, zoneIndex("FAILS")...), vb(reset, 2)}, "commitFailed 2",
			[]string{"recursion 3", "remove example.org", "add fails []", "restore example.org", "restore recursion"}},
	} {
		o := &obedient{fake: everything()}
		m, _ := newMIB(t, o, true)
		got := ""
		change, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, test.vbs)
		if err == nil {
			err = change.Commit(t.Context())
			change.Close()
		}
		if failed := (*mib.VarError)(nil); errors.As(err, &failed) {
			got = fmt.Sprint(failed.Status, " ", failed.Index)
		}
		if got != test.want {
			t.Errorf("%s: %v, want %q", test.what, err, test.want)
		}
		if diff := cmp.Diff(test.orders, o.orders); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
}

// TestUndo takes back what was done, in reverse, and says so if that cannot be.
func TestUndo(t *testing.T) {
	o := &obedient{fake: everything()}
	m, _ := newMIB(t, o, true)
	vbs := []snmp.VarBind{{Name: recurs, Value: snmp.Integer(1)}, {Name: zoneStatus.Append(zoneIndex("NEW")...), Value: snmp.Integer(4)}}
	commit := func() mib.Change {
		t.Helper()
		change, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, vbs)
		if err == nil {
			err = change.Commit(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return change
	}
	if err := commit().Undo(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"recursion 1", "add new []", "remove new", "restore recursion"}, o.orders); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	change := commit()
	o.stuck = true
	if err := change.Undo(t.Context()); err == nil {
		t.Error("what cannot be taken back is no error")
	}
	vbs = append(vbs, snmp.VarBind{Name: zoneStatus.Append(zoneIndex("FAILS")...), Value: snmp.Integer(4)})
	change, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, vbs)
	if err != nil {
		t.Fatal(err)
	}
	var failed *mib.VarError
	if err := change.Commit(t.Context()); !errors.As(err, &failed) || failed.Status != snmp.UndoFailed || failed.Index != 2 {
		t.Errorf("%v", err)
	}
}

// TestSetReadsAnew: what a SET made is seen by the next request, although zones are read seldom.
func TestSetReadsAnew(t *testing.T) {
	o := &obedient{fake: everything()}
	m, _ := newMIB(t, o, true)
	walk(t, m)
	before := o.asked
	change, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, []snmp.VarBind{{Name: zoneStatus.Append(zoneIndex("NEW")...), Value: snmp.Integer(4)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.set(func() { o.zones = append(o.zones, dns.Zone{Name: "new.", Class: 1}) })
	if got := value(t, m, false, "dnsServZoneStatus", zoneIndex("NEW")...); got != "1" || o.asked != before+1 {
		t.Errorf("the row of a new zone is %q, zones were read %d times", got, o.asked-before)
	}
}

// TestSetWhileDown: zones that are not known are not changed.
func TestSetWhileDown(t *testing.T) {
	o := &obedient{fake: everything()}
	o.err = errors.New("it is down")
	m, _ := newMIB(t, o, true)
	_, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, []snmp.VarBind{{Name: zoneStatus.Append(zoneIndex("NEW")...), Value: snmp.Integer(4)}})
	var failed *mib.VarError
	if !errors.As(err, &failed) || failed.Status != snmp.ResourceUnavailable {
		t.Errorf("%v", err)
	}
}

// FuzzSet prepares SETs of any rows: what passes gives orders about names that mean nothing else, and no more of them than rows.
func FuzzSet(f *testing.F) {
	for _, zone := range [][]uint32{zoneIndex("NEW", "EXAMPLE"), zoneIndex("EXAMPLE", "ORG"), zoneIndex("-X"), {1, 0, 1}, {255, 1}} {
		var b []byte
		for _, arc := range zone {
			b = append(b, byte(arc))
		}
		f.Add(b, []byte{192, 0, 2, 1}, byte(4), byte(4))
		f.Add(b, []byte{192, 0, 2, 9}, byte(6), byte(6))
	}
	arcs := func(b []byte) (out []uint32) {
		for _, c := range b[:min(len(b), 100)] {
			out = append(out, uint32(c))
		}
		return out
	}
	f.Fuzz(func(t *testing.T, zone, source []byte, status, sourceStatus byte) {
		o := &obedient{fake: everything()}
		m, _ := newMIB(t, o, true)
		change, err := m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()}, []snmp.VarBind{
			{Name: zoneStatus.Append(arcs(zone)...), Value: snmp.Integer(int32(status))}, {Name: srcStatus.Append(arcs(zone)...).Append(arcs(source)...), Value: snmp.Integer(int32(sourceStatus))},
		})
		if failed := (*mib.VarError)(nil); errors.As(err, &failed) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		_ = change.Commit(t.Context())
		for _, order := range o.orders {
			name := strings.Fields(order)[1]
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.HasPrefix(name, "-") || strings.Contains(name, "..") || len(o.orders) > 2 {
				t.Errorf("%q", o.orders)
			}
		}
	})
}
