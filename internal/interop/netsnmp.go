//go:build interop

package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// Result is what a tool did.
type Result struct {
	Out  string // standard output
	Err  string // standard error
	Code int
}

// NetSNMP runs one of Net-SNMP's tools, snmpget say, to its end. It knows no MIB but what the arguments name, and sees neither the configuration
// nor the state of this machine. The test fails if the tool is not installed.
func NetSNMP(t testing.TB, tool string, args ...string) Result {
	t.Helper()
	return Run(t, "snmp", tool, args...)
}

// StartNetSNMPD starts Net-SNMP's daemon on a free port of 127.0.0.1 with a configuration file of the given text, and returns its address when it
// answers community.
func StartNetSNMPD(t testing.TB, config, community string) string {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", FreeUDPPort(t))
	StartNetSNMPDAt(t, address, config, community)
	return address
}

// StartNetSNMPDIn is StartNetSNMPD with a folder for the daemon's state, which it reads at the start, and writes at the end.
func StartNetSNMPDIn(t testing.TB, dir, config, community string) (p *Process, address string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", FreeUDPPort(t))
	configDir := t.TempDir()
	if err := os.WriteFile(filepath.Join(configDir, "snmpd.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"SNMPCONFPATH=" + configDir + ":" + dir, "SNMP_PERSISTENT_DIR=" + dir} // with a path set, it reads no state elsewhere
	p = StartWith(t, env, FindNetSNMP(t, "snmpd"), "-f", "-Lo", "-r", "-I", "-smux", address)
	awaitNetSNMPD(t, p, address, community)
	return p, address
}

// StartNetSNMPDAt is StartNetSNMPD at an address of the caller's choice.
func StartNetSNMPDAt(t testing.TB, address, config, community string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snmpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Start(t, FindNetSNMP(t, "snmpd"), "-f", "-Lo", "-C", "-c", file, "-r", "-I", "-smux", address)
	awaitNetSNMPD(t, p, address, community)
}

func awaitNetSNMPD(t testing.TB, p *Process, address, community string) {
	t.Helper()
	p.Await("^NET-SNMP version")
	if r := NetSNMP(t, "snmpget", "-v2c", "-c", community, "-t", "1", "-r", "20", address, ".1.3.6.1.2.1.1.3.0"); r.Code != 0 {
		t.Fatalf("Net-SNMP's snmpd does not answer: %s\n%s", r.Err, p.Log())
	}
}

// FindNetSNMP returns the path of one of Net-SNMP's programs.
func FindNetSNMP(t testing.TB, tool string) string {
	t.Helper()
	return Find(t, "snmp snmpd", tool)
}

// toolEnv is an environment in which a program finds no settings of this machine.
func toolEnv(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "cert_indexes"), 0o700); err != nil { // they would make it, and say so
		t.Fatal(err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C",
		"MIBS=", "MIBDIRS=" + dir, "SNMPCONFPATH=" + dir, "SNMP_PERSISTENT_DIR=" + dir,
	}
}

// StartSNMPTrapD starts Net-SNMP's receiver of notifications at an address, such as udp:127.0.0.1:1162, with a configuration file of the
// given text. It prints a line for each notification: how it was secured, the agent's address (of SNMPv1), the trap (of SNMPv1: its
// enterprise, generic and specific number) and the variable bindings, with a | between them.
func StartSNMPTrapD(t testing.TB, address, config string) *Process {
	t.Helper()
	return StartSNMPTrapDWith(t, nil, address, config)
}

// StartSNMPTrapDWith is StartSNMPTrapD with more in the environment.
func StartSNMPTrapDWith(t testing.TB, env []string, address, config string) *Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "snmptrapd.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := StartWith(t, env, FindNetSNMP(t, "snmptrapd"), "-f", "-Lo", "-On", "-C", "-c", file, "-F", `%P|%a|%N %w %q|%v\n`, address)
	p.Await("^NET-SNMP version")
	return p
}

// FreeUDPPort returns a port of 127.0.0.1 that nobody listens at.
func FreeUDPPort(t testing.TB) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}
