//go:build interop

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

// linkTrap matches snmptrapd's line of a linkDown (3) or linkUp (4) by SNMPv2c, of an interface with that index, statuses and name.
func linkTrap(kind string, number, index, admin, oper int, name string) string {
	at := func(column, value string) string { return fmt.Sprintf(` = %s\s+`, value) + column }
	return `^` + kind + `, SNMP v2c, community public\|.*\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0` +
		at(fmt.Sprintf(`\.1\.3\.6\.1\.2\.1\.2\.2\.1\.1\.%d`, index), fmt.Sprintf(`OID: \.1\.3\.6\.1\.6\.3\.1\.1\.5\.%d`, number)) +
		at(fmt.Sprintf(`\.1\.3\.6\.1\.2\.1\.2\.2\.1\.7\.%d`, index), fmt.Sprintf(`INTEGER: %d`, index)) +
		at(fmt.Sprintf(`\.1\.3\.6\.1\.2\.1\.2\.2\.1\.8\.%d`, index), fmt.Sprintf(`INTEGER: %d`, admin)) +
		at(fmt.Sprintf(`\.1\.3\.6\.1\.2\.1\.2\.2\.1\.2\.%d`, index), fmt.Sprintf(`INTEGER: %d`, oper)) +
		` = STRING: "` + name + `"`
}

// A link that really goes down and up, by carrier, by its administrator and by SNMP, is told once each time, to a receiver beside one that
// is dead; what is not to be told is not.
func TestLinkUpDownNotifications(t *testing.T) {
	t.Parallel()
	near, far := newBox(t), newBox(t)
	near.connect(t, far, "wan0", 10)
	near.connect(t, far, "mute0", 11)
	near.IP(t, "link", "set", "wan0", "alias", "to the provider")
	outside := strings.TrimSuffix(near.address, "2") + "1"
	receiver := interop.StartSNMPTrapD(t, "udp:"+outside+":162", "authCommunity log public\n")
	conf := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(conf, []byte("rwcommunity private\nlinkUpDownNotifications yes\ntrapcommunity public\ninformsink 198.18.255.9\ninformsink "+outside+":1\ninformsink "+outside+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := interop.Build(t, "cmd/snmpd")
	var p *interop.Process
	near.Do(t, func() { p = interop.Start(t, path, "-f", "-c", conf, near.address+":161") })
	p.Await("msg=ready")
	receiver.Await(`1\.3\.6\.1\.6\.3\.1\.1\.5\.1\b`)
	set := func(object, value string) {
		t.Helper()
		if r := interop.NetSNMP(t, "snmpset", "-v2c", "-c", "private", near.address, object, "i", value); r.Code != 0 {
			t.Fatalf("snmpset: %+v", r)
		}
	}
	set(".1.3.6.1.2.1.31.1.1.1.14.11", "2") // ifLinkUpDownTrapEnable of mute0: disabled
	far.IP(t, "link", "set", "mute0", "down")

	far.IP(t, "link", "set", "wan0", "down")
	receiver.Await(linkTrap("INFORM", 3, 10, 1, 2, "wan0") + `.*to the provider`)
	far.IP(t, "link", "set", "wan0", "up")
	receiver.Await(linkTrap("INFORM", 4, 10, 1, 1, "wan0"))
	near.IP(t, "link", "set", "wan0", "down")
	receiver.Await(linkTrap("INFORM", 3, 10, 2, 2, "wan0"))
	near.IP(t, "link", "set", "wan0", "up")
	receiver.Await(linkTrap("INFORM", 4, 10, 1, 1, "wan0"))
	set(".1.3.6.1.2.1.2.2.1.7.10", "2")
	receiver.Await(linkTrap("INFORM", 3, 10, 2, 2, "wan0"))
	end(t, p)
	receiver.Await(`1\.3\.6\.1\.4\.1\.8072\.4\.0\.2\b`)
	if n := len(regexp.MustCompile(`1\.3\.6\.1\.6\.3\.1\.1\.5\.[34]\b`).FindAllString(receiver.Log(), -1)); n != 5 {
		t.Errorf("%d notifications of links, want 5:\n%s", n, receiver.Log())
	}
}

// What happens before there is a route to the receiver, as while a machine starts, is told when there is one.
func TestNotificationsWaitForTheNetwork(t *testing.T) {
	t.Parallel()
	near := newBox(t)
	outside := strings.TrimSuffix(near.address, "2") + "1"
	receiver := interop.StartSNMPTrapD(t, "udp:"+outside+":162", "authCommunity log public\n")
	near.IP(t, "address", "flush", "dev", "mgmt")
	conf := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(conf, []byte("rocommunity public\ntrapsink "+outside+"\ninformsink "+outside+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := interop.Build(t, "cmd/snmpd")
	var p *interop.Process
	near.Do(t, func() { p = interop.Start(t, path, "-f", "-c", conf, "127.0.0.1:161") })
	for range 2 {
		p.Await("cannot be sent yet.*network is unreachable")
	}
	near.IP(t, "address", "add", near.address+"/24", "dev", "mgmt")
	got := map[string]bool{}
	for len(got) < 2 {
		m := receiver.Await(`^(TRAP|INFORM),.*\|(?:(\S+)\|\S+ 0 0\||.*1\.3\.6\.1\.6\.3\.1\.1\.5\.1\b)`)
		if got[m[1]] = true; m[1] == "TRAP" && m[2] != near.address {
			t.Errorf("agent-addr %s, want the address that it leaves from, %s", m[2], near.address)
		}
	}
	end(t, p)
}
