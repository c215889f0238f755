package sd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/sd"
)

// scripted is a sd.Source that says what it was told to say.
type scripted struct {
	mu     sync.Mutex
	groups []sd.Group
	err    error
	hang   bool
}

func (s *scripted) set(err error, groups ...sd.Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.groups = err, groups
}

func (s *scripted) Fetch(ctx context.Context) ([]sd.Group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.groups, s.err
}

func TestWatcher(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lists", "x.json")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		changes := 0
		source := &scripted{}
		o := sd.Options{Name: "x", Source: source, Refresh: time.Minute, Path: path, Logger: slog.New(slog.NewTextHandler(&log, nil)), Changed: func() { changes++ }}
		w := sd.NewWatcher(o)
		source.set(nil, group("paris", "a", "b"))
		w.Prime(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.Run(ctx) }()
		step := func(name string, want []sd.Group, changed int) {
			t.Helper()
			time.Sleep(time.Minute + time.Millisecond)
			synctest.Wait()
			if diff := cmp.Diff(want, w.Groups()); diff != "" || changes != changed {
				t.Errorf("%s: changed %d times (-want +got):\n%s", name, changes, diff)
			}
		}
		step("as primed", []sd.Group{group("paris", "a", "b")}, 0)
		source.set(nil, group("paris", "a"))
		step("one less", []sd.Group{group("paris", "a")}, 1)
		source.set(errors.New("away"))
		step("away", []sd.Group{group("paris", "a")}, 1)
		step("still away", []sd.Group{group("paris", "a")}, 1)
		source.set(errors.New("half"), group("rome", "c"))
		step("half of it", []sd.Group{group("rome", "c")}, 2)
		source.mu.Lock()
		source.hang = true
		source.mu.Unlock()
		step("hanging", []sd.Group{group("rome", "c")}, 2)
		time.Sleep(30 * time.Second) // it is given up
		source.mu.Lock()
		source.hang = false
		source.mu.Unlock()
		source.set(nil, []sd.Group{}...)
		source.mu.Lock()
		source.groups = []sd.Group{}
		source.mu.Unlock()
		step("empty", []sd.Group{}, 3)
		s := w.Stats()
		if s.Source != "x" || s.Targets != 0 || s.Failures != 4 || s.Fetches < 7 || s.Err != "" || s.LastSuccess.IsZero() {
			t.Errorf("%+v", s)
		}
		if n := strings.Count(log.String(), "cannot be had"); n != 3 { // away, half, hanging
			t.Errorf("failures were logged %d times, want each kind once:\n%s", n, &log)
		}
		if n := strings.Count(log.String(), "is had again"); n != 1 {
			t.Errorf("the return was logged %d times:\n%s", n, &log)
		}
		cancel()
		<-done

		// After a restart, with the source away, the list is the last one that was right.
		source.set(nil, group("oslo", "d"))
		before := sd.NewWatcher(o)
		before.Prime(t.Context())
		source.set(errors.New("away"))
		after := sd.NewWatcher(o)
		after.Prime(t.Context())
		if diff := cmp.Diff([]sd.Group{group("oslo", "d")}, after.Groups()); diff != "" {
			t.Errorf("after a restart (-want +got):\n%s", diff)
		}
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		broken := sd.NewWatcher(o)
		broken.Prime(t.Context())
		if broken.Groups() != nil || !strings.Contains(log.String(), "kept list of targets cannot be read") {
			t.Errorf("a broken file: %v\n%s", broken.Groups(), &log)
		}
		o.Path = ""
		nowhere := sd.NewWatcher(o)
		nowhere.Prime(t.Context())
		if nowhere.Groups() != nil {
			t.Errorf("without a file: %v", nowhere.Groups())
		}
	})
}
