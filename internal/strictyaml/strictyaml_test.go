package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/strictyaml"
)

type document struct {
	Interval string             `yaml:"interval"`
	Targets  []target           `yaml:"targets"`
	Named    map[string]*target `yaml:"named"`
	Plain    map[string]string  `yaml:"plain"`
	One      *target            `yaml:"one"`
}

type target struct {
	Name   string `yaml:"name"`
	Port   int    `yaml:"port"`
	common `yaml:",inline"`
	Hidden string `yaml:"-"`
}

type common struct {
	Timeout string `yaml:"timeout"`
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"only a comment", "# nothing\n", nil},
		{"right", "interval: 30s\ntargets:\n  - name: a\n    port: 161\n    timeout: 1s\nnamed: {x: {name: b}}\nplain: {any: thing}\n", nil},
		{"unknown key", "intervall: 30s\n", []string{`line 1: unknown key "intervall"; did you mean "interval"?`}},
		{"nothing like it", "colour: red\n", []string{`line 1: unknown key "colour"; known here are interval, targets, named, plain, one`}},
		{"one level too high", "one: {port: 1}\ntimeout: 1s\n", []string{`line 2: unknown key "timeout"; write it inside one: {…}`}},
		{"in a list", "targets:\n  - name: a\n  - nam: b\n", []string{`line 3: unknown key "nam"; did you mean "name"?`}},
		{"inlined", "targets:\n  - timout: 1s\n", []string{`line 2: unknown key "timout"; did you mean "timeout"?`}},
		{"hidden", "targets:\n  - hidden: 1s\n", []string{`line 2: unknown key "hidden"; known here are name, port, timeout`}},
		{"in a map", "named:\n  x:\n    prt: 1\n", []string{`line 3: unknown key "prt"; did you mean "port"?`}},
		{"by alias", "targets:\n  - &t {nme: a}\n  - *t\n", []string{`line 2: unknown key "nme"; did you mean "name"?`}},
		{"by merge", "named:\n  x: &x {nme: a}\n  y: {<<: *x}\n", []string{`line 2: unknown key "nme"; did you mean "name"?`}},
		{"wrong type", "targets:\n  - port: many\n", []string{"line 2: a whole number is wanted here, not a text"}},
		{"a text for a mapping", "named: {x: s3cret}\n", []string{"line 1: a mapping is wanted here, not a text"}},
		{"a list for a text", "interval: [1]\n", []string{"line 1: a text is wanted here, not a list"}},
		{"a mapping for a list", "targets: {a: b}\n", []string{"line 1: a list is wanted here, not a mapping"}},
		{"twice", "interval: 1s\ninterval: 2s\n", []string{`line 2: mapping key "interval" already defined at line 1`}},
		{"two documents", "interval: 1s\n---\ninterval: 2s\n", []string{"line 2: a second document in the file: remove the line ---"}},
		{"no YAML", "interval: [\n", []string{"line 1: did not find expected node content"}},
		{"tabs", "targets:\n\t- name: a\n", []string{"line 2: found character that cannot start any token: YAML is indented with spaces, not tabs, and a text that begins with @, ` or % needs quotes"}},
		{"several", "intervall: 1\ntargets:\n  - port: x\n    nam: y\n", []string{`line 1: unknown key "intervall"; did you mean "interval"?`, `line 4: unknown key "nam"; did you mean "name"?`, "line 3: a whole number is wanted here, not a text"}},
	}
	for _, tt := range tests {
		var d document
		_, errs := strictyaml.Decode([]byte(tt.text), &d)
		var got []string
		for _, e := range errs {
			got = append(got, e.Error())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWhatIsRightIsDecoded(t *testing.T) {
	var d document
	_, errs := strictyaml.Decode([]byte("intervall: 1\ninterval: 30s\ntargets:\n  - port: x\n    name: a\n"), &d)
	if len(errs) != 2 || d.Interval != "30s" || len(d.Targets) != 1 || d.Targets[0].Name != "a" {
		t.Errorf("%v, %+v", errs, d)
	}
}

func TestLine(t *testing.T) {
	var d document
	doc, errs := strictyaml.Decode([]byte("# a comment\ninterval: 1s\ntargets:\n  - name: a\n  - name: b\n    port: 1\n"), &d)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, tt := range []struct {
		path []any
		want int
	}{{nil, 2}, {[]any{"interval"}, 2}, {[]any{"targets"}, 3}, {[]any{"targets", 1}, 5}, {[]any{"targets", 1, "port"}, 6}, {[]any{"targets", 1, "none"}, 5},
		{[]any{"targets", 9}, 3}, {[]any{"targets", "x"}, 3}, {[]any{"named", "x"}, 2}} {
		if got := doc.Line(tt.path...); got != tt.want {
			t.Errorf("Line(%v) = %d, want %d", tt.path, got, tt.want)
		}
	}
	if (strictyaml.Document{}).Line("x") != 0 {
		t.Error("a document of nothing has lines")
	}
}

func TestErrorUnwraps(t *testing.T) {
	cause := errors.New("cause")
	if e := (&strictyaml.Error{Err: cause}); !errors.Is(e, cause) || e.Error() != "cause" {
		t.Error(e)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("interval: 1s\ntargets:\n  - &t {name: a}\n  - *t\n")
	f.Add("named: {x: {<<: {nme: a}}}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		var d document
		doc, errs := strictyaml.Decode([]byte(text), &d)
		lines := strings.Count(text, "\n") + 2 + strings.Count(text, "\r") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + strings.Count(text, "\u0085")
		for _, e := range errs {
			if e.Line < 0 || e.Line > lines {
				t.Errorf("line %d of %d: %v", e.Line, lines, e)
			}
		}
		doc.Line("targets", 0, "name")
	})
}
