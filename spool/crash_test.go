package spool_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/spool"
)

// crashed returns a folder as a crash leaves it: a segment of ten records that is known to be on disk, and behind it in the same file three of which the
// marks know nothing, the last second's.
func crashed(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		live := t.TempDir()
		s := open(t, spool.Options{Dir: live, GroupDelay: time.Nanosecond})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 0, 10)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		add(t, s, 10, 13)
		if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
			t.Fatal(err)
		}
		r.Close()
		closeIt(t, s)
	})
	return dir
}

// TestCorruptionAfterACrash breaks the file that was written when a crash came. What the marks know to have been on disk and is lost is said and counted, and
// the file kept; what may only be the last write, cut short, is not.
func TestCorruptionAfterACrash(t *testing.T) {
	dir := crashed(t)
	file := filepath.Join(segments(t, dir)[0], "00000000")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(whole, "\x00"))
	look := func(what string, content []byte, faulty bool) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		now := copyTo(t, dir)
		s := open(t, spool.Options{Dir: now, GroupDelay: time.Nanosecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 100, 101)
		got := drain(r, spool.Fresh)
		n := len(got) - 1
		if n < 0 || n > 13 || !slices.Equal(got, slices.Concat(texts(0, n), texts(100, 101))) {
			t.Fatalf("%s: %q", what, got)
		}
		lost := max(0, 10-n)
		if corrupt := s.Stats().Readers[0].Corrupt; int(corrupt) != lost {
			t.Errorf("%s: %d are lost, and %d are counted", what, lost, corrupt)
		}
		r.Close()
		closeIt(t, s)
		kept, err := filepath.Glob(filepath.Join(now, "quarantine", "*"))
		if err != nil {
			t.Fatal(err)
		}
		said := strings.Contains(log.String(), fmt.Sprintf("records=%d", lost))
		if said != (lost > 0) || len(kept) > 0 && lost == 0 || len(kept) == 0 && lost > 0 && faulty {
			t.Errorf("%s: %d are lost; kept %q, said %q", what, lost, kept, &log)
		}
		// Once is enough.
		log.Reset()
		closeIt(t, open(t, spool.Options{Dir: now, Logger: slog.New(slog.NewTextHandler(&log, nil))}))
		if log.Len() > 0 {
			t.Errorf("%s: at the next start it says %q", what, &log)
		}
	}
	look("whole", whole, false)
	for i := 0; i < used; i += 13 {
		broken := bytes.Clone(whole)
		broken[i] ^= 1 << (i % 8)
		look(fmt.Sprintf("octet %d flipped", i), broken, true)
		look(fmt.Sprintf("cut at %d", i), whole[:i], false) // between two records it is whole
	}
}

// TestMissingSegment: a segment's folder that is gone is said and counted.
func TestMissingSegment(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		s := open(t, spool.Options{Dir: dir, GroupDelay: time.Nanosecond})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 10*i, 10*i+10)
		r.Close()
		closeIt(t, s)
	}
	all := segments(t, dir)
	for _, gone := range [][]int{{0}, {1}, {2}, {0, 2}, {0, 1, 2}} {
		now := copyTo(t, dir)
		var want []string
		for i := range 3 {
			if !slices.Contains(gone, i) {
				want = append(want, texts(10*i, 10*i+10)...)
			} else if err := os.RemoveAll(filepath.Join(now, filepath.Base(all[i]))); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		s := open(t, spool.Options{Dir: now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		equal(t, fmt.Sprint("without ", gone), want, drain(r, spool.Fresh))
		if corrupt := s.Stats().Readers[0].Corrupt; int(corrupt) != 10*len(gone) || !strings.Contains(log.String(), "there no more") {
			t.Errorf("without %v: %d are counted, and said %s", gone, corrupt, &log)
		}
		r.Close()
		closeIt(t, s)
	}
}
