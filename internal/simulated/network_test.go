package simulated_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/collector"
	"walkabout/internal/packetnet"
)

// TestLoss holds that where each hundredth datagram is lost polls are whole, their numbers true, and all but a hundredth of them over in 2 s.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		var targets []collector.Target
		for i := range 10 {
			_, target := l.device(fmt.Sprintf("192.0.2.%d:161", i+1), fmt.Sprint("sw", i), 48, well)
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
				if n := l.numbers(p); p.Err != nil || i > 0 && n != 48*23 {
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

// mute swallows what the agent answers while it is quiet.
type mute struct {
	agent.Datagrams
	quiet *atomic.Bool
}

func (m mute) WritePacket(b []byte, to agent.Peer) error {
	if m.quiet.Load() {
		return nil
	}
	return m.Datagrams.WritePacket(b, to)
}

// TestProbes holds that a device that keeps silent gets ever fewer datagrams, down to one a minute, while every slot says that it is silent; and
// that it is polled whole in the slot in which it answers again.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		var quiet atomic.Bool
		_, target := l.device("192.0.2.1:161", "sw1", 12, func(d agent.Datagrams) agent.Datagrams { return mute{d, &quiet} })
		target.Interval = 10 * time.Second
		l.collect(target)
		l.next("sw1")
		quiet.Store(true)
		var asked []int
		for range 20 {
			p, n := l.next("sw1")
			if p.Answered || p.Err == nil {
				t.Errorf("a silent device: answered %v, %v", p.Answered, p.Err)
			}
			asked = append(asked, n)
		}
		if diff := cmp.Diff([]int{3, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}, asked); diff != "" {
			t.Errorf("datagrams at each slot: %s", diff)
		}
		quiet.Store(false)
		for range 5 {
			l.next("sw1")
		}
		if p, _ := l.next("sw1"); p.Err != nil || len(p.Samples) != 12 {
			t.Errorf("a minute after the last probe: %v, %d samples", p.Err, len(p.Samples))
		}
	})
}

// slow takes its time for each answer.
type slow struct{ agent.Datagrams }

func (s slow) WritePacket(b []byte, to agent.Peer) error {
	time.Sleep(1500 * time.Millisecond)
	return s.Datagrams.WritePacket(b, to)
}

// TestIsolation holds that a device that is dead, and one that takes long for each answer, move no other poll.
func TestIsolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		var targets []collector.Target
		for i := range 100 {
			wrap := well
			if i == 18 {
				wrap = func(d agent.Datagrams) agent.Datagrams { return slow{d} }
			}
			_, target := l.device(fmt.Sprintf("192.0.2.%d:161", i+1), fmt.Sprint("sw", i), 2, wrap)
			targets = append(targets, target)
		}
		targets[17].Address = "198.51.100.1" // nobody
		c := l.collect(targets...)
		time.Sleep(5 * time.Minute)
		for _, s := range c.Stats() {
			dead := s.Device == targets[17].Name
			if s.Lag > time.Second || s.Missed > 0 || dead != (s.Failed > 0) || dead && s.Failed != s.Polls {
				t.Errorf("%s: lag %v, %d of %d polls failed, %d missed", s.Device, s.Lag, s.Failed, s.Polls, s.Missed)
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for name, polls := range l.polls {
			took := polls[len(polls)-1].Duration
			if slow := name == targets[18].Name; slow != (took > time.Second) && name != targets[17].Name {
				t.Errorf("%s: polled in %v", name, took)
			}
			for i, p := range polls[1:] {
				if d := p.At.Sub(polls[i].At) - 30*time.Second; d.Abs() > time.Second {
					t.Errorf("%s, poll %d: %v off its slot", name, i+1, d)
				}
			}
		}
	})
}
