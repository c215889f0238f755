package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rechecking runs a rechecks and notes what it does and when.
type rechecking struct {
	*rechecks
	begun time.Time
	mu    sync.Mutex
	done  []string
}

// recheckFor has a test use rechecks that run, and returns when they have ended.
func recheckFor(t *testing.T, test func(t *testing.T, r *rechecking)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rechecking{rechecks: newRechecks(), begun: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.run(ctx) })
		test(t, r)
		cancel()
		running.Wait()
	})
}

func (r *rechecking) ask(key string) {
	r.add(key, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done = append(r.done, fmt.Sprintf("%s at %v", key, time.Since(r.begun)))
	})
}

func (r *rechecking) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.done); diff != "" {
		t.Errorf("after %v (-want +got):\n%s", time.Since(r.begun), diff)
	}
}

// What changed is polled again 2 and 5 s later.
func TestRechecks(t *testing.T) {
	recheckFor(t, func(t *testing.T, r *rechecking) {
		r.ask("sw1 7")
		r.expect(t)
		time.Sleep(1999 * time.Millisecond)
		r.expect(t)
		time.Sleep(time.Hour)
		r.expect(t, "sw1 7 at 2s", "sw1 7 at 5s")
	})
}

// A notification that comes while others wait begins anew for its own interface, and holds up none.
func TestRechecksOfSeveral(t *testing.T) {
	recheckFor(t, func(t *testing.T, r *rechecking) {
		r.ask("sw1 7")
		time.Sleep(time.Second)
		r.ask("sw2 1")
		time.Sleep(3 * time.Second) // at 4 s: it came up, and went down again
		r.ask("sw1 7")
		time.Sleep(time.Hour)
		r.expect(t, "sw1 7 at 2s", "sw2 1 at 3s", "sw2 1 at 6s", "sw1 7 at 6s", "sw1 7 at 9s")
	})
}

// A storm does not fill the memory: the schedule comes soon enough for what does not fit.
func TestRechecksAreBounded(t *testing.T) {
	recheckFor(t, func(t *testing.T, r *rechecking) {
		for i := range 10 * mostRechecks {
			r.ask(fmt.Sprint("sw1 ", i))
		}
		r.rechecks.mu.Lock()
		n := len(r.list)
		r.rechecks.mu.Unlock()
		if n != mostRechecks {
			t.Errorf("%d wait, want %d", n, mostRechecks)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.done) != mostRechecks {
			t.Errorf("%d were done, want %d", len(r.done), mostRechecks)
		}
	})
}
