package lines_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters/lineprotocol"
	"walkabout/exporters/lines"
	"walkabout/metric"
)

var at = time.Unix(1700000000, 123456789)

func TestBatch(t *testing.T) {
	one := func(measurement, text string) metric.Sample {
		return metric.Sample{Measurement: measurement, Fields: []metric.Field{{Name: "f", Kind: metric.String, Str: text}}, At: at}
	}
	var b lines.Batch
	for range 2 { // the second time with buffers that hold something
		b.Encode([]metric.Sample{one("", "x"), one("a", "x\ny"), {Measurement: "b"}, one("c", "z"), one("d", "")})
		if diff := cmp.Diff([]int{0, 2}, b.Skipped); diff != "" || !errors.Is(b.Err, lineprotocol.ErrNoMeasurement) {
			t.Errorf("skipped with %v (-want +got):\n%s", b.Err, diff)
		}
		if b.Len() != 3 {
			t.Fatalf("%d lines, want 3", b.Len())
		}
		for i, want := range []struct {
			sample int
			line   string
		}{{1, "a f=\"x\ny\" 1700000000123456789\n"}, {3, "c f=\"z\" 1700000000123456789\n"}, {4, "d f=\"\" 1700000000123456789\n"}} {
			if got := string(b.Lines(i, i+1)); got != want.line || b.Sample(i) != want.sample {
				t.Errorf("line %d: %q of sample %d, want %q of %d", i, got, b.Sample(i), want.line, want.sample)
			}
		}
		if got, want := string(b.Lines(0, 3)), string(b.Lines(0, 1))+string(b.Lines(1, 3)); got != want || b.End(2) != len(got) {
			t.Errorf("all lines: %q, want %q and %d octets", got, want, b.End(2))
		}
	}
	b.Encode(nil)
	if b.Len() != 0 || b.Skipped != nil || b.Err != nil || len(b.Lines(0, 0)) != 0 {
		t.Errorf("an empty batch leaves %d lines, %v, %v", b.Len(), b.Skipped, b.Err)
	}
}

func TestNew(t *testing.T) {
	s := metric.Sample{Measurement: "m", Fields: []metric.Field{{Name: "f", Kind: metric.Unsigned, Num: 1}}, At: at}
	for _, tt := range []struct {
		format   lines.Format
		unsigned bool
		want     string // the line, or part of the error
	}{
		{"", false, "m f=1i 1700000000123456789\n"},
		{lines.Influx, true, "m f=1u 1700000000123456789\n"},
		{lines.JSON, false, `{"measurement":"m","time":"2023-11-14T22:13:20.123456789Z","tags":{},"fields":{"f":1}}` + "\n"},
		{lines.JSON, true, "unsigned is of the format influx"},
		{"xml", false, `format "xml": write influx or json`},
	} {
		e, err := lines.New(tt.format, tt.unsigned)
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.format, err, tt.want)
			}
			continue
		}
		b := lines.Batch{Encoder: e}
		b.Encode([]metric.Sample{s})
		if got := string(b.Lines(0, b.Len())); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.format, got, tt.want)
		}
	}
}
