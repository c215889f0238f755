package main

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"walkabout/agent/persist"
)

const sysContactOID = ".1.3.6.1.2.1.1.4.0"

// set sets texts over v2c and returns the error-status.
func set(t *testing.T, address string, pdus ...gosnmp.SnmpPDU) gosnmp.SNMPError {
	t.Helper()
	a := netip.MustParseAddrPort(address)
	c := gosnmp.GoSNMP{Target: a.Addr().String(), Port: a.Port(), Version: gosnmp.Version2c, Community: hidden, Timeout: gosnmp.Default.Timeout}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Conn.Close() }()
	answer, err := c.Set(pdus)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Error
}

func text(name, value string) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: name, Type: gosnmp.OctetString, Value: value}
}

// TestKept: what is SET holds after a reload and after the next start.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	const text1 = "agentAddress 127.0.0.1:0\nrwcommunity " + hidden + "\nsysLocation here\n"
	d := startIn(t, dir, text1)
	address := d.ready()[0]
	if got := set(t, address, text(sysContactOID, "noc"), text(sysNameOID, "edge")); got != gosnmp.NoError {
		t.Fatal(got)
	}
	if got := set(t, address, text(sysLocationOID, "there")); got != gosnmp.NotWritable {
		t.Errorf("what the file sets: %v", got)
	}
	d.hangup <- nil
	d.until("msg=reloaded")
	if got := ask(t, address, sysContactOID); got != "noc" {
		t.Errorf("after a reload: %q", got)
	}
	d.finish()
	state, err := persist.Load(dir)
	if err != nil || len(state.Objects) != 2 {
		t.Fatalf("%+v, %v", state, err)
	}

	// A file that names the object wins, and is not kept in its place.
	d = startIn(t, dir, text1+"sysContact file\n")
	if got := ask(t, d.ready()[0], sysContactOID); got != "file" {
		t.Errorf("under a file that sets it: %q", got)
	}
	d.finish()
	d = startIn(t, dir, text1)
	address = d.ready()[0]
	if contact, name := ask(t, address, sysContactOID), ask(t, address, sysNameOID); contact != "noc" || name != "edge" {
		t.Errorf("after a start: %q, %q", contact, name)
	}
	d.finish()
}

// TestNotKept: where nothing can be kept, what is to be kept cannot be SET.
func TestNotKept(t *testing.T) {
	const community = "agentAddress 127.0.0.1:0\nrwcommunity " + hidden + "\n"
	const engineID = "engineID 0x80001f880474657374\nengineBoots 7\n"
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	nonsense := engineID + "object 1.3.6.1.2.1.1.4.0 s \"old\"\nobject 1.3.6.1.2.1.1.7.0 i 72\n"
	broken := t.TempDir()
	write(t, filepath.Join(broken, persist.FileName), nonsense)
	for dir, want := range map[string]string{file: "there is no state folder", broken: "was not understood"} {
		d := startIn(t, dir, community)
		address := d.ready()[0]
		if got := set(t, address, text(sysContactOID, "noc")); got != gosnmp.CommitFailed {
			t.Errorf("%s: %v", want, got)
		}
		if got := ask(t, address, sysContactOID); got != "" {
			t.Errorf("%s: sysContact is %q afterwards", want, got)
		}
		if all := d.finish(); !strings.Contains(all, want) {
			t.Errorf("the log does not say %q:\n%s", want, all)
		}
	}
	if state, err := persist.Load(broken); err != nil || state.Boots != 8 || len(state.Objects) != 2 {
		t.Errorf("the state is %+v, %v", state, err)
	}

	// Objects of another version are carried on.
	other := t.TempDir()
	write(t, filepath.Join(other, persist.FileName), engineID+"object 1.3.6.1.4.1.1.1.0 x 0x00\n")
	d := startIn(t, other, community)
	if got := set(t, d.ready()[0], text(sysContactOID, "noc")); got != gosnmp.NoError {
		t.Error(got)
	}
	if all := d.finish(); !strings.Contains(all, "not known here") {
		t.Errorf("no word of it:\n%s", all)
	}
	if state, err := persist.Load(other); err != nil || len(state.Objects) != 2 {
		t.Errorf("the state is %+v, %v", state, err)
	}
}
