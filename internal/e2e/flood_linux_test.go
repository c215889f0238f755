//go:build interop

package e2e

import (
	"slices"
	"testing"
	"time"
)

const (
	floodPolls = 12
	floodIn    = 4e6 // octets of payload a second
	floodOut   = 1.5e6
)

// The rates of a flood, in both directions, are in the mean what the kernel counted, within 1 %.
func TestFlood(t *testing.T) {
	t.Parallel()
	near, far := newBox(t), newBox(t)
	c := near.connect(t, far, "wan0", 10)
	near.agent(t)
	near.sink(t)
	far.sink(t)
	record := near.record(t)
	d := newInfluxDB(t)
	p := collect(t, (&collection{targets: []target{{name: near.name, address: near.address}}, db: d}).write(t))
	p.awaitPolls(t, near.name, 2)
	stopIn, stopOut := flood(t, far, c.aAddress, floodIn), flood(t, near, c.bAddress, floodOut)
	p.awaitPolls(t, near.name, 2)
	from := time.Now()
	p.awaitPolls(t, near.name, floodPolls)
	to := time.Now()
	stopIn()
	stopOut()
	end(t, p.Process)
	record.end()

	s := interfaceSeries(t, d, near.name, "wan0")
	s.audit(t)
	s.points = slices.DeleteFunc(s.points, func(p point) bool { return p.at.Before(from) || p.at.After(to) })
	if len(s.points) < floodPolls-1 {
		t.Fatalf("%d polls between %v and %v", len(s.points), from, to)
	}
	for _, name := range []string{"ifHCInOctets", "ifInOctets", "ifHCOutOctets", "ifOutOctets"} {
		record.holdMean(t, s, name)
	}
}

// holdMean holds the mean of a counter's rates, each for the time that it is of, against what the kernel counted from the first point to the last.
func (r *recorder) holdMean(t *testing.T, s series, name string) {
	t.Helper()
	var seconds float64
	for i, p := range s.points[1:] {
		rate, ok := p.number(t, name+"_rate")
		if !ok || rate == 0 {
			t.Errorf("%s has no rate at %v", name, p.at)
			return
		}
		seconds += s.difference(t, name, &s.points[i], &p) / rate
	}
	first, last := s.points[0], s.points[len(s.points)-1]
	least0, most0, ok0 := r.between(kernelName(s.tags["ifName"], name), first.at.Add(-reuse), first.at.Add(first.took))
	least1, most1, ok1 := r.between(kernelName(s.tags["ifName"], name), last.at.Add(-reuse), last.at.Add(last.took))
	if !ok0 || !ok1 {
		t.Errorf("%s: the kernel's figures were not read around %v and %v", name, first.at, last.at)
		return
	}
	passed := last.at.Sub(first.at)
	mean := s.difference(t, name, &first, &last) / seconds
	least, most := float64(least1-most0)/(passed+last.took+slack).Seconds(), float64(most1-least0)/(passed-first.took-slack).Seconds()
	if mean < 0.99*least || mean > 1.01*most {
		t.Errorf("%s_rate has the mean %.0f over %d polls; the kernel counted %.0f to %.0f a second", name, mean, len(s.points)-1, least, most)
	}
	t.Logf("%s: %.0f over %d polls; the kernel: %.0f to %.0f", name, mean, len(s.points)-1, least, most)
}
