package alert_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/internal/journal/journaltest"
)

// tail is an alert.Tail in memory, which outlives Managers as a spool does.
type tail struct {
	mu       sync.Mutex
	polls    []alert.Poll
	observed int // of polls
	mark     uint64
}

// keep gives p the number of its record.
func (k *tail) keep(p alert.Poll) alert.Poll {
	k.mu.Lock()
	defer k.mu.Unlock()
	p.Record = uint64(len(k.polls) + 1)
	k.polls = append(k.polls, p)
	return p
}

func (k *tail) Replay(observe func(alert.Poll)) error {
	for _, p := range k.polls[max(k.mark, 1)-1:] {
		observe(p)
	}
	return nil
}

// observes has m observe p, which is kept before.
func (k *tail) observes(m *alert.Manager, p alert.Poll) {
	m.Observe(k.keep(p))
	k.allObserved()
}

func (k *tail) allObserved() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.observed = len(k.polls)
}

func (k *tail) Low() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return uint64(k.observed + 1)
}

func (k *tail) Mark(low uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mark = max(k.mark, low)
}

// world is a collector that dies with its disk: what it does afterwards nobody sees.
type world struct {
	disk   *journaltest.Disk
	tail   *tail
	told   []string // IDs, in their order, as the receiver took them
	events []string // IDs that the outputs took
}

func (w *world) start(t *testing.T, cfg alert.Config) *alert.Manager {
	disk := w.disk
	take := func(ts []alert.Transition) error {
		if disk.Stopped() {
			return journaltest.ErrPower
		}
		for _, tr := range ts {
			w.told = append(w.told, tr.ID)
		}
		return nil
	}
	m, err := alert.Start(alert.Options{
		Config: cfg, Path: "alerts.journal", FS: disk, Tail: w.tail, Log: slog.New(slog.DiscardHandler), Notifiers: []alert.Notifier{notifierFunc(take)},
		Events: func(ts []alert.Transition) {
			for _, tr := range ts {
				if !disk.Stopped() {
					w.events = append(w.events, tr.ID)
				}
			}
		},
	})
	if err != nil && !disk.Stopped() {
		t.Fatal(err)
	}
	return m
}

// crashScript are polls, and what else happens, 30 s apart.
var crashScript = []string{
	"| p1 up/up | p2 up/up | p3 up/up",
	"| p1 up/down | p2 up/up | p3 up/up",
	"| p1 up/down | p2 up/up | p3 up/up",
	"| p1 up/down | p2 up/down | p3 up/up",
	"| p1 up/down | p2 up/down | p3 down/up",
	"| p1 up/up | p2 up/down | p3 down/up",
	"| p1 up/up | p2 up/down | p3 down/up",
	"| p2 up/down | p3 down/up",
	"| p2 up/up | p3 down/down",
	"fail",
	"fail",
	"| p2 up/up | p3 up/up",
}

// playScript plays the rest of the script from a step on, and returns the step at which the disk stopped; len(crashScript) if it did not.
func (w *world) playScript(t *testing.T, m *alert.Manager, from int, begun time.Time) int {
	for i := from; i < len(crashScript); i++ {
		at := begun.Add(time.Duration(i) * 30 * time.Second)
		time.Sleep(time.Until(at))
		if crashScript[i] == "fail" {
			m.Failed(at, "sw1", errDown)
		} else {
			w.tail.observes(m, parsePoll(t, crashScript[i], at))
		}
		synctest.Wait()
		if w.disk.Stopped() {
			return i
		}
	}
	return len(crashScript)
}

// The power fails after each write, sync and rename of a script, and what was torn is there or not. Then everything that people are told without a failure
// they are told, in its order, and nothing twice but what they took in that instant; the history has each transition once, the outputs have it.
func TestPowerFails(t *testing.T) {
	cfg := config()
	cfg.InterfaceMismatch.For = 30 * time.Second
	var want world
	var history []string
	run := func(t *testing.T, stop int, torn bool) (w *world, crashed bool, all []string) {
		w = &world{disk: journaltest.NewDisk(), tail: &tail{}}
		if stop >= 0 {
			w.disk.StopAfter(stop)
		}
		begun := time.Now()
		m := w.start(t, cfg)
		at := 0
		if m != nil {
			at = w.playScript(t, m, 0, begun)
			_ = m.Close(t.Context())
		}
		if crashed = w.disk.Stopped(); crashed {
			w.disk = w.disk.AfterPowerFailure(torn)
			m = w.start(t, cfg)
			synctest.Wait()
			next := at + 1
			if at < len(crashScript) && crashScript[at] == "fail" { // no spool has it: it is made again
				next = at
			}
			w.playScript(t, m, next, begun)
			time.Sleep(time.Minute)
			if err := m.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		m = w.start(t, cfg)
		ts, err := m.History(alert.HistoryQuery{})
		if err != nil {
			t.Error(err)
		}
		for _, tr := range slices.Backward(ts) {
			all = append(all, fmt.Sprint(tr.Number, " ", tr.ID))
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		return w, crashed, all
	}
	synctest.Test(t, func(t *testing.T) {
		w, _, all := run(t, -1, false)
		want, history = *w, all
	})
	if len(want.told) < 7 || len(history) < 12 || len(want.events) != len(history) {
		t.Fatalf("the script tells %d, of %d transitions, %d events", len(want.told), len(history), len(want.events))
	}
	for stop, crashed := 0, true; crashed; stop++ {
		for _, torn := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w, stopped, all := run(t, stop, torn)
				crashed = stopped
				once := firsts(w.told)
				if diff := cmp.Diff(want.told, once); diff != "" || len(w.told) > len(once)+2 { // two at most are told in one call
					t.Errorf("power fails after %d operations, torn %t: told %d, %d of them twice (-want +got):\n%s", stop, torn, len(once), len(w.told)-len(once), diff)
				}
				if diff := cmp.Diff(history, all); diff != "" {
					t.Errorf("power fails after %d operations, torn %t: history (-want +got):\n%s", stop, torn, diff)
				}
				for _, id := range want.events {
					if !slices.Contains(w.events, id) {
						t.Errorf("power fails after %d operations, torn %t: outputs lack %s", stop, torn, id)
					}
				}
			})
		}
	}
}

// firsts returns list without repetitions.
func firsts(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// notifierFunc is a Notifier of a function.
type notifierFunc func(ts []alert.Transition) error

func (notifierFunc) Name() string { return "taker" }

func (f notifierFunc) Notify(_ context.Context, ts []alert.Transition) error { return f(ts) }
