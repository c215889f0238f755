package machine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a source that takes a second for its statistics, and counts how often it was asked. What else it is asked it panics on.
type slow struct {
	source
	asked atomic.Int32
	err   error
}

func (s *slow) stats(time.Time) (*Stats, error) {
	s.asked.Add(1)
	time.Sleep(time.Second)
	if s.err != nil {
		return nil, s.err
	}
	return &Stats{Wide: true}, nil
}

func newMachine(src source, log *slog.Logger) *Machine {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Machine{src: src, faults: &faults{log: log}}
}

func TestReadingReuse(t *testing.T) {
	m := newMachine(&slow{}, nil)
	first := m.Reading(second(1), false)
	if !first.At.Equal(second(1)) {
		t.Errorf("At %v", first.At)
	}
	if m.Reading(second(1).Add(Reuse), false) != first {
		t.Error("a new Reading within 50 ms")
	}
	if m.Reading(second(1).Add(Reuse+1), false) == first {
		t.Error("the same Reading after 50 ms")
	}
	fresh := m.Reading(second(2), true)
	if again := m.Reading(second(2), true); again == fresh || !again.At.Equal(second(2)) {
		t.Error("a fresh Reading was shared")
	}
	latest := m.Reading(second(3), true)
	// A request that took long to get here gets its own time, and does not become what later ones share.
	if old := m.Reading(second(2), false); !old.At.Equal(second(2)) {
		t.Errorf("At %v", old.At)
	}
	if m.Reading(second(3), false) != latest {
		t.Error("an old Reading replaced the latest")
	}
}

func TestReadingSharesParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &slow{}
		r := newMachine(src, nil).Reading(time.Now(), false)
		begin := time.Now()
		var wait sync.WaitGroup
		var got [8]*Stats
		for i := range got {
			wait.Go(func() {
				s, err := r.Stats(t.Context())
				if err != nil {
					t.Error(err)
				}
				got[i] = s
			})
		}
		wait.Wait()
		if src.asked.Load() != 1 || time.Since(begin) != time.Second {
			t.Errorf("asked %d times in %v", src.asked.Load(), time.Since(begin))
		}
		for _, s := range got {
			if s == nil || s != got[0] {
				t.Error("not the same statistics for all")
			}
		}
	})
}

func TestReadingWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &slow{}
		r := newMachine(src, nil).Reading(time.Now(), false)
		// The first who asks reads for all: the end of his context does not spoil it for the others.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := r.Stats(ctx); err != nil {
				t.Errorf("reader: %v", err)
			}
		})
		synctest.Wait()
		begin := time.Now()
		_, err := r.Stats(ctx)
		var part *PartError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &part) || part.Part != PartStats {
			t.Errorf("who waits: error %v", err)
		}
		if time.Since(begin) != time.Millisecond {
			t.Errorf("waited %v", time.Since(begin))
		}
		if s, err := r.Stats(t.Context()); s == nil || err != nil {
			t.Errorf("who waits longer: %v, %v", s, err)
		}
		wait.Wait()
		if src.asked.Load() != 1 {
			t.Errorf("asked %d times", src.asked.Load())
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		src := &slow{}
		m := newMachine(src, slog.New(slog.NewTextHandler(&out, nil)))
		ask := func(err error) error {
			src.err = err
			_, got := m.Reading(time.Now(), true).Stats(t.Context())
			return got
		}
		if len(m.Faults()) != 0 {
			t.Errorf("faults before any: %v", m.Faults())
		}
		for _, err := range []error{nil, fs.ErrNotExist, fs.ErrPermission, nil, nil, fs.ErrNotExist} {
			if got := ask(err); !errors.Is(got, err) {
				t.Errorf("error %v, want %v", got, err)
			}
		}
		if got := strings.Count(out.String(), "cannot read a part"); got != 2 {
			t.Errorf("logged %d failures, want 2:\n%s", got, &out)
		}
		if got := strings.Count(out.String(), "readable again"); got != 1 {
			t.Errorf("logged %d recoveries, want 1:\n%s", got, &out)
		}
		want := Fault{Part: PartStats, Count: 3, Err: fs.ErrNotExist}
		if got := m.Faults(); len(got) != 1 || got[0] != want {
			t.Errorf("faults %v, want %v", got, want)
		}

		out.Reset()
		for range 2 {
			if got := ask(errors.ErrUnsupported); !errors.Is(got, errors.ErrUnsupported) {
				t.Errorf("error %v", got)
			}
		}
		if strings.Contains(out.String(), "ERROR") || m.Faults()[0].Count != 3 {
			t.Errorf("what a system does not have was taken for a fault: %v\n%s", m.Faults(), &out)
		}
	})
}

func TestPartNames(t *testing.T) {
	seen := map[string]bool{}
	for p := range partCount {
		if name := p.String(); name == "" || name == "invalid" || seen[name] {
			t.Errorf("part %d is called %q", p, name)
		}
		seen[p.String()] = true
	}
	if partCount.String() != "invalid" {
		t.Error("a name for no part")
	}
}

func TestStatNames(t *testing.T) {
	seen := map[string]bool{}
	for s := range statCount {
		if name := s.String(); name == "" || seen[name] || columnOf([]byte(name)) != (column{columnStat, uint8(s)}) {
			t.Errorf("figure %d is called %q", s, name)
		}
		seen[s.String()] = true
	}
	var none Stats
	if v, ok := none.Get(statCount + 9); ok || v != 0 {
		t.Errorf("a figure that does not exist: %d, %v", v, ok)
	}
	var counters LinkCounters
	if v, ok := counters.Get(linkStatCount); ok || v != 0 {
		t.Errorf("a counter that does not exist: %d, %v", v, ok)
	}
}
