package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"walkabout/exporters"
	"walkabout/store"
)

// TestRoom: below some room on the disk nothing is written, what is stored is read on, and the database is not opened; with room again all goes on.
func TestRoom(t *testing.T) {
	free := int64(1 << 30)
	o := store.Options{Dir: t.TempDir(), Logger: silent, Free: func(string) (int64, error) { return free, nil }}
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	e := s.Exporter()
	at := time.Now().Add(-time.Hour)
	mustExport(t, e, polled(at, 1))
	refused := func(e *store.Exporter) {
		t.Helper()
		var retry *exporters.RetryError
		if err := e.Export(t.Context(), polled(at.Add(every), 1)); !errors.As(err, &retry) || retry.Reason != "disk" || !strings.Contains(err.Error(), "1.0 MiB left") {
			t.Errorf("%v", err)
		}
	}
	free = 1 << 20
	refused(e)
	app := s.Appender(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "recorded"), at.UnixMilli(), 1); err == nil || app.Rollback() != nil {
		t.Error("the result of a rule was written")
	}
	if n := len(states(t, s)); n != 1 {
		t.Errorf("%d samples are read, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = store.Start(o)
	<-s.Opened()
	e = s.Exporter()
	refused(e)
	if _, err := s.Querier(0, 1); !errors.Is(err, store.ErrOpening) || !strings.Contains(err.Error(), "1.0 MiB left") {
		t.Errorf("Querier: %v", err)
	}
	free = 1 << 30
	mustExport(t, e, polled(at.Add(every), 1))
	if n := len(states(t, s)); n != 2 {
		t.Errorf("%d samples, want 2", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
