package lineprotocol_test

import (
	"errors"
	"maps"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

var at = time.Unix(1700000000, 123456789)

func float(name string, v float64) metric.Field {
	return metric.Field{Name: name, Kind: metric.Float, Num: math.Float64bits(v)}
}

// tags makes tags of names and values in turn.
func tags(pairs ...string) (t []metric.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		t = append(t, metric.Tag{Name: pairs[i], Value: pairs[i+1]})
	}
	return t
}

func TestAppendFields(t *testing.T) {
	type F = metric.Field
	neg := int64(-42)
	tests := []struct {
		name     string
		unsigned bool
		fields   []F
		want     string // the field part; "" for ErrNoFields
		omitted  map[string]uint64
	}{
		{name: "integers", fields: []F{{Name: "a", Kind: metric.Integer, Num: uint64(neg)}, {Name: "b", Kind: metric.Unsigned, Num: 7}}, want: `a=-42i,b=7i`},
		{name: "smallest integer", fields: []F{{Name: "a", Kind: metric.Integer, Num: 1 << 63}}, want: `a=-9223372036854775808i`},
		{name: "floats", fields: []F{float("a", 0.1), float("b", -3), float("c", 1e300), float("d", 1<<60), float("e", math.Copysign(0, -1))}, want: `a=0.1,b=-3,c=1e+300,d=1.152921504606847e+18,e=0`},
		{name: "not finite", fields: []F{float("a", math.NaN()), float("b", math.Inf(-1)), float("c", 1)}, want: `c=1`, omitted: map[string]uint64{"not_finite": 2}},
		{name: "boolean", fields: []F{{Name: "a", Kind: metric.Boolean, Num: 2}, {Name: "b", Kind: metric.Boolean}}, want: `a=true,b=false`},
		{name: "string", fields: []F{{Name: "a", Kind: metric.String, Str: "x \"y\" \\ z, =\n"}, {Name: "b", Kind: metric.String}}, want: "a=\"x \\\"y\\\" \\\\ z, =\n\",b=\"\""},
		{name: "counter with rate", fields: []F{{Name: "o", Kind: metric.Counter64, Num: 100, Rate: 2.5, Verdict: counter.OK}}, want: `o=100i,o_rate=2.5`},
		{name: "counter wrapped", fields: []F{{Name: "o", Kind: metric.Counter32, Num: 1, Rate: 3, Verdict: counter.Wrapped}}, want: `o=1i,o_rate=3`},
		{name: "counter without rate", fields: []F{{Name: "o", Kind: metric.Counter32, Num: 1, Rate: 3, Verdict: counter.Reset}}, want: `o=1i,o_verdict="reset"`},
		{name: "counter without verdict", fields: []F{{Name: "o", Kind: metric.Counter32, Num: 1}}, want: `o=1i`},
		{name: "counter with a rate that is none", fields: []F{{Name: "o", Kind: metric.Counter32, Num: 1, Rate: math.NaN(), Verdict: counter.OK}}, want: `o=1i`, omitted: map[string]uint64{"not_finite": 1}},
		{name: "largest", fields: []F{{Name: "o", Kind: metric.Counter64, Num: math.MaxInt64}}, want: `o=9223372036854775807i`},
		{name: "too large keeps the rate", fields: []F{{Name: "o", Kind: metric.Counter64, Num: 1 << 63, Rate: 1, Verdict: counter.OK}}, want: `o_rate=1`, omitted: map[string]uint64{"overflow": 1}},
		{name: "too large alone", fields: []F{{Name: "o", Kind: metric.Unsigned, Num: math.MaxUint64}}, omitted: map[string]uint64{"overflow": 1}},
		{
			name: "unsigned", unsigned: true, want: `a=-1i,b=2u,c=3u,d=18446744073709551615u`,
			fields: []F{{Name: "a", Kind: metric.Integer, Num: math.MaxUint64}, {Name: "b", Kind: metric.Unsigned, Num: 2}, {Name: "c", Kind: metric.Counter32, Num: 3}, {Name: "d", Kind: metric.Counter64, Num: math.MaxUint64}},
		},
		{name: "invalid", fields: []F{{Kind: metric.Integer}, {Name: "a"}, {Name: "b", Kind: 99}}, omitted: map[string]uint64{"invalid": 3}},
		{name: "reserved", fields: []F{{Name: "time", Kind: metric.Integer, Num: 1}}, want: `time_=1i`},
		{name: "names", fields: []F{{Name: "a b,c=d\\e\"f\x00", Kind: metric.Integer}}, want: "a\\ b\\,c\\=d\uFFFDe\"f\uFFFD=0i"},
		{name: "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := lineprotocol.Encoder{Unsigned: tt.unsigned}
			got, err := e.Append([]byte("before\n"), &metric.Sample{Measurement: "m", Fields: tt.fields, At: at})
			want := "before\n"
			if tt.want != "" {
				want += "m " + tt.want + " 1700000000123456789\n"
			} else if !errors.Is(err, lineprotocol.ErrNoFields) {
				t.Errorf("error %v, want ErrNoFields", err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
			omitted := map[string]uint64{"overflow": 0, "not_finite": 0, "invalid": 0}
			maps.Copy(omitted, tt.omitted)
			if diff := cmp.Diff(omitted, e.Omitted()); diff != "" {
				t.Errorf("omitted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendKey(t *testing.T) {
	tests := []struct {
		name, measurement string
		tags              []metric.Tag
		want              string
	}{
		{"plain", "interface", tags("device", "core1", "ifName", "Gi0/1"), `interface,device=core1,ifName=Gi0/1`},
		{"specials", "a b,c=d", tags("k k,k=k", `v v,v=v"v`), `a\ b\,c=d,k\ k\,k\=k=v\ v\,v\=v"v`},
		{"empty tags are no tags", "m", tags("a", "", "", "b", "c", "d"), `m,c=d`},
		{"backslash in the middle", "m", tags("a", `DOMAIN\user`, "b", `x\,y`, "c", `x\=y`), `m,a=DOMAIN\user,b=x\\,y,c=x\\=y`},
		{"backslash at the end", `m\`, tags(`k\`, `C:\`, "z", `\\`), "m\uFFFD,k\uFFFD=C:\uFFFD,z=\\\uFFFD"},
		{"backslash before a space", "m", tags("a", `x\ y`), "m,a=x\uFFFD\\ y"},
		{"control octets", "m\x00", tags("a\t", "x\ny\rz\x7f"), "m\uFFFD,a\uFFFD=x\uFFFDy\uFFFDz\uFFFD"},
		{"only control octets", "m", tags("a", "\x00"), "m,a=\uFFFD"},
		{"utf-8", "m", tags("a", "Zürich 東京 \uFFFD"), "m,a=Zürich\\ 東京\\ \uFFFD"},
		{"no utf-8", "m", tags("a", "Z\xfcrich\xe6\x9d", "b", "\xff\xc0\x80 "), "m,a=Z\uFFFDrich\uFFFD\uFFFD,b=\uFFFD\uFFFD\uFFFD\\ "},
		{"backslash in a measurement", `a\b\,c`, nil, "a\uFFFDb\uFFFD\\,c"},
		{"no comment", "#m", nil, "\uFFFDm"},
		{"reserved", "time", tags("_field", "a", "_measurement", "b", "time", "c", "times", "d"), "time,_field_=a,_measurement_=b,time_=c,times=d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e lineprotocol.Encoder
			got, err := e.Append(nil, &metric.Sample{Measurement: tt.measurement, Tags: tt.tags, Fields: []metric.Field{{Name: "f", Kind: metric.Integer, Num: 1}}, At: at})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want+" f=1i 1700000000123456789\n", string(got)); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	fields := []metric.Field{{Name: "f", Kind: metric.Integer, Num: 1}}
	tests := []struct {
		name   string
		sample metric.Sample
		want   error
	}{
		{"no measurement", metric.Sample{Fields: fields, At: at}, lineprotocol.ErrNoMeasurement},
		{"no fields", metric.Sample{Measurement: "m", At: at}, lineprotocol.ErrNoFields},
		{"no time", metric.Sample{Measurement: "m", Fields: fields}, lineprotocol.ErrTime},
		{"too early", metric.Sample{Measurement: "m", Fields: fields, At: time.Date(1677, 12, 31, 23, 59, 59, 0, time.UTC)}, lineprotocol.ErrTime},
		{"too late", metric.Sample{Measurement: "m", Fields: fields, At: time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)}, lineprotocol.ErrTime},
		{"early enough", metric.Sample{Measurement: "m", Fields: fields, At: time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var e lineprotocol.Encoder
			got, err := e.Append([]byte("x"), &tt.sample)
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if err != nil && string(got) != "x" {
				t.Errorf("buffer %q, want it as it was", got)
			}
		})
	}
}
