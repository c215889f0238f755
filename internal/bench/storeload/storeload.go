// Package storeload makes what polls of switches bring, for figures about the store.
package storeload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"walkabout/counter"
	"walkabout/metric"
)

// Interval is between two polls of a device.
const Interval = 30 * time.Second

// Switch is a device of which every port carries traffic that swings, with the columns that the profile interfaces asks for.
type Switch struct {
	name   string
	ports  []port
	random *rand.Rand
}

type port struct {
	tags   []metric.Tag
	counts [len(counters)]float64
	level  float64
}

// counters are those of an agent with IF-MIB's 64-bit counters; the first eight have 32-bit twins.
var counters = [...]string{"ifHCInOctets", "ifHCInUcastPkts", "ifHCInMulticastPkts", "ifHCInBroadcastPkts", "ifHCOutOctets", "ifHCOutUcastPkts", "ifHCOutMulticastPkts",
	"ifHCOutBroadcastPkts", "ifInErrors", "ifInDiscards", "ifInUnknownProtos", "ifOutErrors", "ifOutDiscards", "ifInNUcastPkts", "ifOutNUcastPkts"}

var gauges = [...]struct {
	name  string
	value uint64
}{{"ifType", 6}, {"ifMtu", 1500}, {"ifSpeed", 1e9}, {"ifHighSpeed", 1000}, {"ifAdminStatus", 1}, {"ifOperStatus", 1}, {"ifLastChange", 12345},
	{"ifLinkUpDownTrapEnable", 1}, {"ifPromiscuousMode", 2}, {"ifConnectorPresent", 1}, {"ifCounterDiscontinuityTime", 0}, {"ifOutQLen", 0}}

// perSecond is about how fast each of counters goes.
var perSecond = [...]float64{4e6, 5000, 20, 5, 3e6, 4000, 30, 6, 0, 0.01, 0, 0, 0.02, 25, 36}

// New returns a switch of so many ports.
func New(name string, ports int, seed uint64) *Switch {
	s := &Switch{name: name, random: rand.New(rand.NewPCG(seed, 7))}
	for i := range ports {
		s.ports = append(s.ports, port{level: s.random.ExpFloat64(), tags: []metric.Tag{{Name: "agent_host", Value: fmt.Sprintf("192.0.2.%d", seed%250)},
			{Name: "device", Value: name}, {Name: "hostname", Value: name + ".example.net"}, {Name: "ifDescr", Value: fmt.Sprintf("GigabitEthernet1/0/%d", i+1)},
			{Name: "ifName", Value: fmt.Sprintf("Gi1/0/%d", i+1)}, {Name: "site", Value: "paris"}}})
	}
	return s
}

// late is what a poll is late by at most: no schedule is kept to the millisecond.
const late = 5 * time.Millisecond

// Poll returns what the poll at the time, or a little later, brings: a row for each port and one of the poll itself.
func (s *Switch) Poll(at time.Time) []metric.Sample {
	at = at.Add(time.Duration(s.random.Int64N(int64(late))))
	out := make([]metric.Sample, 0, len(s.ports)+1)
	for i := range s.ports {
		out = append(out, s.row(i, at))
	}
	return append(out, metric.Sample{Measurement: metric.PollMeasurement, At: at, Tags: []metric.Tag{{Name: "device", Value: s.name}},
		Fields: []metric.Field{{Name: "up", Kind: metric.Integer, Num: 1}, {Name: "duration_seconds", Kind: metric.Float, Num: math.Float64bits(s.random.Float64() / 10)}}})
}

func (s *Switch) row(i int, at time.Time) metric.Sample {
	p := &s.ports[i]
	f := []metric.Field{{Name: "ifIndex", Kind: metric.Integer, Num: uint64(i + 1)}, {Name: "ifAlias", Kind: metric.String, Str: fmt.Sprintf("desk %d of room %d", i+1, i/8)}}
	gauge := func(name string, v uint64) {
		f = append(f, metric.Field{Name: name, Kind: metric.Unsigned, Num: v})
	}
	for _, g := range gauges {
		gauge(g.name, g.value)
	}
	f = append(f, metric.Field{Name: "ifPhysAddress", Kind: metric.String, Str: "02:00:5e:00:00:01"})
	swing := p.level * (1 + 0.5*math.Sin(float64(at.Unix())/3000+float64(i))) * (0.8 + 0.4*s.random.Float64())
	for c, name := range counters {
		more := math.Floor(perSecond[c] * swing * Interval.Seconds())
		p.counts[c] += more
		field := metric.Field{Name: name, Kind: metric.Counter64, Num: uint64(p.counts[c]), Rate: more / (Interval.Seconds() + 0.01*float64(s.random.IntN(3))), Verdict: counter.OK}
		if c < 8 {
			twin := field
			twin.Name, twin.Kind, twin.Num = "if"+name[len("ifHC"):], metric.Counter32, uint64(uint32(twin.Num))
			f = append(f, twin)
		} else {
			field.Kind = metric.Counter32
		}
		f = append(f, field)
	}
	f = append(f, metric.Field{Name: "rate_seconds", Kind: metric.Float, Num: math.Float64bits(Interval.Seconds() + 0.01*float64(s.random.IntN(3)))})
	return metric.Sample{Measurement: "interface", At: at, Tags: p.tags, Fields: f}
}
