package counter_test

import (
	"fmt"
	"time"

	"walkabout/counter"
)

// Two polls of an interface whose 32-bit counter wraps between them.
func ExampleTable() {
	columns, err := counter.NewColumns([]counter.Column{
		{Name: "ifInOctets", Bits: 32, Unit: counter.Octets},
		{Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := counter.NewTable(columns, counter.Options{Interval: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := []counter.Row{{
		Name: "eth0", Index: 2, Speed: counter.Speed(1000, 1e9), MTU: 1500, Type: 6, Has: 0b11,
		Values: make([]uint64, 2), Rates: make([]float64, 2), Verdicts: make([]counter.Verdict, 2),
	}}
	start := time.Now()
	for poll, octets := range []uint64{1<<32 - 1_000_000, 1<<32 + 4_000_000} {
		passed := time.Duration(poll) * 10 * time.Second
		rows[0].At = counter.Instant{At: start.Add(passed), UpTime: 8_640_000 + uint32(poll)*1000, HasUpTime: true}
		rows[0].Values[0], rows[0].Values[1] = octets%(1<<32), octets
		table.Poll(start.Add(passed), true, rows, nil)
		fmt.Println(rows[0].Verdicts, rows[0].Rates, rows[0].Elapsed)
	}
	// Output:
	// [first first] [0 0] 0s
	// [wrapped ok] [500000 500000] 10s
}
