package notify

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"walkabout/alert"
	"walkabout/internal/journal"
)

func firing(device, key string, at time.Time) alert.Transition {
	it := Example(at, false).Items[0]
	it.Fingerprint = fmt.Sprintf("%-32.32s", device+key)
	it.ID, it.Device, it.Key = it.Fingerprint+"-firing", device, key
	return it.Transition
}

// onDisk opens the book at path.
func onDisk(t testing.TB, path string, p Policy) *book {
	t.Helper()
	b := newBook("a", p)
	if damaged, err := b.open(journal.System(), path); damaged != nil || err != nil {
		t.Fatal(damaged, err)
	}
	t.Cleanup(b.close)
	return b
}

// What was dropped is told even if a group was dropped as a whole and would have been the next to be told.
func TestLostIsToldAfterAGroupWasDropped(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := newBook("a", Policy{Feeds: []Feed{{}}, GroupBy: []string{"device"}, Most: 2, Rate: Rate{Messages: 1, Per: time.Hour}})
	for i := range 3 {
		now := at.Add(time.Duration(i) * time.Second)
		b.take(now, []alert.Transition{firing(fmt.Sprint("core", i), "p1", now)})
	}
	now, none := at.Add(time.Minute), func(string) (alert.Alert, bool) { return alert.Alert{}, false }
	var told *draft
	for range 3 {
		if told = b.next(now, none); told != nil {
			break
		}
	}
	if told == nil || told.Lost != 1 || told.Items[0].Device == "core0" {
		t.Errorf("told %+v, want a message that says that one was lost", told)
	}
}

// A book that was written while the clock was a year ahead does not keep people waiting for a year.
func TestClockThatWasAhead(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ahead, path := at.AddDate(1, 0, 0), filepath.Join(t.TempDir(), "a.journal")
	policy := Policy{Feeds: []Feed{{}, {After: 10 * time.Minute}}, GroupBy: []string{"device"}, GroupWait: 5 * time.Second, GroupInterval: time.Minute,
		RepeatEvery: time.Hour, Rate: Rate{Messages: 1, Per: time.Minute}}
	current := func(string) (alert.Alert, bool) { return firing("core1", "p1", ahead).Alert, true }
	b := onDisk(t, path, policy)
	b.take(ahead, []alert.Transition{firing("core1", "p1", ahead)})
	if d := b.next(ahead.Add(5*time.Second), current); d == nil {
		t.Fatal("nothing is told")
	} else {
		b.settle(d, true)
	}
	b.take(ahead.Add(6*time.Second), []alert.Transition{firing("core1", "p2", ahead)})
	if err := b.save(); err != nil {
		t.Fatal(err)
	}
	b.close()
	b = onDisk(t, path, policy)
	b.fit(at)
	if wake := b.wake(); wake.Sub(at) > 2*time.Minute {
		t.Errorf("wakes at %v, which is %v ahead", wake, wake.Sub(at))
	}
	now := at.Add(2 * time.Minute)
	if d := b.next(now, current); d == nil || len(d.Items) != 1 || d.Items[0].Key != "p2" {
		t.Fatalf("told %+v, want p2", d)
	} else {
		b.settle(d, true)
	}
	if d := b.next(at.Add(11*time.Minute), current); d == nil || d.Items[0].Why != Escalation {
		t.Errorf("told %+v, want the escalation", d)
	}
}

// An alert that ended while its receiver was not configured, and fires again, escalates again.
func TestEscalationAfterAnEndThatWasMissed(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := newBook("boss", Policy{Feeds: []Feed{{After: time.Minute}}})
	first := firing("core1", "p1", at)
	b.take(at, []alert.Transition{first})
	current := func(string) (alert.Alert, bool) { return first.Alert, true }
	d := b.next(at.Add(time.Minute), current)
	if d == nil {
		t.Fatal("not escalated")
	}
	b.settle(d, true)
	again := firing("core1", "p1", at.Add(time.Hour))
	again.ID += "-2"
	b.take(at.Add(time.Hour), []alert.Transition{again})
	for d := b.next(at.Add(time.Hour), current); d != nil; d = b.next(at.Add(time.Hour), current) {
		b.settle(d, true)
	}
	if d := b.next(at.Add(61*time.Minute), current); d == nil || d.Items[0].Why != Escalation {
		t.Errorf("told %+v, want the escalation", d)
	}
}

// FuzzBook: whatever lines are on disk are refused, or can be worked with.
func FuzzBook(f *testing.F) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	policy := Policy{Feeds: []Feed{{}, {After: time.Minute}}, GroupBy: []string{"device"}, GroupWait: time.Second, RepeatEvery: time.Hour, Rate: Rate{Messages: 2, Per: time.Minute}}
	current := func(string) (alert.Alert, bool) { return Example(at, false).Items[0].Alert, true }
	b := newBook("a", policy)
	b.take(at, []alert.Transition{firing("core1", "p1", at), firing("core2", "p1", at)})
	b.next(at.Add(2*time.Second), current)
	b.take(at.Add(3*time.Second), []alert.Transition{firing("core3", "p1", at)})
	var good []byte
	if err := b.whole(func(line []byte) error {
		good = append(append(good, line...), '\n')
		return nil
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{\"version\":1,\"alerts\":{\"x\":{\"group\":\"g\",\"pending\":[{}]},\"y\":null}}\n{\"version\":1,\"groups\":{\"g\":null},\"outbox\":[null]}"))
	f.Add([]byte(`{"version":1,"alerts":{"x":{"group":"g","firing":{"id":"i"},"escalate":["2026-03-01T12:00:00Z"]}},"tokens":-5}`))
	f.Add([]byte(`{"version":1,"groups":{"g":{"name":"n","due":"0001-01-01T00:00:01Z"}},"outbox":[{"id":"a","items":[{}],"groups":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBook("a", policy)
		for line := range bytes.Lines(data) {
			_ = b.apply(line)
		}
		b.fit(at)
		if _, err := b.catchUp(at, current, func(time.Time) ([]alert.Transition, error) {
			return []alert.Transition{Example(at, true).Items[1].Transition}, nil
		}); err != nil {
			t.Fatal(err)
		}
		b.take(at, []alert.Transition{firing("core1", "p1", at)})
		for i := range 20 {
			now := at.Add(time.Duration(i) * time.Hour)
			d := b.next(now, current)
			b.wake()
			if d != nil {
				b.settle(d, i%2 == 0)
			}
		}
		b.flush(at)
		if b.held(at) < 0 || b.waiting() < 0 {
			t.Error("less than nothing waits")
		}
	})
}

// BenchmarkMessage: what a card of 48 ports costs the book of one notifier that knows of 5,000 other alerts, with each writing to disk: taken in,
// composed, told.
func BenchmarkMessage(b *testing.B) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	k := onDisk(b, filepath.Join(b.TempDir(), "a.journal"), Policy{Feeds: []Feed{{}}, GroupBy: []string{"device"}})
	var others []alert.Transition
	for i := range 5000 {
		others = append(others, firing("other", fmt.Sprint(i), at))
	}
	none := func(string) (alert.Alert, bool) { return alert.Alert{}, false }
	tell := func(ts []alert.Transition) {
		k.take(at, ts)
		err := k.save()
		d := k.next(at, none)
		if d == nil || err != nil || k.save() != nil {
			b.Fatal(d, err)
		}
		k.settle(d, true)
		if err := k.save(); err != nil {
			b.Fatal(err)
		}
	}
	tell(others)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		ts := make([]alert.Transition, 48)
		for i := range ts {
			ts[i] = firing("core1", fmt.Sprint(i), at)
			ts[i].ID += fmt.Sprint(n)
		}
		tell(ts)
	}
}
