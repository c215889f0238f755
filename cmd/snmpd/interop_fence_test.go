//go:build interop

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// Within its fence the daemon serves, reloads a file that was replaced, keeps what is SET, opens its log anew, listens on another unix socket and
// removes what it made; but it reads nothing elsewhere.
func TestWithinFence(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	file, outside, log, pid := filepath.Join(dir, "snmpd.conf"), filepath.Join(elsewhere, "more.conf"), filepath.Join(dir, "log"), filepath.Join(dir, "pid")
	text := "agentAddress 127.0.0.1:0\nagentAddress unix:" + filepath.Join(dir, "one") + "\nrwcommunity private\npersistentDir " + filepath.Join(dir, "state") + "\n"
	write(t, file, text+"sysLocation one\n")
	write(t, outside, "sysName outside\n")
	p, addresses := launch(t, "-f", "-C", "-c", file, "-Lf", log, "-Le", "-p", pid)
	if strings.Contains(p.Log(), "no fence around the process") { // a kernel without Landlock says so, and is no place for this test's other half
		if !strings.Contains(p.Log(), "landlock") {
			t.Error(p.Log())
		}
		return
	}
	ask := func(want string) {
		t.Helper()
		if r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "private", "-Oqv", addresses[0], sysLocationOID); strings.Trim(strings.TrimSpace(r.Out), `"`) != want {
			t.Errorf("%+v, want %s", r, want)
		}
	}
	reload := func(text, said string) {
		t.Helper()
		write(t, file+".new", text)
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		p.Signal(syscall.SIGHUP)
		p.Await(said)
	}
	ask("one")
	reload(text+"sysLocation two\nagentAddress unix:"+filepath.Join(dir, "two")+"\n", "msg=reloaded")
	ask("two")
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	reload(text+"sysLocation three\n", "msg=reloaded")
	ask("three")
	if b, err := os.ReadFile(log); err != nil || !strings.Contains(string(b), "msg=reloaded") {
		t.Errorf("the log after a rotation: %v\n%s", err, b)
	}
	if r := interop.NetSNMP(t, "snmpset", "-v2c", "-c", "private", addresses[0], ".1.3.6.1.2.1.1.4.0", "s", "kept"); r.Err != "" {
		t.Error(r.Err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "state", "engine.conf")); err != nil || !strings.Contains(string(b), `"kept"`) {
		t.Errorf("%v\n%s", err, b)
	}
	reload(text+"sysLocation four\nincludeFile "+outside+"\n", `permission denied`)
	ask("three")
	if _, err := os.Lstat(filepath.Join(dir, "two")); err == nil {
		t.Error("the socket that is no longer listed is still there")
	}
	// It cannot look into other processes, and says what to do.
	if r := interop.NetSNMP(t, "snmpwalk", "-v2c", "-c", "private", addresses[0], ".1.3.6.1.2.1.7.7"); !strings.Contains(r.Out, " = Gauge32: ") {
		t.Errorf("udpEndpointTable: %+v", r)
	}
	p.Await(`remedy="agentCapabilities sys_ptrace"`)
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.Log())
	}
	for _, path := range []string{filepath.Join(dir, "one"), pid} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is left behind", path)
		}
	}
}
