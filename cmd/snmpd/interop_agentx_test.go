//go:build interop

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// TestNetSNMPIsSubAgent has Net-SNMP's daemon as a sub-agent: its objects are read and SET through ours, its notifications go to our receivers,
// and what it serves is gone with it.
func TestNetSNMPIsSubAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "agentx", "master")
	port := interop.FreeUDPPort(t)
	receiver := interop.StartSNMPTrapD(t, fmt.Sprintf("udp:127.0.0.1:%d", port), "authCommunity log told\n")
	d, addresses := launch(t, "-f", "-D", "-x", socket, "-c", config(t, fmt.Sprintf(`
agentAddress 127.0.0.1:0
rwcommunity private 127.0.0.1
sysLocation ours
master agentx
agentXPerms 600 700
trap2sink 127.0.0.1:%d told
`, port)))
	receiver.Await(coldStart)
	file := config(t, "override -rw .1.3.6.1.4.1.99999.1.0 integer 5\noverride .1.3.6.1.4.1.99999.2.0 octet_str \"from below\"\nsysLocation theirs\n")
	sub := interop.Start(t, interop.FindNetSNMP(t, "snmpd"), "-f", "-Lo", "-X", "-x", socket, "-C", "-c", file, "-r")
	d.Await(`msg="a sub-agent is here"`)
	const own = ".1.3.6.1.4.1.99999"
	d.Await(`msg="a sub-agent registered" .* subtree=1\.3\.6\.1\.4\.1\.99999\.2\.0`)
	walk := func() string {
		return interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "private", "-Oqn", "-t", "5", addresses[0], own).Out
	}
	want := own + ".1.0 5\n" + own + ".2.0 \"from below\"\n"
	if got := walk(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if r := interop.NetSNMP(t, "snmpset", "-v2c", "-c", "private", "-Oqv", addresses[0], own+".1.0", "i", "6"); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	if r := interop.NetSNMP(t, "snmpset", "-v2c", "-c", "private", addresses[0], own+".1.0", "i", "7", own+".2.0", "s", "x"); r.Code == 0 || !strings.Contains(r.Err, "99999.2.0") {
		t.Errorf("%+v", r)
	}
	if got := walk(); got != strings.Replace(want, " 5", " 6", 1) {
		t.Errorf("after SET: %q", got)
	}
	// What both serve is ours.
	if r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "private", "-Oqv", addresses[0], sysNameOID); r.Code != 0 {
		t.Errorf("%+v", r)
	}
	all := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "private", "-On", "-t", "10", addresses[0], ".1")
	if list := names(t, all.Out); all.Code != 0 || len(list) < 300 {
		t.Errorf("a walk of everything: %d objects, %s", len(list), all.Err)
	}
	sub.Signal(syscall.SIGTERM)
	sub.Wait()
	d.Await(`msg="a sub-agent is gone"`)
	if got := walk(); !strings.Contains(got, "No Such Object") {
		t.Errorf("after its end: %q", got)
	}
	d.Signal(syscall.SIGTERM)
	if code := d.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, d.Log())
	}
}

// TestExampleIsSubAgent: the example serves its object through our master and through Net-SNMP's.
func TestExampleIsSubAgent(t *testing.T) {
	const object = ".1.3.6.1.4.1.8072.9999.9999.1.0"
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	_, addresses := launch(t, "-f", "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity public\nmaster agentx\nagentXSocket "+ours+"\n"))
	foreign := interop.StartNetSNMPD(t, "rocommunity public\nmaster agentx\nagentXSocket "+theirs+"\n", "public")
	for socket, address := range map[string]string{ours: addresses[0], theirs: foreign} {
		sub := interop.Start(t, interop.Build(t, "examples/subagent"), socket)
		ask := func(tool string, more ...string) string {
			r := interop.NetSNMP(t, tool, append(append([]string{"-v2c", "-c", "public", "-On", "-r", "0"}, more...), address, object)...)
			return r.Out
		}
		interop.Eventually(t, "the object, at "+address, func() bool { return strings.Contains(ask("snmpget"), "Counter64: ") }, sub.Log)
		if got := ask("snmpbulkget", "-Cr3"); strings.Contains(got, object+" =") {
			t.Errorf("%s: GETBULK after the only object: %s", address, got)
		}
		sub.Signal(syscall.SIGINT)
		if code := sub.Wait(); code != 0 {
			t.Errorf("exit code %d:\n%s", code, sub.Log())
		}
		interop.Eventually(t, "the object's end, at "+address, func() bool { return strings.Contains(ask("snmpget"), "No Such Object") }, sub.Log)
	}
}
