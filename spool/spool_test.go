package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/spool"
)

func open(t *testing.T, o spool.Options) *spool.Spool {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeIt(t *testing.T, s *spool.Spool) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func reader(t *testing.T, s *spool.Spool, o spool.ReaderOptions) *spool.Reader {
	t.Helper()
	r, err := s.Reader(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// text is what record i holds.
func text(i int) string { return fmt.Sprintf("record %d %s", i, strings.Repeat("x", i%50)) }

func texts(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, text(i))
	}
	return out
}

// add appends records from up to, but without, to, each in a group of its own.
func add(t *testing.T, s *spool.Spool, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := s.Append(t.Context(), []byte(text(i))); err != nil {
			t.Fatal(err)
		}
	}
}

func data(c spool.Chunk) (out []string) {
	for _, r := range c.Records {
		out = append(out, string(r.Data()))
	}
	return out
}

// drain takes and acknowledges all of a lane.
func drain(r *spool.Reader, lane spool.Lane) (out []string) {
	for {
		c := r.Next(lane, 300)
		if len(c.Records) == 0 {
			return out
		}
		out = append(out, data(c)...)
		r.Ack(c)
	}
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// segments returns the folders of the segments, oldest first.
func segments(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEachReaderGetsEverythingOnce(t *testing.T) {
	for _, size := range []int64{1, 2000, 1 << 20} { // a segment each; several; one
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			o := spool.Options{Dir: t.TempDir(), SegmentSize: size, GroupDelay: time.Nanosecond}
			s := open(t, o)
			quick, slow := reader(t, s, spool.ReaderOptions{Name: "quick"}), reader(t, s, spool.ReaderOptions{Name: "slow"})
			add(t, s, 0, 30)
			equal(t, "quick", texts(0, 30), drain(quick, spool.Fresh))
			c := slow.Next(spool.Fresh, 1)
			equal(t, "slow, one", texts(0, 1), data(c))
			equal(t, "slow, again", texts(0, 1), data(slow.Next(spool.Fresh, 1)))
			slow.Ack(c)
			quick.Close()
			slow.Close()
			closeIt(t, s)

			s = open(t, o)
			quick, slow = reader(t, s, spool.ReaderOptions{Name: "quick"}), reader(t, s, spool.ReaderOptions{Name: "slow"})
			add(t, s, 30, 40)
			equal(t, "quick, after a restart", texts(30, 40), drain(quick, spool.Fresh))
			equal(t, "slow, after a restart", texts(1, 40), drain(slow, spool.Fresh))
			quick.Close()
			slow.Close()
			closeIt(t, s)
			if left := segments(t, o.Dir); len(left) != 0 {
				t.Errorf("all was taken, and there is still %q", left)
			}
		})
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), SegmentSize: 20_000, RecentSize: 3000})
	r := reader(t, s, spool.ReaderOptions{Name: "r"})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for j := range 50 {
				if err := s.Append(t.Context(), []byte(text(50*i+j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var got []string
	for len(got) < 1000 {
		<-r.Wake()
		got = append(got, drain(r, spool.Fresh)...)
	}
	all.Wait()
	want := texts(0, 1000)
	slices.Sort(want)
	slices.Sort(got)
	equal(t, "records", want, got)
	r.Close()
	closeIt(t, s)
}

func TestAfterClose(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir()})
	closeIt(t, s)
	closeIt(t, s)
	for name, err := range map[string]error{"Append": s.Append(t.Context(), nil), "Put": s.Put(nil), "Sync": s.Sync(t.Context())} {
		if !errors.Is(err, spool.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPutAndSync(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), GroupDelay: time.Hour})
	r := reader(t, s, spool.ReaderOptions{Name: "r"})
	if err := s.Put([]byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(t.Context()); err != nil { // does not wait for an hour
		t.Fatal(err)
	}
	equal(t, "records", []string{"first"}, drain(r, spool.Fresh))
	r.Close()
	closeIt(t, s)
}

func TestAppendIsNotKeptWaiting(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), GroupDelay: time.Hour})
	r := reader(t, s, spool.ReaderOptions{Name: "r"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(ctx, []byte("late")); !errors.Is(err, context.Canceled) {
		t.Errorf("Append: %v", err)
	}
	closeIt(t, s) // does not wait for an hour, and writes it nevertheless
	equal(t, "records", []string{"late"}, drain(r, spool.Fresh))
	r.Close()
}

// TestOrders has an output that took nothing for ten minutes come back.
func TestOrders(t *testing.T) {
	for _, test := range []struct {
		order          spool.Order
		fresh, backlog []string
	}{
		{spool.InOrder, texts(0, 10), nil},
		{spool.OldestFirst, texts(8, 10), texts(0, 8)},
		{spool.NewestFirst, texts(8, 10), []string{text(7), text(6), text(5), text(4), text(3), text(2), text(1), text(0)}},
	} {
		t.Run(fmt.Sprint(test.order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, spool.Options{Dir: t.TempDir()})
				r := reader(t, s, spool.ReaderOptions{Name: "r", Order: test.order})
				for i := range 10 {
					add(t, s, i, i+1)
					time.Sleep(time.Minute + 3*time.Second)
				}
				equal(t, "fresh", test.fresh, drain(r, spool.Fresh))
				equal(t, "backlog", test.backlog, drain(r, spool.Backlog))
				r.Close()
				closeIt(t, s)
			})
		})
	}
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		name   string
		bounds spool.Bounds
		want   []string
	}{
		{"none", spool.Bounds{}, texts(0, 10)},
		{"age", spool.Bounds{Age: 5*time.Minute + 30*time.Second}, texts(5, 10)},
		{"size", spool.Bounds{Size: 1}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := open(t, spool.Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
				r, other := reader(t, s, spool.ReaderOptions{Name: "r", Bounds: test.bounds}), reader(t, s, spool.ReaderOptions{Name: "other"})
				for i := range 10 {
					add(t, s, i, i+1)
					time.Sleep(time.Minute + time.Second)
				}
				stats := s.Stats().Readers
				equal(t, "records", test.want, drain(r, spool.Fresh))
				equal(t, "another's", texts(0, 10), drain(other, spool.Fresh))
				dropped := 10 - len(test.want)
				if got := stats[1]; got.Dropped != uint64(dropped) || got.Records != uint64(10-dropped) || got.Name != "r" {
					t.Errorf("%+v", got)
				}
				r.Close()
				other.Close()
				closeIt(t, s)
				if said := strings.Contains(log.String(), "oldest records were dropped"); said != (dropped > 0) {
					t.Errorf("said: %s", &log)
				}
				if said := strings.Contains(log.String(), "will drop its oldest"); test.name == "age" && !said {
					t.Errorf("no warning before: %s", &log)
				}
			})
		})
	}
}

func TestTimeOfASpoolThatIsClosedAgesNothing(t *testing.T) {
	dir := t.TempDir()
	bounds := spool.Bounds{Age: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Options{Dir: dir})
		r := reader(t, s, spool.ReaderOptions{Name: "r", Bounds: bounds})
		add(t, s, 0, 1)
		time.Sleep(50 * time.Minute)
		r.Close()
		closeIt(t, s)
		time.Sleep(24 * 365 * time.Hour) // or a clock that was set
		s = open(t, spool.Options{Dir: dir})
		r = reader(t, s, spool.ReaderOptions{Name: "r", Bounds: bounds})
		time.Sleep(5 * time.Minute)
		equal(t, "after 55 minutes", texts(0, 1), data(r.Next(spool.Fresh, 1)))
		time.Sleep(10 * time.Minute)
		equal(t, "after 65 minutes", []string(nil), data(r.Next(spool.Fresh, 1)))
		r.Close()
		closeIt(t, s)
	})
}

func TestNames(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir()})
	first := reader(t, s, spool.ReaderOptions{Name: "first"})
	if _, err := s.Reader(spool.ReaderOptions{Name: "first"}); err == nil {
		t.Error("two readers of one name")
	}
	add(t, s, 0, 3)
	late := reader(t, s, spool.ReaderOptions{Name: "late"})
	add(t, s, 3, 5)
	equal(t, "a reader that came later", texts(3, 5), drain(late, spool.Fresh))
	if s.Forget("first") {
		t.Error("a reader was forgotten while it was there")
	}
	first.Close()
	if !s.Forget("first") || s.Forget("first") {
		t.Error("Forget does not forget once")
	}
	equal(t, "what waits", []spool.ReaderStats{{Name: "late", Present: true}}, s.Stats().Readers)
	late.Close()
	closeIt(t, s)
}

// TestDiskNearlyFull: that the disk has little room is said before it is full.
func TestDiskNearlyFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var free atomic.Int64
		free.Store(1 << 40)
		s := open(t, spool.Options{Dir: t.TempDir(), Free: func(string) (int64, error) { return free.Load(), nil }, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 0, 100)
		for _, step := range []struct {
			free    int64
			filling bool
		}{{1 << 40, false}, {500, true}, {1200, true}, {1 << 40, false}} {
			free.Store(step.free)
			time.Sleep(2 * time.Second)
			if stats := s.Stats(); stats.Free != step.free || stats.Readers[0].Filling != step.filling {
				t.Errorf("with %d octets free: %+v", step.free, stats)
			}
		}
		if n := strings.Count(log.String(), "the disk is nearly full"); n != 1 {
			t.Errorf("said %d times:\n%s", n, &log)
		}
		r.Close()
		closeIt(t, s)
	})
}

// TestDiskThatTakesNothing has the folder replaced by a file.
func TestDiskThatTakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := open(t, spool.Options{Dir: dir, SegmentSize: 1, RecentSize: 400, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		r, other := reader(t, s, spool.ReaderOptions{Name: "r"}), reader(t, s, spool.ReaderOptions{Name: "other"})
		add(t, s, 0, 3)
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, s, 3, 30) // some are lost: there is room for a few
		stats := s.Stats()
		if stats.Lost == 0 || stats.Unsaved == 0 || stats.Lost+uint64(stats.Unsaved) != 27 || stats.Failures == 0 {
			t.Errorf("%+v", stats)
		}
		kept := 30 - stats.Unsaved
		fromMemory := r.Next(spool.Fresh, 1<<20)
		if err := errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		add(t, s, 30, 32)
		if stats := s.Stats(); stats.Unsaved != 0 {
			t.Errorf("the disk works again, and in memory only are %d", stats.Unsaved)
		}
		_ = fromMemory
		want := append(texts(0, 3), texts(kept, 32)...)
		equal(t, "records", want, drain(other, spool.Fresh))
		r.Close()
		other.Close()
		closeIt(t, s)

		s = open(t, spool.Options{Dir: dir})
		r = reader(t, s, spool.ReaderOptions{Name: "r"})
		equal(t, "records after a restart", want, drain(r, spool.Fresh))
		r.Close()
		closeIt(t, s)
		for _, words := range []string{"the disk takes nothing", "the disk works again"} {
			if n := strings.Count(log.String(), words); n != 1 {
				t.Errorf("%q was said %d times:\n%s", words, n, &log)
			}
		}
	})
}

// copyTo copies a folder.
func copyTo(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestPowerCut looks at what a folder holds while it is written to.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir, SegmentSize: 3000, GroupDelay: time.Nanosecond})
	r := reader(t, s, spool.ReaderOptions{Name: "r"})
	for i := range 60 {
		add(t, s, i, i+1)
		if i%7 != 0 {
			continue
		}
		now := copyTo(t, dir)
		again := open(t, spool.Options{Dir: now})
		ar := reader(t, again, spool.ReaderOptions{Name: "r"})
		equal(t, fmt.Sprint("after ", i), texts(0, i+1), drain(ar, spool.Fresh))
		ar.Close()
		closeIt(t, again)
	}
	r.Close()
	closeIt(t, s)
}

// made returns a folder with three segments of ten records each, and no word of who took what.
func made(t *testing.T, sealed bool) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 3 {
		s := open(t, spool.Options{Dir: dir, GroupDelay: time.Nanosecond})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		add(t, s, 10*i, 10*i+10)
		r.Close()
		closeIt(t, s)
	}
	for _, name := range append(segments(t, dir), dir) {
		for _, file := range []string{"meta.json", "marks.json"} {
			if sealed && file == "meta.json" {
				continue
			}
			if err := os.Remove(filepath.Join(name, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestWithoutMarksEverythingComesAgain(t *testing.T) {
	for _, content := range []string{"", "{", `{"version":9}`, `{"version":1,"next":5,"readers":{"r":{"done":[{"from":3,"to":2}]}}}`} {
		dir := made(t, true)
		if content != "" {
			if err := os.WriteFile(filepath.Join(dir, "marks.json"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, spool.Options{Dir: dir})
		r := reader(t, s, spool.ReaderOptions{Name: "r"})
		equal(t, content, texts(0, 30), drain(r, spool.Fresh))
		r.Close()
		closeIt(t, s)
	}
}

// TestCorruption breaks the middle one of three segments: octets flipped, and cut short. The others' records
// come, in their order, and none that was never appended.
func TestCorruption(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		dir := made(t, sealed)
		middle := filepath.Join(segments(t, dir)[1], "00000000")
		whole, err := os.ReadFile(middle)
		if err != nil {
			t.Fatal(err)
		}
		used := len(bytes.TrimRight(whole, "\x00"))
		look := func(what string, content []byte) {
			t.Helper()
			if err := os.WriteFile(middle, content, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			now := copyTo(t, dir)
			s := open(t, spool.Options{Dir: now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			r := reader(t, s, spool.ReaderOptions{Name: "r"})
			got := drain(r, spool.Fresh)
			n := len(got) - 20
			if n < 0 || n > 10 {
				t.Fatalf("%s: %d records: %q", what, len(got), got)
			}
			equal(t, what, slices.Concat(texts(0, 10+n), texts(20, 30)), got)
			if stats := s.Stats(); sealed && int(stats.Readers[0].Corrupt) != 10-n {
				t.Errorf("%s: %d are missing; %+v", what, 10-n, stats)
			}
			r.Close()
			closeIt(t, s)
			if sealed && n < 10 {
				if kept, err := filepath.Glob(filepath.Join(now, "quarantine", "*")); len(kept) != 1 || !strings.Contains(log.String(), "corrupt") {
					t.Errorf("%s: kept %q, %v, and said %s", what, kept, err, &log)
				}
			}
		}
		for i := 0; i < used; i += 3 {
			broken := bytes.Clone(whole)
			broken[i] ^= 1 << (i % 8)
			look(fmt.Sprintf("octet %d flipped", i), broken)
			look(fmt.Sprintf("cut at %d", i), whole[:i])
		}
	}
}

func TestFoldersThatAreNoSegments(t *testing.T) {
	dir := made(t, true)
	for _, name := range []string{"00000000000000000031", "00000000000000000040/00000000", "junk", "99999999999999999999999"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, spool.Options{Dir: dir})
	r := reader(t, s, spool.ReaderOptions{Name: "r"})
	equal(t, "records", texts(0, 30), drain(r, spool.Fresh))
	add(t, s, 30, 31)
	equal(t, "one more", texts(30, 31), drain(r, spool.Fresh))
	r.Close()
	closeIt(t, s)
}

// A reader that reads at the start alone gets after a restart what it did not acknowledge, though others have taken that from memory.
func TestColdReader(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	hot := reader(t, s, spool.ReaderOptions{Name: "hot"})
	cold := reader(t, s, spool.ReaderOptions{Name: "cold", Cold: true})
	add(t, s, 0, 10)
	equal(t, "what the other takes", texts(0, 10), drain(hot, spool.Fresh))
	n, err := s.AppendNumbered(t.Context(), []byte(text(10)))
	if err != nil || n != 11 || s.End() != 12 {
		t.Errorf("number %d, end %d, %v", n, s.End(), err)
	}
	cold.AckBelow(8) // numbers begin with 1
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	cold = reader(t, s, spool.ReaderOptions{Name: "cold", Cold: true})
	equal(t, "after a restart", texts(7, 11), drain(cold, spool.Fresh))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
