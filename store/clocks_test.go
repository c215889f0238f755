package store_test

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/exporters"
	"walkabout/store"
)

// TestClock: a clock that was ahead for some hours has left samples of the future. What comes waits for a while, then they are put aside, and what was stored
// before is still there. Each bubble's clock begins at the same moment.
func TestClock(t *testing.T) {
	var log bytes.Buffer
	o := store.Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		mustExport(t, e, polled(time.Now(), 1))
		time.Sleep(100 * time.Hour)
		mustExport(t, e, polled(time.Now(), 1))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		time.Sleep(time.Minute)
		var retry *exporters.RetryError
		if err := e.Export(t.Context(), polled(time.Now(), 1)); !errors.As(err, &retry) || retry.Reason != "clock" || retry.After == 0 {
			t.Fatalf("%v", err)
		}
		time.Sleep(10 * time.Minute)
		if err := e.Export(t.Context(), polled(time.Now(), 1)); !errors.As(err, &retry) {
			t.Fatalf("after ten minutes: %v", err)
		}
		time.Sleep(6 * time.Minute)
		mustExport(t, e, polled(time.Now(), 1))
		time.Sleep(time.Minute)
		mustExport(t, e, polled(time.Now(), 1))
		if got := states(t, s); len(got) != 3 || s.Stats().Newest.After(time.Now().Add(3*time.Hour)) {
			t.Errorf("%v, %+v", got, s.Stats())
		}
		if aside, err := filepath.Glob(filepath.Join(o.Dir, "quarantine", "future-*", "wal")); err != nil || len(aside) != 1 {
			t.Errorf("%v, %v\n%s", aside, err, log.String())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestClockAheadAtStart: a start with a clock that is years ahead removes nothing; a day with that clock shows that it is right.
func TestClockAheadAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := store.Options{Dir: t.TempDir(), Retention: 12 * time.Hour, Logger: silent}
		s, err := store.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		run := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Minute) {
				mustExport(t, e, polled(time.Now(), 1))
			}
		}
		run(8 * time.Hour)
		before := len(states(t, s))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * 365 * 24 * time.Hour)
		if s, err = store.Open(o); err != nil {
			t.Fatal(err)
		}
		e = s.Exporter()
		run(10 * time.Hour)
		if got := len(states(t, s)); got != before+30 {
			t.Errorf("%d samples after ten hours, want %d and 30", got, before)
		}
		run(30 * time.Hour)
		if age := time.Since(s.Stats().Oldest); age > 20*time.Hour {
			t.Errorf("the oldest is of %v ago", age)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
