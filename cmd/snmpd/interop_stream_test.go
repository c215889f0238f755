//go:build interop

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/interop"
)

// Net-SNMP's tools get the same answers whatever the transport, and no community that is for networks by a unix socket.
func TestNetSNMPByEveryTransport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snmpd.sock")
	p, addresses := launch(t, "-f", "-c", config(t, `
agentAddress 127.0.0.1:0,tcp:127.0.0.1:0,tcp6:[::1]:0,unix:`+path+`,udp:127.0.0.2@lo:0
rocommunity public 127.0.0.0/8
rocommunity6 public ::1
com2secunix local `+path+` here
group local v1 local
group local v2c local
view all included .1
access local "" any noauth exact all none none
createUser joe SHA-256 "a long password" AES "another password"
rouser joe priv
sysLocation Server room
`))
	if len(addresses) != 5 {
		t.Fatalf("listening on %q", addresses)
	}
	want := ""
	for _, a := range addresses {
		community := "public"
		if strings.HasPrefix(a, "unix:") {
			community = "here"
		}
		for _, args := range [][]string{
			{"snmpwalk", "-v1", "-c", community},
			{"snmpbulkwalk", "-v2c", "-Cr50", "-c", community},
			{"snmpbulkwalk", "-v3", "-l", "authPriv", "-u", "joe", "-a", "SHA-256", "-A", "a long password", "-x", "AES", "-X", "another password"},
		} {
			r := interop.NetSNMP(t, args[0], append(args[1:], "-On", a, systemOID)...)
			lines := strings.SplitAfter(r.Out, "\n")
			got := strings.Join(lines[:min(2, len(lines))], "") + strings.Join(lines[min(3, len(lines)):], "") // without sysUpTime
			if want == "" {
				want = got
			}
			if diff := cmp.Diff(want, got); r.Code != 0 || diff != "" || !strings.Contains(got, "Server room") {
				t.Errorf("%s %v: exit code %d, %s\n%s", a, args, r.Code, r.Err, diff)
			}
		}
	}
	if r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "here", "-Cr9999", "-On", "unix:"+path, ".1"); r.Code != 0 || !strings.Contains(r.Out, "No more variables") {
		t.Errorf("a walk of everything: exit code %d, %s", r.Code, r.Err)
	}
	for _, a := range []string{"unix:" + path, addresses[1]} {
		community := map[bool]string{true: "public", false: "here"}[strings.HasPrefix(a, "unix:")]
		if r := interop.NetSNMP(t, "snmpget", "-v2c", "-t1", "-r0", "-c", community, a, systemOID+".1.0"); r.Code == 0 {
			t.Errorf("%s: %q is let in: %s", a, community, r.Out)
		}
	}
	p.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket's file is still there")
	}
}
