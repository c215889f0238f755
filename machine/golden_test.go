package machine

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// list writes one value a line, with the names of its fields.
func list[T any](values []T) string {
	var b strings.Builder
	for _, v := range values {
		fmt.Fprintf(&b, "%+v\n", v)
	}
	return b.String()
}

// figures writes what is known of s, a figure a line.
func figures(s *Stats) string {
	var b strings.Builder
	for which := range statCount {
		if v, ok := s.Get(which); ok {
			fmt.Fprintf(&b, "%v %d\n", which, v)
		}
	}
	for _, c := range s.ICMPTypes {
		fmt.Fprintf(&b, "type %d in %d out %d\n", c.Type, c.In, c.Out)
	}
	return b.String()
}
