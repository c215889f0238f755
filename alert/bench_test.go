package alert_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/metric"
)

// fullRow has the fields and tags that a row of ifTable and ifXTable brings.
func fullRow(i int, admin, oper uint64) metric.Sample {
	s := metric.Sample{Measurement: "interface", Tags: []metric.Tag{
		{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "sw1"}, {Name: "hostname", Value: "sw1.example"},
		{Name: "ifDescr", Value: fmt.Sprintf("GigabitEthernet1/0/%d", i)}, {Name: "ifName", Value: fmt.Sprintf("Gi1/0/%d", i)}, {Name: "site", Value: "paris"},
	}}
	add := func(kind metric.Kind, n uint64, names ...string) {
		for _, name := range names {
			f := metric.Field{Name: name, Kind: kind, Num: n}
			if kind == metric.Counter64 || kind == metric.Counter32 {
				f.Verdict = counter.OK
			}
			s.Fields = append(s.Fields, f)
		}
	}
	add(metric.Integer, uint64(i), "ifIndex")
	add(metric.Integer, 6, "ifType")
	add(metric.Integer, 1500, "ifMtu")
	add(metric.Unsigned, 1e9, "ifSpeed")
	add(metric.Integer, admin, "ifAdminStatus")
	add(metric.Integer, oper, "ifOperStatus")
	add(metric.Unsigned, 90000, "ifLastChange")
	add(metric.Counter32, 1e6, "ifInOctets", "ifInUcastPkts", "ifInDiscards", "ifInErrors", "ifInUnknownProtos", "ifOutOctets",
		"ifOutUcastPkts", "ifOutDiscards", "ifOutErrors", "ifInMulticastPkts", "ifInBroadcastPkts", "ifOutMulticastPkts", "ifOutBroadcastPkts")
	add(metric.Counter64, 1e6, "ifHCInOctets", "ifHCInUcastPkts", "ifHCInMulticastPkts", "ifHCInBroadcastPkts", "ifHCOutOctets",
		"ifHCOutUcastPkts", "ifHCOutMulticastPkts", "ifHCOutBroadcastPkts")
	add(metric.Unsigned, 1000, "ifHighSpeed")
	add(metric.Unsigned, 0, "ifCounterDiscontinuityTime")
	s.Fields = append(s.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: "uplink"})
	return s
}

func BenchmarkObserve48(b *testing.B) {
	for name, oper := range map[string]func(poll, port int) uint64{
		"allUp":      func(int, int) uint64 { return 1 },
		"halfFiring": func(_, port int) uint64 { return uint64(1 + port%2) },
		"allChange":  func(poll, _ int) uint64 { return uint64(1 + poll%2) },
	} {
		b.Run(name, func(b *testing.B) {
			e := alert.NewEngine()
			e.Configure(start, config())
			polls := make([]alert.Poll, 2)
			for i := range polls {
				polls[i] = alert.Poll{Device: "sw1", Complete: []string{"interface"}, Interval: 30 * time.Second, HasUpTime: true}
				for port := range 48 {
					polls[i].Samples = append(polls[i].Samples, fullRow(port, 1, oper(i, port)))
				}
			}
			at := start
			for i := 0; b.Loop(); i++ {
				p := &polls[i%2]
				at = at.Add(30 * time.Second)
				p.At = at
				p.UpTime = uint32(3000 * i)
				e.Observe(*p)
			}
			b.ReportAllocs()
			b.ReportMetric(float64(len(e.Alerts(start))), "alerts")
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	e := alert.NewEngine()
	cfg := alert.DefaultConfig()
	for d := range 100 {
		cfg.Targets = append(cfg.Targets, alert.Target{Device: fmt.Sprintf("sw%d", d)})
	}
	e.Configure(start, cfg)
	var rows []metric.Sample
	for port := range 48 {
		rows = append(rows, fullRow(port, 1, 1))
	}
	for _, t := range cfg.Targets {
		e.Observe(alert.Poll{Device: t.Device, At: start, Samples: rows})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Snapshot(start).Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommit is from a poll that changes a port to when it is on disk, in the history and handed on.
func BenchmarkCommit(b *testing.B) {
	for name, ports := range map[string]int{"one of 48 ports": 48, "all of 500 ports": 500} {
		b.Run(name, func(b *testing.B) {
			cfg := config()
			cfg.InterfaceMismatch.For, cfg.InterfaceMismatch.Polls, cfg.InterfaceMismatch.FlapChanges = 0, 1, 0
			written := make(chan struct{}, 1)
			path := filepath.Join(b.TempDir(), "alerts.journal")
			m, err := alert.Start(alert.Options{Config: cfg, Path: path, Log: slog.New(slog.DiscardHandler), Events: func([]alert.Transition) { written <- struct{}{} }})
			if err != nil {
				b.Fatal(err)
			}
			polls := make([]alert.Poll, 2)
			for i := range polls {
				polls[i] = alert.Poll{Device: "sw1", Complete: []string{"interface"}, Interval: 30 * time.Second}
				for port := range ports {
					oper := uint64(1)
					if i == 1 && (port == 0 || ports > 48) {
						oper = 2
					}
					polls[i].Samples = append(polls[i].Samples, fullRow(port, 1, oper))
				}
			}
			at := start
			m.Observe(polls[0])
			b.ReportAllocs()
			octets := int64(0)
			for i := 1; b.Loop(); i++ {
				at = at.Add(30 * time.Second)
				p := polls[i%2]
				p.At = at
				m.Observe(p)
				<-written
			}
			if err := m.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
			if info, err := os.Stat(path); err == nil {
				octets = info.Size()
			}
			b.ReportMetric(float64(octets), "octets_at_the_end")
		})
	}
}

// BenchmarkRewrite is a file that begins anew, of 5,000 devices with 48 ports each.
func BenchmarkRewrite(b *testing.B) {
	cfg := alert.DefaultConfig()
	for d := range 5000 {
		cfg.Targets = append(cfg.Targets, alert.Target{Device: fmt.Sprintf("sw%d", d)})
	}
	var rows []metric.Sample
	for port := range 48 {
		rows = append(rows, fullRow(port, 1, 1))
	}
	path := filepath.Join(b.TempDir(), "alerts.journal")
	for b.Loop() {
		if err := os.RemoveAll(path); err != nil {
			b.Fatal(err)
		}
		m, err := alert.Start(alert.Options{Config: cfg, Path: path, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		for _, t := range cfg.Targets {
			m.Observe(alert.Poll{Device: t.Device, At: start, Samples: rows})
		}
		b.StartTimer()
		if err := m.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size()), "octets")
	}
}

// BenchmarkMemory is what an interface takes of switches with 48 ports of which 12 were never used, each with a description, after two polls.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		const devices = 200
		cfg := alert.DefaultConfig()
		for d := range devices {
			cfg.Targets = append(cfg.Targets, alert.Target{Device: fmt.Sprintf("sw%d", d)})
		}
		e := alert.NewEngine()
		e.Configure(start, cfg)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 2 {
			for _, t := range cfg.Targets {
				e.Observe(ofOnePiece(alert.Poll{Device: t.Device, At: start.Add(time.Duration(i) * time.Minute), Complete: []string{"interface"}}))
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(devices*48), "octets/interface")
		runtime.KeepAlive(e)
	}
}

// ofOnePiece fills p with 48 rows whose strings are parts of one, as those of a decoded message are.
func ofOnePiece(p alert.Poll) alert.Poll {
	var all strings.Builder
	for i := range 48 {
		fmt.Fprintf(&all, "GigabitEthernet1/0/%02d Gi1/0/%02d customer %05d, rack 7 %s", i, i, i, strings.Repeat("x", 400))
	}
	piece := strings.Clone(all.String())
	for i := range 48 {
		one := piece[i*len(piece)/48:]
		row := fullRow(i, 1, 1)
		if i%4 == 3 {
			row = fullRow(i, 1, 2)
			for j := range row.Fields {
				if strings.HasSuffix(row.Fields[j].Name, "Octets") || row.Fields[j].Name == "ifLastChange" {
					row.Fields[j].Num = 0
				}
			}
		}
		for j := range row.Tags {
			switch row.Tags[j].Name {
			case "ifDescr":
				row.Tags[j].Value = one[:22]
			case "ifName":
				row.Tags[j].Value = one[22:30]
			}
		}
		row.Fields[len(row.Fields)-1].Str = one[31:54]
		p.Samples = append(p.Samples, row)
	}
	return p
}
