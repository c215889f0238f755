package config_test

import (
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// TestStore: the store is on where there is no output, or when it is asked for, and mistakes are told where they stand.
func TestStore(t *testing.T) {
	rules := write(t, "r.yml", "groups:\n  - name: a\n    rules:\n      - alert: Busy\n        expr: sum(\n", 0o600)
	good := write(t, "r.yml", "groups:\n  - name: a\n    rules:\n      - alert: Busy\n        expr: x > 1\n      - alert: spool_filling\n        expr: x > 1\n", 0o600)
	const output = "outputs:\n  - file: {path: \"-\"}\n"
	for name, test := range map[string]struct {
		text string
		on   bool
		want string // of the first problem that speaks of the store
	}{
		"no output":          {"", true, ""},
		"an output":          {output, false, ""},
		"both":               {output + "store: {}\n", true, ""},
		"off":                {"store: {enabled: false}\n", false, ""},
		"an unknown key":     {"store: {retain: 1h}\n", true, `unknown key "retain"`},
		"no series":          {"store: {max_series: 0}\n", true, ":1: error: max_series must be at least 1"},
		"a rule":             {"store:\n  rules: " + rules + "\n", true, rules + `:5: error: group "a", rule 1, "Busy"`},
		"a name":             {"store:\n  rules: " + good + "\n", true, `:2: error: rules: an alert is called "spool_filling"`},
		"rules and no store": {"store: {enabled: false, rules: " + good + "}\n", false, "rules need the store"},
		"the output's name":  {"outputs:\n  - file: {path: \"-\", name: store}\nstore: {}\n", true, `an output is called "store"`},
	} {
		c, problems := config.Load(write(t, "c.yaml", test.text, 0o600), collector.BuiltIn(), getenv)
		var text strings.Builder
		for _, p := range problems {
			text.WriteString(p.String() + "\n")
		}
		if (c.Store != nil) != test.on || !strings.Contains(text.String(), test.want) || test.want == "" && config.Failed(problems) {
			t.Errorf("%s: on is %v, problems:\n%s", name, c.Store != nil, text.String())
		}
	}
}
