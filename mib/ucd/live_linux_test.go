package ucd_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/mib/ucd"
	"walkabout/snmp"
)

// procNumbers returns the numbers of a file of procfs whose lines begin with a word, by that word: the name of a disk in diskstats is the third.
func procNumbers(t *testing.T, name string, word int) map[string][]uint64 {
	t.Helper()
	file, err := os.ReadFile("/proc/" + name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]uint64{}
	for line := range strings.Lines(string(file)) {
		fields := strings.Fields(line)
		if len(fields) <= word {
			continue
		}
		var numbers []uint64
		for _, f := range fields[word+1:] {
			n, err := strconv.ParseUint(f, 10, 64)
			if err != nil {
				break
			}
			numbers = append(numbers, n)
		}
		out[fields[word]] = numbers
	}
	return out
}

// kernelCounters returns what the kernel's files say of what systemStats and diskIOTable count, by the names of objects.
func kernelCounters(t *testing.T) map[string]uint64 {
	t.Helper()
	const sector = 512
	out := map[string]uint64{}
	stat, vmstat := procNumbers(t, "stat", 0), procNumbers(t, "vmstat", 0)
	for column, place := range map[int]int{50: 0, 51: 1, 52: 2, 53: 3, 54: 4, 56: 5, 61: 6, 64: 7, 65: 8, 66: 9} {
		out[fmt.Sprintf("11.%d.0", column)] = stat["cpu"][place]
	}
	out["11.59.0"], out["11.60.0"] = stat["intr"][0], stat["ctxt"][0]
	out["11.57.0"], out["11.58.0"] = 2*vmstat["pgpgout"][0], 2*vmstat["pgpgin"][0]
	out["11.62.0"], out["11.63.0"] = vmstat["pswpin"][0], vmstat["pswpout"][0]
	for disk, n := range procNumbers(t, "diskstats", 2) {
		for column, value := range map[int]uint64{
			3: sector * n[2], 4: sector * n[6], 5: n[0], 6: n[4], 12: sector * n[2], 13: sector * n[6], 14: 1000 * n[9],
		} {
			out[fmt.Sprintf("13.15.1.1.%d %s", column, disk)] = value
		}
	}
	return out
}

// TestLiveCounters brackets every raw counter of systemStats, and those of all disks, between two readings of the kernel's files.
func TestLiveCounters(t *testing.T) {
	real, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer real.Close()
	m, err := ucd.New(ucd.Options{Machine: real, Settings: ucd.DefaultSettings()})
	if err != nil {
		t.Fatal(err)
	}
	before := kernelCounters(t)
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}, ucd.Roots()...)
	after := kernelCounters(t)
	disks, held := column(all, "13.15.1.1.2"), 0
	for _, vb := range all {
		object := strings.TrimPrefix(vb.Name.String(), "1.3.6.1.4.1.2021.")
		if dot := strings.LastIndexByte(object, '.'); strings.HasPrefix(object, "13.15.") {
			object = object[:dot] + " " + disks[object[dot+1:]]
		}
		low, known := before[object]
		if !known {
			continue
		}
		held++
		n, high := vb.Value.Uint(), after[object]
		if vb.Value.Kind() == snmp.KindCounter32 {
			low, high = uint64(uint32(low)), uint64(uint32(high))
		}
		if low <= high && (n < low || n > high) {
			t.Errorf("%s is %v, the kernel said %d before and %d after", object, vb.Value, low, high)
		}
	}
	if want := 14 + 7*len(disks); held < want {
		t.Errorf("%d counters were held against the kernel's, want %d", held, want)
	}
}
