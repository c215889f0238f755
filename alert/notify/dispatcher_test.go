package notify_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/notify"
)

func TestGrouping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: people(), Sender: s})
		d.tell(t, "core1 p1 firing", "core2 p9 firing")
		time.Sleep(2 * time.Second)
		d.tell(t, "core1 p2 firing")
		time.Sleep(10 * time.Second)
		d.tell(t, "core1 p3 firing", "core1 p1 resolved") // within the minute
		time.Sleep(20 * time.Second)
		d.tell(t, "core1 p4 firing")
		time.Sleep(time.Hour)
		d.tell(t, "core1 p2 resolved", "core1 p3 resolved", "core1 p4 resolved", "core2 p9 resolved")
		time.Sleep(5 * time.Second)
		s.expect(t,
			"5 core1: core1 p1 firing, core1 p2 firing",
			"5 core2: core2 p9 firing",
			"65 core1: core1 p1 resolved, core1 p3 firing, core1 p4 firing",
			"3637 core1: core1 p2 resolved, core1 p3 resolved, core1 p4 resolved",
			"3637 core2: core2 p9 resolved")
		if first, last := s.messages()[0], s.messages()[3]; cmp.Diff([]string{first.ID, s.messages()[2].ID}, last.Follows) != "" {
			t.Errorf("an end follows %v, its alerts were first told in %s and %s", last.Follows, first.ID, s.messages()[2].ID)
		}
		d.close(t)
		if !s.closed {
			t.Error("the sender was not closed")
		}
	})
}

// What fires and ends before it is told is told: once.
func TestFiredAndEndedBeforeItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		d := open(t, "", notify.Receiver{Name: "a", Policy: people(), Sender: s})
		d.tell(t, "core1 p1 firing")
		time.Sleep(time.Second)
		d.tell(t, "core1 p1 resolved")
		time.Sleep(time.Minute)
		s.expect(t, "5 core1: core1 p1 firing, core1 p1 resolved")
		d.close(t)
	})
}

func TestRouting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		every, critical, quiet := newSender(), newSender(), newSender()
		p := all()
		p.Feeds = []notify.Feed{{Match: match(t, "severity=critical", "device=~core.*")}}
		q := all()
		q.NoResolved = true
		d := open(t, "", notify.Receiver{Name: "every", Policy: all(), Sender: every}, notify.Receiver{Name: "critical", Policy: p, Sender: critical},
			notify.Receiver{Name: "quiet", Policy: q, Sender: quiet})
		d.tell(t, "core1 p1 firing", "core1 p2 firing warning", "edge1 p1 firing")
		d.tell(t, "core1 p1 resolved", "core1 p2 resolved", "edge1 p1 resolved")
		time.Sleep(time.Second)
		every.expect(t, "0 core1: core1 p1 firing, core1 p2 firing", "0 edge1: edge1 p1 firing",
			"0 core1: core1 p1 resolved, core1 p2 resolved", "0 edge1: edge1 p1 resolved")
		critical.expect(t, "0 core1: core1 p1 firing", "0 core1: core1 p1 resolved")
		quiet.expect(t, "0 core1: core1 p1 firing, core1 p2 firing", "0 edge1: edge1 p1 firing")
		d.close(t)
	})
}

// 60 devices fail at once, and the receiver is told ten times: the tenth is a digest of the other 51. What follows is held back until the rate
// allows it, and then told in one more.
func TestRateAndDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		p := people()
		p.Rate = notify.Rate{Messages: 10, Per: 10 * time.Minute}
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: p, Sender: s})
		var storm, end []string
		for i := range 60 {
			storm, end = append(storm, fmt.Sprintf("core%02d p1 firing", i)), append(end, fmt.Sprintf("core%02d p1 resolved", i))
		}
		d.tell(t, storm...)
		time.Sleep(6 * time.Second)
		if n := len(s.messages()); n != 10 {
			t.Fatalf("%d messages: %v", n, s.said())
		}
		if last := s.messages()[9]; last.Held != 51 || len(last.Items) != 51 {
			t.Errorf("the last is a digest of %d with %d alerts", last.Held, len(last.Items))
		}
		d.tell(t, end[:30]...)
		time.Sleep(10 * time.Second)
		d.tell(t, end[30:]...)
		time.Sleep(time.Minute)
		if last := s.messages()[10]; len(s.messages()) != 11 || last.Held != 60 || len(last.Items) != 60 {
			t.Errorf("%d messages, the last is a digest of %d with %d alerts", len(s.messages()), last.Held, len(last.Items))
		}
		d.tell(t, "edge1 p1 firing", "edge2 p1 firing")
		time.Sleep(20 * time.Second)
		if stats := d.Stats()[0]; stats.Waiting != 2 || stats.Held != 2 || stats.Messages != 11 || stats.Delivered != 120 {
			t.Errorf("%+v", stats)
		}
		time.Sleep(time.Minute)
		if len(s.messages()) != 12 || s.messages()[11].Held != 2 {
			t.Errorf("%v", s.said()[11:])
		}
		d.close(t)
	})
}

func TestRemindersStopUponAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		p := all()
		p.RepeatEvery = time.Hour
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: p, Sender: s})
		d.tell(t, "core1 p1 firing", "core1 p2 firing")
		time.Sleep(30 * time.Minute)
		d.ack("core1-p1", &alert.Ack{By: "ann"})
		time.Sleep(2*time.Hour - 30*time.Second)
		d.ack("core1-p1", nil) // taken back: it is looked at once a minute
		time.Sleep(90 * time.Second)
		d.tell(t, "core1 p1 resolved", "core1 p2 resolved")
		time.Sleep(5 * time.Hour)
		s.expect(t, "0 core1: core1 p1 firing, core1 p2 firing", "3600 core1: core1 p2 firing (reminder)", "7200 core1: core1 p2 firing (reminder)",
			"9000 core1: core1 p1 firing (reminder)", "9060 core1: core1 p1 resolved, core1 p2 resolved")
		ids := map[string]bool{}
		for _, m := range s.messages() {
			for _, it := range m.Items {
				if ids[it.ID] {
					t.Errorf("the ID %s is there twice", it.ID)
				}
				ids[it.ID] = true
			}
		}
		d.close(t)
	})
}

func TestEscalation(t *testing.T) {
	first, boss, chief := newSender, newSender, newSender
	for name, c := range map[string]struct {
		do                 func(t *testing.T, d *desk) // at 10 minutes
		first, boss, chief []string
	}{
		"nobody acknowledges": {
			do:    func(*testing.T, *desk) {},
			first: []string{"0 core1: core1 p1 firing", "7200 core1: core1 p1 resolved"},
			boss:  []string{"900 core1: core1 p1 firing (escalation)", "7200 core1: core1 p1 resolved"},
			chief: []string{"2700 core1: core1 p1 firing (escalation)", "7200 core1: core1 p1 resolved"},
		},
		"somebody does": {
			do:    func(_ *testing.T, d *desk) { d.ack("core1-p1", &alert.Ack{By: "ann"}) },
			first: []string{"0 core1: core1 p1 firing", "7200 core1: core1 p1 resolved"},
		},
		"it ends": {
			do:    func(t *testing.T, d *desk) { d.tell(t, "core1 p1 resolved") },
			first: []string{"0 core1: core1 p1 firing", "600 core1: core1 p1 resolved"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, c2 := first(), boss(), chief()
				feeds, err := notify.Feeds([]notify.Route{
					{Name: "first", Match: match(t, "severity=critical"), Steps: []notify.Step{{After: 15 * time.Minute, To: []string{"boss"}}}},
					{Name: "boss", Steps: []notify.Step{{After: 30 * time.Minute, To: []string{"chief"}}}}, {Name: "chief"}})
				if err != nil {
					t.Fatal(err)
				}
				var receivers []notify.Receiver
				for i, s := range []*sender{a, b, c2} {
					p := all()
					p.Feeds = feeds[i]
					receivers = append(receivers, notify.Receiver{Name: fmt.Sprint(i), Policy: p, Sender: s})
				}
				d := open(t, t.TempDir(), receivers...)
				d.tell(t, "core1 p1 firing", "core1 p2 firing warning")
				time.Sleep(10 * time.Minute)
				c.do(t, d)
				time.Sleep(110 * time.Minute)
				if d.alerts["core1-p1"].State == alert.Firing {
					d.tell(t, "core1 p1 resolved")
				}
				a.expect(t, c.first...)
				b.expect(t, c.boss...)
				c2.expect(t, c.chief...)
				d.close(t)
			})
		})
	}
}

func TestFeedsRefuses(t *testing.T) {
	step := func(to ...string) []notify.Step { return []notify.Step{{After: time.Minute, To: to}} }
	for name, routes := range map[string][]notify.Route{
		"unknown": {{Name: "a", Steps: step("b")}},
		"itself":  {{Name: "a", Steps: step("a")}},
		"circle":  {{Name: "a", Match: match(t, "device=x"), Steps: step("b")}, {Name: "b", Steps: step("a")}},
	} {
		if _, err := notify.Feeds(routes); !errors.Is(err, notify.ErrEscalation) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
