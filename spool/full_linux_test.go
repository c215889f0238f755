package spool_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/spool"
)

// TestFullDisk stands a limit on the size of files in for a full disk, while polls come ten times a second and the output takes them from memory, so that
// the segment that could not be closed is removed meanwhile. When there is room again what comes then is on disk.
func TestFullDisk(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := open(t, spool.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		n := 0
		steadily := func() {
			for range 30 {
				add(t, s, n, n+1)
				n++
				time.Sleep(100 * time.Millisecond)
			}
		}
		steadily()
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(segments(t, dir)[0], "00000000"))
		if err != nil {
			t.Fatal(err)
		}
		small := limit
		small.Cur = uint64(info.Size()) + 5
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			t.Fatal(err)
		}
		steadily()
		stats := s.Stats()
		taken := drain(r, spool.Fresh)
		steadily()
		gone := segments(t, dir)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if stats.Unsaved != 30 || stats.Failures < 3 || len(gone) > 0 {
			t.Errorf("%d are in memory only, after %d failures; %q are left", stats.Unsaved, stats.Failures, gone)
		}
		equal(t, "taken from memory", texts(0, 60), taken)
		steadily()
		if stats := s.Stats(); stats.Unsaved != 0 || stats.Lost != 0 || !strings.Contains(log.String(), "the disk works again") {
			t.Errorf("%+v\n%s", stats, &log)
		}
		again := open(t, spool.Options{Dir: copyTo(t, dir)})
		ar := reader(t, again, spool.ReaderOptions{Name: "r"})
		equal(t, "after a crash", texts(60, n), drain(ar, spool.Fresh))
		ar.Close()
		closeIt(t, again)
		r.Close()
		closeIt(t, s)
	})
}
