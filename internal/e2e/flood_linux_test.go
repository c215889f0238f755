//go:build interop

package e2e

import (
	"testing"
	"time"
)

const (
	floodPolls = 12
	floodIn    = 4e6 // octets of payload a second
	floodOut   = 1.5e6
)

// The rates of a flood, in both directions, are in the mean what `ip -s link` says, within 1 %.
func TestFlood(t *testing.T) {
	t.Parallel()
	near, far := newBox(t), newBox(t)
	c := near.connect(t, far, "wan0", 10)
	near.agent(t)
	near.sink(t)
	far.sink(t)
	d := newInfluxDB(t)
	p := collect(t, (&collection{targets: []target{{name: near.name, address: near.address}}, db: d}).write(t))
	p.awaitPolls(t, near.name, 2)
	stopIn, stopOut := flood(t, far, c.aAddress, floodIn), flood(t, near, c.bAddress, floodOut)
	p.awaitPolls(t, near.name, 2)

	from := near.measure(t, "wan0")
	p.awaitPolls(t, near.name, floodPolls)
	to := near.measure(t, "wan0")
	stopIn()
	stopOut()
	end(t, p.Process)

	seconds := to.at.Sub(from.at).Seconds()
	s := interfaceSeries(t, d, near.name, "wan0")
	s.audit(t)
	for _, x := range []struct {
		counters []string
		want     float64
	}{
		{[]string{"ifHCInOctets", "ifInOctets"}, float64(to.in-from.in) / seconds},
		{[]string{"ifHCOutOctets", "ifOutOctets"}, float64(to.out-from.out) / seconds},
	} {
		for _, name := range x.counters {
			got, n := s.mean(t, name, from.at.Add(interval), to.at)
			if n < floodPolls-2 || !within(got, x.want, 0.01) {
				t.Errorf("%s_rate has the mean %.0f over %d polls; ip -s link says %.0f", name, got, n, x.want)
			}
			t.Logf("%s: %.0f over %d polls; ip -s link: %.0f, %+.2f %%", name, got, n, x.want, 100*(got/x.want-1))
		}
	}
}

// mean returns that of a counter's rates at the n points after one time up to another.
func (s series) mean(t *testing.T, name string, after, to time.Time) (mean float64, n int) {
	t.Helper()
	for _, p := range s.points {
		if rate, ok := p.number(t, name+"_rate"); ok && p.at.After(after) && !p.at.After(to) {
			mean, n = mean+rate, n+1
		}
	}
	return mean / float64(n), n
}

// measurement is what `ip -s link` said at a time.
type measurement struct {
	at      time.Time
	in, out uint64
}

// measure asks until an answer was quick enough to be of a moment.
func (b *box) measure(t *testing.T, link string) (m measurement) {
	t.Helper()
	eventually(t, "a quick ip -s link", func() bool {
		start := time.Now()
		m.in, m.out = b.octets(t, link)
		took := time.Since(start)
		m.at = start.Add(took / 2)
		return took < 20*time.Millisecond
	})
	return m
}
