package lineprotocol_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	parser "github.com/influxdata/line-protocol/v2/lineprotocol"

	"walkabout/counter"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

// point is what a parser reads from a line.
type point struct {
	Measurement string
	Tags        []metric.Tag
	Fields      map[string]any
	At          time.Time
}

// FuzzAppend writes two samples and wants a strict parser to read two points with the same content.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{"plain", "", " ", "a b", "a,b", "a=b", `a"b`, `\`, `a\`, `a\\`, `\ \="q`, `\,`, `\\ x`, `\n`, "\n", "\r\n", "\x00", "\x7f", "\xff", "é\xc3", "\uFFFD", "#", "time", "_field"} {
		f.Add(s, s, s, s, s, uint64(1<<63), 1.5, uint8(metric.Counter64), uint8(counter.OK), false)
		f.Add("interface", "ifName", s, "ifAlias", s, uint64(42), math.Inf(1), uint8(metric.Counter32), uint8(counter.Reset), true)
	}
	f.Fuzz(func(t *testing.T, measurement, tagName, tagValue, fieldName, text string, num uint64, rate float64, kind, verdict uint8, unsigned bool) {
		s := metric.Sample{
			Measurement: measurement,
			Tags:        []metric.Tag{{Name: tagName, Value: tagValue}, {Name: "~last", Value: tagValue}},
			Fields: []metric.Field{
				{Name: fieldName, Kind: metric.String, Str: text},
				{Name: "n" + fieldName, Kind: metric.Kind(kind), Num: num, Rate: rate, Verdict: counter.Verdict(verdict), Str: text},
			},
			At: time.Unix(0, int64(num>>2)),
		}
		e := lineprotocol.Encoder{Unsigned: unsigned}
		buf, err := e.Append(nil, &s)
		if err == nil {
			buf, err = e.Append(buf, &s)
		}
		if err != nil {
			if len(buf) != 0 {
				t.Fatalf("error %v, but %d octets", err, len(buf))
			}
			if measurement != "" && fieldName != "" {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		want := expected(s, unsigned)
		if diff := cmp.Diff([]point{want, want}, parse(t, buf)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", buf, diff)
		}
	})
}

// expected says what should be read back, rune by rune where Append goes by tables.
func expected(s metric.Sample, unsigned bool) point {
	p := point{Measurement: readable(s.Measurement, true), Fields: map[string]any{}, At: s.At}
	if strings.HasPrefix(p.Measurement, "#") {
		p.Measurement = "\uFFFD" + p.Measurement[1:]
	}
	for _, t := range s.Tags {
		if t.Name == "" || t.Value == "" {
			continue
		}
		name := readable(t.Name, false)
		if name == "time" || name == "_field" || name == "_measurement" {
			name += "_"
		}
		p.Tags = append(p.Tags, metric.Tag{Name: name, Value: readable(t.Value, false)})
	}
	for _, f := range s.Fields {
		if f.Name == "" {
			continue
		}
		name := readable(f.Name, true)
		if name == "time" {
			name = "time_"
		}
		switch f.Kind {
		case metric.Integer:
			p.Fields[name] = int64(f.Num)
		case metric.Unsigned, metric.Counter32, metric.Counter64:
			if unsigned {
				p.Fields[name] = f.Num
			} else if f.Num < 1<<63 {
				p.Fields[name] = int64(f.Num)
			}
			if f.Kind == metric.Unsigned {
				break
			}
			if !f.Verdict.HasRate() {
				if f.Verdict != counter.None {
					p.Fields[name+"_verdict"] = f.Verdict.String()
				}
			} else if !math.IsNaN(f.Rate) && !math.IsInf(f.Rate, 0) {
				p.Fields[name+"_rate"] = f.Rate
			}
		case metric.Float:
			if v := f.Float64(); !math.IsNaN(v) && !math.IsInf(v, 0) {
				p.Fields[name] = v
			}
		case metric.String:
			p.Fields[name] = string([]rune(f.Str))
		case metric.Boolean:
			p.Fields[name] = f.Num != 0
		}
	}
	return p
}

// readable is s with U+FFFD where a tag or, with noBackslash, a measurement or field name cannot hold an octet.
func readable(s string, noBackslash bool) string {
	runes := []rune(s)
	for i, r := range runes {
		end := i+1 == len(runes)
		if r < ' ' || r == 0x7f || r == '\\' && (noBackslash || end || runes[i+1] == ' ') {
			runes[i] = utf8.RuneError
		}
	}
	return string(runes)
}

func parse(t *testing.T, buf []byte) (points []point) {
	d := parser.NewDecoderWithBytes(buf)
	for d.Next() {
		m, err := d.Measurement()
		if err != nil {
			t.Fatalf("%q: measurement: %v", buf, err)
		}
		p := point{Measurement: string(m), Fields: map[string]any{}}
		for {
			name, value, err := d.NextTag()
			if err != nil {
				t.Fatalf("%q: tag: %v", buf, err)
			}
			if name == nil {
				break
			}
			p.Tags = append(p.Tags, metric.Tag{Name: string(name), Value: string(value)})
		}
		for {
			name, value, err := d.NextField()
			if err != nil {
				t.Fatalf("%q: field: %v", buf, err)
			}
			if name == nil {
				break
			}
			p.Fields[string(name)] = value.Interface()
		}
		if p.At, err = d.Time(parser.Nanosecond, time.Time{}); err != nil {
			t.Fatalf("%q: time: %v", buf, err)
		}
		points = append(points, p)
	}
	return points
}
