package main

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestFence(t *testing.T) {
	dir := t.TempDir()
	more := filepath.Join(t.TempDir(), "more.conf")
	write(t, more, "sysContact me\n")
	path := filepath.Join(dir, "snmpd.conf")
	text := "agentAddress 127.0.0.1:0\nrocommunity " + hidden + "\n"
	write(t, path, text+"includeFile "+more)
	d := start(t, nil, "-c", path, "-p", filepath.Join(dir, "run", "..", "pid"), "-Lf", filepath.Join(dir, "log"), "-Le")
	d.ready()
	f := <-d.fences
	for _, want := range []string{"/proc", "/sys", dir, filepath.Dir(more)} {
		if !slices.Contains(f.Read, want) {
			t.Errorf("%s is not among what may be read: %q", want, f.Read)
		}
	}
	if !slices.Contains(f.Write, dir) || !slices.Equal(f.Remove, []string{dir}) || len(f.Sockets) > 0 {
		t.Errorf("%+v", f)
	}
	if slices.ContainsFunc(f.Write, func(p string) bool { return strings.HasPrefix(p, "/proc") }) {
		t.Errorf("nobody may write, and these may be written: %q", f.Write)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.conf")
	write(t, elsewhere, "sysContact you\n")
	write(t, path, text+"rwcommunity "+hidden+"2\nfence no\nincludeFile "+elsewhere)
	d.hangup <- syscall.SIGHUP
	log := strings.Join(d.until("msg=reloaded"), "")
	for _, want := range []string{"ipForwarding and ipDefaultTTL can be SET from the next start on", "fence take effect at the next start", "file=" + elsewhere} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	d.finish()
}

func TestFenceForSETs(t *testing.T) {
	d := start(t, nil, "-c", config(t, "agentAddress 127.0.0.1:0\nrwcommunity "+hidden))
	d.ready()
	if f := <-d.fences; !slices.Contains(f.Write, "/proc/sys/net/ipv4/ip_forward") {
		t.Errorf("%q", f.Write)
	}
	d.finish()
}

func TestNoFence(t *testing.T) {
	for directive, why := range map[string]string{"fence no": `because="fence no"`, "agentCapabilities sys_ptrace": "cannot look into others", "extend x /bin/true": "start programs"} {
		d := start(t, nil, "-c", config(t, "agentAddress 127.0.0.1:0\nrocommunity "+hidden+"\n"+directive))
		d.ready()
		if out := d.finish(); len(d.fences) > 0 || !strings.Contains(out, why) {
			t.Errorf("%s: %d fences\n%s", directive, len(d.fences), out)
		}
	}
}
