//go:build interop

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reuse is how old a reading of the agent may be that it answers from.
const reuse = 50 * time.Millisecond

// TestRecreatedInterface floods a link, and meanwhile starts its agent anew, and makes it again with the same ifIndex and with another.
func TestRecreatedInterface(t *testing.T) {
	t.Parallel()
	const rate = 2e6
	near, far := newBox(t), newBox(t)
	near.sink(t)
	c := near.connect(t, far, "wan0", 10)
	agent := near.agent(t)
	record := near.record(t)
	flood(t, far, c.aAddress, rate)
	d := newInfluxDB(t)
	p := collect(t, (&collection{targets: []target{{name: near.name, address: near.address}}, db: d}).write(t))
	p.awaitPolls(t, near.name, 4)
	end(t, agent)
	near.agent(t)
	p.awaitPolls(t, near.name, 4)
	for _, index := range []int{10, 11} {
		near.IP(t, "link", "del", "wan0")
		c.lay(t, index)
		p.awaitPolls(t, near.name, 4)
	}
	end(t, p.Process)
	record.end()

	s := interfaceSeries(t, d, near.name, "wan0")
	s.audit(t)
	record.hold(t, s, reuse)
	for _, name := range s.counters() {
		want := []string{"first", "rate", "reset", "rate", "discontinuity", "rate", "first", "rate"}
		verdicts := s.verdicts(name)
		if s.hole() && len(verdicts) > 4 && verdicts[4] == "first" { // a poll found it gone; or was late, on a busy machine
			want[4] = "first"
		}
		if diff := cmp.Diff(want, verdicts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// hole reports whether a poll lacks the series.
func (s series) hole() bool {
	return slices.ContainsFunc(s.points[1:], func(p point) bool {
		i := slices.IndexFunc(s.points, func(q point) bool { return q.at.Equal(p.at) })
		return p.at.Sub(s.points[i-1].at) > interval*3/2
	})
}
