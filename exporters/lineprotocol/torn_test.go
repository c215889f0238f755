package lineprotocol_test

import (
	"testing"
	"time"

	"walkabout/counter"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

func TestLook(t *testing.T) {
	tests := map[string]lineprotocol.Torn{
		"":                       lineprotocol.Begun,
		"m f=1i 5\n":             lineprotocol.Whole,
		"m,a=b f=1i,g=\"\" -5\n": lineprotocol.Whole,
		"m f=\"a 5\n":            lineprotocol.Begun,
		"m f=\"a\\\" 5\n":        lineprotocol.Begun,
		"m f=1i 5\nm":            lineprotocol.NoLine,
		"m f=1i \n":              lineprotocol.NoLine,
		"m f=1i -":               lineprotocol.Begun,
		"m f=\"a\"b 5\n":         lineprotocol.NoLine,
		"m\n":                    lineprotocol.NoLine,
		" f=1i 5\n":              lineprotocol.NoLine,
		"m f= 5\n":               lineprotocol.NoLine,
		"m =1i 5\n":              lineprotocol.NoLine,
		"{\"a\":\"b c\"}\n":      lineprotocol.NoLine,
		"# a comment\n":          lineprotocol.NoLine,
	}
	for text, want := range tests {
		if got := lineprotocol.Look([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// FuzzLook wants each line that is written to be whole, and each part of it from the beginning on to be begun.
func FuzzLook(f *testing.F) {
	for _, s := range []string{"plain", "", " ", "a b", `a"b`, `\`, `a\\`, `\ \="q`, "x\ny 5\nz", "\"", "=,", "é\xc3"} {
		f.Add(s, s, s, s, s, uint64(1<<62), 1.5)
		f.Add("interface", "ifName", s, "ifAlias", s, uint64(42), -0.5)
	}
	f.Fuzz(func(t *testing.T, measurement, tagName, tagValue, fieldName, text string, num uint64, rate float64) {
		s := metric.Sample{Measurement: measurement, Tags: []metric.Tag{{Name: tagName, Value: tagValue}}, At: time.Unix(0, int64(num>>2)), Fields: []metric.Field{
			{Name: fieldName, Kind: metric.String, Str: text}, {Name: fieldName, Kind: metric.Counter64, Num: num, Rate: rate, Verdict: counter.OK}, {Name: fieldName, Kind: metric.Boolean}}}
		var e lineprotocol.Encoder
		line, err := e.Append(nil, &s)
		if err != nil {
			return
		}
		if got := lineprotocol.Look(line); got != lineprotocol.Whole {
			t.Fatalf("%q: %d", line, got)
		}
		for n := range line {
			if got := lineprotocol.Look(line[:n]); got != lineprotocol.Begun {
				t.Fatalf("%q, the beginning of %q: %d", line[:n], line, got)
			}
		}
	})
}
