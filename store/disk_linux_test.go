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
