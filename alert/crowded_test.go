package alert_test

import (
	"strconv"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/metric"
)

// TestOtherInterfacesEachTime holds that an agent which has other interfaces at each poll fills neither the memory nor the state's file.
func TestOtherInterfacesEachTime(t *testing.T) {
	for name, complete := range map[string][]string{"walks that are complete": {"interface"}, "walks that break off": nil} {
		t.Run(name, func(t *testing.T) {
			e := alert.NewEngine()
			e.Configure(start, config())
			const rows, polls, most = 15_000, 4, 40_000
			for n := range polls {
				p := alert.Poll{Device: "sw1", At: start.Add(time.Duration(n) * time.Minute), Interval: time.Minute, Complete: complete}
				for i := range rows {
					key := strconv.Itoa(1_000_000 + n*rows + i)
					p.Samples = append(p.Samples, metric.Sample{Measurement: "interface", At: p.At, Tags: []metric.Tag{{Name: "ifName", Value: key}}, Fields: []metric.Field{
						{Name: "ifAdminStatus", Kind: metric.Integer, Num: 1}, {Name: "ifOperStatus", Kind: metric.Integer, Num: 2},
					}})
				}
				e.Observe(p)
			}
			s := e.Snapshot(start)
			if got := len(s.Devices[0].Interfaces); got < rows || got > most {
				t.Errorf("%d interfaces are known after %d polls of %d others each, want %d to %d", got, polls, rows, rows, most)
			}
			if got := len(e.Alerts(start)); got > most {
				t.Errorf("%d alerts", got)
			}
		})
	}
}
