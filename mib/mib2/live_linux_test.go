package mib2_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// newLiveMIB is the MIB of the machine that the test runs on.
func newLiveMIB(t testing.TB) *mib2.MIB {
	t.Helper()
	m, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	h, err := mib2.New(mib2.Options{
		Machine: m, Counters: &snmp.Counters{}, Start: time.Now(), System: mib2.DefaultSystem(), Modules: mib2.Modules(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLiveConformance(t *testing.T) {
	m := newLiveMIB(t)
	mibtest.Test(t, m, mib2.Roots()...)
	checkObjects(t, m, time.Now(), false)
}

// procNetDev returns the numbers of each link's line in /proc/net/dev, by name.
func procNetDev(t *testing.T) map[string][]uint64 {
	t.Helper()
	file, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	links := make(map[string][]uint64)
	for line := range strings.Lines(string(file)) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		var numbers []uint64
		for _, word := range strings.Fields(rest) {
			n, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		links[strings.TrimSpace(name)] = numbers
	}
	return links
}

// TestLiveCounters brackets a reading between two of /proc/net/dev.
func TestLiveCounters(t *testing.T) {
	const in, inPackets, inErrors, inDropped, multicast, out, outPackets, outErrors, outDropped = 0, 1, 2, 3, 7, 8, 9, 10, 11
	columns := []struct {
		below    string
		from, to func(n []uint64) uint64
	}{
		{"31.1.1.1.6", field(in), field(in)},
		{"31.1.1.1.7", func(n []uint64) uint64 { return n[inPackets] - n[multicast] }, field(inPackets)},
		{"31.1.1.1.8", field(multicast), field(multicast)},
		{"31.1.1.1.10", field(out), field(out)},
		{"31.1.1.1.11", field(outPackets), field(outPackets)},
		{"2.2.1.13", field(inDropped), field(inDropped)},
		{"2.2.1.14", field(inErrors), field(inErrors)},
		{"2.2.1.19", field(outDropped), field(outDropped)},
		{"2.2.1.20", field(outErrors), field(outErrors)},
	}
	m := newLiveMIB(t)
	before := procNetDev(t)
	q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}
	compared := 0
	all := mibtest.Walk(t, m, q, name("31.1.1.1.1"))
	values := make(map[string]snmp.Value)
	for _, row := range all {
		for _, c := range columns {
			instance := fmt.Sprint(c.below, ".", row.Name.Last())
			values[instance] = ask(t, m, q, instance)[0]
		}
	}
	after := procNetDev(t)
	for _, row := range all {
		link := row.Value.Octets()
		if before[link] == nil || after[link] == nil {
			continue // it came or went meanwhile
		}
		compared++
		for _, c := range columns {
			v := values[fmt.Sprint(c.below, ".", row.Name.Last())]
			n, low, high := v.Uint(), c.from(before[link]), c.to(after[link])
			if v.Kind() == snmp.KindCounter32 {
				low, high = uint64(uint32(low)), uint64(uint32(high))
			}
			if v.IsException() || low <= high && (n < low || n > high) {
				t.Errorf("%s of %s = %v, /proc/net/dev said %d before and %d after", c.below, link, v, low, high)
			}
		}
	}
	if compared == 0 {
		t.Error("no link stands in ifXTable and in /proc/net/dev")
	}
}

func field(i int) func(n []uint64) uint64 { return func(n []uint64) uint64 { return n[i] } }

// procNetSNMP returns the figures of /proc/net/snmp, or a file of its form, by names such as "Tcp:InSegs".
func procNetSNMP(t *testing.T, path string) map[string]uint64 {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	figures := make(map[string]uint64)
	lines := strings.Split(strings.TrimSpace(string(file)), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		names, numbers := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j := 1; j < len(names) && j < len(numbers); j++ {
			n, err := strconv.ParseInt(numbers[j], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			figures[names[0]+names[j]] = uint64(n)
		}
	}
	return figures
}

// TestLiveStatistics brackets every scalar that /proc/net/snmp has between two readings of it.
func TestLiveStatistics(t *testing.T) {
	groups := map[string]string{
		"4.%d.0 Ip:": "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers " +
			"OutRequests OutDiscards OutNoRoutes - ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates",
		"5.%d.0 Icmp:": "InMsgs InErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps " +
			"InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs " +
			"OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps",
		"6.%d.0 Tcp:": "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs " +
			"RetransSegs - InErrs OutRsts",
		"7.%d.0 Udp:": "InDatagrams NoPorts InErrors OutDatagrams",
	}
	m := newLiveMIB(t)
	for group, names := range groups {
		format, protocol, _ := strings.Cut(group, " ")
		before, before6 := procNetSNMP(t, "/proc/net/snmp"), procPairs(t, "/proc/net/snmp6")
		exchange(t)
		q := &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}
		values := make([]snmp.Value, 0, 30)
		for i := range strings.Fields(names) {
			values = append(values, ask(t, m, q, fmt.Sprintf(format, i+1))[0])
		}
		exchange(t)
		after, after6 := procNetSNMP(t, "/proc/net/snmp"), procPairs(t, "/proc/net/snmp6")
		for i, figure := range strings.Fields(names) {
			v, figure := values[i], protocol+figure
			low, known := before[figure]
			if !known {
				continue
			}
			n, high := v.Uint(), after[figure]
			if name, ok := strings.CutPrefix(figure, "Udp:"); ok { // UDP-MIB counts both versions
				low, high = low+before6["Udp6"+name], high+after6["Udp6"+name]
			}
			if v.Kind() == snmp.KindCounter32 {
				low, high = uint64(uint32(low)), uint64(uint32(high))
			}
			if v.IsException() || v.Kind() != snmp.KindGauge32 && low <= high && (n < low || n > high) {
				t.Errorf("%s is %v, /proc/net/snmp said %d before and %d after", figure, v, low, high)
			}
		}
	}
}

func BenchmarkGet10CountersLive(b *testing.B) {
	for _, fresh := range []bool{false, true} {
		b.Run(fmt.Sprintf("fresh=%v", fresh), func(b *testing.B) {
			benchmarkGet(b, newLiveMIB(b), fresh, time.Now, tenCounters(1))
		})
	}
}
