//go:build unix

package notify_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert/notify"
	"walkabout/alert/notify/notifytest"
	"walkabout/internal/command"
)

// script writes a program and returns it.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tell")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func newExec(t *testing.T, o notify.ExecOptions) *notify.Exec {
	t.Helper()
	e, err := notify.NewExec(o, notifytest.Templates(t))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The program has the message on its standard input and the most of it in its environment, and what a device says is no code.
func TestExec(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	e := newExec(t, notify.ExecOptions{Command: []string{script(t, `cat >"$1.json"; env | grep ^WALKABOUT_ | sort >"$1.env"; echo "$2" >"$1.arg"`), out, "$(touch /nowhere) *"}})
	m := notify.Example(exampleAt, false)
	m.Items[0].Summary = "$(reboot) `reboot` \r\n\x00; reboot"
	if err := e.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out + ".json")
	var d notify.Document
	if err := errors.Join(err, json.Unmarshal(text, &d)); err != nil || d.ID != m.ID || len(d.Alerts) != 1 || !d.Test {
		t.Errorf("%v, read %s", err, text)
	}
	env, _ := os.ReadFile(out + ".env")
	var got []string
	for line := range strings.Lines(string(env)) {
		if !strings.HasPrefix(line, "WALKABOUT_TEXT=") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{"WALKABOUT_DEVICE=core1", "WALKABOUT_GROUP=core1", "WALKABOUT_ID=" + m.ID, "WALKABOUT_KEY=Gi0/3", "WALKABOUT_LINK=" + m.Items[0].Link,
		"WALKABOUT_RULE=interface_mismatch", "WALKABOUT_SEVERITY=critical", "WALKABOUT_STATUS=firing", "WALKABOUT_SUBJECT=TEST CRITICAL $(reboot) `reboot` ���; reboot"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if arg, _ := os.ReadFile(out + ".arg"); string(arg) != "$(touch /nowhere) *\n" {
		t.Errorf("the argument is %q", arg)
	}
}

func TestExecEnds(t *testing.T) {
	var rejected *notify.RejectedError
	for name, c := range map[string]struct {
		text string
		want func(err error) bool
	}{
		"refused": {"exit 65", func(err error) bool { return errors.As(err, &rejected) }},
		"later": {"echo no line; exit 3", func(err error) bool {
			return !errors.As(err, &rejected) && strings.Contains(err.Error(), "status 3: no line")
		}},
		"too long": {"sleep 60", func(err error) bool { return errors.Is(err, command.ErrTimeout) }},
		"floods":   {"yes", func(err error) bool { return errors.Is(err, command.ErrFlood) }},
	} {
		err := newExec(t, notify.ExecOptions{Command: []string{script(t, c.text)}, Timeout: time.Second}).Send(t.Context(), notify.Example(exampleAt, false))
		if err == nil || !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewExecRefuses(t *testing.T) {
	open := script(t, "")
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]notify.ExecOptions{"nothing": {}, "no path": {Command: []string{"tell"}}, "absent": {Command: []string{"/nowhere/tell"}},
		"anybody may change it": {Command: []string{open}}, "timeout": {Command: []string{script(t, "")}, Timeout: time.Hour}} {
		if _, err := notify.NewExec(o, notifytest.Templates(t)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
