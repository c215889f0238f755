package engine_test

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// dhManager is the manager's side of RFC 2786.
type dhManager struct {
	f      *fixture
	prime  *big.Int
	secret *big.Int // xr
	public string   // z
}

func newDHManager(f *fixture) *dhManager {
	f.t.Helper()
	var group struct {
		Prime, Base        *big.Int
		PrivateValueLength int
	}
	der := f.get(request(), oid.MustParse("1.3.6.1.3.101.1.1.1.0"))[0].Octets()
	if rest, err := asn1.Unmarshal([]byte(der), &group); err != nil || len(rest) > 0 {
		f.t.Fatal(err)
	}
	half := new(big.Int).Rsh(group.Prime, 1)
	if group.Prime.BitLen() != 2048 || !group.Prime.ProbablyPrime(0) || !half.ProbablyPrime(0) || group.Base.Int64() != 2 || group.PrivateValueLength != 512 {
		f.t.Errorf("%+v", group)
	}
	m := &dhManager{f: f, prime: group.Prime, secret: new(big.Int).SetBytes(key("r", 40))}
	m.public = string(new(big.Int).Exp(group.Base, m.secret, m.prime).Bytes())
	return m
}

// y is the agent's public value for an object of a user.
func (m *dhManager) y(object, user string) string {
	return m.f.get(request(), name(object, ownID, user))[0].Octets()
}

// key returns the key of n octets that is agreed upon with y.
func (m *dhManager) key(y string, n int) []byte {
	sk := new(big.Int).Exp(new(big.Int).SetBytes([]byte(y)), m.secret, m.prime).FillBytes(make([]byte, 256))
	return sk[256-n:]
}

// TestDHKeyChange: both keys, by the administrator and by the user itself; each value of the agent's serves once.
func TestDHKeyChange(t *testing.T) {
	const auth, ownAuth, priv, ownPriv = "usmDHUserAuthKeyChange", "usmDHUserOwnAuthKeyChange", "usmDHUserPrivKeyChange", "usmDHUserOwnPrivKeyChange"
	for _, tt := range []struct {
		from                 string
		authBytes, privBytes int
	}{{"md5", 16, 16}, {"admin", 20, 16}, {"big", 64, 32}} {
		f := newFixture(t)
		f.set(clone("joe", tt.from)...)
		m := newDHManager(f)
		for _, c := range []struct{ by, auth, priv string }{{"admin", auth, priv}, {"joe", ownAuth, ownPriv}} {
			y, y2 := m.y(c.auth, "joe"), m.y(c.priv, "joe")
			change := []snmp.VarBind{text(y+m.public, c.auth, ownID, "joe"), text(y2+m.public, c.priv, ownID, "joe")}
			if got := f.setAs(by(c.by), change...); got != "noError" {
				t.Fatal(got)
			}
			if u := f.user("joe"); !bytes.Equal(u.AuthKey, m.key(y, tt.authBytes)) || !bytes.Equal(u.PrivKey, m.key(y2, tt.privBytes)) {
				t.Errorf("%s, by %s: %x and %x", tt.from, c.by, u.AuthKey, u.PrivKey)
			}
			if got := f.setAs(by(c.by), change...); got != "wrongValue 0" || m.y(c.auth, "joe") == y {
				t.Errorf("once more: %s", got)
			}
		}
	}
}

// TestDHRefused: values that nobody with good intentions has, and who may not.
func TestDHRefused(t *testing.T) {
	f := newFixture(t)
	f.set(clone("joe", "admin")...)
	f.set(number(createAndWait, "usmUserStatus", ownID, "late"))
	f.set(clone("plain", "open")...)
	m := newDHManager(f)
	y, one := m.y("usmDHUserAuthKeyChange", "joe"), big.NewInt(1)
	padded := func(n *big.Int) string { return string(n.FillBytes(make([]byte, 256))) }
	before := f.state()
	for what, tt := range map[string]struct {
		as   string
		vb   snmp.VarBind
		want string
	}{
		"nothing":                {"admin", text("", "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"no z":                   {"admin", text(y, "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"another y":              {"admin", text(m.public+m.public, "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"z is 0":                 {"admin", text(y+"\x00", "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"z is 1":                 {"admin", text(y+padded(one), "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"z is p-1":               {"admin", text(y+padded(new(big.Int).Sub(m.prime, one)), "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"z is p":                 {"admin", text(y+padded(m.prime), "usmDHUserAuthKeyChange", ownID, "joe"), "wrongValue 0"},
		"z is too long":          {"admin", text(y+m.public+"x", "usmDHUserAuthKeyChange", ownID, "joe"), "wrongLength 0"},
		"another user's own":     {"admin", text(y+m.public, "usmDHUserOwnPrivKeyChange", ownID, "joe"), "noAccess 0"},
		"of no keys":             {"admin", text(y+m.public, "usmDHUserAuthKeyChange", ownID, "open"), "notWritable 0"},
		"nobody":                 {"admin", text(y+m.public, "usmDHUserAuthKeyChange", ownID, "nobody"), "inconsistentName 0"},
		"who was cloned of none": {"admin", text(y+m.public, "usmDHUserAuthKeyChange", ownID, "late"), "inconsistentName 0"},
		"usmDHParameters":        {"admin", snmp.VarBind{Name: oid.MustParse("1.3.6.1.3.101.1.1.1.0"), Value: snmp.OctetString(y)}, "notWritable 0"},
	} {
		if got := f.setAs(by(tt.as), tt.vb); got != tt.want {
			t.Errorf("%s: %s, want %s", what, got, tt.want)
		}
	}
	if f.state() != before {
		t.Error("something was changed")
	}
	if got := f.set(text(y+m.public, "usmDHUserAuthKeyChange", ownID, "plain")); got != "noError" || f.user("plain").AuthKey != nil {
		t.Errorf("a user without a protocol: %s, %+v", got, f.user("plain"))
	}
}
