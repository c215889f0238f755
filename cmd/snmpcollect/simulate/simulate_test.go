package simulate_test

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/simulate"
	"walkabout/collector"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// options are of two devices on free ports, by port unless changed.
func options(t *testing.T) simulate.Options {
	t.Helper()
	return simulate.Options{Ports: 2, Rate: 1000, Listen: free(t), Community: "lab", Stdout: new(bytes.Buffer), Devices: 1}
}

// free returns a port of loopback that nobody listens at.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// run plays until the test ends.
func run(t *testing.T, o simulate.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- simulate.Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// ask returns the value of an object, as soon as there is an answer.
func ask(t *testing.T, to netip.AddrPort, name string) snmp.Value {
	t.Helper()
	c, err := net.Dial("udp4", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := snmp.Message{Version: snmp.V2c, Community: "lab", PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{Name: oid.MustParse(name)}}}}
	buf := make([]byte, 1500)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, err := c.Write(q.Append(nil)); err != nil {
			time.Sleep(10 * time.Millisecond) // nobody listens yet
			continue
		}
		if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buf)
		var m snmp.Message
		if err != nil || new(snmp.Decoder).Decode(buf[:n], &m) != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		return m.PDU.VarBinds[0].Value
	}
	t.Fatalf("no answer from %v", to)
	return snmp.Value{}
}

const sysName, ifIndex, ifInOctets = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.1.", "1.3.6.1.2.1.31.1.1.1.6.1"

// TestSwitches holds that switches are played where they are said to be, and that the targets that are written can be polled.
func TestSwitches(t *testing.T) {
	o := options(t)
	o.TargetsFile = filepath.Join(t.TempDir(), "targets.yaml")
	run(t, o)
	if got := ask(t, o.Listen, sysName); got != snmp.OctetString("switch1") {
		t.Errorf("its name is %v", got)
	}
	if got := ask(t, o.Listen, ifInOctets); got.Uint() < 86_400_000 || got.Uint() > 86_500_000 {
		t.Errorf("ifHCInOctets after a day of 1000 octets a second: %v", got)
	}
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("include: ["+o.TargetsFile+"]\noutputs: [{file: {path: \"-\"}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(path, collector.BuiltIn(), os.Getenv)
	if problems != nil || len(c.Targets) != 1 || c.Targets[0].Address != o.Listen.String() {
		t.Errorf("the targets: %v, %v", c.Targets, problems)
	}
	if text := o.Stdout.(*bytes.Buffer).String(); !strings.Contains(text, "1 simulated devices, switch1 at "+o.Listen.String()) {
		t.Errorf("it says %q", text)
	}
}

// TestStirring holds that switches reboot and renumber as often as is wanted.
func TestStirring(t *testing.T) {
	o := options(t)
	o.RebootEvery, o.RenumberEvery = 20*time.Millisecond, 30*time.Millisecond
	run(t, o)
	uptime, third := false, false
	for range 2000 {
		uptime = uptime || ask(t, o.Listen, "1.3.6.1.2.1.1.3.0").Uint() < 1000
		third = third || ask(t, o.Listen, ifIndex+"3") == snmp.Integer(3)
		if uptime && third {
			return
		}
	}
	t.Errorf("it rebooted: %v; it renumbered: %v", uptime, third)
}

func TestRecordings(t *testing.T) {
	o := options(t)
	path := filepath.Join(t.TempDir(), "core1.walk")
	if err := os.WriteFile(path, []byte("SNMPv2-MIB::sysName.0 core\n.1.3.6.1.2.1.1.3.0 = 8640000\nIF-MIB::ifOperStatus[1] down\nIF-MIB::ifHCInOctets[1] 5000000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Files, o.Rate, o.Faults = []string{path}, 0, []string{"counter32_for_64"}
	run(t, o)
	if got := ask(t, o.Listen, sysName); got != snmp.OctetString("core") {
		t.Errorf("its name is %v", got)
	}
	if got := ask(t, o.Listen, "1.3.6.1.2.1.1.3.0"); got.Kind() != snmp.KindTimeTicks || got.Uint() < 8640000 || got.Uint() > 8700000 {
		t.Errorf("sysUpTime without its type is %v %v", got.Kind(), got)
	}
	if got := ask(t, o.Listen, "1.3.6.1.2.1.2.2.1.8.1"); got != snmp.Integer(2) {
		t.Errorf("ifOperStatus, a label without its type, is %v", got)
	}
	if got := ask(t, o.Listen, ifInOctets); got != snmp.Counter32(5_000_000_000&0xffffffff) {
		t.Errorf("with the fault, ifHCInOctets is %v %v", got.Kind(), got)
	}
}

func TestMistakes(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.snmprec")
	if err := os.WriteFile(bad, []byte("1.3.6.1|2|1\n1.3.6.2|65:multiplex|dir=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*simulate.Options){
		"--devices -1: 1 to 100000":                      func(o *simulate.Options) { o.Devices = -1 },
		"--by address has room for":                      func(o *simulate.Options) { o.Devices = 5000 },
		"need as many ports":                             func(o *simulate.Options) { o.Listen, o.Devices = netip.MustParseAddrPort("127.0.0.1:65530"), 10 },
		"--by address takes a loopback address":          func(o *simulate.Options) { o.ByAddress, o.Listen = true, netip.MustParseAddrPort("192.0.2.1:161") },
		"--by address takes IPv4":                        func(o *simulate.Options) { o.ByAddress, o.Listen = true, netip.MustParseAddrPort("[::1]:161") },
		"--ports 0":                                      func(o *simulate.Options) { o.Ports = 0 },
		"--rate 1e+09":                                   func(o *simulate.Options) { o.Rate = 1e9 },
		`--fault "slow"; known are none, not_increasing`: func(o *simulate.Options) { o.Faults = []string{"slow"} },
		"a recording stays what it is":                   func(o *simulate.Options) { o.Files, o.RebootEvery = []string{bad}, time.Minute },
		`bad.snmprec: line 2: "multiplex": of snmpsim's variation modules`: func(o *simulate.Options) { o.Files = []string{bad} },
		"no such file":        func(o *simulate.Options) { o.Files = []string{bad + "x"} },
		"bad.snmprec: line 2": func(o *simulate.Options) { o.Files = []string{bad + "x", bad} }, // each is named
	} {
		o := options(t)
		change(&o)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := simulate.Run(ctx, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		cancel()
	}
}

// TestRecordingsOfOneName holds that recordings whose files are called alike are targets of different names.
func TestRecordingsOfOneName(t *testing.T) {
	o := options(t)
	for next := o.Listen; ; {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(next.Addr(), next.Port()+1)))
		if err == nil {
			o.Listen = next
			_ = c.Close()
			break
		}
		next = free(t)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"linux.snmprec": "1.3.6.1.2.1.1.5.0|4|one\n", "linux.walk": ".1.3.6.1.2.1.1.5.0 = STRING: two\n"} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Files = append(o.Files, path)
	}
	o.TargetsFile, o.Devices = filepath.Join(folder, "targets.yaml"), 0
	run(t, o)
	ask(t, o.Listen, sysName)
	path := filepath.Join(folder, "c.yaml")
	if err := os.WriteFile(path, []byte("include: ["+o.TargetsFile+"]\noutputs: [{file: {path: \"-\"}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(path, collector.BuiltIn(), os.Getenv)
	if problems != nil || len(c.Targets) != 2 || c.Targets[0].Name != "linux" || c.Targets[1].Name != "linux-2" {
		t.Errorf("%v, %v", c.Targets, problems)
	}
}
