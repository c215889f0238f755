package notify

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"walkabout/alert"
)

func firing(device, key string, at time.Time) alert.Transition {
	it := Example(at, false).Items[0]
	it.Fingerprint = fmt.Sprintf("%-32.32s", device+key)
	it.ID, it.Device, it.Key = it.Fingerprint+"-firing", device, key
	return it.Transition
}

// FuzzBook: whatever is on disk is refused with errBook, or can be worked with.
func FuzzBook(f *testing.F) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	policy := Policy{Feeds: []Feed{{}, {After: time.Minute}}, GroupBy: []string{"device"}, GroupWait: time.Second, RepeatEvery: time.Hour, Rate: Rate{Messages: 2, Per: time.Minute}}
	current := func(string) (alert.Alert, bool) { return Example(at, false).Items[0].Alert, true }
	b := newBook("a", policy)
	b.take(at, []alert.Transition{firing("core1", "p1", at), firing("core2", "p1", at)})
	b.next(at.Add(2*time.Second), current)
	b.take(at.Add(3*time.Second), []alert.Transition{firing("core3", "p1", at)})
	good, err := b.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"alerts":{"x":{"group":"g","firing":{"id":"i"},"escalate":["2026-03-01T12:00:00Z"]}},"tokens":-5}`))
	f.Add([]byte(`{"version":1,"groups":{"g":{"name":"n","due":"0001-01-01T00:00:01Z"}},"outbox":[{"id":"a","items":[{}],"groups":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBook("a", policy)
		if b.decode(data) != nil {
			return
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

// BenchmarkMessage: what a card of 48 ports costs the book of one notifier that knows of 1,000 other alerts, with each writing to disk: taken in,
// composed, told.
func BenchmarkMessage(b *testing.B) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	k := newBook("a", Policy{Feeds: []Feed{{}}, GroupBy: []string{"device"}})
	path := filepath.Join(b.TempDir(), "a.json")
	var others []alert.Transition
	for i := range 1000 {
		others = append(others, firing("other", fmt.Sprint(i), at))
	}
	none := func(string) (alert.Alert, bool) { return alert.Alert{}, false }
	tell := func(ts []alert.Transition) {
		k.take(at, ts)
		err := k.save(path)
		d := k.next(at, none)
		if d == nil || err != nil || k.save(path) != nil {
			b.Fatal(d, err)
		}
		k.settle(d, true)
		if err := k.save(path); err != nil {
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
