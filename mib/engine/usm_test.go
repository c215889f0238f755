package engine_test

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // of usmHMACMD5AuthProtocol
	"crypto/sha1" //nolint:gosec // of usmHMACSHAAuthProtocol
	"crypto/sha512"
	"fmt"
	"hash"
	"slices"
	"testing"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// keyChange is the sender's side of KeyChange (RFC 3414 section 5).
func keyChange(newHash func() hash.Hash, old, to []byte) string {
	random := bytes.Repeat([]byte{0x5a}, len(to))
	var delta []byte
	mask := old
	for len(delta) < len(to) {
		h := newHash()
		h.Write(mask)
		h.Write(random)
		mask = h.Sum(nil)
		for i := 0; i < len(mask) && len(delta) < len(to); i++ {
			delta = append(delta, mask[i]^to[len(delta)])
		}
	}
	return string(append(random, delta...))
}

// user returns who is in force under a name; nil if nobody is.
func (f *fixture) user(name string) *engineUser {
	i := slices.IndexFunc(f.config.Users, func(u engineUser) bool { return u.EngineID == ownID && u.Name == name })
	if i < 0 {
		return nil
	}
	return &f.config.Users[i]
}

// pointerTo is what usmUserCloneFrom takes.
func pointerTo(user string) oid.OID { return name("usmUserSecurityName", ownID, user) }

func clone(user, from string) []snmp.VarBind {
	return []snmp.VarBind{number(createAndGo, "usmUserStatus", ownID, user), pointer(pointerTo(from), "usmUserCloneFrom", ownID, user)}
}

func by(user string) *mib.Request {
	q := request()
	q.Principal = user
	return q
}

func TestKeyChange(t *testing.T) {
	for _, tt := range []struct {
		from      string
		hash      func() hash.Hash
		auth      usm.AuthProtocol
		priv      usm.PrivProtocol
		authBytes int
		privBytes int
	}{
		{"md5", md5.New, usm.MD5, usm.DES, 16, 16},
		{"admin", sha1.New, usm.SHA, usm.AES, 20, 16},
		{"big", sha512.New, usm.SHA512, usm.AES256, 64, 32},
	} {
		f := newFixture(t)
		if got := f.set(clone("joe", tt.from)...); got != "noError" {
			t.Fatal(got)
		}
		check := func(auth, priv []byte) {
			t.Helper()
			u := f.user("joe")
			if u == nil || u.Auth != tt.auth || u.Priv != tt.priv || !bytes.Equal(u.AuthKey, auth) || !bytes.Equal(u.PrivKey, priv) {
				t.Errorf("%s: %+v", tt.from, u)
			}
		}
		auth, priv := key("a", tt.authBytes), key("p", tt.privBytes)
		check(auth, priv)
		// By the user itself, and then by the administrator, both keys at once.
		own := keyChange(tt.hash, auth, key("b", tt.authBytes))
		if got := f.setAs(by("joe"), text(own, "usmUserOwnAuthKeyChange", ownID, "joe")); got != "noError" {
			t.Error(got)
		}
		check(key("b", tt.authBytes), priv)
		if got := f.set(
			text(keyChange(tt.hash, key("b", tt.authBytes), key("c", tt.authBytes)), "usmUserAuthKeyChange", ownID, "joe"),
			text(keyChange(tt.hash, priv, key("q", tt.privBytes)), "usmUserPrivKeyChange", ownID, "joe"),
		); got != "noError" {
			t.Error(got)
		}
		check(key("c", tt.authBytes), key("q", tt.privBytes))
		for _, wrong := range []string{own[1:], own + "x", ""} {
			if got := f.set(text(wrong, "usmUserAuthKeyChange", ownID, "joe")); got != "wrongLength 0" {
				t.Errorf("%d octets: %s", len(wrong), got)
			}
		}
		check(key("c", tt.authBytes), key("q", tt.privBytes))
		for _, column := range []string{"usmUserAuthKeyChange", "usmUserOwnAuthKeyChange", "usmUserPrivKeyChange", "usmUserOwnPrivKeyChange"} {
			if got := f.get(request(), name(column, ownID, "joe"))[0]; got != snmp.OctetString("") || !f.Secret(name(column, ownID, "joe")) {
				t.Errorf("%s is %v", column, got)
			}
		}
	}
}

// TestOwnKeyChange: only the user itself may, of its own engine's row.
func TestOwnKeyChange(t *testing.T) {
	f := newFixture(t)
	f.set(clone("joe", "admin")...)
	change := keyChange(sha1.New, key("a", 20), key("b", 20))
	community := by("joe")
	community.Version, community.SecurityModel, community.Level = snmp.V2c, 2, snmp.NoAuthNoPriv
	byTLS := by("joe")
	byTLS.SecurityModel = snmp.TSMSecurityModel
	for _, tt := range []struct {
		q    *mib.Request
		vb   snmp.VarBind
		want string
	}{
		{by("admin"), text(change, "usmUserOwnAuthKeyChange", ownID, "joe"), "noAccess 0"},
		{community, text(change, "usmUserOwnAuthKeyChange", ownID, "joe"), "noAccess 0"},
		{byTLS, text(change, "usmUserOwnAuthKeyChange", ownID, "joe"), "noAccess 0"},          // who is called so there is somebody else
		{by("open"), text(change, "usmUserOwnAuthKeyChange", ownID, "open"), "notWritable 0"}, // the configuration's, and without keys
		{by("joe"), text(change, "usmUserOwnAuthKeyChange", ownID, "nobody"), "inconsistentName 0"},
		{by("joe"), text(change, "usmUserOwnAuthKeyChange", ownID, "joe"), "noError"},
	} {
		if got := f.setAs(tt.q, tt.vb); got != tt.want {
			t.Errorf("%s: %v: %s, want %s", tt.q.Principal, tt.vb.Name, got, tt.want)
		}
	}
	if got := f.set(number(notInService, "usmUserStatus", ownID, "joe")); got != "noError" || f.user("joe") != nil {
		t.Errorf("%s, %+v", got, f.user("joe"))
	}
	if got := f.setAs(by("joe"), text(change, "usmUserOwnAuthKeyChange", ownID, "joe")); got != "inconsistentValue 0" {
		t.Error(got)
	}
}

// TestUserProtocols: privacy needs authentication, and a protocol once cloned can only be left.
func TestUserProtocols(t *testing.T) {
	auth := func(arc uint32, user string) snmp.VarBind {
		return pointer(oid.New(1, 3, 6, 1, 6, 3, 10, 1, 1, arc), "usmUserAuthProtocol", ownID, user)
	}
	priv := func(arc uint32, user string) snmp.VarBind {
		return pointer(oid.New(1, 3, 6, 1, 6, 3, 10, 1, 2, arc), "usmUserPrivProtocol", ownID, user)
	}
	f := newFixture(t)
	f.set(clone("joe", "admin")...)
	for _, tt := range []struct {
		vbs  []snmp.VarBind
		want string
	}{
		{[]snmp.VarBind{auth(99, "joe")}, "wrongValue 0"},
		{[]snmp.VarBind{auth(2, "joe")}, "inconsistentValue 0"}, // MD5
		{[]snmp.VarBind{auth(3, "joe")}, "noError"},             // what it is
		{[]snmp.VarBind{auth(1, "joe")}, "inconsistentValue 0"}, // none, with privacy
		{[]snmp.VarBind{priv(1, "joe"), auth(1, "joe")}, "noError"},
		{[]snmp.VarBind{auth(3, "joe")}, "inconsistentValue 0"},
		{clone("jane", "nobody"), "inconsistentName 1"},
		{append(clone("jane", "admin"), auth(1, "jane")), "inconsistentValue 2"},
		{append(clone("jane", "admin"), auth(1, "jane"), priv(1, "jane")), "noError"},
		{[]snmp.VarBind{pointer(pointerTo("big"), "usmUserCloneFrom", ownID, "joe")}, "noError"}, // not the first: it changes nothing
		{[]snmp.VarBind{text("k", "usmUserAuthKeyChange", ownID, "joe")}, "noError"},             // no protocol: nor does this
	} {
		if got := f.set(tt.vbs...); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.vbs, got, tt.want)
		}
	}
	for _, user := range []string{"joe", "jane"} {
		if u := f.user(user); u == nil || u.Auth != usm.NoAuth || u.Priv != usm.NoPriv || u.AuthKey != nil || u.PrivKey != nil {
			t.Errorf("%s: %+v", user, u)
		}
	}
	// One who was never cloned has no key to change, and is of no use with a protocol.
	if got := f.set(number(createAndWait, "usmUserStatus", ownID, "late"), auth(3, "late")); got != "noError" {
		t.Error(got)
	}
	if got := f.set(text("k", "usmUserAuthKeyChange", ownID, "late")); got != "inconsistentName 0" {
		t.Error(got)
	}
	if got := f.set(number(active, "usmUserStatus", ownID, "late")); got != "inconsistentValue 0" {
		t.Error(got)
	}
}

// TestKept: what was SET is the same after it was kept, keys with it, and what is unsound is not taken.
func TestKept(t *testing.T) {
	f := newFixture(t)
	for _, r := range rows {
		if r.status != "usmUserStatus" {
			f.set(r.row(createAndGo, append(r.must, r.free...)...)...)
		}
	}
	f.set(clone("joe", "big")...)
	f.set(number(createAndWait, "usmUserStatus", ownID, "late"))
	f.set(number(createAndGo, "usmUserStatus", ownID, "brief"), number(2, "usmUserStorageType", ownID, "brief"))
	kept := f.Kept()
	next := newFixture(t)
	if err := next.Restore(kept); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(next.Kept()); got != fmt.Sprint(kept) {
		t.Errorf("%v\nwere %v", got, kept)
	}
	if u := next.user("joe"); u == nil || !bytes.Equal(u.AuthKey, key("a", 64)) || !bytes.Equal(u.PrivKey, key("p", 32)) {
		t.Errorf("%+v", u)
	}
	if next.user("brief") != nil || next.user("late") != nil {
		t.Error("a volatile row, or one that is not active, is in force")
	}
	for i, vb := range kept {
		for _, v := range []snmp.Value{snmp.Null, snmp.Counter32(1), snmp.OctetString(string(key("\xff", 300))), snmp.Integer(99), snmp.ObjectID(oid.New(9, 9))} {
			bad := slices.Clone(kept)
			bad[i].Value = v
			if err := next.Restore(bad); err == nil && v.Kind() != vb.Value.Kind() {
				t.Errorf("%v = %v is taken, and was %v", vb.Name, v, vb.Value)
			}
		}
	}
	for _, vb := range []snmp.VarBind{
		number(1, "snmpSetSerialNo", 0), number(1, "usmUserStatus", 1, 2), {Name: oid.New(1, 3, 6), Value: snmp.Integer(1)},
		number(notReady, "snmpTargetParamsRowStatus", implied("q")), number(active, "snmpTargetParamsRowStatus", implied("q")),
	} {
		err := next.Restore([]snmp.VarBind{vb})
		if wrong := vb.Name != name("snmpTargetParamsRowStatus", implied("q")) || vb.Value == snmp.Integer(active); (err != nil) != wrong {
			t.Errorf("%v: %v", vb, err)
		}
	}
}
