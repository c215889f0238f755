package counter_test

import (
	"fmt"
	"testing"
	"time"

	"walkabout/counter"
)

// switchColumns are the counters of ifTable and ifXTable, 20 of them.
func switchColumns() []counter.Column {
	var cs []counter.Column
	for _, d := range []string{"In", "Out"} {
		packets := [][]string{{"if" + d + "UcastPkts", "if" + d + "MulticastPkts", "if" + d + "BroadcastPkts", "if" + d + "Errors", "if" + d + "Discards"}}
		for _, c := range []struct {
			name string
			unit counter.Unit
		}{{"Octets", counter.Octets}, {"UcastPkts", counter.Packets}, {"MulticastPkts", counter.Packets}, {"BroadcastPkts", counter.Packets}} {
			narrow := counter.Column{Name: "if" + d + c.name, Bits: 32, Unit: c.unit}
			wide := counter.Column{Name: "ifHC" + d + c.name, Bits: 64, Unit: c.unit, Twin: narrow.Name}
			if c.unit == counter.Octets {
				narrow.Packets, wide.Packets = packets, packets
			}
			cs = append(cs, narrow, wide)
		}
		cs = append(cs, counter.Column{Name: "if" + d + "Errors", Bits: 32, Unit: counter.Errors},
			counter.Column{Name: "if" + d + "Discards", Bits: 32, Unit: counter.Errors})
	}
	return cs
}

// BenchmarkPoll is one poll of a switch of 48 ports with 20 counters each, in 16 PDUs.
func BenchmarkPoll(b *testing.B) {
	columns := switchColumns()
	for _, speed := range []uint64{1e9, 1e10} { // at the second the octets of 32 bits are decided by their packets
		b.Run(fmt.Sprintf("%dG", speed/1e9), func(b *testing.B) {
			table, err := newTable(columns, counter.Options{Interval: 30 * time.Second})
			if err != nil {
				b.Fatal(err)
			}
			n := len(columns)
			values, rates, verdicts := make([]uint64, 48*n), make([]float64, 48*n), make([]counter.Verdict, 48*n)
			rows := make([]counter.Row, 48)
			for i := range rows {
				rows[i] = counter.Row{Name: fmt.Sprintf("GigabitEthernet0/%d", i), Index: uint32(i + 1), Speed: speed, MTU: 1500, Type: 6, Has: 1<<n - 1,
					Values: values[i*n : (i+1)*n], Rates: rates[i*n : (i+1)*n], Verdicts: verdicts[i*n : (i+1)*n]}
			}
			now, upTime := time.Unix(1e9, 0), uint32(1e8)
			var found []counter.Finding
			poll := func() {
				now, upTime = now.Add(30*time.Second), upTime+3000
				for i := range values {
					values[i] = (values[i] + 1000) % (1 << 32)
				}
				for i := range rows {
					rows[i].At = counter.Instant{At: now.Add(time.Duration(i/3) * time.Millisecond), RoundTrip: time.Millisecond, UpTime: upTime + uint32(i/30), HasUpTime: true}
				}
				found = table.Poll(now, true, rows, found[:0])
			}
			poll()
			poll()
			b.ReportAllocs()
			for b.Loop() {
				poll()
			}
			if got := rows[47].Verdicts[0]; !got.HasRate() {
				b.Fatal(got)
			}
		})
	}
}

func BenchmarkRate(b *testing.B) {
	iv := counter.Interval{Elapsed: 30 * time.Second, Verdict: counter.OK}
	var sum float64
	b.ReportAllocs()
	for b.Loop() {
		r, _ := counter.Rate(iv, 4_294_000_000, 1000, 32, 125e6)
		sum += r
	}
	if sum == 0 {
		b.Fatal("no rate")
	}
}

func BenchmarkBetween(b *testing.B) {
	prev := counter.Instant{At: time.Unix(1e9, 0), UpTime: 1e8, HasUpTime: true, RoundTrip: time.Millisecond}
	cur := prev
	cur.At, cur.UpTime = prev.At.Add(30*time.Second), prev.UpTime+3000
	b.ReportAllocs()
	for b.Loop() {
		if iv := counter.Between(prev, cur, time.Minute); iv.Verdict != counter.OK {
			b.Fatal(iv)
		}
	}
}
