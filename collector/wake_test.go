package collector_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/counter"
	"walkabout/snmp"
)

// TestClocksThatStep holds what becomes of rates when the collector's computer is suspended, when its clock is set, and when an agent's uptime jumps:
// the monotonic clock, which the bubble's is, knows of none of them.
func TestClocksThatStep(t *testing.T) {
	const perSecond = 1000
	tests := map[string]struct {
		wall, agent time.Duration // by which these clocks have advanced more than the monotonic one, from the fourth poll on
		reset       bool
		want        counter.Verdict // of the fourth poll
	}{
		"suspended for 25 s":    {25 * time.Second, 25 * time.Second, false, counter.OK},
		"suspended for an hour": {time.Hour, time.Hour, false, counter.Gap},
		"set forward":           {time.Hour, 0, false, counter.OK},
		"set back":              {-time.Hour, 0, false, counter.OK},
		"slewed":                {4 * time.Millisecond, 0, false, counter.OK},
		"suspended, then set":   {time.Hour, 20 * time.Minute, true, counter.Reset},
		"another agent":         {0, time.Hour, true, counter.Reset},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				boot := time.Now().Add(-24 * time.Hour)
				var wall, agent time.Duration
				d := &device{latency: time.Millisecond}
				d.objects = func(now time.Time) []snmp.VarBind {
					up := now.Add(agent).Sub(boot)
					return []snmp.VarBind{
						at(t, "sysUpTime.0", snmp.TimeTicks(uint32(up/(10*time.Millisecond)))), at(t, "ifName.1", snmp.OctetString("eth1")),
						at(t, "ifHCInOctets.1", snmp.Counter64(uint64(up.Seconds()*perSecond))),
					}
				}
				h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{"dev.example": d}}
				c, err := collector.New(collector.Options{Targets: []collector.Target{target("dev", "interfaces")}, Sinks: []collector.Sink{h}, Dial: h.dial,
					Logger: slog.New(slog.NewTextHandler(&h.log, nil))})
				if err != nil {
					t.Fatal(err)
				}
				collector.SetWall(c, func() time.Time { return time.Now().Add(wall) })
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- c.Run(ctx) }()
				for i := range 8 {
					if i == 3 {
						d.change(func() { wall, agent = tt.wall, tt.agent })
					}
					p := h.next("dev")
					f := fieldOf(t, rowOf(t, p, "interface", "ifName", "eth1"), "ifHCInOctets")
					want := counter.OK
					switch i {
					case 0:
						want = counter.First
					case 3:
						want = tt.want
					}
					if f.Verdict != want || want == counter.OK && (f.Rate < 0.99*perSecond || f.Rate > 1.01*perSecond) {
						t.Errorf("poll %d: %v, %v a second; want %v", i+1, f.Verdict, f.Rate, want)
					}
					if p.Reset != (i == 3 && tt.reset) {
						t.Errorf("poll %d: reset is %v", i+1, p.Reset)
					}
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
