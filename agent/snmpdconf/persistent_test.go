package snmpdconf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

func dumpPersistent(t *testing.T, p *snmpdconf.Persistent, diagnostics []snmpdconf.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "engineID %x boots %d\n", p.EngineID, p.Boots)
	users, err := p.UserRows(engineID)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range append(p.Rows, users...) {
		fmt.Fprintf(&b, "line %d\n", row.Line)
		for _, vb := range row.Objects {
			fmt.Fprintf(&b, "  %v = %v %q\n", vb.Name, vb.Value.Kind(), vb.Value)
		}
	}
	for _, d := range diagnostics {
		fmt.Fprintln(&b, d)
	}
	return b.String()
}

func TestPersistentGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/persistent/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		p, diagnostics, err := snmpdconf.ReadPersistent(file)
		if err != nil {
			t.Fatal(err)
		}
		got := dumpPersistent(t, p, diagnostics)
		golden := strings.TrimSuffix(file, ".conf") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestPersistentSecretsStayOut cuts each line of a user everywhere: what is said of it has neither password nor key.
func TestPersistentSecretsStayOut(t *testing.T) {
	for _, line := range []string{
		`usmUser 1 3 0x80001f8801 "joe" "joe" NULL .1.3.6.1.6.3.10.1.1.3 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef .1.3.6.1.6.3.10.1.2.4 0xdeadbeefdeadbeefdeadbeefdeadbeef ""`,
		`createUser joe SHA deadbeefdeadbeef AES deadbeefdeadbeef`,
	} {
		for i := range len(line) + 1 {
			p, diagnostics := snmpdconf.ParsePersistent("f", []byte(line[:i]))
			if i == len(line) && len(diagnostics) > 0 {
				t.Errorf("%v", diagnostics)
			}
			if told := fmt.Sprintf("%v %+v", diagnostics, p.Users); strings.Contains(told, "dead") {
				t.Errorf("%q: %s", line[:i], told)
			}
		}
	}
}

func FuzzPersistent(f *testing.F) {
	files, err := filepath.Glob("testdata/persistent/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f.Add([]byte(line))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, diagnostics := snmpdconf.ParsePersistent("f", text)
		if len(diagnostics) > snmpdconf.MaxDiagnostics {
			t.Errorf("%d diagnostics", len(diagnostics))
		}
		for _, row := range p.Rows {
			if len(row.Objects) == 0 {
				t.Error("a row without objects")
			}
		}
	})
}
