package alert_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/internal/journal"
)

// receiver is a Notifier whose answers the test decides.
type receiver struct {
	name   string
	answer func(ctx context.Context, t alert.Transition) error // nil: takes all

	mu    sync.Mutex
	taken []string // "KEY STATE" of what it took
	ids   []string
	tries []time.Duration // since the receiver was made
	born  time.Time
}

func newReceiver(name string) *receiver { return &receiver{name: name, born: time.Now()} }

func (r *receiver) Name() string { return r.name }

func (r *receiver) Notify(ctx context.Context, ts []alert.Transition) error {
	for _, t := range ts {
		r.mu.Lock()
		r.tries = append(r.tries, time.Since(r.born))
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			if err := answer(ctx, t); err != nil {
				return err
			}
		}
		r.mu.Lock()
		r.taken = append(r.taken, strings.TrimSpace(t.Key+" "+t.State.String()))
		r.ids = append(r.ids, t.ID)
		r.mu.Unlock()
	}
	return nil
}

func (r *receiver) set(answer func(ctx context.Context, t alert.Transition) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) expect(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.taken); diff != "" {
		t.Errorf("%s took (-want +got):\n%s", r.name, diff)
	}
}

// hang answers as a receiver that never does.
func hang(ctx context.Context, _ alert.Transition) error {
	<-ctx.Done()
	return ctx.Err()
}

var errDown = errors.New("connection refused")

func refuse(context.Context, alert.Transition) error { return errDown }

// desk is a Manager under test and its log.
type desk struct {
	*alert.Manager
	log *bytes.Buffer
}

func open(t *testing.T, path string, notifiers ...alert.Notifier) desk {
	t.Helper()
	return openOn(t, nil, path, notifiers...)
}

// openOn is open with a disk of the test's.
func openOn(t *testing.T, disk journal.FS, path string, notifiers ...alert.Notifier) desk {
	t.Helper()
	cfg := config()
	cfg.InterfaceMismatch.For = 0
	d := desk{log: &bytes.Buffer{}}
	m, err := alert.Start(alert.Options{Config: cfg, Path: path, FS: disk, Notifiers: notifiers, Log: slog.New(slog.NewTextHandler(d.log, nil)), MaxQueue: 4})
	if err != nil {
		t.Fatal(err)
	}
	d.Manager = m
	return d
}

func (d desk) poll(t *testing.T, rows string) {
	t.Helper()
	d.Observe(parsePoll(t, rows, time.Now()))
}

// fire makes ports fire, with two polls that are 10 s apart. Other ports of the calls before must be named again.
func (d desk) fire(t *testing.T, rows string) {
	t.Helper()
	d.poll(t, rows)
	time.Sleep(10 * time.Second)
	d.poll(t, rows)
	synctest.Wait()
}

func (d desk) close(t *testing.T) {
	t.Helper()
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func stateFile(t *testing.T) string { return filepath.Join(t.TempDir(), "alerts.journal") }

func TestManagerDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newReceiver("a"), newReceiver("b")
		d := open(t, "", a, b)
		d.fire(t, "| p1 up/down")
		a.expect(t, "p1 firing")
		b.expect(t, "p1 firing")
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		a.expect(t, "p1 firing", "p1 resolved")
		d.close(t)
		b.expect(t, "p1 firing", "p1 resolved")
	})
}

// What one poll brings is told in one call; if the receiver refuses that, each is tried alone.
func TestOneCallForWhatOnePollBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []int
		a := &batches{receiver: newReceiver("a"), calls: &calls}
		a.set(func(_ context.Context, tr alert.Transition) error {
			if tr.Key == "p2" {
				return &alert.RejectedError{Err: errDown}
			}
			return nil
		})
		d := open(t, "", a)
		d.fire(t, "| p1 up/down\n| p3 up/down")
		d.fire(t, "| p1 up/down\n| p3 up/down\n| p2 up/down\n| p4 up/down")
		time.Sleep(time.Minute)
		d.close(t)
		if diff := cmp.Diff([]int{2, 2, 1, 1}, calls); diff != "" {
			t.Errorf("transitions in each call (-want +got):\n%s", diff)
		}
		a.expect(t, "p1 firing", "p3 firing", "p4 firing")
	})
}

// batches notes how many transitions each call brings, the calls that fail too.
type batches struct {
	*receiver
	calls *[]int
}

func (b *batches) Notify(ctx context.Context, ts []alert.Transition) error {
	*b.calls = append(*b.calls, len(ts))
	return b.receiver.Notify(ctx, ts)
}

func TestPendingIsNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := open(t, "", a)
		d.poll(t, "| p1 up/down")
		time.Sleep(10 * time.Second)
		d.poll(t, "| p1 up/up")
		d.close(t)
		a.expect(t)
	})
}

func TestDeadReceiverHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, well := newReceiver("dead"), newReceiver("well")
		dead.set(hang)
		d := open(t, "", dead, well)
		d.fire(t, "| p1 up/down")
		well.expect(t, "p1 firing")
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		well.expect(t, "p1 firing", "p1 resolved")
		dead.expect(t)
		if n := d.Stats()[0].Queued; n != 2 {
			t.Errorf("%d queued, want 2", n)
		}
		dead.set(nil)
		time.Sleep(10 * time.Minute)
		dead.expect(t, "p1 firing", "p1 resolved")
		d.close(t)
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(refuse)
		d := open(t, "", a)
		d.fire(t, "| p1 up/down")
		time.Sleep(time.Hour)
		a.set(nil)
		time.Sleep(5 * time.Minute)
		a.expect(t, "p1 firing")
		a.mu.Lock()
		tries := a.tries
		a.mu.Unlock()
		longest := time.Second
		for i := 1; i < len(tries); i++ {
			gap := tries[i] - tries[i-1]
			if gap < longest/2 || gap > longest {
				t.Errorf("attempt %d came after %v, want %v to %v", i, gap, longest/2, longest)
			}
			longest = min(2*longest, 5*time.Minute)
		}
		d.close(t)
		if n := strings.Count(d.log.String(), "notification failed"); n != 1 {
			t.Errorf("the outage is logged %d times:\n%s", n, d.log)
		}
		if !strings.Contains(d.log.String(), "delivered again") {
			t.Errorf("its end is not:\n%s", d.log)
		}
	})
}

func TestNewTransitionTriesAtOnceUnlessAskedToWait(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []time.Duration
	}{
		"plain":       {errDown, []time.Duration{10 * time.Second, 10 * time.Second}},
		"retry after": {&alert.RetryError{After: 10 * time.Minute, Err: errDown}, []time.Duration{10 * time.Second, 610 * time.Second}},
		"too long":    {&alert.RetryError{After: 1000 * time.Hour, Err: errDown}, []time.Duration{10 * time.Second, 3610 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newReceiver("a")
				a.set(func(context.Context, alert.Transition) error { return c.err })
				d := open(t, "", a)
				d.fire(t, "| p1 up/down")
				d.poll(t, "| p1 up/up")
				time.Sleep(2 * time.Hour)
				a.mu.Lock()
				got := a.tries[:2]
				a.mu.Unlock()
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("attempts at (-want +got):\n%s", diff)
				}
				a.set(nil)
				time.Sleep(2 * time.Hour)
				a.expect(t, "p1 firing", "p1 resolved")
				d.close(t)
			})
		})
	}
}

func TestOneBodyThatFailsHoldsUpNoOtherAlert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(func(_ context.Context, t alert.Transition) error {
			if t.Key == "p1" {
				return errDown
			}
			return nil
		})
		d := open(t, "", a)
		d.fire(t, "| p1 up/down | p2 up/down")
		d.poll(t, "| p1 up/up | p2 up/up")
		time.Sleep(time.Minute)
		a.expect(t, "p2 firing", "p2 resolved")
		a.set(nil)
		time.Sleep(10 * time.Minute)
		a.expect(t, "p2 firing", "p2 resolved", "p1 firing", "p1 resolved")
		d.close(t)
	})
}

func TestGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		after time.Duration
		want  alert.NotifierStats
		log   string
	}{
		"rejected": {&alert.RejectedError{Err: errDown}, time.Second,
			alert.NotifierStats{Name: "a", Rejected: 1, Failures: 1, LastError: "rejected: connection refused"}, "notification rejected"},
		"a day old": {errDown, 25 * time.Hour, alert.NotifierStats{Name: "a", Expired: 1, LastError: "connection refused"}, "notification given up"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newReceiver("a")
				a.set(func(context.Context, alert.Transition) error { return c.err })
				d := open(t, "", a)
				d.fire(t, "| p1 up/down")
				time.Sleep(c.after)
				got := d.Stats()[0]
				if c.want.Failures == 0 {
					got.Failures = 0
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				d.close(t)
				if !strings.Contains(d.log.String(), c.log) {
					t.Errorf("log:\n%s", d.log)
				}
			})
		})
	}
}

func TestFullQueueLosesTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(refuse)
		d := open(t, "", a) // of 4
		d.fire(t, "| p1 up/down | p2 up/down | p3 up/down | p4 up/down | p5 up/down | p6 up/down")
		if got := d.Stats()[0]; got.Dropped != 2 || got.Queued != 4 {
			t.Errorf("%+v", got)
		}
		a.set(nil)
		time.Sleep(time.Minute)
		d.close(t)
		if !strings.Contains(d.log.String(), "queue is full") {
			t.Errorf("log:\n%s", d.log)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.taken) != 4 || strings.Contains(strings.Join(a.taken, ","), "p1 ") {
			t.Errorf("took %q", a.taken)
		}
	})
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	for name, answer := range map[string]func(context.Context, alert.Transition) error{"refusing": refuse, "hanging": hang} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newReceiver("a")
				a.set(answer)
				d := open(t, "", a)
				d.fire(t, "| p1 up/down")
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				err := d.Close(ctx)
				if err == nil || !strings.Contains(err.Error(), "1 undelivered notification lost") {
					t.Errorf("Close: %v", err)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("Close took %v", took)
				}
			})
		})
	}
}

func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(func(context.Context, alert.Transition) error { time.Sleep(time.Second); return nil })
		d := open(t, "", a)
		d.poll(t, "| p1 up/down | p2 up/down | p3 up/down")
		time.Sleep(10 * time.Second)
		d.poll(t, "| p1 up/down | p2 up/down | p3 up/down")
		d.close(t)
		a.expect(t, "p1 firing", "p2 firing", "p3 firing")
	})
}

func TestNotifiersNeedDistinctNames(t *testing.T) {
	if _, err := alert.Start(alert.Options{Notifiers: []alert.Notifier{newReceiver("a"), newReceiver("a")}}); err == nil {
		t.Error("Start took two notifiers of one name")
	}
}

// Pollers, pages and reloads come from many goroutines; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := open(t, "", a)
		cfg := config()
		cfg.InterfaceMismatch.For = 0
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 50 {
					d.Observe(parsePoll(t, []string{"| p1 up/up", "| p1 up/down"}[i/2%2], time.Now()))
					d.Failed(time.Now(), "sw1", errDown)
					d.Alerts()
					d.NeverUp()
					d.Stats()
					d.Configure(time.Now(), cfg)
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		d.close(t)
		if got := d.Stats()[0]; got.Delivered == 0 || got.Queued != 0 {
			t.Errorf("%+v", got)
		}
	})
}
