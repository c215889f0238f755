package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/alert/silence"
)

// sender is a notify.Sender whose answers the test decides.
type sender struct {
	mu     sync.Mutex
	answer func(ctx context.Context, m *notify.Message) error // nil: takes all
	took   []notify.Message
	tries  []notify.Message
	when   []time.Duration // of what it took, since it was made
	born   time.Time
	closed bool
}

func newSender() *sender { return &sender{born: time.Now()} }

func (s *sender) Send(ctx context.Context, m *notify.Message) error {
	s.mu.Lock()
	s.tries = append(s.tries, *m)
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took, s.when = append(s.took, *m), append(s.when, time.Since(s.born))
	return nil
}

func (s *sender) Preview(*notify.Message) (string, error) { return "", nil }
func (s *sender) Close()                                  { s.closed = true }

func (s *sender) set(answer func(context.Context, *notify.Message) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

var errDown = errors.New("connection refused")

func refuse(context.Context, *notify.Message) error { return errDown }

// messages returns those that s took.
func (s *sender) messages() []notify.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.took)
}

// tried returns those that came, taken or not.
func (s *sender) tried() []notify.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tries)
}

// said writes the messages that s took: "SECONDS GROUP: KEY STATE, KEY STATE (why)".
func (s *sender) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for i, m := range s.took {
		list = append(list, fmt.Sprintf("%g %s", s.when[i].Seconds(), brief(&m)))
	}
	return list
}

func brief(m *notify.Message) string {
	var parts []string
	for _, it := range m.Items {
		text := strings.TrimSpace(it.Device+" "+it.Key) + " " + it.State.String()
		if it.Why != "" {
			text += " (" + string(it.Why) + ")"
		}
		parts = append(parts, text)
	}
	head := m.Group
	if m.Held > 0 {
		head = fmt.Sprintf("digest of %d", m.Held)
	}
	if m.Lost > 0 {
		head += fmt.Sprintf(" %d lost", m.Lost)
	}
	return head + ": " + strings.Join(parts, ", ")
}

func (s *sender) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, s.said()); diff != "" {
		t.Errorf("took (-want +got):\n%s", diff)
	}
}

// logged is a log that is read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// desk is what alerts are like, and who is told of them.
type desk struct {
	*notify.Dispatcher
	log *logged

	mu      sync.Mutex
	alerts  map[string]alert.Alert // by fingerprint
	history []alert.Transition
}

// History implements notify.Alerts; it heeds q.Since.
func (d *desk) History(q alert.HistoryQuery) (ts []alert.Transition, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range slices.Backward(d.history) {
		if !t.At.Before(q.Since) {
			ts = append(ts, t)
		}
	}
	return ts, nil
}

func (d *desk) Alerts() (all []alert.Alert) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.alerts {
		all = append(all, a)
	}
	return all
}

func open(t *testing.T, dir string, receivers ...notify.Receiver) *desk {
	t.Helper()
	return (&desk{alerts: map[string]alert.Alert{}}).reopen(t, dir, receivers...)
}

// reopen is open with the alerts of another.
func (d *desk) reopen(t *testing.T, dir string, receivers ...notify.Receiver) *desk {
	t.Helper()
	d.mu.Lock()
	other := &desk{log: &logged{}, alerts: maps.Clone(d.alerts), history: slices.Clone(d.history)}
	d.mu.Unlock()
	var err error
	if other.Dispatcher, err = notify.Open(notify.Options{Dir: dir, Receivers: receivers, Log: slog.New(slog.NewTextHandler(other.log, nil))}); err != nil {
		t.Fatal(err)
	}
	other.Start(other)
	return other
}

func (d *desk) close(t *testing.T) {
	t.Helper()
	if err := d.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// tell hands on what happens to ports: "DEVICE KEY STATE", those of one call at once.
func (d *desk) tell(t *testing.T, happenings ...string) {
	t.Helper()
	if err := d.Notify(t.Context(), d.happen(happenings...)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func (d *desk) happen(happenings ...string) (ts []alert.Transition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range happenings {
		f := strings.Fields(h)
		fp := f[0] + "-" + f[1]
		a, known := d.alerts[fp]
		from := a.State
		if !known || a.State == alert.Resolved {
			a = alert.Alert{Fingerprint: fp, Device: f[0], Key: f[1], Rule: "interface_mismatch", Kind: alert.KindOperDown, Severity: alert.Critical,
				Since: time.Now(), FiredAt: time.Now(), Labels: map[string]string{"device": f[0]}, Summary: f[0] + " " + f[1]}
			from = alert.Pending
		}
		if len(f) > 3 {
			a.Severity = f[3]
		}
		_ = a.State.UnmarshalText([]byte(f[2]))
		if a.State == alert.Resolved {
			a.Reason, a.ResolvedAt = alert.Recovered, time.Now()
		}
		d.alerts[fp] = a
		ts = append(ts, alert.Transition{ID: alert.TransitionID(&a), From: from, At: time.Now(), Alert: a})
	}
	d.history = append(d.history, ts...)
	return ts
}

func (d *desk) ack(fp string, ack *alert.Ack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.alerts[fp]
	a.Ack = ack
	d.alerts[fp] = a
}

// all is told of everything, at once.
func all() notify.Policy {
	return notify.Policy{Feeds: []notify.Feed{{}}, GroupBy: []string{"device"}}
}

// people is all by device, after 5 s, and a minute between two messages of a device.
func people() notify.Policy {
	p := all()
	p.GroupWait, p.GroupInterval = 5*time.Second, time.Minute
	return p
}

func match(t *testing.T, texts ...string) (ms silence.Matchers) {
	t.Helper()
	for _, text := range texts {
		m, err := silence.ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	return ms
}
