package counter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"walkabout/counter"
)

func looseOctets() counter.Column {
	return counter.Column{Name: "ifInOctets", Bits: 32, Unit: counter.Octets, Loose: true}
}

// proven returns a rig whose Loose columns were seen to count, 1,000 a poll. There is an ifHCInUcastPkts beside, by which polls are fresh.
func proven(t *testing.T, columns ...counter.Column) *rig {
	t.Helper()
	r := newRig(t, append(columns, counter.Column{Name: "ifHCInUcastPkts", Bits: 64, Unit: counter.Packets}), every, "eth0", "eth1")
	for i := range r.rows {
		r.rows[i].Speed = 1e8
	}
	r.poll(0)
	for range 8 {
		r.want(0, "none", r.words(0)[1])
		r.wantFound()
		r.add(1000)
		r.poll(interval)
	}
	r.wantFound(counter.Finding{Kind: counter.CounterOfOtherType, Row: -1})
	r.add(1000)
	r.poll(interval)
	r.want(0, "ok 100", "ok 100")
	r.wantFound()
	return r
}

func TestLoose(t *testing.T) {
	for _, tt := range []struct {
		name      string
		last, now uint64
		want      [2]string // and of the Counter64 beside it
	}{
		{"it rises", 5000, 6000, [2]string{"ok 100", "ok 100"}},
		{"it stands", 5000, 5000, [2]string{"ok 0", "ok 100"}},
		{"an INTEGER gets a sign", 1<<31 - 500, 1<<31 + 500, [2]string{"ok 100", "ok 100"}},
		{"a wrap at 2^31", 1<<31 - 500, 500, [2]string{"ambiguous", "ok 100"}},
		{"a wrap at 2^32", 1<<32 - 500, 500, [2]string{"ambiguous", "ok 100"}},
		{"an INTEGER at its end", 1<<31 - 1, 1<<31 - 1, [2]string{"ambiguous", "ok 100"}},
		{"a Gauge32 at its end", 1<<32 - 1000, 1<<32 - 1, [2]string{"ambiguous", "ok 100"}},
		{"cleared", 5000, 100, [2]string{"reset", "reset"}},
		{"faster than the interface", 5000, 5000 + 1e9, [2]string{"implausible", "ok 100"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := proven(t, looseOctets())
			r.add(1000)
			r.rows[0].Values[0] = tt.last
			r.poll(time.Hour) // a gap
			r.add(1000)
			r.rows[0].Values[0] = tt.now
			r.poll(interval)
			r.want(0, tt.want[0], tt.want[1])
			r.want(1, "ok 100", "ok 100")
		})
	}
}

// TestLooseMayHideAWrap: at 1 Gb/s an INTEGER of octets passes 2^31 in 17 s, so that only its packets bound it.
func TestLooseMayHideAWrap(t *testing.T) {
	octets := looseOctets()
	octets.Packets = [][]string{{"ifHCInUcastPkts"}}
	for _, tt := range []struct {
		packets uint64
		want    string
	}{{1000, "ok 5"}, {10_000_000, "ambiguous"}} {
		r := proven(t, octets)
		for i := range r.rows {
			r.rows[i].Speed = 1e9
		}
		r.add(1000)
		r.poll(2 * interval) // the greater speed of both readings counts
		r.rows[0].Values[0] += 100
		r.rows[0].Values[1] += tt.packets
		r.poll(2 * interval)
		r.want(0, tt.want, fmt.Sprintf("ok %d", tt.packets/20))
	}
}

// TestLooseFallsAgain: what fell as no counter does has to be seen to count again, twice as long; and a column that stands still, as one that the
// agent does not keep, has no rate of 0.
func TestLooseFallsAgain(t *testing.T) {
	r := proven(t, looseOctets())
	for _, polls := range []int{16, 32} {
		r.add(1000)
		r.rows[0].Values[0] = 7
		r.poll(interval)
		r.want(0, "reset", "reset")
		for n := range polls {
			r.add(1000)
			r.poll(interval)
			if r.want(0, "none", "ok 100"); t.Failed() {
				t.Fatal(n)
			}
		}
		r.add(1000)
		r.poll(interval)
		r.want(0, "ok 100", "ok 100")
		r.wantFound()
	}
	still := newRig(t, []counter.Column{looseOctets(), {Name: "ifHCInUcastPkts", Bits: 64, Unit: counter.Packets}}, every, "eth0")
	for range 100 {
		still.rows[0].Values[1] += 1000
		still.poll(interval)
		still.want(0, "none", still.words(0)[1])
	}
}

// TestLooseAlone: a table of nothing else is known to count as well.
func TestLooseAlone(t *testing.T) {
	r := newRig(t, []counter.Column{looseOctets()}, every, "eth0")
	r.rows[0].Speed = 1e8
	n := 0
	for ; r.words(0)[0] != "ok 100" && n < 20; n++ {
		r.add(1000)
		r.poll(interval)
		if w := r.words(0)[0]; w != "none" && w != "stale" && w != "ok 100" {
			t.Fatal(n, w)
		}
	}
	if n == 20 {
		t.Error("it has no rate")
	}
}

// TestLooseNeverLies plays counters whose agent serves them as INTEGER or Gauge32 in every way that there is, with rows that are cleared now and then: a
// rate is the true one. What is no counter has none.
func TestLooseNeverLies(t *testing.T) {
	serve := map[string]func(uint64) uint64{
		"masked to 31 bits":  func(n uint64) uint64 { return n & math.MaxInt32 },
		"32 bits":            func(n uint64) uint64 { return n & math.MaxUint32 },
		"stands at 2^31 - 1": func(n uint64) uint64 { return min(n, math.MaxInt32) },
		"stands at 2^32 - 1": func(n uint64) uint64 { return min(n, math.MaxUint32) },
		"starts at 2^31":     func(n uint64) uint64 { return (n + 1<<31) & math.MaxUint32 },
	}
	const limit = 12_500_000 // 100 Mb/s
	for name, as := range serve {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			r := proven(t, looseOctets())
			truth := []uint64{0, 0}
			rates, cleared := 0, []bool{true, true}
			for range 20_000 {
				step := time.Duration(1+random.IntN(3)) * interval
				var was [2]uint64
				for i := range truth {
					was[i] = truth[i]
					if random.IntN(500) == 0 {
						truth[i], cleared[i] = uint64(random.IntN(1000)), true
					}
					truth[i] += uint64(random.Float64() * limit * step.Seconds())
					r.rows[i].Values[0] = as(truth[i])
					r.rows[i].Values[1] += 1000
				}
				r.poll(step)
				for i := range truth {
					if v := r.rows[i].Verdicts[0]; v.HasRate() {
						rates++
						if want := float64(truth[i]-was[i]) / step.Seconds(); !cleared[i] && math.Abs(r.rows[i].Rates[0]-want) > 1e-6*want {
							t.Fatalf("%v: %v, the truth is %v", v, r.rows[i].Rates[0], want)
						}
					}
					cleared[i] = false
				}
			}
			if rates == 0 {
				t.Error("no rates at all")
			}
			t.Logf("%d of 40,000 have a rate", rates)
		})
	}
	random := rand.New(rand.NewPCG(3, 4))
	r := newRig(t, []counter.Column{looseOctets(), {Name: "ifHCInUcastPkts", Bits: 64, Unit: counter.Packets}}, every, "eth0", "eth1")
	for range 20_000 {
		for i := range r.rows {
			r.rows[i].Values[0] = random.Uint64N(1e6)
			r.rows[i].Values[1] += 1000
		}
		r.poll(interval)
		if r.rows[0].Verdicts[0] != counter.None || r.rows[1].Verdicts[0] != counter.None {
			t.Fatal("a gauge has a rate")
		}
	}
}
