package prometheus

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"walkabout/counter"
	"walkabout/exporters/series"
	"walkabout/metric"
)

var at = time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.UTC)

// ports returns the rows of a switch, as a poll at the time brings them.
func ports(n int, at time.Time) []metric.Sample {
	var out []metric.Sample
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("ifHCCounter%d", i)
	}
	for port := range n {
		s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{
			{Name: "Rack", Value: "A7"}, {Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example"},
			{Name: "ifDescr", Value: fmt.Sprint("GigabitEthernet0/", port)}, {Name: "ifName", Value: fmt.Sprint("ge-0/0/", port)}}}
		for i, name := range names {
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Counter64, Num: uint64(port*i) << 30, Rate: 1, Verdict: counter.OK})
		}
		for i := range 15 {
			s.Fields = append(s.Fields, metric.Field{Name: gauges[i], Kind: metric.Integer, Num: uint64(port)})
		}
		s.Fields = append(s.Fields, metric.Field{Name: "ifPhysAddress", Kind: metric.String, Str: "00:11:22:33:44:55"},
			metric.Field{Name: "ifIndex", Kind: metric.Integer, Num: uint64(port + 1)})
		out = append(out, s)
	}
	return out
}

var gauges = func() (names []string) {
	for i := range 15 {
		names = append(names, fmt.Sprintf("ifGauge%d", i))
	}
	return names
}()

// point is a series with its value, whatever the version.
type point struct {
	Labels string
	Value  float64
	At     int64
	Type   string
	Help   string
}

// expected returns what the mapper makes of samples, without the type and help that version 1 has not.
func expected(c series.Config, samples []metric.Sample, v wire) (out []point) {
	m := series.New(c)
	for i := range samples {
		row := m.Map(&samples[i])
		for _, p := range row.Points {
			labels := append([]series.Label{{Name: "__name__", Value: p.Name}}, row.Labels...)
			if p.Label.Name != "" {
				labels = append(labels, p.Label)
			}
			e := point{Labels: sorted(labels), Value: p.Value, At: row.At.UnixMilli()}
			if v == version2 {
				e.Type, e.Help = p.Type.String(), p.Help
			}
			out = append(out, e)
		}
	}
	return out
}

// decoded returns what the message says, read by Prometheus' own code.
func decoded(t *testing.T, message []byte, v wire) (out []point) {
	t.Helper()
	if v == version1 {
		var r prompb.WriteRequest
		if err := r.Unmarshal(message); err != nil {
			t.Fatal(err)
		}
		for _, ts := range r.Timeseries {
			labels := []series.Label{}
			for _, l := range ts.Labels {
				labels = append(labels, series.Label{Name: l.Name, Value: l.Value})
			}
			for _, s := range ts.Samples {
				out = append(out, point{Labels: fmt.Sprint(labels), Value: s.Value, At: s.Timestamp})
			}
		}
		return out
	}
	var r writev2.Request
	if err := r.Unmarshal(message); err != nil {
		t.Fatal(err)
	}
	if len(r.Symbols) == 0 || r.Symbols[0] != "" {
		t.Errorf("the first symbol is not empty: %q", r.Symbols)
	}
	for _, ts := range r.Timeseries {
		labels := []series.Label{}
		for i := 0; i < len(ts.LabelsRefs); i += 2 {
			labels = append(labels, series.Label{Name: r.Symbols[ts.LabelsRefs[i]], Value: r.Symbols[ts.LabelsRefs[i+1]]})
		}
		for _, s := range ts.Samples {
			out = append(out, point{fmt.Sprint(labels), s.Value, s.Timestamp, strings.ToLower(strings.TrimPrefix(ts.Metadata.Type.String(), "METRIC_TYPE_")), r.Symbols[ts.Metadata.HelpRef]})
		}
	}
	return out
}

// TestEncode has Prometheus' own code read what is written, with every kind of field, names of labels on both sides of __name__, and rows of all sizes.
func TestEncode(t *testing.T) {
	config := series.Config{Rates: true, Constant: []series.Label{{Name: "job", Value: "snmp"}}, Objects: map[string]series.Object{
		"ifHCCounter1": {Help: strings.Repeat("long ", 100)}, "State": {Form: series.StateSet, States: []string{"up", "down"}}, "Type": {Form: series.Info, Help: "type"}}}
	samples := ports(3, at)
	samples = append(samples, metric.Sample{Measurement: "odd", At: time.UnixMilli(-5), Tags: []metric.Tag{{Name: "device", Value: strings.Repeat("x", 300)}, {Name: "tag", Value: "\xff"}},
		Fields: []metric.Field{{Name: "State", Kind: metric.String, Str: "up"}, {Name: "Type", Kind: metric.String, Str: "odd"}, {Name: "text", Kind: metric.String, Str: strings.Repeat("y", 20000)},
			{Name: "nan", Kind: metric.Float, Num: math.Float64bits(math.Inf(1))}, {Name: "zero", Kind: metric.Float}}},
		metric.Sample{Measurement: "snmp_trap", At: at, Fields: []metric.Field{{Name: "x", Kind: metric.Integer}}},
		metric.Sample{Measurement: "bare", Fields: []metric.Field{{Name: "x", Kind: metric.Integer, Num: 1}}, At: time.UnixMilli(1)})
	for _, v := range []wire{version1, version2} {
		r := newRequest(series.New(config))
		for range 2 { // the second time with buffers that are used again
			if n := r.encode(samples, v, 1<<20); n != len(samples) {
				t.Fatalf("version %d: %d of %d samples", v, n, len(samples))
			}
			want := expected(config, samples, v)
			if diff := cmp.Diff(want, decoded(t, r.appendTo(nil), v)); diff != "" || r.points != len(want) {
				t.Errorf("version %d, %d points (-want +got):\n%s", v, r.points, diff)
			}
		}
	}
}

// TestEncodeParts wants every sample in one of the requests, none too large, and no series twice in one.
func TestEncodeParts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, v := range []wire{version1, version2} {
		for _, limit := range []int{1, 5_000, 20_000, 1 << 20} {
			var samples []metric.Sample
			for poll := range 5 {
				samples = append(samples, ports(1+rnd.IntN(20), at.Add(time.Duration(poll)*time.Minute))...)
			}
			r := newRequest(series.New(series.Config{}))
			var got []point
			for from := 0; from < len(samples); {
				n := r.encode(samples[from:], v, limit)
				message := r.appendTo(nil)
				part := decoded(t, message, v)
				names := map[string]bool{}
				for _, p := range part {
					if names[p.Labels] {
						t.Errorf("version %d, limit %d: %s twice in a request", v, limit, p.Labels)
					}
					names[p.Labels] = true
				}
				if len(message) > limit && n > 1 || n < 1 || r.points != len(part) {
					t.Fatalf("version %d, limit %d: a request of %d samples and %d points has %d octets", v, limit, n, r.points, len(message))
				}
				got = append(got, part...)
				from += n
			}
			if diff := cmp.Diff(expected(series.Config{}, samples, v), got); diff != "" {
				t.Errorf("version %d, limit %d (-want +got):\n%s", v, limit, diff)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	samples := ports(48, at)
	for _, v := range []wire{version1, version2} {
		b.Run(fmt.Sprintf("version=%d", v), func(b *testing.B) {
			r := newRequest(series.New(series.Config{}))
			var message []byte
			b.ReportAllocs()
			for b.Loop() {
				if n := r.encode(samples, v, 1<<20); n != len(samples) {
					b.Fatal(n)
				}
				message = r.appendTo(message[:0])
			}
			b.ReportMetric(float64(r.points), "points")
			b.ReportMetric(float64(len(message)), "octets")
		})
	}
}

// sorted writes labels in the order of their names.
func sorted(labels []series.Label) string {
	slices.SortFunc(labels, func(a, b series.Label) int { return strings.Compare(a.Name, b.Name) })
	return fmt.Sprint(labels)
}
