package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/internal/statedir"
)

// TestLogFile follows a log through its rotation.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snmpd.log")
	read := func(path string) string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+"\n")
	rotate := make(chan os.Signal, 1)
	d := startAs(t, nil, func(p *process) { p.rotate = rotate }, "-Lf", path, "-LEn", "-c", file)
	d.ready()
	if runtime.GOOS != "windows" { // where nobody renames an open file
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		d.hangup <- nil
		d.until("msg=reloaded")
		if err := os.Rename(path, path+".2"); err != nil {
			t.Fatal(err)
		}
		rotate <- nil
		for _, err := os.Stat(path); err != nil; _, err = os.Stat(path) {
			runtime.Gosched()
		}
		if text := read(path + ".1"); strings.Contains(text, "old") || !strings.Contains(text, "msg=ready") || strings.Contains(text, "msg=reloaded") {
			t.Errorf("rotated: %s", text)
		}
	}
	d.finish()
	if text := read(path); !strings.Contains(text, "msg=stopping") {
		t.Errorf("%s", text)
	}

	// -A goes on where it was.
	d = start(t, nil, "-A", "-LF", "w", path, "-Le", "-c", file, "--nonsense=1")
	d.ready()
	d.finish()
	if text := read(path); !strings.Contains(text, "msg=stopping") || !strings.Contains(text, "nonsense") || strings.Count(text, "msg=ready") > 1 {
		t.Errorf("appended: %s", text)
	}
}

// TestLogThatCannotBe: what cannot be opened is standard error instead, on which each line stands once, whatever else goes there.
func TestLogThatCannotBe(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none", "log")
	for _, args := range [][]string{{"-Lf", none}, {"-Lf", none, "-Le"}, {"-Le", "-Lf", none}, {"-Lf", none, "-Lf", none + "2"}, {"-LE", "3", "-Lf", none}} {
		d := start(t, nil, append(args, "-c", config(t, "agentAddress 127.0.0.1:0\n"))...)
		d.ready()
		all := d.finish()
		if !strings.Contains(all, "logging to standard error instead") || strings.Count(all, "msg=ready") != 1 {
			t.Errorf("%q:\n%s", args, all)
		}
	}
}

// messages is a syslogger.
type messages struct {
	list []string
	err  error
}

func (m *messages) log(level slog.Level, message string) error {
	m.list = append(m.list, level.String()+": "+message)
	return m.err
}

func (m *messages) Close() error { return nil }

func TestSyslogHandler(t *testing.T) {
	var m messages
	h := newSyslogHandler(&m, slog.LevelInfo)
	log := slog.New(h)
	log.Debug("not that")
	log.Warn("two\nlines", "n", 1)
	log.With("a", 2).WithGroup("g").Error("grouped", "time", "mine")
	want := []string{`WARN: level=WARN msg="two\nlines" n=1`, `ERROR: level=ERROR msg=grouped a=2 g.time=mine`}
	if !slices.Equal(m.list, want) {
		t.Errorf("%q, want %q", m.list, want)
	}
	m.err = errors.New("gone")
	if err := h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "x", 0)); !errors.Is(err, m.err) {
		t.Errorf("%v", err)
	}
}

// TestTellsSystemd: a unit of Type=notify is told when the agent serves.
func TestTellsSystemd(t *testing.T) {
	if runtime.GOOS == "windows" { // it has no such sockets
		return
	}
	dir, err := os.MkdirTemp("", "sd") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	file := config(t, "agentAddress 127.0.0.1:0\n")
	state := t.TempDir()
	for _, name := range []string{manager.LocalAddr().String(), filepath.Join(dir, "nobody")} {
		d := startAs(t, nil, func(p *process) {
			p.env = statedir.Env{GOOS: runtime.GOOS, Getenv: func(key string) string {
				return map[string]string{"NOTIFY_SOCKET": name, "SNMP_PERSISTENT_DIR": state}[key]
			}}
		}, "-c", file)
		d.ready()
		d.finish()
		if got := strings.Contains(d.stderr.text.String(), "service manager is not told"); got != strings.HasSuffix(name, "nobody") {
			t.Errorf("%s: %s", name, d.stderr.text.String())
		}
	}
	if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := manager.Read(b)
	if string(b[:n]) != "READY=1" || err != nil {
		t.Errorf("%q, %v", b[:n], err)
	}
}
