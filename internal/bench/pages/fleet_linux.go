package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/web"
)

const (
	interval = 30 * time.Second
	portsOf  = 48
	large    = "chassis" // the device of many interfaces
)

// fleet is polled without agents.
type fleet struct {
	memory *web.Memory
	names  []string
	ports  int // of large
	random *rand.Rand
	n      uint32 // rounds
}

func newFleet(devices, ports int) *fleet {
	f := &fleet{memory: web.NewMemory(), ports: ports, random: rand.New(rand.NewPCG(1, 2))}
	for i := range devices {
		f.names = append(f.names, fmt.Sprintf("switch-%04d.%s.example.net", i, []string{"paris", "lyon", "nice"}[i%3]))
	}
	f.names = append(f.names, large)
	targets := make([]web.Target, 0, len(f.names))
	for i, name := range f.names {
		targets = append(targets, web.Target{Name: name, Address: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Labels: map[string]string{"site": "site" + strconv.Itoa(i%7)},
			Interval: interval, Profiles: []string{"system", "interfaces"}, Version: "2c"})
	}
	f.memory.Keep(targets)
	for range 2 {
		f.n++
		for i := range f.names {
			f.poll(i)
		}
	}
	return f
}

// feed polls every device each interval, evenly.
func (f *fleet) feed(ctx context.Context) {
	tick := time.NewTicker(interval / time.Duration(len(f.names)))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if i%len(f.names) == 0 {
			f.n++
		}
		f.poll(i % len(f.names))
	}
}

func (f *fleet) poll(i int) {
	name, ports := f.names[i], portsOf
	if name == large {
		ports = f.ports
	}
	p := web.Poll{Device: name, At: time.Now(), Interval: interval, Duration: 20 * time.Millisecond, Answered: i%500 != 7, UpTime: 360000 + f.n*3000, HasUpTime: true, Complete: []string{"interface"}}
	if !p.Answered {
		p.Cause = "snmp_silent"
		f.memory.Poll(p)
		return
	}
	p.Samples = append(p.Samples, metric.Sample{Measurement: "system", At: p.At, Fields: []metric.Field{{Name: "sysName", Kind: metric.String, Str: name}, {Name: "sysLocation", Kind: metric.String, Str: "Rack " + strconv.Itoa(i%40)}}})
	for port := range ports {
		p.Samples = append(p.Samples, f.row(name, port, p.At))
	}
	f.memory.Poll(p)
}

func (f *fleet) row(device string, port int, at time.Time) metric.Sample {
	rate := func(name string, most float64) metric.Field {
		return metric.Field{Name: name, Kind: metric.Counter64, Rate: most * f.random.Float64(), Verdict: counter.OK}
	}
	oper := uint64(1)
	if port%9 == 8 {
		oper = 2
	}
	number := strconv.Itoa(port + 1)
	return metric.Sample{Measurement: "interface", At: at,
		Tags: []metric.Tag{{Name: "device", Value: device}, {Name: "ifDescr", Value: "GigabitEthernet1/0/" + number}, {Name: "ifName", Value: "Gi1/0/" + number}},
		Fields: []metric.Field{{Name: "ifIndex", Kind: metric.Integer, Num: uint64(port + 1)}, {Name: "ifAdminStatus", Kind: metric.Integer, Num: 1},
			{Name: "ifOperStatus", Kind: metric.Integer, Num: oper}, {Name: "ifHighSpeed", Kind: metric.Unsigned, Num: 1000}, {Name: "ifAlias", Kind: metric.String, Str: "desk " + number},
			rate("ifHCInOctets", 1e8), rate("ifHCOutOctets", 1e7), rate("ifInErrors", 1), rate("ifOutErrors", 0.1), rate("ifInDiscards", 0.1)}}
}

// alerts are those of a port of every tenth device.
func (f *fleet) alerts() alerts {
	var out alerts
	for i := 0; i < len(f.names); i += 10 {
		out = append(out, alert.Alert{Device: f.names[i], Key: "Gi1/0/9", State: alert.Firing, Fingerprint: strconv.Itoa(i)})
	}
	return out
}

func (f *fleet) stats() []web.DeviceStats {
	out := make([]web.DeviceStats, 0, len(f.names))
	for _, name := range f.names {
		out = append(out, web.DeviceStats{Device: name, RoundTrip: time.Millisecond})
	}
	return out
}
