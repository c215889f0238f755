package mib2_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"walkabout/mib"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// ipStatNames are the kernel's names of what the columns of ipSystemStatsTable count, without the protocol: IPv4's, and IPv6's if those differ.
var ipStatNames = map[int]string{
	3: "InReceives", 4: "InReceives", 5: "InOctets", 6: "InOctets", 7: "InHdrErrors", 8: "InNoRoutes", 9: "InAddrErrors", 10: "InUnknownProtos",
	11: "InTruncatedPkts", 12: "ForwDatagrams OutForwDatagrams", 13: "ForwDatagrams OutForwDatagrams", 14: "ReasmReqds", 15: "ReasmOKs", 16: "ReasmFails",
	17: "InDiscards", 18: "InDelivers", 19: "InDelivers", 20: "OutRequests", 21: "OutRequests", 22: "OutNoRoutes", 23: "ForwDatagrams OutForwDatagrams",
	24: "ForwDatagrams OutForwDatagrams", 25: "OutDiscards", 27: "FragOKs", 28: "FragFails", 29: "FragCreates", 30: "OutTransmits", 31: "OutTransmits",
	32: "OutOctets", 33: "OutOctets", 34: "InMcastPkts", 35: "InMcastPkts", 36: "InMcastOctets", 37: "InMcastOctets", 38: "OutMcastPkts", 39: "OutMcastPkts",
	40: "OutMcastOctets", 41: "OutMcastOctets", 42: "InBcastPkts", 43: "InBcastPkts", 44: "OutBcastPkts", 45: "OutBcastPkts",
}

// procPairs returns the figures of a file with a name and a number a line.
func procPairs(t *testing.T, path string) map[string]uint64 {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	figures := make(map[string]uint64)
	for line := range strings.Lines(string(file)) {
		if f := strings.Fields(line); len(f) == 2 {
			if figures[f[0]], err = strconv.ParseUint(f[1], 0, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return figures
}

// ipFigures returns what the kernel's files say of a version of IP, of all links (0) or of one.
func ipFigures(t *testing.T, version, link int) map[string]uint64 {
	t.Helper()
	figures := make(map[string]uint64)
	add := func(prefix string, from map[string]uint64) {
		for name, n := range from {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				figures[rest] = n
			}
		}
	}
	switch {
	case version == 1:
		add("Ip:", procNetSNMP(t, "/proc/net/snmp"))
		add("IpExt:", procNetSNMP(t, "/proc/net/netstat"))
	case link == 0:
		add("Ip6", procPairs(t, "/proc/net/snmp6"))
	default:
		x, err := net.InterfaceByIndex(link)
		if err != nil {
			t.Fatal(err)
		}
		add("Ip6", procPairs(t, "/proc/net/dev_snmp6/"+x.Name))
	}
	return figures
}

// TestLiveIPStatistics brackets every counter of ipSystemStatsTable and ipIfStatsTable between two readings of the kernel's files, while
// something goes over loopback by both versions.
func TestLiveIPStatistics(t *testing.T) {
	const lo = 1
	m := newLiveMIB(t)
	for _, row := range []struct {
		entry, index  string
		version, link int
	}{{"4.31.1.1", "1", 1, 0}, {"4.31.1.1", "2", 2, 0}, {"4.31.3.1", "2.1", 2, lo}} {
		exchange(t)
		before := ipFigures(t, row.version, row.link)
		exchange(t)
		q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}
		values := map[int]snmp.Value{}
		for column := range ipStatNames {
			values[column] = ask(t, m, q, fmt.Sprintf("%s.%d.%s", row.entry, column, row.index))[0]
		}
		exchange(t)
		after := ipFigures(t, row.version, row.link)
		for column, v := range values {
			names := strings.Fields(ipStatNames[column])
			figure := names[0]
			if row.version == 2 {
				figure = names[len(names)-1]
			}
			low, known := before[figure]
			if !known || row.link != 0 && column == 22 {
				if !v.IsException() {
					t.Errorf("%s.%d.%s = %v, and the kernel has no %s", row.entry, column, row.index, v, figure)
				}
				continue
			}
			n, high := v.Uint(), after[figure]
			if v.Kind() == snmp.KindCounter32 {
				low, high = uint64(uint32(low)), uint64(uint32(high))
			}
			if v.IsException() || low <= high && (n < low || n > high) {
				t.Errorf("%s.%d.%s = %v, the kernel said %s %d before and %d after", row.entry, column, row.index, v, figure, low, high)
			}
		}
		if in := values[4].Uint(); in == 0 {
			t.Errorf("%s.4.%s: nothing came in", row.entry, row.index)
		}
	}
}

// exchange sends something over loopback, by IPv4 and IPv6.
func exchange(t *testing.T) {
	t.Helper()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		c, err := net.ListenPacket("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteTo(make([]byte, 500), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.ReadFrom(make([]byte, 600)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

// TestLiveScalarsAgree asks RFC 1213's scalars and RFC 4293's table in one request: they are of one reading.
func TestLiveScalarsAgree(t *testing.T) {
	m := newLiveMIB(t)
	for range 20 {
		exchange(t)
		v := ask(t, m, &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true},
			"4.3.0", "4.31.1.1.3.1", "4.31.1.1.4.1", "4.9.0", "4.31.1.1.18.1", "4.10.0", "4.31.1.1.20.1", "5.1.0", "5.29.1.2.1")
		for _, pair := range [][2]int{{0, 1}, {3, 4}, {5, 6}, {7, 8}} {
			if v[pair[0]] != v[pair[1]] {
				t.Errorf("%v and %v", v[pair[0]], v[pair[1]])
			}
		}
		if uint32(v[2].Uint()) != uint32(v[0].Uint()) {
			t.Errorf("ipSystemStatsHCInReceives %v, ipInReceives %v", v[2], v[0])
		}
	}
}

// TestLiveICMPTypes holds icmpMsgStatsTable against the kernel's sum of all types.
func TestLiveICMPTypes(t *testing.T) {
	m := newLiveMIB(t)
	q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}
	for version, row := range map[string]string{"1": "5.29.1.4.1", "2": "5.29.1.4.2"} {
		var sum uint32
		for _, vb := range mibtest.Walk(t, m, q, name("5.30.1.4."+version)) {
			sum += uint32(vb.Value.Uint())
		}
		if all := ask(t, m, q, row)[0]; uint32(all.Uint()) != sum {
			t.Errorf("ICMP of version %s: %v messages went out, and %d by type", version, all, sum)
		}
	}
}
