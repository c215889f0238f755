package values_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"walkabout/cmd/snmpcollect/values"
	"walkabout/collector"
	"walkabout/exporters/series"
	"walkabout/metric"
)

var at = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func port(device, name string, fields ...metric.Field) metric.Sample {
	return metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "device", Value: device}, {Name: "ifName", Value: name}}, Fields: fields}
}

func number(name string, n uint64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Integer, Num: n}
}

func counted(name string, n uint64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Counter64, Num: n}
}

func text(name, s string) metric.Field {
	return metric.Field{Name: name, Kind: metric.String, Str: s}
}

// filled returns a Table with the polls of two devices.
func filled(t *testing.T) *values.Table {
	t.Helper()
	table := values.New(values.Options{Stale: 3, Series: series.Config{Objects: map[string]series.Object{
		"ifHCInOctets": {Help: `a "help" \ of two` + "\nlines"}, "state": {Form: series.StateSet, States: []string{"up", "down"}}}}})
	polls := []collector.Poll{
		{Device: "b", At: at, Interval: 30 * time.Second, Samples: []metric.Sample{port("b", "eth0", counted("ifHCInOctets", 5))}},
		{Device: "a", At: at, Interval: time.Minute, Samples: []metric.Sample{port("a", "gone", number("x", 1))}},
		{Device: "a", At: at, Interval: time.Minute, Samples: []metric.Sample{
			port("a", "eth0", counted("ifHCInOctets", 1<<40), text("ifPhysAddress", "00:11"), text("state", "down"), number("x", math.MaxUint64)),
			port("a", `e"\`, text("ifPhysAddress", "00:11"), text("state", "odd"), counted("ifHCInOctets", 7)),
			{Measurement: "system", At: at, Fields: []metric.Field{{Name: "inf", Kind: metric.Float, Num: math.Float64bits(math.Inf(1))}}},
		}},
		{Device: "a", At: at, Extra: true, Interval: time.Minute, Samples: []metric.Sample{port("a", "extra", number("x", 1))}},
		{Device: "a", At: at.Add(time.Minute), Interval: time.Minute},
	}
	for _, p := range polls {
		table.Poll(t.Context(), p)
	}
	return table
}

const want = `# HELP ifHCInOctets a "help" \\ of two\nlines
# TYPE ifHCInOctets counter
ifHCInOctets{device="a",ifName="eth0"} 1.099511627776e+12
ifHCInOctets{device="a",ifName="e\"\\"} 7
ifHCInOctets{device="b",ifName="eth0"} 5
# TYPE ifPhysAddress gauge
ifPhysAddress{device="a",ifName="eth0",ifPhysAddress="00:11"} 1
ifPhysAddress{device="a",ifName="e\"\\",ifPhysAddress="00:11"} 1
# TYPE inf gauge
inf{} +Inf
# TYPE state gauge
state{device="a",ifName="eth0",state="up"} 0
state{device="a",ifName="e\"\\",state="up"} 0
state{device="a",ifName="eth0",state="down"} 1
state{device="a",ifName="e\"\\",state="down"} 0
state{device="a",ifName="e\"\\",state="odd"} 1
# TYPE x gauge
x{device="a",ifName="eth0"} -1
`

func write(t *testing.T, table *values.Table, openMetrics bool, now time.Time, devices ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := table.Write(&b, openMetrics, now, devices...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	table := filled(t)
	if diff := cmp.Diff(want, write(t, table, false, at.Add(time.Second))); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	open := strings.ReplaceAll(want, "# TYPE ifHCInOctets counter", "# TYPE ifHCInOctets unknown")
	open = strings.ReplaceAll(open, `a "help"`, `a \"help\"`) + "# EOF\n"
	if diff := cmp.Diff(open, write(t, table, true, at.Add(time.Second))); diff != "" {
		t.Errorf("OpenMetrics (-want +got):\n%s", diff)
	}
	if got := write(t, table, false, at.Add(time.Second), "b", "nobody"); strings.Count(got, "\n") != 3 || !strings.Contains(got, `device="b"`) {
		t.Errorf("of one target:\n%s", got)
	}
}

// TestStale: what a measurement brought is left out after three of its intervals, and at once when its target goes.
func TestStale(t *testing.T) {
	table := filled(t)
	if got := write(t, table, false, at.Add(90*time.Second)); strings.Contains(got, `device="b"`) || !strings.Contains(got, `device="a"`) {
		t.Errorf("after three intervals of b:\n%s", got)
	}
	if got := write(t, table, false, at.Add(3*time.Minute)); got != "" {
		t.Errorf("after three intervals of a:\n%s", got)
	}
	table = filled(t)
	profiles := collector.BuiltIn()
	table.Keep([]collector.Target{{Name: "b", Collect: []string{"interfaces"}}}, profiles)
	if got := write(t, table, false, at.Add(time.Second)); strings.Contains(got, `device="a"`) || !strings.Contains(got, `device="b"`) {
		t.Errorf("a is no target any more:\n%s", got)
	}
	// A table that is read every 5 minutes is not stale after three of its target's.
	s := port("b", "eth0", number("dot3StatsDuplexStatus", 3))
	s.Measurement = "interface_ethernet"
	table.Poll(t.Context(), collector.Poll{Device: "b", At: at, Interval: 30 * time.Second, Samples: []metric.Sample{s}})
	if got := write(t, table, false, at.Add(14*time.Minute)); !strings.Contains(got, "dot3StatsDuplexStatus") {
		t.Errorf("after 14 minutes:\n%s", got)
	}
	if got := write(t, table, false, at.Add(15*time.Minute)); got != "" {
		t.Errorf("after 15 minutes:\n%s", got)
	}
}

// TestFormats has Prometheus' own parsers read both formats, as a client asks for them.
func TestFormats(t *testing.T) {
	table := filled(t)
	now := collector.Poll{Device: "a", At: time.Now(), Interval: time.Hour, Samples: []metric.Sample{port("a", `e"\`+"\n", counted("ifHCInOctets", 7), text("not-good", "\xff"))}}
	table.Poll(t.Context(), now)
	server := httptest.NewServer(table.Handler(slog.New(slog.DiscardHandler)))
	defer server.Close()
	const prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
	for accept, want := range map[string]string{"": "text/plain; version=0.0.4; charset=utf-8", prometheus: "application/openmetrics-text; version=1.0.0; charset=utf-8", "text/plain": "text/plain; version=0.0.4; charset=utf-8"} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept", accept)
		q.Header.Set("Accept-Encoding", "gzip")
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); got != want {
			t.Errorf("%q: %s", accept, got)
		}
		if strings.HasPrefix(want, "text") {
			parser := expfmt.NewTextParser(model.LegacyValidation)
			if families, err := parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil || families["ifHCInOctets"].GetMetric()[0].GetCounter().GetValue() != 7 {
				t.Errorf("%v\n%s", err, body)
			}
		}
		parser, err := textparse.New(body, resp.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, body)
			}
			if entry == textparse.EntrySeries {
				var l labels.Labels
				parser.Labels(&l)
				found[l.String()] = true
			}
		}
		for _, want := range []string{`{__name__="ifHCInOctets", device="a", ifName="e\"\\\n"}`, `{__name__="not_good", device="a", ifName="e\"\\\n", not_good="�"}`} {
			if !found[want] {
				t.Errorf("%s: no %s in %v", accept, want, found)
			}
		}
	}
}

// fleet fills a Table with devices of 48 ports.
func fleet(devices int) *values.Table {
	table := values.New(values.Options{Stale: 3})
	for d := range devices {
		name := fmt.Sprint("device", d)
		p := collector.Poll{Device: name, At: time.Now(), Interval: time.Hour}
		for i := range 48 {
			s := port(name, fmt.Sprint("ge-0/0/", i))
			for f := range 37 {
				s.Fields = append(s.Fields, counted(fmt.Sprint("ifCounter", f), uint64(i*f)<<20))
			}
			p.Samples = append(p.Samples, s)
		}
		table.Poll(context.Background(), p)
	}
	return table
}

func BenchmarkPoll(b *testing.B) {
	table := values.New(values.Options{Stale: 3})
	p := collector.Poll{Device: "a", At: time.Now(), Interval: time.Hour}
	for i := range 48 {
		s := port("a", fmt.Sprint("ge-0/0/", i))
		for f := range 37 {
			s.Fields = append(s.Fields, counted(fmt.Sprint("ifCounter", f), uint64(i*f)<<20))
		}
		p.Samples = append(p.Samples, s)
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Poll(b.Context(), p)
	}
}

func BenchmarkWrite(b *testing.B) {
	table := fleet(100)
	b.ReportAllocs()
	var n countingWriter
	for b.Loop() {
		n = 0
		if err := table.Write(&n, false, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "octets")
}

type countingWriter int

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(len(p))
	return len(p), nil
}
