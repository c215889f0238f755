package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/exporters"
	"walkabout/exporters/file"
)

func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, state, output string
		want                []string // what the warnings are of
	}{
		{"both are there", dir, plain, nil},
		{"both can be made", filepath.Join(dir, "a", "b"), filepath.Join(dir, "new"), nil},
		{"a file is no folder", plain, plain, []string{"state"}},
		{"below a file", filepath.Join(plain, "a"), filepath.Join(plain, "b"), []string{"state", "output f"}},
		{"a folder is no file", dir, dir, []string{"output f"}},
		{"a file's folder is not made", dir, filepath.Join(dir, "none", "f"), []string{"output f"}},
		{"a device is no file", dir, os.DevNull, []string{"output f"}},
		{"standard output", dir, "-", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := config.Config{State: test.state, Outputs: []config.Output{{Queue: exporters.Config{Name: "f"}, File: &file.Config{Path: test.output}}}}
			got := config.Unwritable("c.yaml", c)
			if len(got) != len(test.want) {
				t.Fatalf("%v, want warnings of %v", got, test.want)
			}
			for i, p := range got {
				if !p.Warning || !strings.HasPrefix(p.String(), "c.yaml: warning: "+test.want[i]+": this user cannot write there: ") {
					t.Errorf("%v", p)
				}
			}
		})
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("the folder holds %v, %v; nothing may be made", list, err)
	}
}
