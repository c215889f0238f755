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

// What one poll brings is told in one call, and again in one if that fails.
func TestOneCallForWhatOnePollBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []int
		a := &batches{receiver: newReceiver("a"), calls: &calls}
		d := open(t, "", a)
		d.fire(t, "| p1 up/down\n| p3 up/down")
		a.set(refuse)
		d.fire(t, "| p1 up/down\n| p3 up/down\n| p2 up/down\n| p4 up/down")
		a.set(nil)
		time.Sleep(time.Minute)
		d.close(t)
		if diff := cmp.Diff([]int{2, 2, 2}, calls); diff != "" {
			t.Errorf("transitions in each call (-want +got):\n%s", diff)
		}
		a.expect(t, "p1 firing", "p3 firing", "p2 firing", "p4 firing")
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

func TestNewTransitionTriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(refuse)
		d := open(t, "", a)
		d.fire(t, "| p1 up/down")
		time.Sleep(time.Hour)
		a.set(nil)
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		a.expect(t, "p1 firing", "p1 resolved")
		d.close(t)
	})
}

func TestFullQueueLosesTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(refuse)
		d := open(t, "", a) // of 4
		d.fire(t, "| p1 up/down | p2 up/down | p3 up/down | p4 up/down | p5 up/down | p6 up/down")
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
					d.Configure(time.Now(), cfg)
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		d.close(t)
		if len(a.taken) == 0 {
			t.Error("nobody was told")
		}
	})
}
