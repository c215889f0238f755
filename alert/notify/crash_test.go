package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/internal/journal/journaltest"
)

// crashScript is what happens, 30 s apart.
var crashScript = [][]string{
	{"core1 p1 firing"},
	{"core1 p2 firing", "core2 p1 firing"},
	{"core1 p1 resolved", "core3 p1 firing"},
	{"core1 p1 firing"},
	{"core2 p1 resolved", "core1 p2 resolved"},
	{"core1 p1 resolved", "core3 p1 resolved"},
}

// The power fails after each write, sync and rename of a script, and what was torn is there or not. Then all is told, that of one alert in its order,
// and nothing twice but what was on its way in that instant, under the same ID.
func TestPowerFails(t *testing.T) {
	for _, torn := range []bool{false, true} {
		for n, failed := 0, true; failed; n++ {
			synctest.Test(t, func(t *testing.T) { failed = powerFails(t, n, torn) })
			if t.Failed() {
				t.Fatalf("after operation %d, torn %t", n, torn)
			}
		}
	}
}

// powerFails plays the script on a disk whose power fails after n operations, and to its end on what is left of that. It returns whether it failed.
func powerFails(t *testing.T, n int, torn bool) bool {
	disk := journaltest.NewDisk()
	disk.StopAfter(n)
	dir := t.TempDir()
	world := &desk{log: &logged{}, alerts: map[string]alert.Alert{}}
	s, tries := newSender(), 0
	answer := func(context.Context, *notify.Message) error {
		if tries++; disk.Stopped() || tries%3 == 2 {
			return errDown
		}
		return nil
	}
	s.set(answer)
	start := func() bool {
		d, err := notify.Open(notify.Options{Dir: dir, FS: disk, Receivers: []notify.Receiver{{Name: "a", Policy: people(), Sender: s}}, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			d.Start(world)
		} else if !disk.Stopped() {
			t.Fatal(err)
		}
		world.Dispatcher = d
		return err == nil
	}
	end := func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = world.Close(ctx) // of a machine without power: nobody sees it
	}
	var all []string
	running, failed := start(), false
	again := func() bool { // after a failure
		if !disk.Stopped() {
			return false
		}
		failed = true
		if running {
			end()
		}
		disk = disk.AfterPowerFailure(torn)
		running = start()
		return true
	}
	for _, happenings := range crashScript {
		ts := world.happen(happenings...)
		for _, tr := range ts {
			all = append(all, tr.ID)
		}
		for tell := true; tell; again() { // the manager tells it until it is safe
			tell = !running || world.Notify(t.Context(), ts) != nil
			time.Sleep(30 * time.Second)
			synctest.Wait()
		}
	}
	for time.Sleep(time.Hour); again(); {
		time.Sleep(time.Hour)
	}
	disk.StopAfter(-1)
	if err := world.Close(t.Context()); err != nil {
		t.Error(err)
	}
	judge(t, s.messages(), all)
	return failed
}

// judge compares what was told with all that happened.
func judge(t *testing.T, told []notify.Message, all []string) {
	t.Helper()
	in := map[string]string{} // the message of a transition
	last := map[string]int{}  // by alert: what was told of it last
	for _, m := range told {
		for _, it := range m.Items {
			if other := in[it.ID]; other != "" && other != m.ID {
				t.Errorf("%s was told in %s and in %s", it.ID, other, m.ID)
			}
			at := slices.Index(all, it.ID)
			if before, known := last[it.Fingerprint]; known && at < before && in[it.ID] == "" {
				t.Errorf("%s was told after %s", it.ID, all[before])
			}
			in[it.ID], last[it.Fingerprint] = m.ID, at
		}
	}
	for _, id := range all {
		if in[id] == "" {
			t.Errorf("%s was never told", id)
		}
	}
}

// Where a file of an earlier release waits, which had no lines, it is taken over.
func TestEarlierBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		older := filepath.Join(dir, "a.json")
		text := `{"version":1,"alerts":{"core1-p1":{"group":"g","firing":{"id":"core1-p1-firing","from":"pending","fingerprint":"core1-p1","state":"firing"},"told_at":"2000-01-01T00:00:00Z","first":"m1"}},"tokens":0}`
		if err := os.WriteFile(older, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := newSender()
		world := &desk{alerts: map[string]alert.Alert{}}
		world.happen("core1 p1 firing")
		d := world.reopen(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 resolved")
		s.expect(t, "0 core1: core1 p1 resolved")
		if _, err := os.Stat(older); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the earlier file: %v", err)
		}
		d.close(t)
		if err := os.WriteFile(older, []byte(text), 0o600); err != nil { // as if it could not be removed
			t.Fatal(err)
		}
		again := newSender()
		e := d.reopen(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: again})
		e.tell(t, "core1 p1 resolved")
		again.expect(t)
		e.close(t)
	})
}

// A book that has been written to for long begins anew, and says the same.
func TestBookThatBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := newSender()
		d := open(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 firing")
		long := strings.Repeat("x", 100_000)
		for i := range 30 {
			ts := d.happen(fmt.Sprintf("core2 p%d firing", i), fmt.Sprintf("core2 p%d resolved", i))
			ts[0].Summary, ts[1].Summary = long, long
			if err := d.Notify(t.Context(), ts); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if info, err := os.Stat(filepath.Join(dir, "a.journal")); err != nil || info.Size() > 3<<20 {
			t.Errorf("%v, %d octets", err, info.Size())
		}
		d.close(t)
		again := newSender()
		e := d.reopen(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: again})
		e.tell(t, "core1 p1 resolved")
		again.expect(t, "0 core1: core1 p1 resolved")
		if m := again.messages(); len(m) > 0 && (len(m[0].Follows) != 1 || m[0].Follows[0] != s.messages()[0].ID) {
			t.Errorf("the end follows %v", m[0].Follows)
		}
		e.close(t)
	})
}
