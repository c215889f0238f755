package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/alert/rules"
	"walkabout/counter"
	"walkabout/metric"
)

var schema = rules.Schema{"ucd_load": {"laName": rules.Text, "laLoad": rules.Number, "ssCtx": rules.Number, "ssCtx_rate": rules.Number, "up": rules.Bool}}

func row(fields ...metric.Field) *alert.Row {
	return &alert.Row{Device: "core1", Labels: map[string]string{"site": "paris"}, Interval: 30 * time.Second,
		Sample: &metric.Sample{Measurement: "ucd_load", Tags: []metric.Tag{{Name: "laName", Value: "Load-1"}}, Fields: fields}}
}

func load(v uint64) metric.Field { return metric.Field{Name: "laLoad", Kind: metric.Integer, Num: v} }

func TestEval(t *testing.T) {
	switches := metric.Field{Name: "ssCtx", Kind: metric.Counter32, Num: 5, Rate: 7, Verdict: counter.OK}
	withheld := metric.Field{Name: "ssCtx", Kind: metric.Counter32, Num: 5, Verdict: counter.Reset}
	for _, c := range []struct {
		expr         string
		row          *alert.Row
		holds, known bool
	}{
		{"laLoad > 5", row(load(6)), true, true},
		{"laLoad > 5", row(load(5)), false, true},
		{"laLoad > 5", row(), false, false},
		{"laLoad * 2 >= 12 and laName == 'Load-1' and device startsWith 'core'", row(load(6)), true, true},
		{"laName matches '^Load-[0-9]+$'", row(), true, true},
		{`labels["site"] == "paris" && laLoad in 1..9`, row(load(6)), true, true},
		{`labels["none"] == ""`, row(), true, true},
		{"ssCtx_rate == 7 && ssCtx == 5", row(switches), true, true},
		{"ssCtx_rate == 7", row(withheld), false, false},
		{"(ssCtx_rate ?? laLoad) > 3", row(withheld, load(4)), true, true},
		{"(ssCtx_rate ?? laLoad) > 3", row(withheld), false, false},
		{"(ssCtx_rate ?? 0) > 3", row(withheld), false, true},
		{"interval == 30", row(), true, true},
		{"laLoad / 0 > 1", row(load(1)), true, true},
		{"up", row(metric.Field{Name: "up", Kind: metric.Boolean, Num: 1}), true, true},
		{"let x = laLoad * 2; x > 3", row(load(2)), true, true},
	} {
		cond, err := rules.Compile("ucd_load", c.expr, "", schema)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		for range 2 {
			if holds, known := cond.Eval(c.row); holds != c.holds || known != c.known {
				t.Errorf("%s: holds %v, known %v", c.expr, holds, known)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		measurement, expr, summary, want string
		line                             int
	}{
		{"ucd_lod", "true", "", `no profile measures "ucd_lod"; did you mean "ucd_load"?`, 0},
		{"ucd_load", "laLod > 5", "", `column 1: rows have no field or tag "laLod"; did you mean "laLoad"?`, 1},
		{"ucd_load", "laLoad >\n 5 +", "", "unexpected token", 2},
		{"ucd_load", "laName > 5", "", "mismatched types string and int", 1},
		{"ucd_load", "laLoad", "", "expected bool, but got float64", 1},
		{"ucd_load", "len(filter(1..1000, # > 3)) > laLoad", "", "filter", 1},
		{"ucd_load", "len(1..1000000) > 5", "", "", 0}, // compiles; see TestBounded
		{"ucd_load", "laLoad > 5", "load {laLod}", "{laLod} is no field", 0},
		{"ucd_load", "  ", "", "an expression of 1 to 4096", 1},
		{"ucd_load", strings.Repeat("laLoad + ", 300) + "1 > 0", "", "exceeds maximum allowed nodes", 1},
	} {
		_, err := rules.Compile(c.measurement, c.expr, c.summary, schema)
		if c.want == "" {
			continue
		}
		var at *rules.Error
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &at) != (c.line > 0) || at != nil && at.Line != c.line {
			t.Errorf("%q: %v", c.expr, err)
		}
	}
}

// TestBounded: what would make a long list is no answer, and soon.
func TestBounded(t *testing.T) {
	cond, err := rules.Compile("ucd_load", "laLoad in (int(laLoad)..1000000000)", "", schema)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := cond.Eval(row(load(7))); known {
		t.Error("a thousand million numbers were made")
	}
}

func TestTells(t *testing.T) {
	cond, err := rules.Compile("ucd_load", "laLoad > 5", "{laName} is {laLoad} {ssCtx_rate}", schema)
	if err != nil {
		t.Fatal(err)
	}
	if got := cond.Summary(row(load(6))); got != "Load-1 is 6 ?" {
		t.Errorf("%q", got)
	}
	plain, err := rules.Compile("ucd_load", "laLoad\n > 5", "", schema)
	if err != nil {
		t.Fatal(err)
	}
	if got := plain.Summary(row(load(6))); got != "laLoad > 5 (laLoad 6)" {
		t.Errorf("%q", got)
	}
	if cond.Same(plain) || !cond.Same(cond) {
		t.Error("Same")
	}
}

func BenchmarkEval(b *testing.B) {
	cond, err := rules.Compile("ucd_load", "laLoad > 5 && laName startsWith 'Load'", "", schema)
	if err != nil {
		b.Fatal(err)
	}
	r := row(load(6))
	b.ReportAllocs()
	for b.Loop() {
		if holds, _ := cond.Eval(r); !holds {
			b.Fatal("no")
		}
	}
}
