package lineprotocol_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"walkabout/counter"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

// switch48 is one poll of a 48-port switch: 48 samples that give 37 fields each, 13 of them counters with their rates.
func switch48() []metric.Sample {
	counters := []string{
		"ifHCInOctets", "ifHCOutOctets", "ifHCInUcastPkts", "ifHCOutUcastPkts", "ifHCInMulticastPkts", "ifHCOutMulticastPkts", "ifHCInBroadcastPkts",
		"ifHCOutBroadcastPkts", "ifInDiscards", "ifOutDiscards", "ifInErrors", "ifOutErrors", "ifInUnknownProtos",
	}
	numbers := []string{"ifIndex", "ifType", "ifMtu", "ifSpeed", "ifHighSpeed", "ifAdminStatus", "ifOperStatus", "ifLastChange", "ifConnectorPresent"}
	samples := make([]metric.Sample, 48)
	for i := range samples {
		s := &samples[i]
		s.Measurement = "interface"
		s.At = time.Unix(1700000000, 0)
		s.Tags = []metric.Tag{
			{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example.net"},
			{Name: "ifDescr", Value: fmt.Sprintf("GigabitEthernet1/0/%d", i+1)}, {Name: "ifName", Value: fmt.Sprintf("Gi1/0/%d", i+1)}, {Name: "site", Value: "paris"},
		}
		for j, name := range counters {
			n := uint64(i+1) * uint64(j+1) * 987654321
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Counter64, Num: n, Rate: float64(n) / 30.003, Verdict: counter.OK})
		}
		for j, name := range numbers {
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Integer, Num: uint64(i*j + 1)})
		}
		s.Fields = append(s.Fields,
			metric.Field{Name: "ifAlias", Kind: metric.String, Str: "uplink to the second floor"}, metric.Field{Name: "ifPhysAddress", Kind: metric.String, Str: "00:00:5e:00:53:01"})
	}
	return samples
}

func BenchmarkAppend(b *testing.B) {
	samples := switch48()
	var e lineprotocol.Encoder
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = buf[:0]
		for i := range samples {
			var err error
			if buf, err = e.Append(buf, &samples[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkClientPoint does the same with the client library's points, for comparison.
func BenchmarkClientPoint(b *testing.B) {
	samples := switch48()
	b.ReportAllocs()
	for b.Loop() {
		for i := range samples {
			s := &samples[i]
			p := write.NewPointWithMeasurement(s.Measurement).SetTime(s.At)
			for _, t := range s.Tags {
				p.AddTag(t.Name, t.Value)
			}
			for _, f := range s.Fields {
				switch f.Kind {
				case metric.Counter64:
					p.AddField(f.Name, int64(f.Num)).AddField(f.Name+"_rate", f.Rate)
				case metric.Integer:
					p.AddField(f.Name, int64(f.Num))
				case metric.String:
					p.AddField(f.Name, f.Str)
				}
			}
			if write.PointToLineProtocol(p, time.Nanosecond) == "" {
				b.Fatal("no line")
			}
		}
	}
}
