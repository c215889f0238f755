package alert_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
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
		if !strings.Contains(d.log.String(), "alerts.json.corrupt") || !strings.Contains(d.log.String(), "not JSON") {
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
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alert.DecodeSnapshot(data); err != nil {
		t.Errorf("the new file: %v", err)
	}
}

func TestUnreadableStateIsAnError(t *testing.T) {
	dir := t.TempDir() // a folder where the file should be
	if _, err := alert.Start(alert.Options{Path: dir}); err == nil {
		t.Error("Start took a folder for a state file")
	}
}

func TestUnwritableStateHoldsNothingBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "alerts.json")
	synctest.Test(t, func(t *testing.T) {
		a := newReceiver("a")
		d := open(t, path, a)
		d.fire(t, "| p1 up/down")
		a.expect(t, "p1 firing")
		time.Sleep(time.Minute)
		if err := d.Close(t.Context()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Close: %v", err)
		}
		if n := strings.Count(d.log.String(), "do not survive"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, d.log)
		}
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
