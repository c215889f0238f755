package jsonlines_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/exporters/jsonlines"
	"walkabout/metric"
)

var at = time.Date(2026, 11, 21, 14, 3, 31, 545317715, time.UTC)

func TestAppend(t *testing.T) {
	s := metric.Sample{Measurement: "inter\"face", At: at.In(time.FixedZone("", 3600)),
		Tags: []metric.Tag{{Name: "device", Value: "core\\1"}, {Name: "empty"}, {Value: "no name"}, {Name: "ifName", Value: "é\xff\x01\x7f\t"}},
		Fields: []metric.Field{
			{Name: "integer", Kind: metric.Integer, Num: 1 << 63}, {Name: "unsigned", Kind: metric.Unsigned, Num: math.MaxUint64},
			{Name: "c32", Kind: metric.Counter32, Num: 7, Rate: 33.68, Verdict: counter.OK}, {Name: "c64", Kind: metric.Counter64, Num: math.MaxUint64, Verdict: counter.Reset},
			{Name: "plain", Kind: metric.Counter64, Num: 9}, {Name: "nan", Kind: metric.Float, Num: math.Float64bits(math.NaN())},
			{Name: "float", Kind: metric.Float, Num: math.Float64bits(1e300)}, {Name: "inf", Kind: metric.Counter64, Num: 1, Rate: math.Inf(1), Verdict: counter.OK},
			{Name: "text", Kind: metric.String, Str: "a\nb\r\"\\"}, {Name: "bool", Kind: metric.Boolean, Num: 1}, {Name: "", Kind: metric.Integer}, {Name: "kindless"}}}
	const want = `{"measurement":"inter\"face","time":"2026-11-21T14:03:31.545317715Z","tags":{"device":"core\\1","ifName":"é�\u0001\u007f\t"},"fields":{` +
		`"integer":-9223372036854775808,"unsigned":18446744073709551615,"c32":7,"c32_rate":33.68,"c64":18446744073709551615,"c64_verdict":"reset",` +
		`"plain":9,"float":1e+300,"inf":1,"text":"a\nb\r\"\\","bool":true}}` + "\n"
	var e jsonlines.Encoder
	got, err := e.Append([]byte("before"), &s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("before"+want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]uint64{"not_finite": 2, "invalid": 2}, e.Omitted()); diff != "" {
		t.Errorf("omitted (-want +got):\n%s", diff)
	}
	for want, s := range map[error]metric.Sample{
		jsonlines.ErrNoMeasurement: {Fields: s.Fields}, jsonlines.ErrNoFields: {Measurement: "m", Fields: []metric.Field{{Name: "x", Kind: metric.Float, Num: math.Float64bits(math.Inf(-1))}}}} {
		if got, err := e.Append([]byte("before"), &s); !errors.Is(err, want) || string(got) != "before" {
			t.Errorf("%q, %v, want %v", got, err, want)
		}
	}
	if got, err := e.Append(nil, &metric.Sample{Measurement: "m", At: at, Fields: s.Fields[:1]}); err != nil || !strings.Contains(string(got), `"tags":{},`) {
		t.Errorf("no tags: %s, %v", got, err)
	}
}

// FuzzAppend wants each line to be JSON that holds what the sample held.
func FuzzAppend(f *testing.F) {
	f.Add("interface", "ifName", "eth0", "ifAlias", "uplink", uint64(1), 0.5)
	f.Add("\x00", "\"", "\\", "\xff", "\u2028\n", uint64(1<<63), 1e-320)
	f.Fuzz(func(t *testing.T, measurement, tag, value, field, text string, n uint64, rate float64) {
		s := metric.Sample{Measurement: measurement, At: at, Tags: []metric.Tag{{Name: tag, Value: value}}, Fields: []metric.Field{
			{Name: field + "s", Kind: metric.String, Str: text}, {Name: field + "c", Kind: metric.Counter64, Num: n, Rate: rate, Verdict: counter.OK}}}
		var e jsonlines.Encoder
		line, err := e.Append(nil, &s)
		if measurement == "" {
			if !errors.Is(err, jsonlines.ErrNoMeasurement) {
				t.Fatal(err)
			}
			return
		}
		if err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q, %v", line, err)
		}
		var got struct {
			Measurement string            `json:"measurement"`
			Time        time.Time         `json:"time"`
			Tags        map[string]string `json:"tags"`
			Fields      map[string]any    `json:"fields"`
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		valid := func(s string) string { return string([]rune(s)) }
		tags := map[string]string{}
		if tag != "" && value != "" {
			tags[valid(tag)] = valid(value)
		}
		fields := map[string]any{valid(field + "s"): valid(text), valid(field + "c"): json.Number(fmt.Sprint(n))}
		if !math.IsNaN(rate) && !math.IsInf(rate, 0) {
			r, err := got.Fields[valid(field+"c")+"_rate"].(json.Number).Float64()
			if err != nil || r != rate {
				t.Errorf("rate %v, %v, want %v", r, err, rate)
			}
			delete(got.Fields, valid(field+"c")+"_rate")
		}
		if got.Measurement != valid(measurement) || !got.Time.Equal(at) || cmp.Diff(tags, got.Tags) != "" || cmp.Diff(fields, got.Fields) != "" {
			t.Errorf("%s\nof %+v", line, s)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "ifName", Value: "GigabitEthernet1/0/1"}}}
	for i := range 24 {
		s.Fields = append(s.Fields, metric.Field{Name: fmt.Sprint("ifHCCounter", i), Kind: metric.Counter64, Num: uint64(i) << 33, Rate: float64(i) * 1.1, Verdict: counter.OK})
	}
	var e jsonlines.Encoder
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = e.Append(buf[:0], &s); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}
