package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// TestReadme: the configuration that the README shows is right, and the README names every profile.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(b), "```yaml\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md shows no YAML")
	}
	c, problems := config.Load(write(t, "snmpcollect.yaml", text, 0o600), collector.BuiltIn(), getenv)
	if len(problems) != 0 || len(c.Targets) != 1 || len(c.Outputs) != 2 || len(c.Notify) != 2 {
		t.Errorf("%v, %s", problems, c.Summary())
	}
	for _, p := range collector.BuiltIn().Names() {
		if !strings.Contains(string(b), p) {
			t.Errorf("README.md does not name the profile %s", p)
		}
	}
}

// TestReference: docs/snmpcollect.yaml.md, with docs/targets.md for lists, docs/alerts.md for the rules and docs/traps.md, names every key that the file may have.
func TestReference(t *testing.T) {
	var docs string
	for _, name := range []string{"snmpcollect.yaml.md", "targets.md", "alerts.md", "traps.md", "outputs.md", "prometheus.md", "store.md"} {
		b, err := os.ReadFile("../../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		docs += string(b)
	}
	var source string
	for _, name := range []string{"file.go", "alerts.go", "outputs.go", "prometheus.go", "pipelines.go", "scrape.go", "filter.go", "pages.go", "file_targets.go", "traps.go", "store.go"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(b)
	}
	keys := regexp.MustCompile("yaml:\"(\\w+)\"").FindAllStringSubmatch(source, -1)
	if len(keys) < 50 {
		t.Fatalf("%d keys in the source", len(keys))
	}
	for _, k := range keys {
		key := strings.TrimSuffix(strings.TrimSuffix(k[1], "_file"), "_env")
		if !regexp.MustCompile("\\b" + key + "\\b").MatchString(docs) {
			t.Errorf("the key %s is not documented", key)
		}
	}
}
