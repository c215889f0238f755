package snmpdconf_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"walkabout/agent/snmpdconf"
)

// Whatever is wrong with a line, no word of it that may be a secret is told.
func TestSinksTellNoSecrets(t *testing.T) {
	text, err := os.ReadFile("testdata/sinks.conf")
	if err != nil {
		t.Fatal(err)
	}
	c, diagnostics := snmpdconf.Parse("sinks.conf", text)
	for _, d := range diagnostics {
		if strings.Contains(d.Message, "sesame") {
			t.Error(d)
		}
	}
	for i := range c.Notifications.Sinks {
		if s := c.Notifications.Sinks[i].String(); strings.Contains(s, "sesame") {
			t.Error(s)
		}
	}
}

// An inform's receiver has its own users (createUser -e); a password serves everywhere, a localised key at its own engine only.
func TestSinkUser(t *testing.T) {
	const own, remote = "\x80\x00\x00\x00\x01own", "\x80\x00\x00\x00\x01remote"
	c, diagnostics := snmpdconf.Parse("f", []byte(`
createUser anywhere SHA open-sesame AES
createUser here SHA -l 0x0102030405060708090a0b0c0d0e0f1011121314
createUser -e 0x800000000172656d6f7465 there SHA open-sesame
trapsess -u anywhere -l authPriv 192.0.2.1
trapsess -u here -l authNoPriv 192.0.2.2
trapsess -u there -l authNoPriv 192.0.2.3
trapsess -u nobody -l noAuthNoPriv 192.0.2.4
`))
	if snmpdconf.HasErrors(diagnostics) {
		t.Fatal(diagnostics)
	}
	for i, want := range [][2]bool{{true, true}, {true, false}, {false, true}, {true, true}} {
		s := &c.Notifications.Sinks[i]
		for k, id := range []string{own, remote} {
			u, err := c.SinkUser(s, id, own)
			if (err == nil) != want[k] || err != nil && !errors.Is(err, snmpdconf.ErrNoKeys) || err == nil && (u.Name != s.User || u.Level() < s.Level) {
				t.Errorf("%s at %q: %v, %v", s.User, id, u.Name, err)
			}
		}
	}
}
