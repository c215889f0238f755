//go:build interop

package influxdb_test

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"walkabout/counter"
	"walkabout/exporters"
	"walkabout/exporters/influxdb"
	"walkabout/internal/bench/agents"
	"walkabout/internal/interop"
	"walkabout/metric"
	"walkabout/spool"
)

// poll48 is a poll of a switch of 48 ports: 48 samples that give 37 fields each, 13 of them counters with their rates.
func poll48(device string, at time.Time, n int) []metric.Sample {
	counters := []string{
		"ifHCInOctets", "ifHCOutOctets", "ifHCInUcastPkts", "ifHCOutUcastPkts", "ifHCInMulticastPkts", "ifHCOutMulticastPkts", "ifHCInBroadcastPkts",
		"ifHCOutBroadcastPkts", "ifInDiscards", "ifOutDiscards", "ifInErrors", "ifOutErrors", "ifInUnknownProtos",
	}
	numbers := []string{"ifIndex", "ifType", "ifMtu", "ifSpeed", "ifHighSpeed", "ifAdminStatus", "ifOperStatus", "ifLastChange", "ifConnectorPresent"}
	samples := make([]metric.Sample, 48)
	for i := range samples {
		s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{
			{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: device}, {Name: "hostname", Value: device + ".example.net"},
			{Name: "ifDescr", Value: fmt.Sprintf("GigabitEthernet1/0/%d", i+1)}, {Name: "ifName", Value: fmt.Sprintf("Gi1/0/%d", i+1)},
		}}
		for j, name := range counters {
			total := uint64(n+1) * uint64(i+1) * uint64(j+1) * 987_654
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Counter64, Num: total, Rate: float64(total%1_000_003) / 3.0003, Verdict: counter.OK})
		}
		for j, name := range numbers {
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Integer, Num: uint64(i*j + 1)})
		}
		s.Fields = append(s.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: "uplink to the second floor"},
			metric.Field{Name: "ifPhysAddress", Kind: metric.String, Str: "00:00:5e:00:53:01"})
		samples[i] = s
	}
	return samples
}

// BenchmarkShip is the way of polls of 48 ports from the spool into a real InfluxDB on the same machine, as after an outage: one poll an
// operation. CPU is the whole process's, ours and the server's.
func BenchmarkShip(b *testing.B) {
	const devices = 200
	d := interop.StartInfluxDB(b)
	d.Query("", "CREATE DATABASE snmp")
	queue, err := spool.Open(spool.Options{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer queue.Close()
	source, err := queue.Reader(spool.ReaderOptions{Name: "influxdb"})
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	values := 0
	for n := range b.N {
		samples := poll48(fmt.Sprint("switch", n%devices), begin.Add(time.Duration(n/devices)*30*time.Second), n/devices)
		values += 48 * 37
		if err := queue.Put(metric.Append(nil, metric.Batch{Device: "switch", At: samples[0].At, Samples: samples})); err != nil {
			b.Fatal(err)
		}
	}
	if err := queue.Sync(b.Context()); err != nil {
		b.Fatal(err)
	}
	output, err := influxdb.New(influxdb.Config{URL: d.URL, Bucket: "snmp"})
	if err != nil {
		b.Fatal(err)
	}
	ours, theirs := cpu(b, os.Getpid()), cpu(b, d.Pid())
	b.ResetTimer()
	runner := exporters.Start(output, source, exporters.Config{Name: "influxdb"})
	for s := runner.Stats(); s.Written+s.Rejected < uint64(b.N)*48; s = runner.Stats() {
		time.Sleep(20 * time.Millisecond)
	}
	b.StopTimer()
	ours, theirs = cpu(b, os.Getpid())-ours, cpu(b, d.Pid())-theirs
	if err := runner.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(values)/b.Elapsed().Seconds(), "values/s")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(100*float64(ours)/float64(theirs), "%ofserver")
}

func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	used, err := agents.CPU(pid)
	if err != nil {
		b.Fatal(err)
	}
	return used
}
