package override_test

import (
	"errors"
	"testing"

	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/mib/override"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	name = oid.MustParse("1.3.6.1.2.1.1.5.0")
	size = oid.MustParse("1.3.6.1.2.1.2.2.1.4.7")
	gone = oid.MustParse("1.3.6.1.2.1.1.4.0")
)

func objects() *override.MIB {
	return override.New([]override.Object{
		{Name: size, Value: snmp.Integer(1)},
		{Name: name, Value: snmp.OctetString("host"), Writable: true},
		{Name: gone, Value: snmp.Null, Writable: true},
		{Name: size, Value: snmp.Integer(9000)},
	})
}

func TestMIB(t *testing.T) {
	m := objects()
	mibtest.Test(t, m, name, size)
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c}, m.Roots()...)
	want := []snmp.VarBind{{Name: name, Value: snmp.OctetString("host")}, {Name: size, Value: snmp.Integer(9000)}}
	if len(all) != len(want) || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("%v, want %v", all, want)
	}
}

func TestSet(t *testing.T) {
	m := objects()
	set := func(vbs ...snmp.VarBind) (mib.Change, error) {
		return m.Prepare(t.Context(), &mib.Request{Version: snmp.V2c}, vbs)
	}
	value := func() snmp.Value {
		return mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c}, name)[0].Value
	}
	good := snmp.VarBind{Name: name, Value: snmp.OctetString("other")}
	for _, c := range []struct {
		vb   snmp.VarBind
		want snmp.ErrorStatus
	}{
		{snmp.VarBind{Name: size, Value: snmp.Integer(1)}, snmp.NotWritable},
		{snmp.VarBind{Name: gone, Value: snmp.OctetString("x")}, snmp.NoCreation},
		{snmp.VarBind{Name: name.Append(1), Value: snmp.OctetString("x")}, snmp.NoCreation},
		{snmp.VarBind{Name: name, Value: snmp.Integer(1)}, snmp.WrongType},
		{snmp.VarBind{Name: name, Value: snmp.Null}, snmp.WrongType},
	} {
		_, err := set(good, c.vb)
		var blamed *mib.VarError
		if !errors.As(err, &blamed) || blamed.Index != 1 || blamed.Status != c.want {
			t.Errorf("%v: %v, want %v", c.vb, err, c.want)
		}
	}
	change, err := set(good)
	if err != nil {
		t.Fatal(err)
	}
	defer change.Close()
	if got := value(); got != snmp.OctetString("host") {
		t.Errorf("prepared: %v", got)
	}
	if err := change.Commit(t.Context()); err != nil || value() != good.Value {
		t.Errorf("committed: %v, %v", value(), err)
	}
	if err := change.Undo(t.Context()); err != nil || value() != snmp.OctetString("host") {
		t.Errorf("undone: %v, %v", value(), err)
	}
}
