package collector_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/snmp/oid"
)

// TestColumnsThatAreReadApart holds that rates are right where an agent bears few names a request and takes another time for each: the columns of a
// row are then read seconds apart, and no two polls alike.
func TestColumnsThatAreReadApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		d := &device{tooBig: 12}
		d.fault = func([]oid.OID) error {
			d.latency = time.Duration(rng.IntN(600)) * time.Millisecond
			return nil
		}
		h := one(t, switchOf(4), d, "interfaces")
		numbers := map[string]int{}
		for range 12 {
			poll := h.next("dev")
			for _, s := range poll.Samples {
				index, ok := s.Field("ifIndex")
				if s.Measurement != "interface" || !ok {
					continue
				}
				for _, f := range s.Fields {
					want := 1000 * float64(index.Num)
					if !strings.HasSuffix(f.Name, "InOctets") || !f.Verdict.HasRate() {
						continue
					}
					if numbers[f.Name]++; math.Abs(f.Rate-want) > want/100 {
						t.Errorf("%s of %s: %v a second; want %v", f.Name, s.Tag("ifName"), f.Rate, want)
					}
				}
			}
		}
		if numbers["ifInOctets"] < 20 || numbers["ifHCInOctets"] < 20 {
			t.Errorf("numbers: %v", numbers)
		}
	})
}

// TestALostAnswerSaysNothingOfNames holds that an agent that has answered requests of as many names is not asked for fewer because a datagram was lost.
func TestALostAnswerSaysNothingOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lose := 0
		d := &device{objects: switchOf(4).objects, latency: time.Millisecond, timeout: time.Second}
		d.fault = func([]oid.OID) error {
			if lose--; lose == 0 {
				return session.ErrTimeout
			}
			return nil
		}
		one := target("dev", "interfaces")
		one.MaxRepetitions, one.Structure = 1, 0
		h := start(t, map[string]*device{"dev": d}, one)
		requests := func() (n int) {
			t.Helper()
			d.change(func() { d.asked = 0 })
			if p := h.next("dev"); p.Err != nil {
				t.Error(p.Err)
			}
			d.change(func() { n = d.asked })
			return n
		}
		requests()
		before := requests()
		d.change(func() { lose = 4 })
		if n := requests(); n != before+1 {
			t.Errorf("%d requests where one answer was lost; want one more than %d", n, before)
		}
		if n := requests(); n != before {
			t.Errorf("%d requests after it; want %d", n, before)
		}
	})
}

// TestALostAnswerSaysNothingOfRows holds that an agent that has answered requests of as many rows is not asked for fewer because a datagram was lost, and
// that it is when another is before there was an answer: the path may bear less than it did.
func TestALostAnswerSaysNothingOfRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lose, times := 0, 0
		d := &device{objects: switchOf(40).objects, latency: time.Millisecond, timeout: time.Second}
		d.fault = func([]oid.OID) error {
			if lose--; lose <= 0 && lose > -times {
				return session.ErrTimeout
			}
			return nil
		}
		one := target("dev", "interfaces")
		one.Structure = 0
		h := start(t, map[string]*device{"dev": d}, one)
		repetitions := func(at, n int) int {
			t.Helper()
			d.change(func() { lose, times = at, n })
			h.next("dev")
			return h.c.Stats()[0].Effort.MaxRepetitions
		}
		most := repetitions(0, 0)
		for range 5 {
			if n := repetitions(4, 1); n != most {
				t.Errorf("%d repetitions where one answer was lost; want %d", n, most)
			}
		}
		if n := repetitions(4, 2); n != most {
			t.Errorf("%d repetitions where the poll was given up; want %d", n, most)
		}
		if n := repetitions(2, 1); n >= most {
			t.Errorf("%d repetitions where no answer came since; want fewer than %d", n, most)
		}
	})
}

// TestLossWithinAPoll holds that a poll is whole though several of its requests were lost, with answers between them, and that it ends where too many are.
func TestLossWithinAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, lost, times := 0, 0, 0
		d := &device{objects: switchOf(20).objects, latency: time.Millisecond, timeout: time.Second}
		d.fault = func([]oid.OID) error {
			if asked++; asked%3 == 0 && lost < times {
				lost++
				return session.ErrTimeout
			}
			return nil
		}
		one := target("dev", "interfaces")
		one.MaxRepetitions = 1
		h := start(t, map[string]*device{"dev": d}, one)
		h.next("dev")
		for _, tt := range []struct {
			times, lost int
			whole       bool
		}{{0, 0, true}, {1, 1, true}, {3, 3, true}, {1000, 4, false}} {
			d.change(func() { asked, lost, times = 0, 0, tt.times })
			p := h.next("dev")
			if d.change(func() { times = 0 }); lost != tt.lost || !p.Answered || (p.Err == nil) != tt.whole {
				t.Errorf("%d requests may be lost: %d were, %v", tt.times, lost, p.Err)
			}
		}
	})
}

// TestOneSilence holds that after one silence the next poll asks as ever, with all retries, since datagrams may have been lost, and that after two a
// single datagram asks whether the agent is back.
func TestOneSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond}
		one := target("dev", "tcp")
		one.Interval = time.Minute
		d.objects = switchOf(1).objects
		h := start(t, map[string]*device{"dev": d}, one)
		poll := func() collector.Poll {
			before := len(h.of("dev"))
			time.Sleep(time.Minute)
			return h.of("dev")[before]
		}
		slow := one.Timeout + time.Second // as if the first datagram were lost
		for silences := range 3 {
			d.change(func() { d.silent, d.latency = false, time.Millisecond })
			for range 12 {
				poll()
			}
			d.change(func() { d.silent = true })
			for range silences {
				poll()
			}
			d.change(func() { d.silent, d.latency = false, slow })
			if p := poll(); p.Answered != (silences < 2) {
				t.Errorf("after %d silences: answered is %v, %v", silences, p.Answered, p.Err)
			}
		}
	})
}
