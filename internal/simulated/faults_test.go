package simulated_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"walkabout/agent"
	"walkabout/collector"
	"walkabout/sim"
)

// TestFaults holds, for each fault that agents have, that what can be had is had after a few polls, with true numbers; what cannot is named; and that
// no poll asks more than a few hundred times.
func TestFaults(t *testing.T) {
	const (
		all  = 12 * 23 // rates of 12 ports
		wide = 12 * 8  // of them those of Counter64s
	)
	tests := map[sim.Fault]struct {
		rates  int
		reason string // collector.Reason of the poll, "" if it is whole
		log    string // what is logged once
		most   int    // requests of a poll
	}{
		sim.NotIncreasing: {all - 12 + 1, "not_increasing", "interface/ifInOctets", 30},
		sim.Loop:          {all - 12 + 4, "not_increasing", "interface/ifInOctets", 30},
		sim.Empty:         {all, "", "GETBULK", 60},
		sim.Truncated:     {all, "", "GETBULK", 60},
		sim.WrongID:       {all, "", "", 30},
		sim.Duplicate:     {all, "", "", 20},
		sim.Late:          {all, "", "", 30},
		sim.Narrow64:      {all - wide, "", "wrong type", 20},
		sim.FiveOctets:    {wide, "", "outside their type", 20},
		sim.NullValues:    {all - wide, "", "NULL", 40},
		sim.NoSuchName:    {all, "", "", 40},
		sim.NoBulk:        {all, "", "GETBULK", 60},
		sim.RefusesBulk:   {all, "", "GETBULK", 60},
		sim.FewNames:      {all, "", "", 120},
		sim.TooManyNames:  {all, "", "", 120},
	}
	for _, fault := range sim.Faults() {
		tt, ok := tests[fault]
		if !ok {
			t.Errorf("%s is not tested", fault)
		}
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t)
				_, target := l.device("192.0.2.1:161", "sw1", 12, func(d agent.Datagrams) agent.Datagrams { return sim.Faulty(d, fault) })
				c := l.collect(target)
				var p collector.Poll
				var requests, rates int
				for i := range 14 {
					p, requests = l.next("sw1")
					if rates = l.numbers(p); requests > 300 {
						t.Errorf("poll %d: %d requests", i, requests)
					}
				}
				if rates != tt.rates || requests > tt.most {
					t.Errorf("%d rates, want %d; %d requests, at most %d are wanted", rates, tt.rates, requests, tt.most)
				}
				switch {
				case tt.reason == "" && p.Err != nil:
					t.Errorf("the poll: %v", p.Err)
				case tt.reason != "" && (p.Err == nil || collector.Reason(errors.Unwrap(parts(p.Err)[0])) != tt.reason):
					t.Errorf("the poll: %v, want %s", p.Err, tt.reason)
				}
				if n := strings.Count(l.log.String(), tt.log); tt.log != "" && n == 0 {
					t.Errorf("the log says nothing of %q:\n%s", tt.log, l.log.String())
				}
				if n := strings.Count(l.log.String(), "\n"); n > 12 {
					t.Errorf("%d lines of log:\n%s", n, l.log.String())
				}
				if s := c.Stats()[0]; fault == sim.FiveOctets && s.Odd == 0 || (fault == sim.WrongID || fault == sim.Duplicate) && s.Dropped == 0 || fault == sim.Late && s.Retries == 0 {
					t.Errorf("not counted: %+v", s)
				}
			})
		})
	}
}

func parts(err error) []error { return err.(interface{ Unwrap() []error }).Unwrap() }
