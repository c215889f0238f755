package notify_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/alert/notify"
)

// An outage of the receiver: it is tried again, what happened meanwhile comes together, and nothing is lost or told twice.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(refuse)
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: people(), Sender: s})
		for i := range 40 {
			d.tell(t, fmt.Sprintf("core1 p%d firing", i))
			time.Sleep(time.Minute)
		}
		if n := strings.Count(d.log.String(), "notification failed"); n < 5 || n > 41 {
			t.Errorf("%d lines of 40 minutes of failures", n)
		}
		s.set(nil)
		time.Sleep(10 * time.Minute)
		told := map[string]int{}
		for _, m := range s.messages() {
			for _, it := range m.Items {
				told[it.ID]++
			}
		}
		for id, n := range told {
			if n != 1 {
				t.Errorf("%s was told %d times", id, n)
			}
		}
		if len(told) != 40 || len(s.messages()) > 3 {
			t.Errorf("%d alerts in %d messages", len(told), len(s.messages()))
		}
		stats := d.Stats()[0]
		if stats.Waiting != 0 || stats.Delivered != 40 || stats.Failures == 0 || stats.LastError != "" {
			t.Errorf("%+v", stats)
		}
		d.close(t)
	})
}

// One message that makes a receiver stumble holds up no other group.
func TestOneMessageThatFailsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(func(_ context.Context, m *notify.Message) error {
			if m.Group == "bad" {
				return errDown
			}
			return nil
		})
		d := open(t, "", notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "bad p1 firing")
		d.tell(t, "good p1 firing")
		time.Sleep(time.Minute)
		d.tell(t, "bad p1 resolved", "good p1 resolved")
		time.Sleep(time.Minute)
		if got := s.said(); len(got) != 2 || !strings.HasSuffix(got[1], "good: good p1 resolved") {
			t.Errorf("%v", got)
		}
		s.set(nil)
		time.Sleep(10 * time.Minute)
		if got := s.said(); len(got) != 4 || !strings.HasSuffix(got[2], "bad: bad p1 firing") || !strings.HasSuffix(got[3], "bad: bad p1 resolved") {
			t.Errorf("%v", got)
		}
		d.close(t)
	})
}

func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(func(context.Context, *notify.Message) error { return &notify.RejectedError{Err: errDown} })
		d := open(t, "", notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 firing")
		s.set(refuse)
		d.tell(t, "core1 p2 firing")
		time.Sleep(25 * time.Hour)
		s.set(nil)
		time.Sleep(time.Hour)
		s.expect(t)
		if stats := d.Stats()[0]; stats.Rejected != 1 || stats.Expired != 1 || stats.Waiting != 0 {
			t.Errorf("%+v", stats)
		}
		for _, want := range []string{"notification rejected", "given up after a day"} {
			if !strings.Contains(d.log.String(), want) {
				t.Errorf("the log does not say %q", want)
			}
		}
		d.close(t)
	})
}

func TestRetryAfterIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(func(context.Context, *notify.Message) error {
			return &notify.RetryError{After: 10 * time.Minute, Err: errDown}
		})
		d := open(t, "", notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 firing")
		s.set(nil)
		time.Sleep(5 * time.Minute)
		d.tell(t, "core2 p1 firing") // nothing new wakes it
		s.expect(t)
		time.Sleep(5 * time.Minute)
		s.expect(t, "600 core2: core2 p1 firing", "600 core1: core1 p1 firing")
		d.close(t)
	})
}

func TestTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		p := people()
		p.Most = 3
		d := open(t, "", notify.Receiver{Name: "a", Policy: p, Sender: s})
		d.tell(t, "core1 p1 firing", "core1 p2 firing", "core1 p3 firing")
		time.Sleep(time.Second)
		d.tell(t, "core1 p4 firing", "core1 p5 firing")
		time.Sleep(time.Minute)
		synctest.Wait()
		if m := s.messages()[0]; m.Lost != 2 || len(m.Items) != 3 {
			t.Errorf("%d lost, told %v", m.Lost, s.said())
		}
		if stats := d.Stats()[0]; stats.Dropped != 2 || !strings.Contains(d.log.String(), "notifications dropped") {
			t.Errorf("%+v %s", stats, d.log)
		}
		d.close(t)
	})
}

// A restart at any moment: what waits is told after it, what was told is not, the group goes on, and a message that was on its way has the same ID.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := newSender()
		s.set(func(ctx context.Context, _ *notify.Message) error { <-ctx.Done(); return ctx.Err() })
		d := open(t, dir, notify.Receiver{Name: "a/b", Policy: people(), Sender: s})
		ts := d.happen("core1 p1 firing")
		if err := d.Notify(t.Context(), ts); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // it is on its way
		d.tell(t, "core1 p2 firing")
		killed := t.TempDir() // a copy of the disk is what a kill leaves
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = d.Close(ctx)

		again := newSender()
		e := d.reopen(t, killed, notify.Receiver{Name: "a/b", Policy: people(), Sender: again})
		if err := e.Notify(t.Context(), ts); err != nil { // the manager did not get to note that it was handed on
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		again.expect(t, "0 core1: core1 p1 firing", "55 core1: core1 p2 firing")
		if s.tried()[0].ID != again.messages()[0].ID {
			t.Errorf("the message had the ID %s, and has %s", s.tried()[0].ID, again.messages()[0].ID)
		}
		e.tell(t, "core1 p1 resolved")
		time.Sleep(time.Minute)
		if last := again.messages()[2]; len(last.Follows) != 1 || last.Follows[0] != s.tried()[0].ID {
			t.Errorf("the end follows %v", last.Follows)
		}
		e.close(t)
	})
}

// line is a line of a journal.
func line(text string) string {
	return fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)), text)
}

func TestCorruptBookIsKeptAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.journal")
		for _, text := range []string{"{", "{}\n", line("{"), line(`{"version": 9}`), line(`{"version": 1, "outbox": [null]}`), line(`{"version":1,"tokens":0}`)[3:]} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := newSender()
			d := open(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: s})
			d.tell(t, "core1 p1 firing")
			s.expect(t, "0 core1: core1 p1 firing")
			d.close(t)
			if kept, _ := os.ReadFile(path + ".corrupt"); string(kept) != text {
				t.Errorf("%s is not kept", text)
			}
		}
	})
}

// A disk that takes nothing holds no notification back; whoever handed it on is told that it is not safe.
func TestUnwritableDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "books")
		s := newSender()
		d := open(t, dir, notify.Receiver{Name: "a", Policy: all(), Sender: s})
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		ts := d.happen("core1 p1 firing")
		for range 3 {
			if err := d.Notify(t.Context(), ts); err == nil {
				t.Error("no error")
			}
		}
		s.expect(t, "0 core1: core1 p1 firing")
		if n := strings.Count(d.log.String(), "do not survive a restart"); n != 1 {
			t.Errorf("said %d times", n)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second) // nothing happens
		synctest.Wait()
		if _, err := os.Stat(filepath.Join(dir, "a.journal")); err != nil {
			t.Errorf("once the disk is well nothing is written: %v", err)
		}
		d.close(t)
	})
}

// A reload: who stays keeps its queue and goes on undisturbed, who is changed goes on with the same queue, who is gone is closed.
func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		stays, changes, gone := newSender(), newSender(), newSender()
		for _, s := range []*sender{stays, changes, gone} {
			s.set(refuse)
		}
		d := open(t, dir, notify.Receiver{Name: "stays", Policy: all(), Sender: stays}, notify.Receiver{Name: "changes", Policy: all(), Sender: changes},
			notify.Receiver{Name: "gone", Policy: all(), Sender: gone})
		d.tell(t, "core1 p1 firing")
		other, fresh := newSender(), newSender()
		p := all()
		p.NoResolved = true
		err := d.Configure([]notify.Receiver{{Name: "fresh", Policy: all(), Sender: fresh}, {Name: "changes", Policy: all(), Sender: other}, {Name: "stays", Policy: p}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		stays.set(nil)
		time.Sleep(10 * time.Second)
		d.tell(t, "core1 p1 resolved")
		time.Sleep(time.Second)
		n := len(stays.messages())
		if n != 1 || stays.closed || !changes.closed || !gone.closed {
			t.Errorf("stays took %d, closed: %t %t %t", n, stays.closed, changes.closed, gone.closed)
		}
		other.expect(t, "0 core1: core1 p1 firing", "10 core1: core1 p1 resolved")
		fresh.expect(t)
		if !strings.Contains(d.log.String(), "a notifier is gone") {
			t.Error("nobody says what the one that is gone was not told")
		}
		if err := d.Configure([]notify.Receiver{{Name: "x", Sender: fresh}, {Name: "x", Sender: fresh}}, nil); err == nil {
			t.Error("two of one name")
		}
		d.close(t)
	})
}

// What waits for company is told when the program ends.
func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: people(), Sender: s})
		d.tell(t, "core1 p1 firing")
		d.close(t)
		s.expect(t, "0 core1: core1 p1 firing")
		dead := newSender()
		dead.set(refuse)
		e := open(t, "", notify.Receiver{Name: "a", Policy: people(), Sender: dead})
		e.tell(t, "core1 p1 firing")
		if err := e.Close(t.Context()); err == nil {
			t.Error("what is nowhere on disk is lost without an error")
		}
	})
}

// Who comes back to the configuration is told of the ends that passed meanwhile, and once.
func TestEndWhileNotConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := newSender()
		dead.set(refuse)
		well, again, back := newSender(), newSender(), newSender()
		d := open(t, t.TempDir(), notify.Receiver{Name: "well", Policy: all(), Sender: well}, notify.Receiver{Name: "dead", Policy: all(), Sender: dead})
		d.tell(t, "core1 p1 firing")
		configure := func(list ...notify.Receiver) {
			t.Helper()
			if err := d.Configure(list, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		configure()
		d.tell(t, "core1 p1 resolved")
		configure(notify.Receiver{Name: "well", Policy: all(), Sender: again}, notify.Receiver{Name: "dead", Policy: all(), Sender: back})
		well.expect(t, "0 core1: core1 p1 firing")
		again.expect(t, "0 core1: core1 p1 resolved")
		back.expect(t, "0 core1: core1 p1 firing", "0 core1: core1 p1 resolved")
		d.close(t)
	})
}

// The collector shows ends for an hour; whoever comes back later is told of them by its history, and what that does not know either is told no more.
func TestEndLongBeforeItIsConfiguredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, back := newSender(), newSender()
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 firing", "core2 p1 firing", "core3 p1 firing", "core4 p1 firing")
		if err := d.Configure(nil, nil); err != nil {
			t.Fatal(err)
		}
		d.tell(t, "core1 p1 resolved")
		d.tell(t, "core2 p1 resolved")
		time.Sleep(time.Minute)
		d.tell(t, "core2 p1 firing")
		time.Sleep(time.Minute)
		d.tell(t, "core2 p1 resolved", "core4 p1 resolved")
		d.mu.Lock()
		for _, fp := range []string{"core1-p1", "core3-p1", "core4-p1"} {
			delete(d.alerts, fp)
		}
		d.mu.Unlock()
		time.Sleep(2 * time.Hour)
		back.born = time.Now()
		if err := d.Configure([]notify.Receiver{{Name: "a", Policy: all(), Sender: back}}, nil); err != nil {
			t.Fatal(err)
		}
		back.expect(t, "0 core1: core1 p1 resolved", "0 core2: core2 p1 resolved", "0 core4: core4 p1 resolved")
		if !strings.Contains(d.log.String(), "not told of their end\" notifier=a alerts=1") {
			t.Errorf("the log does not tell of core3: %s", d.log)
		}
		d.close(t)
	})
}

// Eight messages that the receiver always fails on hold up no others for good.
func TestManyMessagesThatFailHoldUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(func(_ context.Context, m *notify.Message) error {
			if strings.HasPrefix(m.Group, "bad") {
				return errDown
			}
			return nil
		})
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: all(), Sender: s})
		for i := range 8 {
			d.tell(t, fmt.Sprintf("bad%d p1 firing", i))
		}
		d.tell(t, "core1 p1 firing")
		time.Sleep(time.Hour)
		if n := len(s.messages()); n != 1 {
			t.Fatalf("%d messages were taken within an hour, want that of core1", n)
		}
		s.born = time.Now()
		d.tell(t, "core2 p1 firing", "core3 p1 firing")
		time.Sleep(time.Minute)
		if got := s.said()[1:]; len(got) != 2 {
			t.Errorf("said %q within a minute, want core2 and core3", got)
		}
		d.close(t)
	})
}

// What a receiver asked for is waited for, and no more once something new is to be told.
func TestNewsAfterRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSender()
		s.set(func(context.Context, *notify.Message) error {
			return &notify.RetryError{After: 8 * time.Second, Err: errDown}
		})
		d := open(t, t.TempDir(), notify.Receiver{Name: "a", Policy: all(), Sender: s})
		d.tell(t, "core1 p1 firing")
		for len(s.tried()) < 12 { // by now it is minutes from one to the next
			time.Sleep(time.Second)
			synctest.Wait()
		}
		s.set(nil)
		d.tell(t, "core2 p1 firing")
		time.Sleep(5 * time.Second)
		early := len(s.messages())
		time.Sleep(5 * time.Second)
		if n := len(s.messages()); early != 0 || n != 2 {
			t.Errorf("took %d within 5 s and %d within 10 s, want none and both", early, n)
		}
		d.close(t)
	})
}
