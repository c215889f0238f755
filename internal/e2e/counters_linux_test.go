//go:build interop

package e2e

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/sim"
)

// TestCounterFaults lets simulated devices, whose traffic is known, do to their counters what devices do, and holds every rate in InfluxDB
// against the truth.
func TestCounterFaults(t *testing.T) {
	t.Parallel()
	const slow, fast, packet = 5e6, 1.1e9, 640.0 // 1.1e9 octets a second wrap every 3.9 s
	ports := []sim.Port{
		{Index: 1, Name: "slow", Speed: 1e9, InRate: slow, OutRate: slow / 4, InBase: before(4*time.Second, slow)},
		{Index: 2, Name: "fast", Speed: 10e9, InRate: fast, OutRate: fast / 2, OutBase: before(2*time.Second, fast/2)},
		{Index: 3, Name: "idle", Speed: 1e9, InBase: 1 << 31},
	}
	rates := map[string]float64{"slow": slow, "fast": fast, "idle": 0}
	names := []string{"wraps", "wide", "reboots", "recreates", "renumbers", "swaps"}
	devices := map[string]*device{}
	c := collection{db: newInfluxDB(t)}
	for _, name := range names {
		devices[name] = newDevice(t, name, name != "wide", ports...)
		c.targets = append(c.targets, target{name: name, address: devices[name].address})
	}
	p := collect(t, c.write(t))
	p.awaitPolls(t, "wraps", 4)
	devices["reboots"].Reboot(time.Now())
	if err := devices["recreates"].Recreate(1, time.Now()); err != nil {
		t.Fatal(err)
	}
	renumber := func(device string, to map[string]uint32) {
		list := devices[device].Ports()
		for i := range list {
			list[i].Index = to[list[i].Name]
		}
		devices[device].SetPorts(list)
	}
	renumber("renumbers", map[string]uint32{"slow": 101, "fast": 102, "idle": 103})
	renumber("swaps", map[string]uint32{"slow": 2, "fast": 1, "idle": 3})
	p.awaitPolls(t, "wraps", 6)
	if n := p.metric(t, `snmpcollect_rates_total{device="wraps",verdict="wrapped"}`); n < 3 {
		t.Errorf("%v counters were seen to wrap", n)
	}
	end(t, p.Process)

	for _, device := range names {
		for port, rate := range rates {
			s := interfaceSeries(t, c.db, device, port)
			s.audit(t)
			want := []string{"first", "rate"}
			switch {
			case device == "reboots":
				want = append(want, "reset", "rate")
			case device == "recreates" && port == "slow":
				want = append(want, "discontinuity", "rate")
			case device == "renumbers", device == "swaps" && port != "idle":
				want = append(want, "first", "rate")
			}
			for _, name := range s.counters() {
				if diff := cmp.Diff(want, s.verdicts(name)); diff != "" {
					t.Errorf("%s %s %s: %s", device, port, name, diff)
				}
				s.expect(t, name, truth(name, rate, packet))
			}
			if hc := slices.ContainsFunc(s.counters(), func(name string) bool { return !narrow(name) }); hc != (device == "wide") {
				t.Errorf("%s has 64-bit counters: %t", device, hc)
			}
		}
	}
}

// truth returns the rate of a simulated port's counter, of which its octets received have this one.
func truth(name string, in, packet float64) float64 {
	switch out := in / map[bool]float64{true: 2, false: 4}[in > 1e9]; strings.Replace(name, "HC", "", 1) {
	case "ifInOctets":
		return in
	case "ifInUcastPkts":
		return in / packet
	case "ifOutOctets":
		return out
	case "ifOutUcastPkts":
		return out / packet
	}
	return 0
}

// meanTolerance is how far the mean of a counter's rates may be from the truth, beyond what the length of its polls explains.
const meanTolerance = 0.04

// expect holds each rate of a counter, and the mean of all, against the only right one. Both ends of a rate were read at some time of their polls, and are
// taken to be of another time of these: what takes long on a busy machine may be wrong by as much, and what a wrap or a reset that was not seen makes wrong is
// wrong by far more.
func (s series) expect(t *testing.T, name string, want float64) {
	t.Helper()
	var base *point
	var counted, seconds, longest float64 // by the rates, each for the time that it is of
	rates, runs := 0, 0
	for i := range s.points {
		p := &s.points[i]
		longest = max(longest, p.took.Seconds())
		if rate, ok := p.number(t, name+"_rate"); ok && base != nil {
			passed := p.at.Sub(base.at)
			wrong := want * (base.took + p.took + 2*slack).Seconds() / (passed - base.took - slack).Seconds()
			if passed > base.took+slack && math.Abs(rate-want) > wrong {
				t.Errorf("%v %s_rate at %v is %v, in truth it is %v, give or take %v", s.tags, name, p.at, rate, want, wrong)
			}
			if base.verdict(name) != "" {
				runs++ // of rates, between which the errors of their ends take each other away
			}
			if rates++; rate > 0 {
				diff := s.difference(t, name, base, p)
				counted, seconds = counted+diff, seconds+diff/rate
			}
		}
		if base == nil || !s.repeats(*base, *p) {
			base = p
		}
	}
	if want == 0 && rates > 0 {
		return
	}
	if mean, wrong := counted/seconds, meanTolerance+float64(runs)*2*longest/seconds; rates == 0 || !within(mean, want, wrong) {
		t.Errorf("%v %s_rate has the mean %v over %d polls, in truth it is %v, give or take %.0f %%", s.tags, name, mean, rates, want, 100*wrong)
	}
}

// difference returns what a counter counted from one point to another.
func (s series) difference(t *testing.T, name string, from, to *point) float64 {
	t.Helper()
	before, _ := from.count(t, name)
	now, _ := to.count(t, name)
	if narrow(name) {
		return float64(uint32(now - before))
	}
	return float64(now - before)
}
