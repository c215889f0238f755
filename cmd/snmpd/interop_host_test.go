//go:build interop

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/interop"
)

// walkBoth walks a subtree of Net-SNMP's daemon and of ours. What one line says of an object stands under its name.
func walkBoth(t *testing.T, theirs, ours, root string) (their, our map[string]string) {
	t.Helper()
	walk := func(address string) map[string]string {
		r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-Onq", "-Cr25", address, root)
		if r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		out := map[string]string{}
		for line := range strings.Lines(r.Out) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				out[name] = value
			}
		}
		return out
	}
	return walk(theirs), walk(ours)
}

// TestHostAsNetSNMP holds HOST-RESOURCES-MIB against what Net-SNMP's daemon says of the same machine, where both say the same thing. Known
// differences: theirs shows bind mounts too, calls tmpfs a fixed disk and idle kernel threads invalid, and knows no virtio or NVMe disks.
func TestHostAsNetSNMP(t *testing.T) {
	theirs := interop.StartNetSNMPD(t, "rocommunity public 127.0.0.1\n", "public")
	_, addresses := launch(t, "-f", "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity public 127.0.0.1\n"))
	const host = ".1.3.6.1.2.1.25"
	const packages = ".6.3.1.2" // hrSWInstalledName, of all of them
	their, our := walkBoth(t, theirs, addresses[0], host)
	agree := func(column string, indexes ...string) {
		t.Helper()
		found := 0
		for name, value := range their {
			index, ok := strings.CutPrefix(name, host+column+".")
			if !ok || len(indexes) > 0 && !strings.Contains(" "+strings.Join(indexes, " ")+" ", " "+index+" ") {
				continue
			}
			found++
			if column == packages && len(value) == len(`""`)+63 { // theirs cuts one octet before the most that the object may have
				our[name] = our[name][:min(64, len(our[name]))] + `"`
			}
			if our[name] != value {
				t.Errorf("%s is %q, Net-SNMP says %q", name, our[name], value)
			}
		}
		if found == 0 {
			t.Errorf("Net-SNMP has none of %s", column)
		}
	}
	memory := []string{"1", "3", "6", "7", "8", "10", "11"}
	agree(".2.3.1.2", memory...)
	agree(".2.3.1.3", memory...)
	agree(".2.3.1.5", "1", "3", "6", "10")
	agree(".2.2", "0")
	agree(".1.4", "0")
	agree(packages)
	for index, value := range their {
		if rest, ok := strings.CutPrefix(index, host+".3.2.1.3."); ok && !strings.Contains(value, "co-processor") {
			agree(".3.2.1.3", rest)
		}
	}
	root := func(m map[string]string, column string) string {
		for name, value := range m {
			if rest, ok := strings.CutPrefix(name, host+".2.3.1.3."); ok && value == `"/"` {
				return m[host+".2.3.1."+column+"."+rest]
			}
		}
		return "none"
	}
	for _, column := range []string{"2", "4", "5"} {
		if diff := cmp.Diff(root(their, column), root(our, column)); diff != "" {
			t.Errorf("hrStorage column %s of / (-Net-SNMP +ours):\n%s", column, diff)
		}
	}
	if a, b := their[host+".4.2.1.2.1"], our[host+".4.2.1.2.1"]; a != b {
		t.Errorf("process 1 is %s, Net-SNMP says %s", b, a)
	}
}

// TestUCDAsNetSNMP holds UCD-SNMP-MIB and UCD-DISKIO-MIB against what Net-SNMP's daemon says of the same machine by the same directives. Known
// differences: its systemStats are 0 until half a minute has passed, its load averages of disks are exponential ones, and what it calls free space
// is what root may take too.
func TestUCDAsNetSNMP(t *testing.T) {
	const directives = "rocommunity public 127.0.0.1\ndisk / 10%\nproc no-such-daemon\nproc bash 0 0\nproc systemd 1000 1\nload 12 10 0.0001\nswap 4000\n"
	theirs := interop.StartNetSNMPD(t, directives, "public")
	_, addresses := launch(t, "-f", "-c", config(t, "agentAddress 127.0.0.1:0\n"+directives))
	const root = ".1.3.6.1.4.1.2021"
	their, our := walkBoth(t, theirs, addresses[0], root)
	moving := []string{
		".4.6.", ".4.11.", ".4.14.", ".4.15.", ".4.21.", ".4.22.", ".4.25.", ".4.26.", ".4.27.", // memory
		".9.1.7.", ".9.1.8.", ".9.1.13.", ".9.1.15.", // disk space
		".10.1.3.", ".10.1.5.", ".10.1.6.", ".10.1.101.", // load
		".11.", ".13.15.1.1.3.", ".13.15.1.1.4.", ".13.15.1.1.5.", ".13.15.1.1.6.", ".13.15.1.1.9.", ".13.15.1.1.10.", ".13.15.1.1.11.",
		".13.15.1.1.12.", ".13.15.1.1.13.", ".13.15.1.1.14.",
		".2.1.102.", ".2.1.103.", ".11.55.", ".13.14.", ".16.", ".100.", // not served
	}
	compared := 0
	for name, value := range their {
		below := strings.TrimPrefix(name, root) + " "
		if startsWithAny(moving, below) {
			if _, there := our[name]; !there && !startsWithAny(moving[len(moving)-6:], below) {
				t.Errorf("%s is not there", name)
			}
			continue
		}
		compared++
		if our[name] != value {
			t.Errorf("%s is %q, Net-SNMP says %q", name, our[name], value)
		}
	}
	if compared < 60 {
		t.Errorf("only %d objects to compare", compared)
	}
}

// TestRawCPU holds the ticks of the processors between the kernel's before and after: each state in one column.
func TestRawCPU(t *testing.T) {
	_, addresses := launch(t, "-f", "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity public 127.0.0.1\n"))
	columns := []int{50, 51, 52, 53, 54, 56, 61, 64} // in the order of /proc/stat
	ticks := func() []uint64 {
		b, err := os.ReadFile("/proc/stat")
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(b))[1:]
		out := make([]uint64, len(columns))
		for i := range out {
			if out[i], err = strconv.ParseUint(fields[i], 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	args := []string{"-v2c", "-c", "public", "-Oqv", addresses[0]}
	for _, c := range columns {
		args = append(args, fmt.Sprintf(".1.3.6.1.4.1.2021.11.%d.0", c))
	}
	before := ticks()
	r := interop.NetSNMP(t, "snmpget", args...)
	after := ticks()
	values := strings.Fields(r.Out)
	if r.Code != 0 || len(values) != len(columns) {
		t.Fatalf("%+v", r)
	}
	for i, v := range values {
		n, err := strconv.ParseUint(v, 10, 32)
		if width := uint32(after[i] - before[i]); err != nil || uint32(n)-uint32(before[i]) > width {
			t.Errorf("column %d is %s, the kernel says %d to %d", columns[i], v, before[i], after[i])
		}
	}
}

func startsWithAny(prefixes []string, s string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}
