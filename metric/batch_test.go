package metric_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/counter"
	"walkabout/metric"
)

var at = time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.UTC)

// switchOf returns what a poll of a switch brings: a row of each port with counters, gauges and texts, and one of the device.
func switchOf(ports int) metric.Batch {
	b := metric.Batch{Device: "core1", At: at, Interval: 30 * time.Second, Complete: []string{"system", "interface"}, UpTime: 4_000_000_000, HasUpTime: true, Answered: true, Extra: true}
	b.Samples = append(b.Samples, metric.Sample{Measurement: "system", At: at,
		Tags:   []metric.Tag{{Name: "device", Value: "core1"}},
		Fields: []metric.Field{{Name: "sysDescr", Kind: metric.String, Str: "Switch\xff of 48 ports"}, {Name: "sysUpTime", Kind: metric.Unsigned, Num: 4_000_000_000}}})
	names := []string{}
	for i := range 20 {
		names = append(names, fmt.Sprintf("ifHCCounter%d", i))
	}
	for port := range ports {
		s := metric.Sample{Measurement: "interface", At: at.Add(time.Millisecond), Tags: []metric.Tag{
			{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example"}, {Name: "ifName", Value: fmt.Sprintf("ge-0/0/%d", port)}}}
		for i, name := range names {
			f := metric.Field{Name: name, Kind: metric.Counter64, Num: uint64(port*i) << 30, Verdict: counter.OK}
			if i%2 == 0 {
				f.Rate = float64(port) * 1234.5678
			}
			s.Fields = append(s.Fields, f)
		}
		for i := range 16 {
			s.Fields = append(s.Fields, metric.Field{Name: fmt.Sprintf("ifGauge%d", i), Kind: metric.Integer, Num: uint64(port)})
		}
		s.Fields = append(s.Fields, metric.Field{Name: "ifAlias", Kind: metric.String, Str: strings.Repeat("x", port%12)})
		b.Samples = append(b.Samples, s)
	}
	return b
}

func batches() map[string]metric.Batch {
	odd := metric.Batch{Device: "", At: time.Unix(-5, 1).UTC(), Reset: true, Complete: []string{""}}
	for i := range 40 { // more shapes than are remembered, each of which comes again
		odd.Samples = append(odd.Samples, metric.Sample{Measurement: fmt.Sprint("m", i%20), At: odd.At.Add(-time.Duration(i) * time.Hour),
			Tags: []metric.Tag{{Name: "a"}, {Name: "b", Value: "same"}}[:i%3],
			Fields: []metric.Field{
				{Name: "integer", Kind: metric.Integer, Num: math.MaxUint64 - uint64(i)},
				{Name: "unsigned", Kind: metric.Unsigned, Num: math.MaxUint64},
				{Name: "counter32", Kind: metric.Counter32, Num: math.MaxUint32, Verdict: counter.Gap},
				{Name: "counter64", Kind: metric.Counter64, Num: math.MaxUint64, Rate: math.Inf(1), Verdict: counter.Wrapped},
				{Name: "float", Kind: metric.Float, Num: math.Float64bits(-0.25)},
				{Name: "", Kind: metric.String, Str: "\x00\xff"},
				{Name: "boolean", Kind: metric.Boolean, Num: 1},
			}[i%7:]})
	}
	return map[string]metric.Batch{"nothing": {At: time.Unix(0, 0)}, "switch": switchOf(48), "odd": odd}
}

func TestAppendDecode(t *testing.T) {
	for name, b := range batches() {
		t.Run(name, func(t *testing.T) {
			data := metric.Append([]byte("before"), b)
			got, err := metric.Decode(data[len("before"):])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeOfPartsAndMore(t *testing.T) {
	data := metric.Append(nil, switchOf(3))
	for n := range data {
		if _, err := metric.Decode(data[:n]); !errors.Is(err, metric.ErrCorrupt) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	if _, err := metric.Decode(append(data, 0)); !errors.Is(err, metric.ErrCorrupt) {
		t.Errorf("an octet too many: %v", err)
	}
	data[0]++
	if _, err := metric.Decode(data); !errors.Is(err, metric.ErrVersion) {
		t.Errorf("version 2: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range batches() {
		b.Samples = b.Samples[:min(3, len(b.Samples))] // a long seed is long in the minimizer
		f.Add(metric.Append(nil, b))
	}
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := metric.Decode(data)
		if err != nil {
			return
		}
		again, err := metric.Decode(metric.Append(nil, b))
		if err != nil {
			t.Fatal(err)
		}
		// By their encodings: NaN is a rate that equals no other.
		if !bytes.Equal(metric.Append(nil, b), metric.Append(nil, again)) {
			t.Errorf("%+v\nbecame %+v", b, again)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	batch := switchOf(48)
	buf := metric.Append(nil, batch)
	b.ReportAllocs()
	for b.Loop() {
		buf = metric.Append(buf[:0], batch)
	}
	b.ReportMetric(float64(len(buf)), "octets")
}

func BenchmarkDecode(b *testing.B) {
	data := metric.Append(nil, switchOf(48))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := metric.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
