package file_test

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/file"
)

// rotating returns an Exporter of the file points in dir, in a synctest bubble: synctest.Wait then waits for what becomes of old files, too.
func rotating(t *testing.T, dir string, r file.Rotation) *file.Exporter {
	t.Helper()
	e, err := file.New(file.Config{Path: filepath.Join(dir, "points"), Rotation: r})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return e
}

func end(t *testing.T, e *file.Exporter) {
	t.Helper()
	synctest.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

const stamp = "20060102T150405.000Z"

// folder returns the names of the files in dir, in which # stands for the time that it is, or was a short while ago, and what they hold, oldest
// first.
func folder(t *testing.T, dir string) (names []string, texts []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries[1:] { // points
		at, err := time.Parse(stamp, strings.TrimSuffix(strings.TrimPrefix(entry.Name(), "points."), ".gz"))
		if err != nil || time.Since(at).Abs() > time.Second {
			t.Errorf("%s: %v", entry.Name(), err)
		}
		names = append(names, strings.Replace(entry.Name(), at.Format(stamp), "#", 1))
		texts = append(texts, read(t, filepath.Join(dir, entry.Name())))
	}
	return names, append(texts, read(t, filepath.Join(dir, "points")))
}

func read(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRotationBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := file.Rotation{Size: int64(len(lines(0, 3))), Keep: 2}
		e := rotating(t, dir, r)
		for i := range 8 {
			export(t, e, samples(i, i+1))
		}
		end(t, e)
		names, texts := folder(t, dir)
		if diff := cmp.Diff([]string{"points.#", "points.#"}, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{lines(0, 3), lines(3, 6), lines(6, 8)}, texts); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		// The next run goes on. A batch may be larger, and what is too much is deleted.
		time.Sleep(100 * time.Millisecond)
		e = rotating(t, dir, r)
		export(t, e, samples(10, 16))
		export(t, e, samples(16, 17))
		end(t, e)
		_, texts = folder(t, dir)
		if diff := cmp.Diff([]string{lines(6, 8), lines(10, 16), lines(16, 17)}, texts); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
	})
}

func TestRotationByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		e := rotating(t, dir, file.Rotation{Every: 24 * time.Hour})
		aside := func(want int) {
			t.Helper()
			if entries, err := filepath.Glob(filepath.Join(dir, "points.*")); err != nil || len(entries) != want {
				t.Fatalf("%q, %v; want %d files put aside", entries, err, want)
			}
		}
		time.Sleep(23 * time.Hour) // since midnight
		export(t, e, samples(0, 1))
		time.Sleep(59 * time.Minute)
		export(t, e, samples(1, 2))
		aside(0)
		time.Sleep(time.Minute)
		export(t, e, samples(2, 3))
		aside(1)
		time.Sleep(72 * time.Hour)
		aside(1) // there was nothing to write
		export(t, e, samples(3, 4))
		aside(2)
		end(t, e)
		contains(t, filepath.Join(dir, "points"), lines(3, 4))
	})
}

func TestCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		// What a crash left: a file that was not compressed yet, and one that was so in part. And one that is not ours.
		left := filepath.Join(dir, "points."+time.Now().UTC().Format(stamp))
		foreign := filepath.Join(dir, "points.backup")
		for name, text := range map[string]string{left: lines(0, 1), left + ".gz.partial": "x", foreign: "y"} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Millisecond)
		e := rotating(t, dir, file.Rotation{Size: 1, Gzip: true, Keep: 3})
		for i := 1; i < 5; i++ {
			export(t, e, samples(i, i+1))
			synctest.Wait()
		}
		end(t, e)
		if got := read(t, foreign); got != "y" {
			t.Errorf("another's file holds %q", got)
		}
		if err := os.Remove(foreign); err != nil {
			t.Fatal(err)
		}
		names, texts := folder(t, dir)
		if diff := cmp.Diff([]string{"points.#.gz", "points.#.gz", "points.#.gz"}, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{lines(1, 2), lines(2, 3), lines(3, 4), lines(4, 5)}, texts); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestRotationFails: a folder that nothing can be renamed in makes nothing lost and nothing written twice.
func TestRotationFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := file.New(file.Config{Path: filepath.Join(dir, "points"), Rotation: file.Rotation{Size: 1}})
	if err != nil {
		t.Fatal(err)
	}
	export(t, e, samples(0, 1))
	if runtime.GOOS != "windows" { // an open file's folder cannot be renamed there
		if err := os.Rename(dir, dir+"2"); err != nil {
			t.Fatal(err)
		}
		var retry *exporters.RetryError
		if err := e.Export(t.Context(), samples(1, 2)); !errors.As(err, &retry) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v, want a RetryError", err)
		}
		if err := os.Rename(dir+"2", dir); err != nil {
			t.Fatal(err)
		}
	}
	export(t, e, samples(1, 2))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	contains(t, filepath.Join(dir, "points"), lines(1, 2))
}

// TestClockSetBack: files put aside by a clock that ran ahead are the oldest, whatever their names say, and a file that was begun then is put aside.
func TestClockSetBack(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"points.20990101T000000.000Z": "a\n", "points.20990102T000000.000Z": "b\n", "points": "c n=1i 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Now().Add(20 * 24 * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, "points"), ahead, ahead); err != nil {
			t.Fatal(err)
		}
		e := rotating(t, dir, file.Rotation{Every: 24 * time.Hour, Keep: 2})
		export(t, e, samples(1, 2))
		end(t, e)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		want := []string{"points", "points." + time.Now().UTC().Format(stamp), "points.20990102T000000.000Z"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if text := read(t, filepath.Join(dir, names[1])); text != "c n=1i 1\n" {
			t.Errorf("%q was put aside", text)
		}
	})
}
