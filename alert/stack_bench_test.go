package alert_test

import (
	"fmt"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/metric"
)

// BenchmarkStack is a poll of an ifStackTable as large as one may be, of an agent that makes it as costly as it can.
func BenchmarkStack(b *testing.B) {
	const rows = 20_000
	for name, pair := range map[string]func(i int) (upper, lower int){
		"one over all":            func(i int) (int, int) { return 0, i },
		"one over and under half": func(i int) (int, int) { return i % 2 * i, (i + 1) % 2 * (i + 1) },
	} {
		b.Run(name, func(b *testing.B) {
			e := alert.NewEngine()
			e.Configure(start, config())
			p := alert.Poll{Device: "sw1", At: start, Interval: time.Minute, Complete: []string{"interface"}}
			stack := alert.Poll{Device: "sw1", At: start, Interval: time.Minute, Complete: []string{"interface_stack"}}
			for i := range rows {
				p.Samples = append(p.Samples, metric.Sample{Measurement: "interface", Tags: []metric.Tag{{Name: "ifName", Value: fmt.Sprintf("GigabitEthernet1/0/%05d", i)}},
					Fields: []metric.Field{{Name: "ifIndex", Kind: metric.Integer, Num: uint64(i + 1)}}})
				upper, lower := pair(i)
				stack.Samples = append(stack.Samples, metric.Sample{Measurement: "interface_stack", Fields: []metric.Field{
					{Name: "ifStackHigherLayer", Kind: metric.Integer, Num: uint64(upper + 1)}, {Name: "ifStackLowerLayer", Kind: metric.Integer, Num: uint64(lower + 1)},
				}})
			}
			e.Observe(p)
			b.ReportAllocs()
			for b.Loop() {
				stack.At = stack.At.Add(time.Minute)
				e.Observe(stack)
			}
		})
	}
}
