package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/internal/journal/journaltest"
)

func TestRestartDeliversWhatIsLeftInOrder(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := newReceiver("a"), newReceiver("b")
		a.set(refuse)
		d := open(t, path, a, b)
		d.fire(t, "| p1 up/down")
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		d.close(t)
		b.expect(t, "p1 firing", "p1 resolved")

		a, b = newReceiver("a"), newReceiver("b")
		d = open(t, path, a, b)
		synctest.Wait()
		a.expect(t, "p1 firing", "p1 resolved")
		d.close(t)
		d = open(t, path, a, b)
		synctest.Wait()
		d.close(t)
		a.expect(t, "p1 firing", "p1 resolved")
		b.expect(t)
	})
}

// Notifiers that got to different transitions of one alert must not mix up each other's order.
func TestRestartKeepsEachNotifiersOrder(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := newReceiver("a"), newReceiver("b")
		b.set(refuse)
		d := open(t, path, a, b)
		d.fire(t, "| p1 up/down")
		a.expect(t, "p1 firing")
		a.set(refuse)
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		d.poll(t, "| p1 up/up | p2 up/up") // has the state written once more, from the queues
		d.close(t)

		a, b = newReceiver("a"), newReceiver("b")
		d = open(t, path, a, b)
		d.close(t)
		a.expect(t, "p1 resolved")
		b.expect(t, "p1 firing", "p1 resolved")
	})
}

// A kill is a copy of the state file at that moment: nothing that happens later reaches it.
func TestKilledBetweenFiringAndNotifying(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		var atDelivery []byte
		a.set(func(context.Context, alert.Transition) error {
			var err error
			atDelivery, err = os.ReadFile(path)
			return err
		})
		d := open(t, path, a)
		d.fire(t, "| p1 up/down")
		d.close(t)
		a.expect(t, "p1 firing")
		if err := os.WriteFile(path, atDelivery, 0o600); err != nil {
			t.Fatal(err)
		}

		b := newReceiver("a")
		d = open(t, path, b)
		synctest.Wait()
		b.expect(t, "p1 firing")
		if diff := cmp.Diff(a.ids, b.ids); diff != "" {
			t.Errorf("the repetition has another ID:\n%s", diff)
		}
		d.poll(t, "| p1 up/down")
		time.Sleep(10 * time.Second)
		d.poll(t, "| p1 up/down")
		time.Sleep(10 * time.Second)
		d.poll(t, "| p1 up/up")
		d.close(t)
		b.expect(t, "p1 firing", "p1 resolved")
	})
}

func TestKilledAfterDelivery(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := newReceiver("a"), newReceiver("b")
		b.set(refuse)
		d := open(t, path, a, b)
		d.fire(t, "| p1 up/down | p2 up/down")
		atKill, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d.close(t)
		if err := os.WriteFile(path, atKill, 0o600); err != nil {
			t.Fatal(err)
		}
		a, b = newReceiver("a"), newReceiver("b")
		d = open(t, path, a, b)
		synctest.Wait()
		a.expect(t)
		b.expect(t, "p1 firing", "p2 firing")
		d.close(t)
	})
}

func TestUselessStateFileIsKeptAside(t *testing.T) {
	path := stateFile(t)
	if err := os.WriteFile(path, []byte("{garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := open(t, path, a)
		if !strings.Contains(d.log.String(), "alerts.journal.corrupt") || !strings.Contains(d.log.String(), "no state of alerts") {
			t.Errorf("log:\n%s", d.log)
		}
		d.fire(t, "| p1 up/down")
		a.expect(t, "p1 firing")
		d.close(t)
	})
	aside, err := os.ReadFile(path + ".corrupt")
	if string(aside) != "{garbage" || err != nil {
		t.Errorf("%q, %v", aside, err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := open(t, path, a)
		d.poll(t, "| p1 up/up")
		d.close(t)
		a.expect(t, "p1 resolved")
		if d.log.Len() > 0 {
			t.Errorf("log:\n%s", d.log)
		}
	})
}

func TestUnreadableStateIsAnError(t *testing.T) {
	dir := t.TempDir() // a folder where the file should be
	if _, err := alert.Start(alert.Options{Path: dir}); err == nil {
		t.Error("Start took a folder for a state file")
	}
}

func TestUnwritableStateHoldsNothingBack(t *testing.T) {
	disk := journaltest.NewDisk()
	path := stateFile(t)
	full := errors.New("no space left on device")
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := openOn(t, disk, path, a)
		d.poll(t, "| p1 up/up")
		synctest.Wait()
		disk.Fail(full)
		d.fire(t, "| p1 up/down")
		a.expect(t, "p1 firing")
		time.Sleep(time.Minute)
		if n := strings.Count(d.log.String(), "do not survive"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, d.log)
		}
		disk.Fail(nil)
		time.Sleep(time.Minute)
		disk.Fail(full)
		d.poll(t, "| p1 up/up")
		if err := d.Close(t.Context()); !errors.Is(err, full) {
			t.Errorf("Close: %v", err)
		}

		disk.Fail(nil) // it holds what was written while there was room
		b := newReceiver("a")
		d = openOn(t, disk, path, b)
		d.poll(t, "| p1 up/up")
		d.close(t)
		b.expect(t, "p1 resolved")
	})
}

func TestStateIsWrittenWithoutTransitions(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		d := open(t, path)
		d.poll(t, "| p1 up/up")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(`"key":"p1","used":true`)) {
			t.Errorf("%s, %v", data, err)
		}
		d.close(t)
	})
	if left, err := filepath.Glob(path + ".tmp*"); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRemovedNotifierIsSaid(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		a.set(refuse)
		d := open(t, path, a)
		d.fire(t, "| p1 up/down")
		d.close(t)
		d = open(t, path, newReceiver("b"))
		d.close(t)
		if !strings.Contains(d.log.String(), "its notifiers are gone") {
			t.Errorf("log:\n%s", d.log)
		}
	})
}

// The state of a release before the journal is taken over, and kept.
func TestOlderStateIsTakenOver(t *testing.T) {
	path := stateFile(t)
	older := strings.TrimSuffix(path, ".journal") + ".json"
	data, err := os.ReadFile(filepath.Join("testdata", "alerts-v1.json"))
	if err == nil {
		err = os.WriteFile(older, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and once
		synctest.Test(t, func(t *testing.T) {
			a := newReceiver("a")
			d := open(t, path, a)
			d.poll(t, "| p1 up/up | p2 up/up")
			d.close(t)
			if d.log.Len() > 0 {
				t.Errorf("log:\n%s", d.log)
			}
			if list, err := filepath.Glob(filepath.Join(filepath.Dir(path), "alerts.json*")); err != nil || len(list) != 1 || list[0] != older+".old" {
				t.Errorf("%q, %v", list, err)
			}
			if strings.Contains(strings.Join(a.taken, ","), "p1 resolved") {
				a.expect(t, "p2 firing", "p1 resolved", "p2 resolved")
				return
			}
			a.expect(t)
		})
	}
}

// What is corrupt costs what it held, is said and kept aside, and the rest goes on.
func TestCorruptStateCostsItsPart(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		d := open(t, path)
		cfg := config()
		cfg.InterfaceMismatch.For = 0
		cfg.Targets = append(cfg.Targets, alert.Target{Device: "sw2"})
		d.Configure(time.Now(), cfg)
		d.fire(t, "| p1 up/down")
		d.fire(t, "device=sw2 | p9 up/down")
		d.close(t)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(data), "\n")
		for i, line := range lines { // the disk forgets one bit of each line that is about sw2
			if strings.Contains(line, `"p9"`) {
				lines[i] = strings.Replace(line, `"p9"`, `"p8"`, 1)
			}
		}
		if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		a := newReceiver("a")
		d = open(t, path, a)
		d.Configure(time.Now(), cfg)
		if !strings.Contains(d.log.String(), "a part of the state of alerts is lost") || !strings.Contains(d.log.String(), "does not fit its checksum") {
			t.Errorf("log:\n%s", d.log)
		}
		d.fire(t, "device=sw2 | p9 up/down")
		d.poll(t, "| p1 up/up")
		d.close(t)
		a.expect(t, "p9 firing", "p1 resolved")
		d = open(t, path)
		d.close(t)
		if d.log.Len() > 0 {
			t.Errorf("the log of the next start:\n%s", d.log)
		}
	})
	if aside, err := os.ReadFile(path + ".corrupt"); err != nil || !bytes.Contains(aside, []byte(`"p8"`)) {
		t.Errorf("%v", err)
	}
}

// A poll that shows what is known already writes nothing; what is observed of a firing alert is written once a minute.
func TestQuietPollsWriteNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := stateFile(t)
		size := func() int64 {
			synctest.Wait()
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		d := open(t, path)
		d.poll(t, "| p1 up/up | p2 up/up")
		time.Sleep(2 * time.Minute)
		before := size()
		for range 100 {
			d.poll(t, "| p1 up/up | p2 up/up")
			time.Sleep(30 * time.Second)
		}
		if after := size(); after != before {
			t.Errorf("quiet polls wrote %d octets", after-before)
		}
		d.fire(t, "| p1 up/down | p2 up/up")
		time.Sleep(2 * time.Minute)
		before, changes := size(), 0
		for range 60 { // ten minutes
			d.poll(t, "| p1 up/down | p2 up/up")
			time.Sleep(10 * time.Second)
			if now := size(); now != before {
				before = now
				changes++
			}
		}
		if changes < 9 || changes > 11 {
			t.Errorf("what is observed of a firing alert was written %d times in ten minutes", changes)
		}
		d.close(t)
	})
}

// The state of a fleet is written some devices at a time, and is whole after a restart.
func TestLargeFleet(t *testing.T) {
	path := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.InterfaceMismatch.For = 0
		for i := range 1000 {
			cfg.Targets = append(cfg.Targets, alert.Target{Device: fmt.Sprint("d", i)})
		}
		a := newReceiver("a")
		d := open(t, path, a)
		d.Configure(time.Now(), cfg)
		for i := range 1000 {
			d.poll(t, fmt.Sprintf("device=d%d | p1 up/up", i))
		}
		d.fire(t, "device=d500 | p9 up/down")
		time.Sleep(2 * time.Minute)
		d.close(t)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		longest := 0
		for line := range strings.Lines(string(data)) {
			longest = max(longest, strings.Count(line, `"device":"d`))
		}
		if longest > 250 { // and labels of an alert
			t.Errorf("%d devices in one line", longest)
		}
		before := d.Alerts()
		m, err := alert.Start(alert.Options{Config: cfg, Path: path})
		if err == nil {
			err = m.Close(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, m.Alerts()); diff != "" || len(before) != 1 {
			t.Errorf("-before +after:\n%s", diff)
		}
	})
}
