package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"walkabout/counter"
	"walkabout/exporters"
	"walkabout/metric"
	"walkabout/store"
)

// polled returns a poll of n ports.
func polled(at time.Time, n int) []metric.Sample {
	var out []metric.Sample
	for i := range n {
		out = append(out, port(fmt.Sprint("ge-", i), at, uint64(i+1), counter.OK))
	}
	return out
}

func mustExport(t testing.TB, e *store.Exporter, batch []metric.Sample) {
	t.Helper()
	if err := e.Export(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

// states returns the samples of ifOperStatus that are stored, of a span that has all.
func states(t testing.TB, s *store.Store) []string {
	t.Helper()
	return stored(t, s, time.Unix(0, 0), time.Now().Add(1000*time.Hour), labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "ifOperStatus"))
}

func copied(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestPowerCut: what Export returned nil for is in the files, without a Close.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	e := s.Exporter()
	at := time.Now().Add(-time.Hour)
	for i := range 5 {
		mustExport(t, e, polled(at.Add(time.Duration(i)*every), 3))
		mustExport(t, e, polled(at.Add(time.Duration(-i)*every-time.Second), 1)) // out of order
		after := open(t, store.Options{Dir: copied(t, dir)})
		if n := len(states(t, after)); n != 4*(i+1) {
			t.Errorf("%d samples after %d batches", n, i+1)
		}
		again := after.Exporter()
		mustExport(t, again, polled(at.Add(time.Duration(i)*every), 3)) // what the spool sends again
		if n := len(states(t, after)); n != 4*(i+1) {
			t.Errorf("%d samples after the last batch came twice", n)
		}
	}
}

// TestTornLog cuts the log off at every length, and turns octets over in it: what comes before is there, and the store goes on.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	e := s.Exporter()
	at := time.Now().Add(-time.Hour)
	log := filepath.Join("wal", "00000000")
	var ends []int // of the log after each batch
	for i := range 4 {
		mustExport(t, e, polled(at.Add(time.Duration(i)*every), 2))
		info, err := os.Stat(filepath.Join(dir, log))
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int(info.Size()))
	}
	whole := func(n int) (batches int) {
		for _, end := range ends {
			if end <= n {
				batches++
			}
		}
		return batches
	}
	try := func(name string, at0 int, change func(b []byte) []byte) {
		t.Helper()
		torn := copied(t, dir)
		b, err := os.ReadFile(filepath.Join(torn, log))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(torn, log), change(b), 0o600); err != nil {
			t.Fatal(err)
		}
		after, err := store.Open(store.Options{Dir: torn, Logger: silent})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := len(states(t, after)); n < 2*whole(at0) {
			t.Errorf("%s: %d samples are left of %d whole batches", name, n, whole(at0))
		}
		mustExport(t, after.Exporter(), polled(at.Add(time.Hour/2), 2))
		if n := len(states(t, after)); n < 2*whole(at0)+2 {
			t.Errorf("%s: %d samples after one more batch", name, n)
		}
		if err := after.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := 0; n <= ends[3]; n += 71 {
		try(fmt.Sprintf("%d octets", n), n, func(b []byte) []byte { return b[:n] })
		if n < ends[3] {
			try(fmt.Sprintf("octet %d", n), n, func(b []byte) []byte { b[n] ^= 0x55; return b })
		}
	}
}

// TestBrokenOffRepair: a segment that the database had put aside to copy what is whole of it, when the power failed, is read again.
func TestBrokenOffRepair(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	at := time.Now().Add(-time.Hour)
	mustExport(t, s.Exporter(), polled(at, 2))
	left := copied(t, dir)
	segment := filepath.Join(left, "wal", "00000000")
	if err := os.Rename(segment, segment+".repair"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segment, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	after := open(t, store.Options{Dir: left})
	mustExport(t, after.Exporter(), polled(at.Add(every), 2))
	if n := len(states(t, after)); n != 4 {
		t.Errorf("%d samples, want 4", n)
	}
}

// TestLostChunks: what the database has in memory-mapped chunks is not fsynced. When the power cut takes these files, the log has all of it.
func TestLostChunks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, store.Options{Dir: dir})
	e := s.Exporter()
	at := time.Now().Add(-100 * time.Minute)
	n := 0
	for i := range 150 { // a chunk in order has 120 samples, one out of order 32
		mustExport(t, e, append(polled(at.Add(time.Duration(i)*every), 1), polled(at.Add(-time.Duration(i)*every-time.Second), 1)...))
		n += 2
	}
	left := copied(t, dir)
	chunks, err := filepath.Glob(filepath.Join(left, "chunks_head", "*"))
	if err != nil || len(chunks) == 0 {
		t.Fatalf("%v, %v", chunks, err)
	}
	for _, path := range chunks {
		if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
			t.Fatalf("%v, %v", info, err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(states(t, open(t, store.Options{Dir: left}))); got != n {
		t.Errorf("%d samples, want %d", got, n)
	}
}

// TestBackfill: what waited goes in behind what is new; what is too old, or of the future, is rejected, and nothing else.
func TestBackfill(t *testing.T) {
	s := open(t, store.Options{Window: 24 * time.Hour})
	e := s.Exporter()
	now := time.Now()
	mustExport(t, e, polled(now, 2))
	for i := range 10 {
		mustExport(t, e, polled(now.Add(-23*time.Hour+time.Duration(i)*time.Hour), 2))
	}
	if n := len(states(t, s)); n != 22 {
		t.Errorf("%d samples, want 22", n)
	}
	batch := polled(now.Add(every), 4)
	batch[1].At, batch[2].At = now.Add(-25*time.Hour), now.Add(2*time.Hour)
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || fmt.Sprint(partial.Rejected) != "[1 2]" || !strings.Contains(err.Error(), "too old") {
		t.Errorf("%v", err)
	}
	if n := len(states(t, s)); n != 24 {
		t.Errorf("%d samples, want 24", n)
	}
}

// TestMaxSeries: a series beyond the limit is rejected; those that are there go on.
func TestMaxSeries(t *testing.T) {
	s := open(t, store.Options{MaxSeries: 30})
	e := s.Exporter()
	now := time.Now()
	mustExport(t, e, polled(now, 3))
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), polled(now.Add(every), 5)); !errors.As(err, &partial) || !strings.Contains(err.Error(), "max_series") {
		t.Fatalf("%v", err)
	}
	if got := partial.Rejected[0]; got < 3 {
		t.Errorf("row %d was rejected, which is not new", got)
	}
	if stats := s.Stats(); stats.Refused == 0 || stats.Series > 30 {
		t.Errorf("%+v", stats)
	}
}

// TestBlocks: hours become blocks; one that is corrupt is put aside and said, and the rest is there. What is older than the retention goes.
func TestBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := store.Options{Dir: t.TempDir(), Retention: 12 * time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))}
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
		run(10 * time.Hour)
		before := len(states(t, s))
		if stats := s.Stats(); stats.Blocks < 2 || before != 30 || time.Since(stats.Oldest) < 9*time.Hour {
			t.Fatalf("%d samples, %+v", before, stats)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		blocks, err := filepath.Glob(filepath.Join(o.Dir, "00*"))
		if err != nil || len(blocks) < 2 {
			t.Fatalf("%v, %v", blocks, err)
		}
		if err := os.Truncate(filepath.Join(blocks[0], "index"), 100); err != nil {
			t.Fatal(err)
		}
		if s, err = store.Open(o); err != nil {
			t.Fatal(err)
		}
		after := len(states(t, s))
		if after >= before || after == 0 || s.Stats().Repaired != 1 || !strings.Contains(log.String(), "was put aside") {
			t.Errorf("%d of %d samples, %+v\n%s", after, before, s.Stats(), log.String())
		}
		e = s.Exporter()
		run(15 * time.Hour)
		if age := time.Since(s.Stats().Oldest); age < 12*time.Hour || age > 16*time.Hour {
			t.Errorf("the oldest is of %v ago", age)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestMaxSize: the oldest blocks go when there is too much.
func TestMaxSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: t.TempDir(), MaxSize: 400_000, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		for range 20 * 6 {
			mustExport(t, e, polled(time.Now(), 30))
			time.Sleep(10 * time.Minute)
		}
		if stats := s.Stats(); stats.Octets > 600_000 || stats.Blocks < 1 || time.Since(stats.Oldest) > 16*time.Hour || time.Since(stats.Newest) > time.Hour {
			t.Errorf("%+v", stats)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestUnopenable: a database that cannot be opened is tried again with each write, and what is written then is there.
func TestUnopenable(t *testing.T) {
	dir := t.TempDir()
	wal := filepath.Join(dir, "wal")
	if err := os.WriteFile(wal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(store.Options{Dir: dir, Logger: silent}); err == nil {
		t.Error("a file where the log should be is none")
	}
	s := store.Start(store.Options{Dir: dir, Logger: silent})
	<-s.Opened()
	e := s.Exporter()
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), polled(time.Now(), 1)); !errors.As(err, &retry) || retry.Reason != "disk" {
		t.Errorf("%v", err)
	}
	if _, err := s.Querier(0, 1); !errors.Is(err, store.ErrOpening) {
		t.Errorf("Querier: %v", err)
	}
	if err := os.Remove(wal); err != nil {
		t.Fatal(err)
	}
	mustExport(t, e, polled(time.Now(), 1))
	if n := len(states(t, s)); n != 1 {
		t.Errorf("%d samples", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestUnopenableFolder: nothing but the store suffers from a file where its folder should be, and each attempt to open it leaves nothing behind.
func TestUnopenableFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := store.Start(store.Options{Dir: dir, Logger: silent})
	e := s.Exporter()
	<-s.Opened()
	at := time.Now()
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), polled(at, 1)); !errors.As(err, &retry) || retry.Reason != "disk" {
		t.Errorf("%v", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	mustExport(t, e, polled(at, 1))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	chunks := filepath.Join(dir, "chunks_head")
	if err := errors.Join(os.RemoveAll(chunks), os.WriteFile(chunks, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := store.Open(store.Options{Dir: dir, Logger: silent}); err == nil {
			t.Fatal("a file where the chunks should be is none")
		}
	}
	if segments, err := os.ReadDir(filepath.Join(dir, "wal")); err != nil || len(segments) > 2 {
		t.Errorf("%v, %v", segments, err)
	}
	if err := os.Remove(chunks); err != nil {
		t.Fatal(err)
	}
	if n := len(states(t, open(t, store.Options{Dir: dir}))); n != 1 {
		t.Errorf("%d samples, want 1", n)
	}
}

// TestClose waits for those that read, and whoever comes later is told.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Options{Dir: t.TempDir(), Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Exporter()
		mustExport(t, e, polled(time.Now(), 1))
		q, err := s.Querier(0, time.Now().UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		closed := false
		go func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			closed = true
		}()
		synctest.Wait()
		if closed {
			t.Error("it was closed under a reader")
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !closed {
			t.Error("it is not closed")
		}
		if _, err := s.Querier(0, 1); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Querier: %v", err)
		}
		if err := e.Export(t.Context(), polled(time.Now(), 1)); !errors.Is(err, store.ErrClosed) {
			t.Errorf("Export: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("a second time: %v", err)
		}
	})
}
