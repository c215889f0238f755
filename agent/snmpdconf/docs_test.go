package snmpdconf_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"walkabout/agent/snmpdconf"
)

// TestReference holds docs/snmpd.conf.md against the directives: it tells of each, and of no other.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("../../docs/snmpd.conf.md")
	if err != nil {
		t.Fatal(err)
	}
	served, ignored, ok := strings.Cut(string(text), "\n## Without effect\n")
	if !ok {
		t.Fatal("there is no section «Without effect»")
	}
	compare := func(section string, want, got []string) {
		t.Helper()
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("%s: %s is missing", section, name)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("%s: %s is no directive of that kind", section, name)
			}
		}
	}
	named := inTables(served)
	_, anyway, _ := strings.Cut(served, "\n## So anyway\n")
	for _, code := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(anyway, -1) {
		named = append(named, code[1])
	}
	compare("served", snmpdconf.Directives(), named)

	var unserved []string
	for why, names := range snmpdconf.Unserved() {
		if why != "it is of snmp.conf, which this agent does not read" {
			unserved = append(unserved, names...)
		}
	}
	compare("without effect", unserved, inTables(ignored))
}

// inTables returns the first words of the code in the first columns of tables.
func inTables(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(strings.ReplaceAll(line[2:], `\|`, "/"), "|")
		for _, code := range regexp.MustCompile("`([\\w-]+)").FindAllStringSubmatch(cell, -1) {
			names = append(names, code[1])
		}
	}
	return names
}
