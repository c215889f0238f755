package snmpdconf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
	"walkabout/snmp/usm"
)

// TestKeyCache changes one thing of a user after another: the keys are always those of User.Keys.
func TestKeyCache(t *testing.T) {
	var cache snmpdconf.KeyCache
	for _, text := range []string{
		"createUser joe SHA authpassword AES privpassword", "createUser joe SHA authpassword AES privpassword\ncreateUser jane SHA authpassword",
		"createUser joe SHA authpassword AES privpasswore", "createUser joe SHA authpassworc AES privpassword", "createUser joe SHA authpassword DES privpassword",
		"createUser joe MD5 authpassword AES privpassword", "createUser joe SHA authpassword AES", "createUser joe SHA authpassword", "createUser joe",
		"createUser jane SHA authpassword AES authpassword", "createUser joe SHA -m 0x" + key20 + " AES", "createUser joe SHA -l 0x" + key20 + " AES", "",
		"createUser joe SHA authpassword AES privpassword",
	} {
		c, _ := snmpdconf.Parse("x", []byte(text))
		for _, id := range []string{engineID, "another", engineID} {
			var want []usm.User
			for i := range c.Users {
				keyed, err := c.Users[i].Keys(id)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, keyed)
			}
			got, err := cache.Users(c.Users, id)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%q: %s, %v", text, diff, err)
			}
		}
	}
}

const key20 = "000102030405060708090a0b0c0d0e0f10111213"

// BenchmarkKeyCache is a reload in which a user stays the same.
func BenchmarkKeyCache(b *testing.B) {
	c, diagnostics := snmpdconf.Parse("x", []byte("createUser joe SHA-256 authpassword AES privpassword\nrouser joe"))
	if len(diagnostics) > 0 {
		b.Fatal(diagnostics)
	}
	var cache snmpdconf.KeyCache
	if _, err := cache.Users(c.Users, engineID); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.Users(c.Users, engineID); err != nil {
			b.Fatal(err)
		}
	}
}
