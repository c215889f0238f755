package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/journal"
	"walkabout/internal/journal/journaltest"
)

// read returns the lines of a file, and what is wrong with it.
func read(t *testing.T, fsys journal.FS, path string) (lines []string, d journal.Damage) {
	t.Helper()
	j, d, err := journal.OpenFS(fsys, path, collect(&lines))
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	return lines, d
}

func collect(lines *[]string) func([]byte) error {
	return func(data []byte) error { *lines = append(*lines, string(data)); return nil }
}

func rewrite(lines ...string) func(emit func([]byte) error) error {
	return func(emit func([]byte) error) error {
		for _, l := range lines {
			if err := emit([]byte(l)); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestAppendAndRewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var lines []string
	j, _, err := journal.Open(path, collect(&lines))
	if err != nil || len(lines) > 0 {
		t.Fatal(lines, err)
	}
	for _, do := range []func() error{
		func() error { return j.Append([]byte("a")) },
		func() error { return j.Rewrite(rewrite("b", "c")) },
		func() error { return j.Append([]byte("d")) },
		func() error { return j.Append(nil) },
		j.Close,
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Append([]byte("late")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	if j, _, err = journal.Open(path, collect(&lines)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "c", "d", ""}, lines); diff != "" {
		t.Error(diff)
	}
	if err := j.Append([]byte("two\nlines")); err == nil {
		t.Error("a line feed was taken")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _, err := journal.Open(path, func([]byte) error { return nil })
	if err == nil {
		err = j.Rewrite(rewrite("first", "second", "third"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string
		want     []string
		lines    []int
		cut      bool
	}{
		"a bit":                    {"second", "secone", []string{"first", "third"}, []int{2}, false},
		"a line feed":              {"\n", "", []string{"third"}, []int{1}, false},
		"zeros":                    {"first", "\x00\x00\x00\x00\x00", []string{"second", "third"}, []int{1}, false},
		"the end":                  {"third\n", "thi", []string{"first", "second"}, nil, true},
		"what is no line":          {string(good), "hello\n", nil, []int{1}, false},
		"the end of what is whole": {"third\n", "third", []string{"first", "second"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(strings.Replace(string(good), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			lines, d := read(t, journal.System(), path)
			if !slices.Equal(lines, c.want) || !slices.Equal(d.Lines, c.lines) || d.Cut > 0 != c.cut || (d.Err != nil) != (len(c.lines) > 0) {
				t.Errorf("%q, %+v", lines, d)
			}
			j, _, err := journal.Open(path, func([]byte) error { return nil })
			if err == nil {
				err = errors.Join(j.Append([]byte("more")), j.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
			if again, d := read(t, journal.System(), path); !slices.Equal(again, append(slices.Clone(c.want), "more")) || d.Cut > 0 {
				t.Errorf("with one more: %q, %+v", again, d)
			}
		})
	}
}

// Whatever operation the power fails at, the file holds what was confirmed, and at most the one after it.
func TestPowerFailsAnywhere(t *testing.T) {
	for stop := 0; ; stop++ {
		disk := journaltest.NewDisk()
		disk.StopAfter(stop)
		var confirmed [][]string // what the file holds, or may
		hold := func(lines ...string) { confirmed = [][]string{lines} }
		may := func(lines ...string) { confirmed = append(confirmed, lines) }
		hold()
		j, _, err := journal.OpenFS(disk, "state", func([]byte) error { return nil })
		if err == nil {
			lines := []string{}
			for i := range 6 {
				next := fmt.Sprint("line ", i)
				if i == 3 {
					may("all")
					if err = j.Rewrite(rewrite("all")); err != nil {
						break
					}
					lines = []string{"all"}
					hold(lines...)
				}
				may(append(slices.Clone(lines), next)...)
				if err = j.Append([]byte(next)); err != nil {
					break
				}
				lines = append(lines, next)
				hold(lines...)
			}
		}
		for _, torn := range []bool{false, true} {
			lines, d := read(t, disk.AfterPowerFailure(torn), "state")
			if !slices.ContainsFunc(confirmed, func(want []string) bool { return slices.Equal(want, lines) }) || len(d.Lines) > 0 {
				t.Errorf("power fails after %d operations (torn %t): %q, %+v; want one of %q", stop, torn, lines, d, confirmed)
			}
		}
		if err == nil {
			if stop < 10 {
				t.Errorf("only %d operations", stop)
			}
			return
		}
	}
}

// After a fault nothing is appended, since nobody knows what is on disk, until a Rewrite has succeeded.
func TestFault(t *testing.T) {
	disk := journaltest.NewDisk()
	j, _, err := journal.OpenFS(disk, "state", func([]byte) error { return nil })
	if err == nil {
		err = j.Append([]byte("a"))
	}
	if err != nil {
		t.Fatal(err)
	}
	disk.Fail(errors.New("no space left on device"))
	if err := j.Append([]byte("b")); err == nil {
		t.Error("Append succeeded")
	}
	disk.Fail(nil)
	if err := j.Append([]byte("c")); err == nil || !strings.Contains(err.Error(), "no space") || !j.WantsRewrite() {
		t.Errorf("Append after a fault: %v", err)
	}
	if err := j.Rewrite(rewrite("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte("d")); err != nil {
		t.Fatal(err)
	}
	if lines, d := read(t, disk, "state"); !slices.Equal(lines, []string{"a", "b", "c", "d"}) || d.Cut > 0 || len(d.Lines) > 0 {
		t.Errorf("%q, %+v", lines, d)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("c1d04330 a\n"))
	f.Add([]byte("00000000 \n0000"))
	f.Add([]byte("\n\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		lines, _ := read(t, journal.System(), path)
		j, _, err := journal.Open(path, func([]byte) error { return nil })
		if err == nil {
			err = errors.Join(j.Append([]byte("more")), j.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		again, d := read(t, journal.System(), path)
		if d.Cut > 0 || !slices.Equal(append(lines, "more"), again) {
			t.Errorf("read again: %q, %q, %+v", lines, again, d)
		}
	})
}
