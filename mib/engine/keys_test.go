package engine_test

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"testing"

	"walkabout/mib/engine"
	"walkabout/snmp"
)

// TestConfiguredKeys: a user of the configuration changes its own keys, which holds until the configuration says others, or nothing of it.
func TestConfiguredKeys(t *testing.T) {
	f := newFixture(t)
	keys := func(f *fixture, want string) {
		t.Helper()
		if u := f.user("admin"); u == nil || string(u.AuthKey) != string(key(want, 20)) || string(u.PrivKey) != string(key("p", 16)) {
			t.Errorf("%+v, want keys of %s", u, want)
		}
	}
	change := text(keyChange(sha1.New, key("a", 20), key("b", 20)), "usmUserOwnAuthKeyChange", ownID, "admin")
	public := text("b", "usmUserPublic", ownID, "admin")
	if got := f.setAs(by("md5"), change); got != "noAccess 0" {
		t.Errorf("by somebody else: %s", got)
	}
	if got := f.setAs(by("admin"), public, number(1, "usmUserStatus", ownID, "admin")); got != "notWritable 0" {
		t.Errorf("and its status: %s", got)
	}
	if got := f.setAs(by("admin"), change, public); got != "noError" {
		t.Fatal(got)
	}
	keys(f, "b")
	if got := f.set(text(keyChange(sha1.New, key("b", 20), key("c", 20)), "usmUserAuthKeyChange", ownID, "admin")); got != "noError" {
		t.Fatalf("by an administrator, once more: %s", got)
	}
	keys(f, "c")
	if got := f.get(request(), name("usmUserStorageType", ownID, "admin"), name("usmUserOwnAuthKeyChange", ownID, "admin"), name("usmUserPublic", ownID, "admin")); got[0] != snmp.Integer(4) ||
		got[1] != snmp.OctetString("") || got[2] != snmp.OctetString("b") {
		t.Errorf("%v", got)
	}
	if got := f.set(number(destroy, "usmUserStatus", ownID, "admin")); got != "notWritable 0" {
		t.Errorf("to delete it: %s", got)
	}
	if f.user("md5") == nil || f.user("open") == nil || len(f.config.Users) != len(configured().Users) {
		t.Errorf("%+v", f.config.Users)
	}
	kept := f.Kept()
	restored := func() *fixture {
		t.Helper()
		again := newFixture(t)
		if err := again.SetConfig(configured(), again.apply); err != nil {
			t.Fatal(err)
		}
		if err := again.Restore(kept); err != nil {
			t.Fatal(err)
		}
		return again
	}
	again := restored()
	keys(again, "c")
	if err := again.SetConfig(configured(), again.apply); err != nil { // a reload
		t.Fatal(err)
	}
	keys(again, "c")

	other := configured()
	other.Users[0].AuthKey = key("n", 20)
	if err := again.SetConfig(other, again.apply); err != nil {
		t.Fatal(err)
	}
	keys(again, "n")
	if len(again.Kept()) != 0 {
		t.Errorf("what is of no use any more is kept: %v", again.Kept())
	}
	again = restored()
	gone := configured()
	gone.Users = gone.Users[1:]
	if err := again.SetConfig(gone, again.apply); err != nil || again.user("admin") != nil {
		t.Errorf("%v: who is gone from the configuration is a user still", err)
	}
}

// TestConfiguredKeysAtStart: what was kept is there before the configuration.
func TestConfiguredKeysAtStart(t *testing.T) {
	f := newFixture(t)
	if got := f.setAs(by("admin"), text(keyChange(sha1.New, key("a", 20), key("b", 20)), "usmUserOwnAuthKeyChange", ownID, "admin")); got != "noError" {
		t.Fatal(got)
	}
	m := emptyMIB(t, f.usm)
	if err := m.Restore(f.Kept()); err != nil {
		t.Fatal(err)
	}
	var in engine.Config
	if err := m.SetConfig(configured(), func(c engine.Config) error { in = c; return nil }); err != nil {
		t.Fatal(err)
	}
	if u := in.Users[0]; u.Name != "admin" || string(u.AuthKey) != string(key("b", 20)) {
		t.Errorf("%+v", u)
	}
}

// TestFullTableKeepsChangedKeys: the changed keys of the configuration's users come beside the thousand rows that a table takes, when it is read back as
// well.
func TestFullTableKeepsChangedKeys(t *testing.T) {
	f := newFixture(t)
	for i := range 10 {
		var rows []snmp.VarBind
		for k := range 100 {
			rows = append(rows, clone(fmt.Sprint("user", i, "-", k), "admin")...)
		}
		if got := f.set(rows...); got != "noError" {
			t.Fatal(got)
		}
	}
	if got := f.set(text(keyChange(sha1.New, key("a", 20), key("b", 20)), "usmUserAuthKeyChange", ownID, "admin")); got != "noError" {
		t.Fatal(got)
	}
	again := newFixture(t)
	if err := again.Restore(f.Kept()); err != nil {
		t.Fatal(err)
	}
	if u := again.user("admin"); u == nil || !bytes.Equal(u.AuthKey, key("b", 20)) || again.user("user9-99") == nil {
		t.Errorf("admin is %+v", u)
	}
}
