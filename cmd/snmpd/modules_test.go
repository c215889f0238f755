package main

import (
	"net/netip"
	"testing"

	"github.com/gosnmp/gosnmp"
)

func TestLeavesModulesOut(t *testing.T) {
	d := start(t, nil, "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+"\n"), "-I", "-ifTable,smux,sysORTable", "--sysName=by flag")
	address := d.ready()[0]
	if got := ask(t, address, sysNameOID); got != "by flag" {
		t.Errorf("sysName %q", got)
	}
	a := netip.MustParseAddrPort(address)
	c := gosnmp.GoSNMP{Target: a.Addr().String(), Port: a.Port(), Version: gosnmp.Version2c, Community: hidden, Timeout: gosnmp.Default.Timeout}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Conn.Close() }()
	answer, err := c.Get([]string{".1.3.6.1.2.1.1.8.0"})
	if err != nil || answer.Variables[0].Type != gosnmp.NoSuchObject {
		t.Errorf("sysORLastChange: %+v, %v", answer, err)
	}
	d.finish()
}
