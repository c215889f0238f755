package counter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"walkabout/counter"
)

// TestCountersReadApart holds that counters of a row that were read seconds after its first, and at each poll after another time, as happens where
// datagrams are lost, have the rate of the time between their own readings, and that a reset that one of them shows is one of the row.
func TestCountersReadApart(t *testing.T) {
	columns := []counter.Column{
		{Name: "ifInOctets", Bits: 32, Unit: counter.Octets},
		{Name: "ifInUcastPkts", Bits: 32, Unit: counter.Packets},
		{Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets"},
		{Name: "ifHCInUcastPkts", Bits: 64, Unit: counter.Packets, Twin: "ifInUcastPkts"},
	}
	perSecond := []float64{1e6, 1e3, 1e6, 1e3}
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			table, err := newTable(columns, counter.Options{Interval: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			boot := time.Unix(1e9, 0)
			instant := func(at time.Duration) counter.Instant {
				return counter.Instant{At: boot.Add(at), RoundTrip: time.Millisecond, UpTime: uint32(at / (10 * time.Millisecond)), HasUpTime: true}
			}
			start, began := time.Hour, -time.Hour // the counters' beginning, relative to boot
			value := func(c int, at time.Duration) uint64 {
				v := uint64(perSecond[c] * (at - began).Seconds())
				if columns[c].Bits == 32 {
					v = uint64(uint32(v))
				}
				return v
			}
			numbers := 0
			for k := range 40 {
				cleared := k == 20
				if cleared { // and sysUpTime runs on
					began = start + time.Duration(k)*10*time.Second - 6*time.Second
				}
				at := start + time.Duration(k)*10*time.Second
				row := counter.Row{Name: "eth0", Index: 1, At: instant(at), Values: make([]uint64, 4), Has: 15, Speed: 1e9, MTU: 1500, Type: 6,
					Rates: make([]float64, 4), Verdicts: make([]counter.Verdict, 4)}
				later := at
				for c := range columns {
					if later += time.Duration(rng.IntN(2)*rng.IntN(3000)) * time.Millisecond; later > at {
						row.Later = append(row.Later, counter.Later{Columns: 1 << c, At: instant(later)})
					}
					row.Values[c] = value(c, later)
				}
				table.Poll(boot.Add(later), true, []counter.Row{row}, nil)
				for c, v := range row.Verdicts {
					switch {
					case cleared && v != counter.Reset:
						t.Errorf("poll %d, %s: %v; want reset", k, columns[c].Name, v)
					case v.HasRate():
						numbers++
						if got := row.Rates[c]; math.Abs(got-perSecond[c]) > perSecond[c]/250 {
							t.Errorf("poll %d, %s: %v a second; want %v", k, columns[c].Name, got, perSecond[c])
						}
					case k > 1 && !cleared && k != 21:
						t.Errorf("poll %d, %s: %v", k, columns[c].Name, v)
					}
				}
			}
			if numbers < 4*36 {
				t.Errorf("%d numbers", numbers)
			}
		})
	}
}

// TestALatePollOfARegularOne holds that the agent's clock measures the first interval that is not like the others. Until then sysUpTime went on by whole
// intervals, and might do so in steps as long; but the one poll whose answer lay about in a busy collector needs it.
func TestALatePollOfARegularOne(t *testing.T) {
	table, err := newTable([]counter.Column{{Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets}}, counter.Options{Interval: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1e9, 0)
	var elapsed []time.Duration
	for _, poll := range []struct{ came, upTime, trip time.Duration }{ // in milliseconds
		{0, 0, 1}, {5000, 5000, 1}, {10000, 10000, 1}, {16150, 15460, 690}, {21000, 21000, 1},
	} {
		row := counter.Row{Name: "eth0", Index: 1, Has: 1, Speed: 1e9, Type: 6, MTU: 1500, Rates: make([]float64, 1), Verdicts: make([]counter.Verdict, 1),
			Values: []uint64{1e9 + uint64(poll.upTime)*1000},
			At:     counter.Instant{At: start.Add(poll.came * time.Millisecond), RoundTrip: poll.trip * time.Millisecond, UpTime: 1e6 + uint32(poll.upTime/10), HasUpTime: true}}
		rows := []counter.Row{row}
		table.Poll(row.At.At, true, rows, nil)
		if poll.upTime > 0 && math.Abs(rows[0].Rates[0]-1e6) > 1e3 {
			t.Errorf("uptime %v: %v %v", poll.upTime, rows[0].Rates[0], rows[0].Verdicts[0])
		}
		elapsed = append(elapsed, rows[0].Elapsed)
	}
	if elapsed[3] != 5460*time.Millisecond {
		t.Errorf("the late poll's time is %v", elapsed[3])
	}
}
