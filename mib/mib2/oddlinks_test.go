package mib2_test

import (
	"math"
	"strings"
	"testing"

	"walkabout/machine"
	"walkabout/snmp"
)

// TestOddLinks has links with all that the kernel allows in their names, aliases and figures.
func TestOddLinks(t *testing.T) {
	d := &device{}
	d.setLinks(
		machine.Link{Index: 1, Name: "\xff\xfe\x01;$(x)\"é", Alias: "two\nlines\x00\xff" + strings.Repeat("é", 200), Type: machine.TypeEthernet, MTU: math.MaxUint32},
		machine.Link{Index: 2, Name: "fifteen-octets0", Alias: strings.Repeat("x", 63) + "é", Type: 65535, Speed: math.MaxUint64, Address: strings.Repeat("\xaa", 32)},
		machine.Link{Index: math.MaxInt32, Name: "%d", Type: machine.TypeLoopback, Speed: 1<<32 - 1},
	)
	huge := map[machine.LinkStat]uint64{}
	for s := machine.RxPackets; s <= machine.RxOtherHost; s++ {
		huge[s] = math.MaxUint64 - uint64(s)
	}
	for _, index := range []uint32{1, 2, math.MaxInt32} {
		d.counters = append(d.counters, machine.NewLinkCounters(index, true, huge))
	}
	m := d.mib(t)
	checkObjects(t, m, now, false)
	for below, want := range map[string]snmp.Value{
		"31.1.1.1.1.1":           snmp.OctetString("\xff\xfe\x01;$(x)\"é"),
		"31.1.1.1.18.1":          snmp.OctetString("two\nlines\x00\xff" + strings.Repeat("é", 26)),
		"31.1.1.1.18.2":          snmp.OctetString(strings.Repeat("x", 63)), // a character is not cut in two
		"2.2.1.4.1":              snmp.Integer(math.MaxInt32),
		"2.2.1.5.2":              snmp.Gauge32(math.MaxUint32),
		"31.1.1.1.15.2":          snmp.Gauge32(math.MaxUint32),
		"2.2.1.5.2147483647":     snmp.Gauge32(math.MaxUint32),
		"31.1.1.1.6.1":           snmp.Counter64(math.MaxUint64 - uint64(machine.RxBytes)),
		"2.2.1.10.1":             snmp.Counter32(math.MaxUint32 - uint32(machine.RxBytes)),
		"31.1.1.1.10.2147483647": snmp.Counter64(math.MaxUint64 - uint64(machine.TxBytes)),
	} {
		if v := get(t, m, below); v != want {
			t.Errorf("%s is %v, want %v", below, v, want)
		}
	}
}
