package store_test

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"walkabout/exporters"
	"walkabout/store"
)

// TestFullDisk stands a limit on the size of files in for a full disk: both break a write off in its middle. Nothing that was acknowledged is lost, nothing
// that was not is taken for stored, and the store goes on when there is room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	e := s.Exporter()
	at := time.Now().Add(-time.Hour)
	mustExport(t, e, polled(at, 2))

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := limit
	small.Cur = 2500
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	taken, tries := 1, 0
	var err error
	for ; err == nil && tries < 100; tries++ {
		if err = e.Export(t.Context(), polled(at.Add(time.Duration(taken)*every), 40)); err == nil {
			taken++
		}
	}
	small.Cur = 100 // less than what is whole in the log: it cannot be copied either
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	again := e.Export(t.Context(), polled(at.Add(time.Duration(taken)*every), 40))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	var retry *exporters.RetryError
	if !errors.As(err, &retry) || retry.Reason != "disk" || !errors.As(again, &retry) {
		t.Fatalf("%v, then %v", err, again)
	}
	mustExport(t, e, polled(at.Add(time.Duration(taken)*every), 40))
	mustExport(t, e, polled(at.Add(time.Duration(taken+1)*every), 40))
	want := 2 + 40*(taken-1) + 80
	if n := len(states(t, s)); n != want {
		t.Errorf("%d samples, want %d", n, want)
	}
	after := open(t, store.Options{Dir: copied(t, dir)})
	if n := len(states(t, after)); n != want {
		t.Errorf("%d samples after a restart, want %d", n, want)
	}
}

// TestRemoved: nothing is acknowledged of what goes into a log that somebody removed.
func TestRemoved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	e := s.Exporter()
	mustExport(t, e, polled(time.Now(), 1))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	batch := polled(time.Now(), 2)
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), batch); !errors.As(err, &retry) || retry.Reason != "disk" {
		t.Errorf("%v", err)
	}
	mustExport(t, e, batch)
	if n := len(states(t, open(t, store.Options{Dir: copied(t, dir)}))); n != 2 {
		t.Errorf("%d samples, want 2", n)
	}
}

// TestBlocksThatMayNotBeRead: blocks are left where they are when it is the machine that keeps them from being read, and are there when it does not any more.
func TestBlocksThatMayNotBeRead(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Options{Dir: dir, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	e := s.Exporter()
	begin := time.Now().Add(-7 * time.Hour)
	for at := begin; at.Before(time.Now()); at = at.Add(20 * time.Minute) {
		mustExport(t, e, polled(at, 1))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, blocks := len(states(t, s)), s.Stats().Blocks
	if err := s.Close(); err != nil || blocks < 1 {
		t.Fatalf("%d blocks, %v", blocks, err)
	}

	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	used, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	few := limit
	few.Cur = uint64(len(used))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	_, failed := store.Open(store.Options{Dir: dir, Logger: silent})
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, syscall.EMFILE) {
		t.Errorf("%v, without a file that may be open", failed)
	}
	after := open(t, store.Options{Dir: dir})
	if got := len(states(t, after)); got != want || after.Stats().Blocks < blocks {
		t.Errorf("%d samples in %d blocks, want %d in %d", got, after.Stats().Blocks, want, blocks)
	}
}
