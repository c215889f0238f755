package host_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/host"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// procWords returns the words of a file of procfs behind a prefix.
func procWords(t *testing.T, name, prefix string) []string {
	t.Helper()
	file, err := os.ReadFile("/proc/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(file, []byte(prefix))
	if !ok {
		t.Fatalf("/proc/%s has no %q", name, prefix)
	}
	return strings.Fields(string(rest))
}

func number(t *testing.T, word string) uint64 {
	t.Helper()
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(n)
}

// kernelFigures returns what the kernel says of figures that only grow, by objects below hrMIB's: what this process has taken of the processors in
// hundredths of a second, and how long the machine runs.
func kernelFigures(t *testing.T) map[string]uint64 {
	t.Helper()
	stat := procWords(t, "self/stat", ") ") // from the third field on
	return map[string]uint64{
		fmt.Sprintf("5.1.1.1.%d", os.Getpid()): number(t, stat[11]) + number(t, stat[12]),
		"1.1.0":                                100*number(t, procWords(t, "uptime", "")[0]) - 100, // a second is the step of hrSystemUptime's start
	}
}

// TestLiveFigures holds what HOST-RESOURCES-MIB says of this machine against the kernel's files, statfs and the process's own pid.
func TestLiveFigures(t *testing.T) {
	real, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	m, err := host.New(host.Options{Machine: real, Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < 20*time.Millisecond; { // a bit of CPU time
	}
	before := kernelFigures(t)
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}, host.Roots()...)
	after := kernelFigures(t)
	values := map[string]snmp.Value{}
	for _, vb := range all {
		values[strings.TrimPrefix(vb.Name.String(), "1.3.6.1.2.1.25.")] = vb.Value
	}
	slack := map[string]uint64{"1.1.0": 200}
	for object, low := range before {
		if v, there := values[object]; !there || v.Uint() < low || v.Uint() > after[object]+slack[object] {
			t.Errorf("%s is %v, the kernel said %d before and %d after", object, v, low, after[object])
		}
	}
	if got, want := values["2.2.0"], number(t, procWords(t, "meminfo", "MemTotal:")[0]); got != snmp.Integer(int32(want)) {
		t.Errorf("hrMemorySize is %v, /proc/meminfo says %d", got, want)
	}
	self := fmt.Sprintf("4.2.1.2.%d", os.Getpid())
	if comm := strings.TrimSuffix(strings.Join(procWords(t, "self/comm", ""), " "), "\n"); values[self] != snmp.OctetString(comm) {
		t.Errorf("hrSWRunName is %v, /proc/self/comm %q", values[self], comm)
	}
	var root syscall.Statfs_t
	if err := syscall.Statfs("/", &root); err != nil {
		t.Fatal(err)
	}
	for index, mount := range column(all, "2.3.1.3") {
		if mount != "/" {
			continue
		}
		size := values["2.3.1.5."+index].Uint() * values["2.3.1.4."+index].Uint()
		if want := root.Blocks * uint64(root.Frsize); size > want || want-size > values["2.3.1.4."+index].Uint() {
			t.Errorf("hrStorageSize of / is %d octets, statfs says %d", size, want)
		}
	}
}
