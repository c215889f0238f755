package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/collector"
	"walkabout/collector/smi"
)

func TestProfile(t *testing.T) {
	run := func(args ...string) (code int, stdout, stderr string) {
		var out, err buffer
		code = process{stdout: &out, stderr: &err}.run(t.Context(), append([]string{"profile"}, args...))
		return code, out.String(), err.String()
	}
	code, out, _ := run("list")
	for _, name := range collector.BuiltIn().Names() {
		if code != 0 || !strings.Contains("\n"+out, "\n"+name+" ") {
			t.Errorf("list: %d, no %s", code, name)
		}
		code, out, _ := run("show", name)
		if _, err := collector.ParseProfile([]byte(out), smi.BuiltIn()); code != 0 || err != nil {
			t.Errorf("show %s: %d, %v", name, code, err)
		}
	}
	for name, want := range map[string]string{"interface": `did you mean "interfaces"?`, "frobnicator": "known are arista, "} {
		if code, _, err := run("show", name); code != 1 || !strings.Contains(err, want) {
			t.Errorf("show of an unknown one: %d, %s", code, err)
		}
	}

	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("LOCAL-MIB.txt", "LOCAL-MIB DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI; localThing OBJECT-TYPE SYNTAX INTEGER ::= { enterprises 99999 1 } END")
	good := file("good.yaml", "scalars:\n  - measurement: a\n    objects: [{oid: LOCAL-MIB::localThing}]\n")
	if code, out, _ := run("check", "--mibs", dir, good); code != 0 || out != good+": a: 1 objects\n" {
		t.Errorf("check: %d, %s", code, out)
	}
	bad := file("bad.yaml", "scalars:\n  - measurement: a\n    objets: [{oid: LOCAL-MIB::localThing}]\n")
	if code, out, _ := run("check", bad, filepath.Join(dir, "none")); code != 1 || !strings.HasPrefix(out, bad+`:3: error: unknown key "objets"; did you mean "objects"?`) || !strings.Contains(out, "none: error: ") {
		t.Errorf("check: %d, %s", code, out)
	}
	if code, out, _ := run("check", good); code != 1 || !strings.Contains(out, "good.yaml:3: error: unknown object LOCAL-MIB::localThing: no module LOCAL-MIB is known") {
		t.Errorf("check without its MIB: %d, %s", code, out)
	}
}
