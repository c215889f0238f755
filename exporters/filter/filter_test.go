package filter_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/exporters/filter"
	"walkabout/exporters/lines"
	"walkabout/metric"
)

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern string
		fits    []string
		not     []string
	}{
		{"interface", []string{"interface"}, []string{"", "interfaces", "Interface", "an interface"}},
		{"if*", []string{"if", "ifAlias"}, []string{"xif", "i"}},
		{"*", []string{"", "x", "a\nb\xff"}, nil},
		{"*.example", []string{".example", "a.b.example"}, []string{"example", "a.example "}},
		{"a*b*c", []string{"abc", "a-b-b-c", "abcbc"}, []string{"ab", "abcb", "acb"}},
		{"Gi?/0", []string{"Gi1/0", "Gié/0", "Gi\xff/0"}, []string{"Gi/0", "Gi12/0"}},
		{"[a-z]+", []string{"[a-z]+"}, []string{"a"}},
		{"/Gi[0-9]+/", []string{"Gi1", "Gi12"}, []string{"Gi", "Gi1/0", "xGi1", "Gi1\n"}},
		{"/a|b/", []string{"a", "b"}, []string{"ab", "ax", "xb"}},
		{"/", []string{"/"}, []string{""}},
		{"//", []string{"//"}, []string{""}},
		{"/*", []string{"/", "/var"}, []string{"var"}},
	}
	for _, tt := range tests {
		p, err := filter.Parse(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.fits {
			if !p.Match(s) {
				t.Errorf("%s does not fit %q", tt.pattern, s)
			}
		}
		for _, s := range tt.not {
			if p.Match(s) {
				t.Errorf("%s fits %q", tt.pattern, s)
			}
		}
	}
	for pattern, want := range map[string]string{"": "is empty", "/(/": "missing closing"} {
		if _, err := filter.Parse(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}

// FuzzGlob compares with the regular expression of the same meaning.
func FuzzGlob(f *testing.F) {
	for _, s := range [][2]string{{"a*b", "aab"}, {"*?*", ""}, {"??", "é1"}, {"*a*a*", "aa"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 20 || strings.Trim(pattern, "ab*?") != "" || strings.Trim(text, "abé") != "" || pattern == "" {
			return
		}
		glob, err := filter.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		expression, err := filter.Parse("/" + strings.NewReplacer("*", "(?s:.*)", "?", "(?s:.)").Replace(pattern) + "()/")
		if err != nil {
			t.Fatal(err)
		}
		if glob.Match(text) != expression.Match(text) {
			t.Errorf("%q and %q: %v", pattern, text, glob.Match(text))
		}
	})
}

func patterns(texts ...string) (out filter.Patterns) {
	for _, text := range texts {
		p, err := filter.Parse(text)
		if err != nil {
			panic(err)
		}
		out = append(out, p)
	}
	return out
}

func fields(measurement string, texts ...string) []filter.FieldPatterns {
	return []filter.FieldPatterns{{Measurement: patterns(measurement)[0], Fields: patterns(texts...)}}
}

// poll is two interfaces, one of which has no rates, and the system.
func poll() []metric.Sample {
	at := time.Unix(0, 7)
	port := func(name string, v counter.Verdict) metric.Sample {
		return metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "device", Value: "a"}, {Name: "ifName", Value: name}},
			Fields: []metric.Field{{Name: "ifIndex", Kind: metric.Integer, Num: 1}, {Name: "in", Kind: metric.Counter64, Num: 8, Rate: 0.5, Verdict: v},
				{Name: "out", Kind: metric.Counter32, Num: 9, Rate: 1.5, Verdict: v}}}
	}
	first := port("lo", counter.First)
	for i := range first.Fields {
		first.Fields[i].Rate = 0
	}
	return []metric.Sample{port("eth0", counter.OK), first,
		{Measurement: "system", At: at, Tags: []metric.Tag{{Name: "device", Value: "a"}}, Fields: []metric.Field{{Name: "sysName", Kind: metric.String, Str: "x"}}}}
}

func TestApply(t *testing.T) {
	const (
		eth0   = `interface,device=a,ifName=eth0 ifIndex=1i,in=8i,in_rate=0.5,out=9i,out_rate=1.5 7`
		lo     = `interface,device=a,ifName=lo ifIndex=1i,in=8i,in_verdict="first",out=9i,out_verdict="first" 7`
		system = `system,device=a sysName="x" 7`
	)
	tests := []struct {
		name   string
		config filter.Config
		want   []string
	}{
		{"nothing", filter.Config{}, []string{eth0, lo, system}},
		{"keep measurements", filter.Config{Keep: filter.Selection{Measurements: patterns("sys*", "ip")}}, []string{system}},
		{"drop measurements", filter.Config{Drop: filter.Selection{Measurements: patterns("sys*", "ip")}}, []string{eth0, lo}},
		{"keep by tag, which not all have", filter.Config{Keep: filter.Selection{Tags: map[string]filter.Patterns{"ifName": patterns("eth*", "wlan*")}}}, []string{eth0}},
		{"keep by two tags", filter.Config{Keep: filter.Selection{Tags: map[string]filter.Patterns{"ifName": patterns("*"), "device": patterns("b")}}}, nil},
		{"drop by tag, which not all have", filter.Config{Drop: filter.Selection{Tags: map[string]filter.Patterns{"ifName": patterns("/lo|veth.*/"), "x": patterns("*")}}}, []string{eth0, system}},
		{"drop is stronger", filter.Config{Keep: filter.Selection{Measurements: patterns("*")}, Drop: filter.Selection{Measurements: patterns("*")}}, nil},
		{"keep fields", filter.Config{Keep: filter.Selection{Fields: fields("*", "if*", "in")}},
			[]string{`interface,device=a,ifName=eth0 ifIndex=1i,in=8i,in_rate=0.5 7`, `interface,device=a,ifName=lo ifIndex=1i,in=8i,in_verdict="first" 7`}},
		{"keep fields of one measurement", filter.Config{Keep: filter.Selection{Fields: fields("inter*", "out")}},
			[]string{`interface,device=a,ifName=eth0 out=9i,out_rate=1.5 7`, `interface,device=a,ifName=lo out=9i,out_verdict="first" 7`, system}},
		{"keep rates", filter.Config{Keep: filter.Selection{Fields: fields("*", "*_rate")}},
			[]string{`interface,device=a,ifName=eth0 in_rate=0.5,out_rate=1.5 7`, `interface,device=a,ifName=lo in_verdict="first",out_verdict="first" 7`}},
		{"drop rates", filter.Config{Drop: filter.Selection{Fields: fields("*", "*_rate")}},
			[]string{`interface,device=a,ifName=eth0 ifIndex=1i,in=8i,out=9i 7`, `interface,device=a,ifName=lo ifIndex=1i,in=8i,out=9i 7`, system}},
		{"drop fields", filter.Config{Drop: filter.Selection{Fields: fields("*", "in", "sys*", "ifIndex")}},
			[]string{`interface,device=a,ifName=eth0 out=9i,out_rate=1.5 7`, `interface,device=a,ifName=lo out=9i,out_verdict="first" 7`}},
		{"rename", filter.Config{Rename: filter.Names{Measurements: map[string]string{"interface": "port"}, Tags: map[string]string{"device": "host"}, Fields: map[string]string{"in": "rx", "ifIndex": "n"}}},
			[]string{`port,host=a,ifName=eth0 n=1i,rx=8i,rx_rate=0.5,out=9i,out_rate=1.5 7`, `port,host=a,ifName=lo n=1i,rx=8i,rx_verdict="first",out=9i,out_verdict="first" 7`, `system,host=a sysName="x" 7`}},
		{"rename across", filter.Config{Rename: filter.Names{Tags: map[string]string{"device": "ifName", "ifName": "device"}, Fields: map[string]string{"in": "out", "out": "in"}}},
			[]string{`interface,device=eth0,ifName=a ifIndex=1i,out=8i,out_rate=0.5,in=9i,in_rate=1.5 7`, `interface,device=lo,ifName=a ifIndex=1i,out=8i,out_verdict="first",in=9i,in_verdict="first" 7`, `system,ifName=a sysName="x" 7`}},
		{"rename to what is there", filter.Config{Rename: filter.Names{Tags: map[string]string{"device": "ifName"}, Fields: map[string]string{"in": "out"}}},
			[]string{`interface,ifName=a ifIndex=1i,out=8i,out_rate=0.5 7`, `interface,ifName=a ifIndex=1i,out=8i,out_verdict="first" 7`, `system,ifName=a sysName="x" 7`}},
		{"rename to a rate that is there", filter.Config{Rename: filter.Names{Fields: map[string]string{"ifIndex": "in_rate"}}},
			[]string{`interface,device=a,ifName=eth0 in_rate=1i,in=8i,out=9i,out_rate=1.5 7`, `interface,device=a,ifName=lo in_rate=1i,in=8i,out=9i,out_verdict="first" 7`, system}},
		{"rename to a rate where rates alone are kept", filter.Config{Keep: filter.Selection{Fields: fields("*", "*_rate", "ifIndex")}, Rename: filter.Names{Fields: map[string]string{"ifIndex": "in_rate"}}},
			[]string{`interface,device=a,ifName=eth0 in_rate=1i,out_rate=1.5 7`, `interface,device=a,ifName=lo in_rate=1i,out_verdict="first" 7`}},
		{"rename rates alone", filter.Config{Keep: filter.Selection{Fields: fields("*", "in_rate")}, Rename: filter.Names{Fields: map[string]string{"in": "rx"}}},
			[]string{`interface,device=a,ifName=eth0 rx_rate=0.5 7`, `interface,device=a,ifName=lo rx_verdict="first" 7`}},
		{"tags", filter.Config{Tags: map[string]string{"a": "1", "e": "2", "ifName": "none", "z": "3"}},
			[]string{strings.Replace(eth0, ",device=a,ifName=eth0", ",a=1,device=a,e=2,ifName=eth0,z=3", 1), strings.Replace(lo, ",device=a,ifName=lo", ",a=1,device=a,e=2,ifName=lo,z=3", 1),
				strings.Replace(system, ",device=a", ",a=1,device=a,e=2,ifName=none,z=3", 1)}},
		{"a tag in the place of one that was renamed", filter.Config{Rename: filter.Names{Tags: map[string]string{"device": "host"}}, Tags: map[string]string{"device": "b", "host": "c"}},
			[]string{strings.Replace(eth0, "device=a", "device=b,host=a", 1), strings.Replace(lo, "device=a", "device=b,host=a", 1), strings.Replace(system, "device=a", "device=b,host=a", 1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.config.Validate(); err != nil {
				t.Fatal(err)
			}
			f := filter.New(tt.config)
			for range 2 { // the second time with what the first one remembered
				if diff := cmp.Diff(tt.want, written(t, f.Apply(poll()))); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func written(t *testing.T, samples []metric.Sample) []string {
	t.Helper()
	var b lines.Batch
	b.Encode(samples)
	if b.Err != nil {
		t.Fatal(b.Err)
	}
	if b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b.Lines(0, b.Len())), "\n"), "\n")
}

// TestCounterWithoutRate: of a counter that nobody wanted a rate of nothing is left when only rates are kept.
func TestCounterWithoutRate(t *testing.T) {
	f := filter.New(filter.Config{Keep: filter.Selection{Fields: fields("*", "*_rate")}})
	samples := poll()[:1]
	samples[0].Fields[1].Verdict, samples[0].Fields[2].Verdict = counter.None, counter.None
	if got := f.Apply(samples); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestManyLayouts: what is remembered of layouts is bounded, and right after it was forgotten.
func TestManyLayouts(t *testing.T) {
	f := filter.New(filter.Config{Tags: map[string]string{"extra": "1"}})
	for i := range 5000 {
		name := fmt.Sprint("m", i%2500)
		got := f.Apply([]metric.Sample{{Measurement: name, Fields: []metric.Field{{Name: "f", Kind: metric.Integer}}}})
		if diff := cmp.Diff([]metric.Tag{{Name: "extra", Value: "1"}}, got[0].Tags); diff != "" || got[0].Measurement != name {
			t.Fatalf("%d: %+v", i, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		config filter.Config
		want   string
	}{
		{filter.Config{Rename: filter.Names{Tags: map[string]string{"a": "x", "b": "x"}}}, "rename: tags: a and b would both become x"},
		{filter.Config{Rename: filter.Names{Fields: map[string]string{"a": "x", "b": "x"}}}, "rename: fields: a and b would both become x"},
		{filter.Config{Rename: filter.Names{Fields: map[string]string{"a": "x_rate", "b": "x"}}}, "rename: fields: a would become x_rate, as would the rate or verdict of b"},
		{filter.Config{Rename: filter.Names{Fields: map[string]string{"a": ""}}}, "a name is empty"},
		{filter.Config{Rename: filter.Names{Fields: map[string]string{"a": "time"}}}, "rename: fields: a: the name time"},
		{filter.Config{Rename: filter.Names{Tags: map[string]string{"a": "time"}}}, "rename: tags: a: the name time"},
		{filter.Config{Tags: map[string]string{"time": "x"}}, "tags: the name time"},
		{filter.Config{Rename: filter.Names{Measurements: map[string]string{"": "a"}}}, "a name is empty"},
		{filter.Config{Rename: filter.Names{Fields: map[string]string{"in_rate": "x"}}}, "rename in; its rate and verdict follow it"},
		{filter.Config{Tags: map[string]string{"a": ""}}, "a tag needs a name and a value"},
	}
	for _, tt := range tests {
		if err := tt.config.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.config, err, tt.want)
		}
	}
	several := filter.Config{Rename: filter.Names{Measurements: map[string]string{"a": "x", "b": "x"}}}
	if err := several.Validate(); err != nil || several.IsZero() || !(filter.Config{}).IsZero() {
		t.Errorf("%v", err)
	}
}

// switch48 is a poll of 48 interfaces with 24 fields each, as the spool gives it.
func switch48(b *testing.B) []byte {
	b.Helper()
	batch := metric.Batch{At: time.Unix(1700000000, 0)}
	for i := range 48 {
		s := metric.Sample{Measurement: "interface", At: batch.At, Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"},
			{Name: "hostname", Value: "core1.example.net"}, {Name: "ifDescr", Value: fmt.Sprint("GigabitEthernet1/0/", i)}, {Name: "ifName", Value: fmt.Sprint("Gi1/0/", i)}}}
		for j := range 13 {
			s.Fields = append(s.Fields, metric.Field{Name: fmt.Sprint("ifHCCounter", j), Kind: metric.Counter64, Num: uint64(i * j), Rate: math.Sqrt(float64(i * j)), Verdict: counter.OK})
		}
		for j := range 11 {
			s.Fields = append(s.Fields, metric.Field{Name: fmt.Sprint("ifGauge", j), Kind: metric.Integer, Num: uint64(j)})
		}
		batch.Samples = append(batch.Samples, s)
	}
	return metric.Append(nil, batch)
}

func BenchmarkApply(b *testing.B) {
	data := switch48(b)
	for name, c := range map[string]filter.Config{
		"nothing": {},
		"fields":  {Drop: filter.Selection{Tags: map[string]filter.Patterns{"ifName": patterns("lo*", "veth*")}, Fields: fields("*", "*_rate", "ifGauge1*")}},
		"names":   {Rename: filter.Names{Tags: map[string]string{"device": "devicename"}, Fields: map[string]string{"ifHCCounter1": "x"}}},
		"tags":    {Tags: map[string]string{"region": "eu", "a": "b"}},
	} {
		b.Run(name, func(b *testing.B) {
			batch, err := metric.Decode(data)
			if err != nil {
				b.Fatal(err)
			}
			f, scratch := filter.New(c), copyOf(batch.Samples)
			b.ReportAllocs()
			for b.Loop() {
				for i, s := range batch.Samples { // as new: Apply changes what it is given
					tags, fields := scratch[i].Tags[:len(s.Tags)], scratch[i].Fields[:len(s.Fields)]
					copy(tags, s.Tags)
					copy(fields, s.Fields)
					s.Tags, s.Fields = tags, fields
					scratch[i] = s
				}
				if len(f.Apply(scratch)) != 48 {
					b.Fatal("samples are gone")
				}
			}
		})
	}
}

func copyOf(samples []metric.Sample) (out []metric.Sample) {
	for _, s := range samples {
		s.Tags, s.Fields = slices.Clone(s.Tags), slices.Clone(s.Fields)
		out = append(out, s)
	}
	return out
}

// TestRateTaken: a field that is called as the rate of a counter's new name is left out.
func TestRateTaken(t *testing.T) {
	f := filter.New(filter.Config{Rename: filter.Names{Fields: map[string]string{"in": "load"}}})
	samples := poll()[:1]
	samples[0].Fields[0].Name = "load_rate"
	if diff := cmp.Diff([]string{`interface,device=a,ifName=eth0 load=8i,load_rate=0.5,out=9i,out_rate=1.5 7`}, written(t, f.Apply(samples))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
