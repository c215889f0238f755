//go:build interop

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// The user and the group of the tests, which every system has.
const (
	nobody  = 65534
	nogroup = 65534
)

// userNamespace reports whether this user's root is none but of a namespace that has no other user.
func userNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getuid() != 0 {
		return true
	}
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	var inside, outside, count uint64
	if _, err := fmt.Sscan(string(text), &inside, &outside, &count); err != nil {
		t.Fatal(err)
	}
	return count <= nobody
}

// threads returns what /proc/PID/task/*/status say, each different one once.
func threads(t *testing.T, pid int, names ...string) []string {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d threads, %v", len(files), err)
	}
	seen := map[string]bool{}
	var out []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		var said []string
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			for _, n := range names {
				if n == name {
					said = append(said, name+": "+strings.Join(strings.Fields(value), " "))
				}
			}
		}
		if s := strings.Join(said, "; "); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// A daemon that root starts with -u runs as that user in every thread, with the capabilities that it needs, and does at a reload what it did at
// the start: it reads a file that only root may read, listens on a port below 1024, and keeps its state.
func TestBecomesUser(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	file := filepath.Join(dir, "snmpd.conf")
	const port = 1023 // some port that nobody needs
	text := "agentAddress 127.0.0.1:0\nrocommunity public\nrwcommunity private default .1.3.6.1.2.1.1\npersistentDir " + state + "\n"
	write(t, file, text+"sysLocation one\n")
	args := []string{"-f", "-u", fmt.Sprint(nobody), "-g", fmt.Sprint(nogroup), "-c", file, "-C"}
	if userNamespace(t) {
		p := interop.Start(t, interop.Build(t, "cmd/snmpd"), args...)
		p.Await("become|setgroups|setresgid") // what there is not cannot be become
		return
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the user must reach the state folder
		t.Fatal(err)
	}
	p, addresses := launch(t, args...)
	for name, want := range map[string]string{
		"Uid": "65534 65534 65534 65534", "Gid": "65534 65534 65534 65534", "Groups": "65534", "CapInh": "0000000000000000",
		"CapEff": "0000000000000400", "CapPrm": "0000000000000404", "CapBnd": "0000000000000404", "CapAmb": "0000000000000000", "NoNewPrivs": "1",
	} {
		if got := threads(t, p.PID(), name); len(got) != 1 || got[0] != name+": "+want {
			t.Errorf("%q, want %s in every thread", got, want)
		}
	}
	if !strings.Contains(p.Log(), "dac_read_search is kept") {
		t.Errorf("no word of the capability that is kept:\n%s", p.Log())
	}
	free, err := net.ListenPacket("udp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	write(t, file, text+fmt.Sprintf("agentAddress 127.0.0.1:%d\nsysLocation two\n", port))
	p.Signal(syscall.SIGHUP)
	p.Await("msg=reloaded")
	if r := interop.NetSNMP(t, "snmpget", "-v2c", "-c", "public", "-Oqv", fmt.Sprintf("127.0.0.1:%d", port), sysLocationOID); strings.TrimSpace(r.Out) != `two` && strings.TrimSpace(r.Out) != `"two"` {
		t.Errorf("after a reload: %+v", r)
	}
	if r := interop.NetSNMP(t, "snmpset", "-v2c", "-c", "private", addresses[0], ".1.3.6.1.2.1.1.4.0", "s", "kept"); r.Err != "" {
		t.Errorf("what is SET cannot be kept: %s", r.Err)
	}
	engine := filepath.Join(state, "engine.conf")
	kept, err := os.ReadFile(engine)
	if err != nil || !strings.Contains(string(kept), `"kept"`) {
		t.Errorf("%s: %v\n%s", engine, err, kept)
	}
	for _, path := range []string{state, engine} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody {
			t.Errorf("%s belongs to %d", path, owner)
		}
	}
	if got := threads(t, p.PID(), "CapEff"); len(got) != 1 || got[0] != "CapEff: 0000000000000400" {
		t.Errorf("after a reload: %q", got)
	}

	// Where the user may read the file by itself, nothing is kept for it.
	p.Signal(syscall.SIGTERM)
	p.Wait()
	if err := os.Chown(file, 0, nogroup); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	p, _ = launch(t, append(args, "-p", filepath.Join(dir, "pid"))...)
	if got := threads(t, p.PID(), "CapPrm"); len(got) != 1 || got[0] != "CapPrm: 0000000000000400" {
		t.Errorf("a file that the user may read: %q", got)
	}
}
