package mibtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Lines returns a line for each of vbs: "1.3.6.1.2.1.1.5.0 = OCTET STRING: core1".
func Lines(vbs []snmp.VarBind) []string {
	lines := make([]string, len(vbs))
	for i, vb := range vbs {
		lines[i] = vb.Name.String() + " = " + describe(vb.Value)
	}
	return lines
}

func describe(v snmp.Value) string { return v.Kind().String() + ": " + v.String() }

// Golden compares lines with the file of that name in testdata, which update has it write first.
func Golden(t testing.TB, file string, lines []string, update bool) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), lines); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Column returns the values, as text, of those of vbs that are below a column, by their index.
func Column(vbs []snmp.VarBind, column oid.OID) map[string]string {
	out := map[string]string{}
	for _, vb := range vbs {
		if vb.Name.HasPrefix(column) {
			out[vb.Name.From(column.Len()).String()] = vb.Value.String()
		}
	}
	return out
}
