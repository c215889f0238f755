package config_test

import (
	"os"
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
