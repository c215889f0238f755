//go:build interop

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// TestTakesOverFromNetSNMP lets Net-SNMP's daemon make users of every pair of protocols, change what it keeps by SET, and end. Ours goes on
// in its folder, with the same file.
func TestTakesOverFromNetSNMP(t *testing.T) {
	dir := t.TempDir()
	var created strings.Builder
	users := map[string][]string{"nokeys": {"-l", "noAuthNoPriv"}}
	fmt.Fprintln(&created, "createUser nokeys")
	for _, auth := range authNames {
		fmt.Fprintf(&created, "createUser \"%s only\" %s authpassword\n", auth, auth)
		users[auth+" only"] = []string{"-l", "authNoPriv", "-a", auth, "-A", "authpassword"}
		for _, priv := range privNames {
			fmt.Fprintf(&created, "createUser %s/%s %s authpassword %s privpassword\n", auth, priv, auth, priv)
			users[auth+"/"+priv] = []string{"-l", "authPriv", "-a", auth, "-A", "authpassword", "-x", priv, "-X", "privpassword"}
		}
	}
	// As Debian's documentation has it: the lines stand in the persistent file, from which the daemon takes them.
	if err := os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(created.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	file := "rwcommunity private\n"
	for user := range users {
		file += fmt.Sprintf("rwuser \"%s\" noauth\n", user)
	}
	admin := append([]string{"-v3", "-u", "SHA-256/AES"}, users["SHA-256/AES"]...)

	theirs, at := interop.StartNetSNMPDIn(t, dir, file, "private")
	engineIDOID, bootsOID := ".1.3.6.1.6.3.10.2.1.1.0", ".1.3.6.1.6.3.10.2.1.2.0"
	before := get(t, at, admin, engineIDOID)
	boots := get(t, at, admin, bootsOID)
	for _, c := range [][]string{
		{"snmpset", sysContactOID, "s", `a "quoted" contact`, sysLocationOID, "s", "here"},
		{"snmpusm", "create", "cloned", "SHA-256/AES"},
		{"snmpvacm", "createSec2Group", "3", "cloned", "readers"},
		{"snmpvacm", "createView", "part", ".1.3.6.1.2.1.1"},
		{"snmpvacm", "createView", "-Ce", "part", ".1.3.6.1.2.1.1.5"},
		{"snmpvacm", "createAccess", "readers", "3", "1", "1", "part", "none", "none"},
	} {
		if r := interop.NetSNMP(t, c[0], append(append(slices.Clone(admin), at), c[1:]...)...); r.Code != 0 {
			t.Fatalf("%v: %+v", c, r)
		}
	}
	theirs.Signal(syscall.SIGTERM)
	theirs.Wait()

	path := config(t, "persistentDir "+dir+"\n"+file)
	p, addresses := launch(t, "-f", "-c", path, "127.0.0.1:0")
	address := strings.TrimPrefix(addresses[0], "udp:")
	if got := get(t, address, admin, engineIDOID); got != before {
		t.Errorf("snmpEngineID %s, Net-SNMP's was %s", got, before)
	}
	if got := get(t, address, admin, bootsOID); number(t, got) != number(t, boots)+1 {
		t.Errorf("snmpEngineBoots %s, Net-SNMP's was %s", got, boots)
	}
	for user, flags := range users {
		args := append([]string{"-v3", "-u", user, "-Oqv"}, flags...)
		if r := interop.NetSNMP(t, "snmpget", append(args, address, sysLocationOID)...); r.Out != "\"here\"\n" {
			t.Errorf("%s: %+v", user, r)
		}
	}
	if got := get(t, address, admin, sysContactOID); got != `"a \"quoted\" contact"` {
		t.Errorf("sysContact %s", got)
	}
	cloned := append([]string{"-v3", "-u", "cloned"}, users["SHA-256/AES"]...)
	if got := get(t, address, cloned, sysLocationOID); got != `"here"` {
		t.Errorf("by the cloned user: %s", got)
	}
	if got := get(t, address, cloned, sysNameOID); strings.Contains(got, `"`) {
		t.Errorf("outside of its view: %s", got)
	}
	// What is changed now outlives the next start, at which nothing is taken over.
	for _, c := range [][]string{
		{"snmpusm", "delete", "nokeys"},
		{"snmpusm", "-Ca", "passwd", "authpassword", "another password", "SHA-256/DES"},
	} {
		args := append(append(slices.Clone(admin), address), c[1:]...)
		if c[1] == "-Ca" {
			args = append(append(slices.Clone(admin), "-Ca", address), c[2:]...)
		}
		if r := interop.NetSNMP(t, c[0], args...); r.Code != 0 {
			t.Errorf("%v: %+v", c, r)
		}
	}
	p.Signal(syscall.SIGTERM)
	p.Wait()
	_, addresses = launch(t, "-f", "-c", path, address)
	if got := get(t, addresses[0], admin, bootsOID); number(t, got) != number(t, boots)+2 {
		t.Errorf("snmpEngineBoots %s after the next start", got)
	}
	if r := interop.NetSNMP(t, "snmpget", "-v3", "-u", "nokeys", "-l", "noAuthNoPriv", addresses[0], sysLocationOID); !strings.Contains(r.Err, "Unknown user name") {
		t.Errorf("the deleted user is back: %+v", r)
	}
	changed := []string{"-v3", "-u", "SHA-256/DES", "-l", "authPriv", "-a", "SHA-256", "-A", "another password", "-x", "DES", "-X", "privpassword"}
	if got := get(t, addresses[0], changed, sysLocationOID); got != `"here"` {
		t.Errorf("by the changed key: %s", got)
	}
}

// get asks for an object and returns what the tool prints of its value.
func get(t *testing.T, address string, asker []string, object string) string {
	t.Helper()
	r := interop.NetSNMP(t, "snmpget", append(append([]string{"-Oqv"}, asker...), address, object)...)
	return strings.TrimSpace(r.Out + r.Err)
}

var digits = regexp.MustCompile(`\d+`)

func number(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(digits.FindString(s), &n); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}
