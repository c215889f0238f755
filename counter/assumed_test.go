package counter_test

import (
	"testing"
	"time"

	"walkabout/counter"
)

// TestFasterThanAssumed: an interface without a speed of its own carries 10 Gb/s and more, as lo and bridges do. Its Counter64 has every
// number, its Counter32, which wraps several times in each interval, has none, and nothing is taken for a reset.
func TestFasterThanAssumed(t *testing.T) {
	for _, kind := range []int{1, 6, 24} { // other, ethernetCsmacd, softwareLoopback
		table, err := newTable([]counter.Column{
			{Name: "ifInOctets", Bits: 32, Unit: counter.Octets}, {Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets"},
			{Name: "ifOutOctets", Bits: 32, Unit: counter.Octets}, // of which there is no Counter64
		}, counter.Options{Interval: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		now, upTime, octets := time.Unix(1e9, 0), uint32(1e8), uint64(0)
		for i := range 400 {
			step := 12_500_000_000 + uint64(i%97)*31_000_000
			now, upTime, octets = now.Add(10*time.Second), upTime+1000, octets+step
			rows := []counter.Row{{Name: "x", Index: 1, MTU: 1500, Type: kind, Has: 7, Values: []uint64{octets & (1<<32 - 1), octets, octets & (1<<32 - 1)},
				Rates: make([]float64, 3), Verdicts: make([]counter.Verdict, 3), At: counter.Instant{At: now, UpTime: upTime, HasUpTime: true}}}
			table.Poll(now, true, rows, nil)
			if i == 0 {
				continue
			}
			r := rows[0]
			if r.Verdicts[0] != counter.Ambiguous || r.Verdicts[1] != counter.OK || r.Rates[1] != float64(step)/10 {
				t.Fatalf("type %d, poll %d: %v %v, want ambiguous and %v", kind, i, r.Verdicts, r.Rates, float64(step)/10)
			}
			if r.Verdicts[2] == counter.Reset {
				t.Fatalf("type %d, poll %d: a reset of a counter without a twin", kind, i)
			}
		}
	}
}

// TestTwinConfirms: a slow interface without a speed of its own wraps its Counter32, and the Counter64 confirms the number.
func TestTwinConfirms(t *testing.T) {
	table, err := newTable([]counter.Column{{Name: "ifInOctets", Bits: 32, Unit: counter.Octets}, {Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets"}},
		counter.Options{Interval: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var rows []counter.Row
	for i, octets := range []uint64{1<<32 - 500, 1<<32 + 500} {
		at := counter.Instant{At: time.Unix(1e9+10*int64(i), 0), UpTime: 1e6 + 1000*uint32(i), HasUpTime: true}
		rows = []counter.Row{{Name: "x", Index: 1, Has: 3, Values: []uint64{octets & (1<<32 - 1), octets}, Rates: make([]float64, 2), Verdicts: make([]counter.Verdict, 2), At: at}}
		table.Poll(at.At, true, rows, nil)
	}
	if r := rows[0]; r.Verdicts[0] != counter.Wrapped || r.Rates[0] != 100 || r.Verdicts[1] != counter.OK || r.Rates[1] != 100 {
		t.Errorf("%v %v", r.Verdicts, r.Rates)
	}
}
