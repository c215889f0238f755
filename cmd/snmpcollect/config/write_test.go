package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// TestWriteTargets: what is written is read again as it was, whatever devices call themselves.
func TestWriteTargets(t *testing.T) {
	names := []string{"core1", "0x10", "yes", "a: b # c", "- x", "\"quoted\"", "été", "null"}
	var targets []config.NewTarget
	for i, name := range names {
		targets = append(targets, config.NewTarget{Name: name, Address: "192.0.2.1", Credential: "lab", Collect: []string{"system", "tcp"},
			Comments: []string{"sysName " + name, "sysDescr two\r\nlines\u2028of " + strings.Repeat("x", i*50)}})
	}
	var b strings.Builder
	if err := config.WriteTargets(&b, []string{"Found by:\ntargets: []"}, targets); err != nil {
		t.Fatal(err)
	}
	path := tree(t, map[string]string{"main.yaml": outputs + labCred + "include: [found.yaml]\n", "found.yaml": b.String()})
	c, problems := config.Load(path, collector.BuiltIn(), getenv)
	var got []string
	for _, target := range c.Targets {
		got = append(got, target.Name)
	}
	if diff := cmp.Diff(names, got); diff != "" || problems != nil {
		t.Errorf("%v (-want +got):\n%s\n%s", problems, diff, b.String())
	}
	again, err := config.TargetNames(strings.Replace(path, "main.yaml", "found.yaml", 1))
	if diff := cmp.Diff(names, again); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := config.TargetNames(path); err == nil {
		t.Error("TargetNames takes a main file")
	}
	const want = `# Found by: targets: []

targets:
  # sysName core1
  # sysDescr two  lines of
  - name: core1
    address: 192.0.2.1
    credential: lab
    collect: [system, tcp]
`
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("written:\n%s", b.String()[:300])
	}
	b.Reset()
	if err := config.WriteTargets(&b, []string{"nobody"}, nil); err != nil || b.String() != "# nobody\n\ntargets: []\n" {
		t.Errorf("no targets: %v, %q", err, b.String())
	}
}
