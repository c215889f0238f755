//go:build interop

package main

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
	"walkabout/snmp/oid"
)

const systemOID = ".1.3.6.1.2.1.1"

// launch starts the built program and returns it with its addresses.
func launch(t *testing.T, args ...string) (*interop.Process, []string) {
	t.Helper()
	p := interop.Start(t, interop.Build(t, "cmd/snmpd"), args...)
	p.Await("msg=ready")
	var addresses []string
	for line := range strings.Lines(p.Log()) {
		if _, rest, ok := strings.Cut(strings.TrimSpace(line), "msg=listening transport="); ok {
			transport, address, _ := strings.Cut(rest, " address=")
			addresses = append(addresses, strings.TrimSuffix(transport, "4")+":"+strings.Fields(address)[0])
		}
	}
	return p, addresses
}

const fullConfig = `
agentAddress 127.0.0.1:0,[::1]:0
agentAddress 127.0.0.2:0
rocommunity public 127.0.0.0/8
rocommunity6 public ::1
rwcommunity private 127.0.0.1
rocommunity some 127.0.0.1 .1.3.6.1.2.1.1
rocommunity elsewhere 192.0.2.0/24
sysLocation Server room
sysContact Me <me@example.org>
sysServices 79
sysObjectID .1.3.6.1.4.1.99999.1
`

// names returns the OIDs of a walk's lines, in their order.
func names(t *testing.T, out string) []oid.OID {
	t.Helper()
	var list []oid.OID
	for line := range strings.Lines(out) {
		name, _, ok := strings.Cut(line, " ")
		if !ok || !strings.HasPrefix(name, ".1.") {
			continue // a text of several lines, or the message at the end
		}
		o, err := oid.Parse(name)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, o)
	}
	return list
}

func TestNetSNMPReadsUs(t *testing.T) {
	_, addresses := launch(t, "-f", "-c", config(t, fullConfig))
	if len(addresses) != 3 {
		t.Fatalf("listening on %q", addresses)
	}
	for _, version := range []string{"-v1", "-v2c"} {
		for _, a := range addresses {
			t.Run(version+a, func(t *testing.T) { testSystem(t, version, a) })
		}
		t.Run(version+" status", func(t *testing.T) {
			r := interop.NetSNMP(t, "snmpstatus", version, "-c", "public", addresses[0])
			if r.Code != 0 || !strings.Contains(r.Out, "["+uname(t)+"]") || !strings.Contains(r.Out, "Interfaces: ") {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("walks", func(t *testing.T) { testWalks(t, addresses[0]) })
	t.Run("tables", func(t *testing.T) { testTables(t, addresses[0]) })
	t.Run("access", func(t *testing.T) { testAccess(t, addresses[0]) })
}

func uname(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("uname", "-snrvm").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func testSystem(t *testing.T, version, address string) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := interop.NetSNMP(t, "snmpget", version, "-c", "public", "-Oqvn", address,
		systemOID+".1.0", systemOID+".2.0", systemOID+".4.0", systemOID+".5.0", systemOID+".6.0", systemOID+".7.0")
	want := fmt.Sprintf("%q\n.1.3.6.1.4.1.99999.1\n%q\n%q\n%q\n79\n", uname(t), "Me <me@example.org>", host, "Server room")
	if r.Code != 0 || r.Out != want {
		t.Errorf("%+v, want %s", r, want)
	}
}

func testWalks(t *testing.T, address string) {
	for _, c := range []struct {
		tool string
		args []string
		end  string
	}{
		{"snmpwalk", []string{"-v2c"}, "No more variables left in this MIB View"},
		{"snmpbulkwalk", []string{"-v2c", "-Cr50"}, "No more variables left in this MIB View"},
		{"snmpbulkwalk", []string{"-v2c", "-Cr1"}, "No more variables left in this MIB View"},
		{"snmpwalk", []string{"-v1"}, "End of MIB"},
	} {
		r := interop.NetSNMP(t, c.tool, append(c.args, "-c", "public", "-On", address, ".1")...)
		if r.Code != 0 || !strings.Contains(r.Out, c.end) || r.Err != "" {
			t.Errorf("%s %v: exit code %d, %s, ends %q", c.tool, c.args, r.Code, r.Err, r.Out[max(0, len(r.Out)-200):])
		}
		list := names(t, r.Out)
		if len(list) < 100 {
			t.Errorf("%s %v: only %d objects", c.tool, c.args, len(list))
		}
		for i := 1; i < len(list); i++ {
			// The line of the end repeats the last name.
			if !list[i-1].Less(list[i]) && i < len(list)-1 {
				t.Errorf("%s %v: %v after %v", c.tool, c.args, list[i], list[i-1])
			}
		}
		if got, want := strings.Contains(r.Out, "Counter64: "), c.args[0] != "-v1"; got != want {
			t.Errorf("%s %v: Counter64 is there: %t", c.tool, c.args, got)
		}
	}
}

// interfaceNames returns the machine's interfaces by the kernel's list.
func interfaceNames(t *testing.T) []string {
	t.Helper()
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range list {
		out = append(out, i.Name)
	}
	return out
}

func testTables(t *testing.T, address string) {
	mibs, err := filepath.Abs("testdata/mibs")
	if err != nil {
		t.Fatal(err)
	}
	r := interop.NetSNMP(t, "snmptable", "-v2c", "-c", "public", "-M", mibs, "-m", "INTERFACES-TEST-MIB", "-Cf", "|", address, "INTERFACES-TEST-MIB::ifTable")
	for _, name := range interfaceNames(t) {
		if r.Code != 0 || !strings.Contains(r.Out, `|"`+name+`"|`) && !strings.Contains(r.Out, "|"+name+"|") {
			t.Errorf("snmptable: no interface %s: %+v", name, r)
		}
	}
	r = interop.NetSNMP(t, "snmpnetstat", "-v2c", "-c", "public", "-Ci", address)
	for _, name := range interfaceNames(t) {
		if !strings.Contains(r.Out, "\n"+name) {
			t.Errorf("snmpnetstat -Ci: no interface %s: %+v", name, r)
		}
	}

	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// Without -CL the tool reads the successors of these tables only.
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	_, own, _ := net.SplitHostPort(strings.TrimPrefix(address, "udp:"))
	for range 50 { // the agent may answer from a reading of up to 50 ms ago, which is before the listener came
		r = interop.NetSNMP(t, "snmpnetstat", "-v2c", "-c", "public", "-CL", "-Cf", "inet", "-Can", address)
		if strings.Contains(r.Out, "127.0.0.1."+port) {
			break
		}
	}
	for _, want := range []string{"Active Internet (tcp) Connections (including servers)", "127.0.0.1." + port, "Active Internet (udp) Connections", "127.0.0.1." + own} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("snmpnetstat -Can: no %q: %+v", want, r)
		}
	}
	r = interop.NetSNMP(t, "snmpnetstat", "-v2c", "-c", "public", "-Cf", "inet", "-Crn", address)
	if !strings.HasPrefix(r.Out, "Routing tables (ip") {
		t.Errorf("snmpnetstat -Crn: %+v", r)
	}
	for _, dev := range routeDevices(t) {
		if !strings.Contains(r.Out, dev+"\n") {
			t.Errorf("snmpnetstat -Crn: no route over %s: %+v", dev, r)
		}
	}
}

// routeDevices returns the interfaces of the kernel's IPv4 routes.
func routeDevices(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("/proc/net/route")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if dev, _, _ := strings.Cut(lines.Text(), "\t"); strings.TrimSpace(dev) != "Iface" {
			out = append(out, strings.TrimSpace(dev))
		}
	}
	return out
}

func testAccess(t *testing.T, address string) {
	for _, c := range []struct {
		tool string
		args []string
		want string // in standard output or standard error
	}{
		{"snmpset", []string{"-v2c", "-c", "public", address, systemOID + ".6.0", "s", "x"}, "Reason: noAccess"},
		{"snmpset", []string{"-v2c", "-c", "private", address, systemOID + ".6.0", "s", "x"}, "Reason: notWritable"},
		{"snmpset", []string{"-v1", "-c", "public", address, systemOID + ".6.0", "s", "x"}, "Reason: (noSuchName)"},
		{"snmpset", []string{"-v1", "-c", "private", address, systemOID + ".6.0", "s", "x"}, "Reason: (noSuchName)"},
		{"snmpget", []string{"-v2c", "-c", "private", address, systemOID + ".6.0"}, `"Server room"`},
		{"snmpget", []string{"-v1", "-c", "public", address, systemOID + ".99.0"}, "Reason: (noSuchName)"},
		{"snmpget", []string{"-v2c", "-c", "public", address, systemOID + ".99.0"}, "No Such Object"},
		{"snmpget", []string{"-v2c", "-c", "public", address, systemOID + ".6.1"}, "No Such Instance"},
		{"snmpget", []string{"-v2c", "-c", "some", address, systemOID + ".6.0"}, `"Server room"`},
		{"snmpget", []string{"-v2c", "-c", "some", address, ".1.3.6.1.2.1.2.1.0"}, "No Such Object"},
		{"snmpget", []string{"-v2c", "-c", "wrong", "-t", "0.2", "-r", "1", address, systemOID + ".6.0"}, "Timeout"},
		{"snmpget", []string{"-v2c", "-c", "elsewhere", "-t", "0.2", "-r", "0", address, systemOID + ".6.0"}, "Timeout"},
	} {
		r := interop.NetSNMP(t, c.tool, c.args...)
		if !strings.Contains(r.Out+r.Err, c.want) {
			t.Errorf("%s %q: %+v, want %s", c.tool, c.args, r, c.want)
		}
	}
	for _, o := range names(t, interop.NetSNMP(t, "snmpwalk", "-v2c", "-c", "some", "-On", address, ".1").Out) {
		if !o.HasPrefix(oid.MustParse(systemOID)) {
			t.Errorf("%v is outside of what the community may see", o)
		}
	}
	// snmpInBadCommunityNames: twice wrong, once from elsewhere.
	if r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "public", "-Oqv", address, ".1.3.6.1.2.1.11.4.0"); r.Out != "3\n" {
		t.Errorf("snmpInBadCommunityNames: %+v, want 3", r)
	}
}

func TestAnswersFromTheAddressThatWasAsked(t *testing.T) {
	_, addresses := launch(t, "-c", config(t, "rocommunity "+hidden), "0")
	port := netip.MustParseAddrPort(strings.TrimPrefix(addresses[0], "udp:")).Port()
	ask(t, fmt.Sprintf("127.3.2.1:%d", port), sysNameOID) // by a connected socket, which takes answers from there only
}

func TestSignals(t *testing.T) {
	path := config(t, "agentAddress 127.0.0.1:0\nrocommunity public\nsysLocation before")
	p, addresses := launch(t, "-f", "-c", path)
	location := func() string {
		t.Helper()
		r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "public", "-Oqv", addresses[0], sysLocationOID)
		return strings.TrimSpace(r.Out) + r.Err
	}
	if got := location(); got != `"before"` {
		t.Errorf("sysLocation %s", got)
	}
	write(t, path, "agentAddress 127.0.0.1:0\nrocommunity public\nsysLocation after")
	p.Signal(syscall.SIGHUP)
	p.Await("msg=reloaded")
	if got := location(); got != `"after"` {
		t.Errorf("sysLocation %s after SIGHUP", got)
	}
	write(t, path, "sysServices wrong")
	p.Signal(syscall.SIGHUP)
	p.Await("not reloaded")
	if got := location(); got != `"after"` {
		t.Errorf("sysLocation %s after SIGHUP with a bad file", got)
	}
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d after SIGTERM:\n%s", code, p.Log())
	}
	p, _ = launch(t, "-fC", "127.0.0.1:0")
	p.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d after SIGINT:\n%s", code, p.Log())
	}
}

// One file, read by Net-SNMP's daemon and by ours, must mean the same.
func TestReadsAsNetSNMP(t *testing.T) {
	const text = `
# comment
  	# another
rocommunity "two words" 127.0.0.1
rocommunity a"b 127.0.0.0/8
rocommunity back\ slash 127.0.0.0/255.0.0.0
rocommunity sec#ret #127.0.0.1
rocommunity "close"127.0.0.1
rocommunity one 192.0.2.1
ROCOMMUNITY public localhost
sysLocation "Server room" # here
SYSCONTACT   foo \	
"sysName"  'x\ty'
sysdescr a	b  c
sysobjectid  1.3.6.1.4.1.9.1
sysServices 79
[snmp] sysName not this
[snmp]
sysContact nor this
[snmpd]
sysDescr last one  stays
`
	theirs := interop.StartNetSNMPD(t, text, "public")
	_, addresses := launch(t, "-c", config(t, text), "127.0.0.1:0")
	for _, community := range []string{"two words", `a"b`, "back slash", "sec#ret", "close", "one", "public", `"two`} {
		args := []string{"-v2c", "-c", community, "-On", "-t", "0.5", "-r", "1"}
		objects := []string{systemOID + ".1.0", systemOID + ".2.0", systemOID + ".4.0", systemOID + ".5.0", systemOID + ".6.0", systemOID + ".7.0"}
		want := interop.NetSNMP(t, "snmpget", append(append(args, theirs), objects...)...)
		got := interop.NetSNMP(t, "snmpget", append(append(args, addresses[0]), objects...)...)
		if got.Out != want.Out || got.Code != want.Code {
			t.Errorf("%q: %+v, Net-SNMP's: %+v", community, got, want)
		}
	}
}
