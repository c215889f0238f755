package collector_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestAKnownTableIsReadAsAWalkReadsIt changes a switch at random between polls, and compares what is polled of it with what is polled of
// one that is the same but for ifNumber and ifTableLastChange, so that it is walked each time.
func TestAKnownTableIsReadAsAWalkReadsIt(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			b := switchOf(1 + random.IntN(30))
			known := &device{objects: b.objects, most: random.IntN(2) * (60 + random.IntN(60))}
			walked := &device{objects: func(now time.Time) []snmp.VarBind {
				c := *b
				c.moved = snmp.Null
				return c.objects(now)
			}}
			h := start(t, map[string]*device{"known": known, "walked": walked}, target("known", "interfaces"), target("walked", "interfaces"))
			for i := range 40 {
				change := "nothing"
				known.change(func() { change = b.mutate(random) })
				h.next("known")
				h.next("walked")
				k, w := h.of("known")[i], h.of("walked")[i]
				if k.Err != nil || w.Err != nil {
					t.Fatalf("seed %d, poll %d: %v, %v", seed, i, k.Err, w.Err)
				}
				if diff := cmp.Diff(comparable(w), comparable(k)); diff != "" {
					t.Fatalf("seed %d, poll %d after %s:\n%s", seed, i, change, diff)
				}
			}
			if known.asks() < 10 || walked.asks() > 0 {
				t.Errorf("seed %d: %d and %d polls without a walk", seed, known.asks(), walked.asks())
			}
		})
	}
}

// mutate changes b at random, or does not, and says how.
func (b *box) mutate(random *rand.Rand) string {
	i := random.IntN(len(b.ports))
	next := b.ports[len(b.ports)-1].index + 1
	switch random.IntN(16) {
	case 0:
		b.ports = append(b.ports, port{index: next, name: fmt.Sprint("new", next), descr: "new", typ: 6, mbits: 100, rate: 100})
		return "a port more"
	case 1:
		if len(b.ports) > 1 {
			b.ports = slices.Delete(b.ports, i, i+1)
		}
		return "a port less"
	case 2:
		b.ports[i].name += "x"
		return "another name"
	case 3:
		p := b.ports[i]
		p.index = next
		b.ports = append(slices.Delete(b.ports, i, i+1), p)
		return "another index"
	case 4:
		b.ports[i].noHC = !b.ports[i].noHC
		b.moved = snmp.TimeTicks(random.Uint32()) // nothing else may show it: no column of those that are known is another
		return "columns come or go"
	case 5:
		b.ports[i].noX = !b.ports[i].noX
		return "a row of ifXTable comes or goes"
	}
	return "nothing"
}

// comparable returns what two polls of the same agent at different times have in common.
func comparable(p collector.Poll) []string {
	var out []string
	for _, s := range p.Samples {
		line := fmt.Sprint(s.Tag("ifName"), " ", s.Tag("ifDescr"), " ", s.Tag("ifIndex"))
		for _, f := range s.Fields {
			switch {
			case f.Name == "rate_seconds":
			case f.Verdict != counter.None:
				line += fmt.Sprintf(" %s %v %.0f", f.Name, f.Verdict, f.Rate/100)
			case f.Kind != metric.Float:
				line += fmt.Sprintf(" %s=%d%s", f.Name, f.Num, f.Str)
			}
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// TestRequestsOfAKnownTable counts them: filled answers, no walk past the end, and one more request to find a change.
func TestRequestsOfAKnownTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(48)
		d := &device{latency: time.Millisecond}
		h := one(t, b, d, "interfaces")
		polled := func() int {
			before := d.requests()
			if p := h.next("dev"); p.Err != nil {
				t.Error(p.Err)
			}
			return d.requests() - before
		}
		first, second, third := polled(), polled(), polled()
		if second >= first || third != second || d.asks() != 2 {
			t.Errorf("%d, %d and %d requests; %d polls without a walk", first, second, third, d.asks())
		}
		// The one that the agent cannot bear is asked again, with less, and less is asked from then on.
		d.change(func() { d.tooBig = 40 })
		if n := polled(); n <= third {
			t.Errorf("%d requests, some of which are too big", n)
		}
		if n := polled(); n != 1+48 {
			t.Errorf("%d requests, want one for each row and one before", n)
		}
	})
}

// TestALostAnswerOfAKnownTable holds that what else was answered is not asked again.
func TestALostAnswerOfAKnownTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := switchOf(48)
		d := &device{latency: time.Millisecond}
		h := one(t, b, d, "interfaces")
		h.next("dev")
		before := d.requests()
		h.next("dev")
		usual := d.requests() - before
		left := 9
		d.change(func() {
			d.fault = func([]oid.OID) error {
				if left--; left == 0 {
					return session.ErrTimeout
				}
				return nil
			}
		})
		before = d.requests()
		p := h.next("dev")
		if n := d.requests() - before; p.Err != nil || len(p.Samples) != 48 || n > 2*usual {
			t.Errorf("%v, %d samples, %d requests where %d are usual", p.Err, len(p.Samples), n, usual)
		}
	})
}
