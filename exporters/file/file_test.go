package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/file"
	"walkabout/exporters/lineprotocol"
	form "walkabout/exporters/lines"
	"walkabout/metric"
)

var _ exporters.Omitter = (*file.Exporter)(nil)

func samples(from, to int) (batch []metric.Sample) {
	for i := from; i < to; i++ {
		batch = append(batch, metric.Sample{Measurement: "m", Fields: []metric.Field{{Name: "f", Kind: metric.String, Str: "two\nlines"}}, At: time.Unix(0, int64(i))})
	}
	return batch
}

func lines(from, to int) (s string) {
	for i := from; i < to; i++ {
		s += fmt.Sprintf("m f=\"two\nlines\" %d\n", i)
	}
	return s
}

func export(t *testing.T, e *file.Exporter, batch []metric.Sample) {
	t.Helper()
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *file.Exporter {
	t.Helper()
	e, err := file.New(file.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

func contains(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", filepath.Base(path), diff)
	}
}

func TestAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points")
	e := open(t, path)
	export(t, e, samples(0, 2))
	export(t, e, samples(2, 3))
	contains(t, path, lines(0, 3))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm() &^ 0o640; got != 0 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, want no more than 0640", info.Mode())
	}
	export(t, open(t, path), samples(3, 4)) // the next run of the program
	contains(t, path, lines(0, 4))
}

// TestTornLine breaks the file off at each possible place, as a power failure may. The next start cuts the torn line off, and no more.
func TestTornLine(t *testing.T) {
	json := "{\"measurement\":\"m\",\"time\":\"1970-01-01T00:00:00Z\",\"tags\":{},\"fields\":{\"f\":\"two\\nlines\"}}\n"
	for format, line := range map[form.Format]string{form.Influx: "m f=\"two 5\nlines 6\n\" 0\n", form.JSON: json} {
		path := filepath.Join(t.TempDir(), "points")
		all := strings.Repeat(line, 3)
		for n := range len(all) + 1 {
			if err := os.WriteFile(path, []byte(all[:n]), 0o600); err != nil {
				t.Fatal(err)
			}
			e, err := file.New(file.Config{Path: path, Format: format})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			contains(t, path, all[:n/len(line)*len(line)])
		}
	}
}

// TestForeignText: what is no beginning of a line of ours is not cut off, but ended.
func TestForeignText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points")
	for before, want := range map[string]string{
		"my diary: one\ntwo": "my diary: one\ntwo\n",
		"my diary: one\n":    "my diary: one\n",
		"m f=1i 5\none\ntwo": "m f=1i 5\none\ntwo\n",
		"{\"a\":1}\n{\"b\":": "{\"a\":1}\n{\"b\":\n",
		"":                   "",
	} {
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		export(t, open(t, path), samples(0, 1))
		contains(t, path, want+lines(0, 1))
	}
}

// TestRenamed: logrotate puts a file aside, or somebody deletes it, and says nothing.
func TestRenamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // an open file cannot be renamed there
	}
	path := filepath.Join(t.TempDir(), "points")
	e := open(t, path)
	export(t, e, samples(0, 1))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	export(t, e, samples(1, 2))
	contains(t, path+".1", lines(0, 1))
	contains(t, path, lines(1, 2))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	export(t, e, samples(2, 3))
	contains(t, path, lines(2, 3))
}

func TestJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points")
	e, err := file.New(file.Config{Path: path, Format: form.JSON})
	if err != nil {
		t.Fatal(err)
	}
	batch := samples(0, 2)
	batch[1].Fields = append(batch[1].Fields, metric.Field{Name: "x", Kind: metric.Float, Num: math.Float64bits(math.NaN())})
	export(t, e, batch)
	if got := e.Omitted()["not_finite"]; got != 1 {
		t.Errorf("%d fields counted as not finite, want 1", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	const line = `{"measurement":"m","time":"1970-01-01T00:00:00Z","tags":{},"fields":{"f":"two\nlines"}}` + "\n"
	contains(t, path, line+strings.Replace(line, ":00Z", ":00.000000001Z", 1))
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path, old := filepath.Join(dir, "points"), filepath.Join(dir, "old", "points")
	e := open(t, path)
	export(t, e, samples(0, 1))
	if runtime.GOOS == "windows" { // an open file cannot be renamed there
		if err := e.Reopen(); err != nil {
			t.Fatal(err)
		}
		export(t, e, samples(1, 2))
		contains(t, path, lines(0, 2))
		return
	}
	if err := os.Mkdir(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := e.Reopen(); err == nil {
		t.Error("a folder was opened")
	}
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), samples(1, 2)); !errors.As(err, &retry) {
		t.Errorf("%v, want a RetryError", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := e.Reopen(); err != nil {
		t.Fatal(err)
	}
	export(t, e, samples(1, 2))
	contains(t, old, lines(0, 1))
	contains(t, path, lines(1, 2))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Reopen(); err != nil {
		t.Errorf("Reopen after Close: %v", err)
	}
}

func TestRejects(t *testing.T) {
	var out bytes.Buffer
	e, err := file.New(file.Config{Path: "-", Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	batch := samples(0, 4)
	batch[1].Fields, batch[3].Measurement = nil, ""
	batch[2].Fields = append(batch[2].Fields, metric.Field{Name: "c", Kind: metric.Counter64, Num: 1 << 63})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, lineprotocol.ErrNoFields) {
		t.Fatalf("%v, want a PartialError with ErrNoFields", err)
	}
	if diff := cmp.Diff([]int{1, 3}, partial.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(lines(0, 1)+lines(2, 3), out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	if got := e.Omitted()["overflow"]; got != 1 {
		t.Errorf("%d fields counted as overflow, want 1", got)
	}
	if err := e.Reopen(); err != nil {
		t.Errorf("Reopen: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// trickle takes a few octets from each Write and fails, until it is let go.
type trickle struct {
	bytes.Buffer
	most int
	free bool
}

func (w *trickle) Write(b []byte) (int, error) {
	if w.free || len(b) <= w.most {
		return w.Buffer.Write(b)
	}
	n, _ := w.Buffer.Write(b[:w.most])
	return n, io.ErrShortWrite
}

// TestWholeLines breaks each Write off at each possible place, and wants whole lines all the same, none of them missing.
func TestWholeLines(t *testing.T) {
	all := lines(0, 3)
	for most := range len(all) {
		w := &trickle{most: most}
		e, err := file.New(file.Config{Path: "-", Stdout: w})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			var retry *exporters.RetryError
			if err := e.Export(t.Context(), samples(0, 3)); !errors.As(err, &retry) || !errors.Is(err, io.ErrShortWrite) || retry.Reason != "write" {
				t.Fatalf("most %d: %v, want a RetryError of a write", most, err)
			}
		}
		w.free = true
		export(t, e, samples(0, 3))
		got := w.String()
		for i := 2; i >= 0; i-- {
			got = strings.ReplaceAll(got, lines(i, i+1), "")
		}
		if got != "" || !strings.HasSuffix(w.String(), all) {
			t.Errorf("most %d: %q is left beside whole lines in %q", most, got, w.String())
		}
	}
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name   string
		config file.Config
		want   error
	}{
		{"no path", file.Config{}, nil},
		{"no standard output", file.Config{Path: "-"}, nil},
		{"an unknown format", file.Config{Path: "-", Stdout: io.Discard, Format: "xml"}, nil},
		{"rotated standard output", file.Config{Path: "-", Stdout: io.Discard, Rotation: file.Rotation{Size: 1}}, nil},
		{"compressed but not rotated", file.Config{Path: dir, Rotation: file.Rotation{Gzip: true}}, nil},
		{"a folder", file.Config{Path: dir}, nil},
		{"no such folder", file.Config{Path: filepath.Join(dir, "none", "points")}, fs.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := file.New(tt.config)
			var config *exporters.ConfigError
			if !errors.As(err, &config) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want a ConfigError", err)
			}
		})
	}
}
