package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/licenseclassifier/v2/assets"
)

// licence returns a text (NAME/FILE) from the classifier's own collection.
func licence(t *testing.T, name string) string {
	t.Helper()
	text, err := assets.ReadLicenseFile("License/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReport(t *testing.T) {
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	mit, gpl := licence(t, "MIT/pristine.txt"), licence(t, "GPL-3.0/license.txt")
	tests := []struct {
		name  string
		files map[string]string
		want  string // in the output
		err   string // in the error; "": none
	}{
		{"allowed", map[string]string{"LICENSE": mit}, "MIT", ""},
		{"two allowed", map[string]string{"LICENSE": mit, "LICENSE-BSD.txt": licence(t, "BSD-3-Clause/pristine.txt")}, "BSD-3-Clause, MIT", ""},
		{"British", map[string]string{"LICENCE.md": mit}, "MIT", ""},
		{"not allowed", map[string]string{"COPYING": gpl}, "GPL-3.0", "GPL-3.0, which is not allowed"},
		{"one of two not allowed", map[string]string{"LICENSE": mit, "COPYING": gpl}, "GPL-3.0, MIT", "GPL-3.0, which is not allowed"},
		{"both in one file", map[string]string{"LICENSE": mit + "\n\n" + gpl}, "GPL-3.0, MIT", "GPL-3.0, which is not allowed"},
		{"one of two, as one likes", map[string]string{"LICENSE": "/* SPDX-License-Identifier: MIT OR GPL-3.0-only */\n\n" + mit + "\n\n" + gpl}, " MIT\n", ""},
		{"one of two, of which the allowed one is not there", map[string]string{"LICENSE": "SPDX-License-Identifier: MIT OR GPL-3.0-only\n\n" + gpl}, "GPL-3.0", "GPL-3.0, which is not allowed"},
		{"two at once", map[string]string{"LICENSE": "SPDX-License-Identifier: MIT AND GPL-3.0-only\n\n" + mit + "\n\n" + gpl}, "GPL-3.0, MIT", "GPL-3.0, which is not allowed"},
		{"beside the package", map[string]string{"LICENSE": mit, "pkg/LICENSE": gpl}, "GPL-3.0, MIT", "GPL-3.0, which is not allowed"},
		{"beside a package that is not imported", map[string]string{"LICENSE": mit, "other/LICENSE": gpl}, "MIT", ""},
		{"none", map[string]string{"README": mit}, "example.org/m", "no licence found"},
		{"unknown", map[string]string{"LICENSE": "All rights reserved."}, "example.org/m", "is no licence that is known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := write(t, tt.files)
			dir := filepath.Join(root, "pkg")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err := c.report(&out, []pkg{{module: "example.org/m@v1.0.0", root: root, dir: dir}})
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("output is %q, want %q in it", out.String(), tt.want)
			}
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("error: %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error is %v, want %q in it", err, tt.err)
			}
		})
	}
}

// TestRun checks a whole module, one dependency of which is imported on Windows alone and by a test.
func TestRun(t *testing.T) {
	root := write(t, map[string]string{
		"go.mod": "module example.org/main\n\ngo 1.26.0\n\nrequire (\n\texample.org/good v1.0.0\n\texample.org/bad v1.0.0\n)\n\n" +
			"replace (\n\texample.org/good => ./good\n\texample.org/bad => ./bad\n)\n",
		"main.go":           "package main\n\nimport _ \"example.org/good\"\n\nfunc main() {}\n",
		"x_windows_test.go": "package main\n\nimport _ \"example.org/bad\"\n",
		"good/go.mod":       "module example.org/good\n",
		"good/good.go":      "package good\n",
		"good/LICENSE":      licence(t, "Apache-2.0/pristine.txt"),
		"bad/go.mod":        "module example.org/bad\n",
		"bad/bad.go":        "package bad\n",
		"bad/LICENSE":       licence(t, "AGPL-3.0/license.txt"),
	})
	t.Chdir(root)
	var out bytes.Buffer
	err := run(&out)
	if err == nil || !strings.Contains(err.Error(), "example.org/bad@v1.0.0") || strings.Contains(err.Error(), "good") {
		t.Errorf("error is %v, want it to name example.org/bad@v1.0.0 only", err)
	}
	if !strings.Contains(out.String(), "Apache-2.0") {
		t.Errorf("output is %q, want the good module's licence in it", out.String())
	}

	if err := os.Remove("x_windows_test.go"); err != nil {
		t.Fatal(err)
	}
	if err := run(&out); err != nil {
		t.Errorf("without the bad import: %v", err)
	}
}
