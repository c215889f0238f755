package simulated_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/internal/packetnet"
)

// TestLoss holds that where each hundredth datagram is lost polls are whole, their numbers true, and all but a hundredth of them over in 2 s.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		var targets []collector.Target
		for i := range 10 {
			_, target := l.device(fmt.Sprintf("192.0.2.%d:161", i+1), fmt.Sprint("sw", i), 12, well)
			targets = append(targets, target)
		}
		l.network.SetFaults(packetnet.Faults{Loss: 0.01, Duplicate: 0.01, Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond})
		l.collect(targets...)
		time.Sleep(10 * time.Minute)
		l.mu.Lock()
		defer l.mu.Unlock()
		var durations []time.Duration
		for _, polls := range l.polls {
			for i, p := range polls {
				durations = append(durations, p.Duration)
				if n := l.numbers(p); p.Err != nil || i > 0 && n != 12*23 {
					t.Errorf("%s, poll %d: %d rates, %v", p.Device, i, n, p.Err)
				}
			}
		}
		slices.Sort(durations)
		if len(durations) < 190 || durations[len(durations)*99/100] > 2*time.Second {
			t.Errorf("%d polls, the longest took %v", len(durations), durations[max(0, len(durations)-5):])
		}
	})
}

// TestSilence holds that a device that keeps silent is only probed, and polled whole when it answers again.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		_, target := l.device("192.0.2.1:161", "sw1", 12, well)
		l.collect(target)
		l.next("sw1")
		l.network.SetFaults(packetnet.Faults{Loss: 1})
		for range 3 {
			if p, _ := l.next("sw1"); p.Answered || len(p.Samples) > 0 {
				t.Errorf("a silent device: answered %v, %d samples", p.Answered, len(p.Samples))
			}
		}
		l.network.SetFaults(packetnet.Faults{Delay: 5 * time.Millisecond})
		if p, _ := l.next("sw1"); p.Err != nil || len(p.Samples) != 12 || l.numbers(p) != 12*23 {
			t.Errorf("back again: %v, %d samples, %d rates", p.Err, len(p.Samples), l.numbers(p))
		}
	})
}
