package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosnmp/gosnmp"
)

// hears reports whether the agent answers a request of each version.
func hears(t *testing.T, address string) (heard [3]bool) {
	t.Helper()
	a := netip.MustParseAddrPort(address)
	for i, version := range []gosnmp.SnmpVersion{gosnmp.Version1, gosnmp.Version2c, gosnmp.Version3} {
		c := gosnmp.GoSNMP{
			Target: a.Addr().String(), Port: a.Port(), Version: version, Community: hidden, Timeout: gosnmp.Default.Timeout / 20,
			SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: "someone"},
		}
		err := c.Connect()
		if err == nil {
			_, err = c.Get([]string{sysNameOID})
			_ = c.Conn.Close()
		}
		heard[i] = err == nil
	}
	return heard
}

// TestDisabledVersions: what the file disables is not heard, and is again after a reload that allows it.
func TestDisabledVersions(t *testing.T) {
	const text = "agentAddress 127.0.0.1:0\nsysName here\nrocommunity " + hidden + "\ncreateUser someone\nrouser someone noauth\n"
	file := filepath.Join(t.TempDir(), "snmpd.conf")
	write := func(more string) {
		if err := os.WriteFile(file, []byte(text+more), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("disableSNMPv1 yes\n[snmp] disableSNMPv2c yes\n")
	d := start(t, nil, "-c", file)
	address := d.ready()[0]
	if got, want := hears(t, address), [3]bool{false, false, true}; got != want {
		t.Errorf("v1, v2c, v3: %v, want %v", got, want)
	}
	write("disableSNMPv3 yes\n")
	d.hangup <- nil
	d.until("msg=reloaded")
	if got, want := hears(t, address), [3]bool{true, true, false}; got != want {
		t.Errorf("after a reload, v1, v2c, v3: %v, want %v", got, want)
	}
	d.finish()
}
