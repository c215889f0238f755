package spool_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/spool"
)

func scan(t *testing.T, dir, name string) (out []string) {
	t.Helper()
	if err := spool.Scan(dir, name, func(r spool.Record) error {
		out = append(out, string(r.Data()))
		return nil
	}); err != nil {
		t.Error(err)
	}
	return out
}

// TestReplay keeps for two hours what was taken, and asks for it again, of a spool that is open and of one that is not.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := spool.Options{Dir: t.TempDir(), Keep: spool.Bounds{Age: 2 * time.Hour, Size: 1 << 20}}
		s := open(t, o)
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		for i := range 10 {
			add(t, s, i, i+1)
			time.Sleep(30*time.Minute + time.Second)
		}
		equal(t, "at first", texts(0, 10), drain(r, spool.Fresh))
		time.Sleep(2 * time.Second)
		equal(t, "held", texts(7, 10), scan(t, o.Dir, ""))
		if err := spool.Ask(o.Dir, spool.Request{Replay: "r", From: 9}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		equal(t, "again", texts(8, 10), drain(r, spool.Fresh))
		r.Close()
		closeIt(t, s)

		for _, request := range []spool.Request{{Replay: "r"}, {Replay: "nobody"}, {Forget: "nobody"}} {
			if err := spool.Ask(o.Dir, request); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(o.Dir, "requests", "x.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		s = open(t, o)
		r = reader(t, s, spool.ReaderOptions{Name: "r"})
		time.Sleep(2 * time.Second)
		equal(t, "after a restart", texts(7, 10), drain(r, spool.Fresh))
		r.Close()
		if err := spool.Ask(o.Dir, spool.Request{Forget: "r"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if readers := s.Stats().Readers; len(readers) != 0 {
			t.Errorf("%+v", readers)
		}
		closeIt(t, s)
		if left, err := filepath.Glob(filepath.Join(o.Dir, "requests", "*")); len(left) != 0 {
			t.Errorf("requests that were served are still there: %q, %v", left, err)
		}
	})
}

func TestKeepIsBoundedBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := spool.Options{Dir: t.TempDir(), Keep: spool.Bounds{Age: 100 * time.Hour, Size: 1}}
		s := open(t, o)
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 0, 1)
		equal(t, "taken", texts(0, 1), drain(r, spool.Fresh))
		time.Sleep(2 * time.Minute)
		equal(t, "held", []string(nil), scan(t, o.Dir, ""))
		r.Close()
		closeIt(t, s)
	})
}

// TestInspect looks at a spool while it is open, and after.
func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := spool.Options{Dir: t.TempDir()}
		bounds := spool.Bounds{Size: 1 << 20, Age: time.Hour}
		s := open(t, o)
		r, other := reader(t, s, spool.ReaderOptions{Name: "r", Bounds: bounds}), reader(t, s, spool.ReaderOptions{Name: "other"})
		add(t, s, 0, 5)
		time.Sleep(61 * time.Second)
		add(t, s, 5, 8)
		equal(t, "taken", texts(0, 8), drain(r, spool.Fresh))
		time.Sleep(2 * time.Second)
		look := func(when string) {
			t.Helper()
			c, err := spool.Inspect(o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if c.Segments != 2 || c.First != 1 || c.End != 9 || c.Octets == 0 || len(c.Quarantined) != 0 {
				t.Errorf("%s: %+v", when, c)
			}
			if got := c.Readers[0]; got.Name != "other" || got.Records != 8 || got.Octets == 0 || got.Oldest.Round(time.Second) < 62*time.Second {
				t.Errorf("%s: %+v", when, got)
			}
			equal(t, when, spool.ReaderStats{Name: "r", Bounds: bounds}, c.Readers[1])
			equal(t, when, texts(0, 8), scan(t, o.Dir, "other"))
			equal(t, when, []string(nil), scan(t, o.Dir, "r"))
		}
		look("open")
		r.Close()
		other.Close()
		closeIt(t, s)
		look("closed")
		if err := spool.Scan(o.Dir, "nobody", nil); err == nil {
			t.Error("a name that is not there")
		}
		if _, err := spool.Inspect(o.Dir + "/none"); err == nil {
			t.Error("a folder that is not there")
		}
	})
}

// TestInspectWithoutMarks looks at a folder as a person copies or mends it: the segments alone, or with marks that make no sense.
func TestInspectWithoutMarks(t *testing.T) {
	for _, marks := range []string{"", "{", `{"version":1,"readers":{"r":{"done":[{"from":7,"to":1}]}}}`} {
		dir := t.TempDir()
		s := open(t, spool.Options{Dir: dir})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 0, 5)
		r.Close()
		closeIt(t, s)
		path := filepath.Join(dir, "marks.json")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if marks != "" {
			if err := os.WriteFile(path, []byte(marks), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := spool.Inspect(dir)
		if err != nil || !c.Unmarked || c.First != 1 || c.End != 6 || c.Segments != 1 {
			t.Errorf("with marks %q: %+v, %v", marks, c, err)
		}
		equal(t, "with marks "+marks, texts(0, 5), scan(t, dir, ""))
	}
}

// TestForgetOnRequest: an output that runs is not forgotten, which is said with what to do.
func TestForgetOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := spool.Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
		s := open(t, o)
		r, old := reader(t, s, spool.ReaderOptions{Name: "runs"}), reader(t, s, spool.ReaderOptions{Name: "old"})
		old.Close()
		for _, name := range []string{"runs", "old", "none"} {
			if err := spool.Ask(o.Dir, spool.Request{Forget: name}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		readers := s.Stats().Readers
		r.Close()
		closeIt(t, s)
		if len(readers) != 1 || readers[0].Name != "runs" {
			t.Errorf("%+v", readers)
		}
		for _, said := range []string{"takes a restart: forget it after that\" output=runs", "was forgotten\" output=old", "no such output to be forgotten\" output=none"} {
			if !strings.Contains(log.String(), said) {
				t.Errorf("no %q in:\n%s", said, &log)
			}
		}
	})
}
