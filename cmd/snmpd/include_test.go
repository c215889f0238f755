package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReloadReadsIncludes changes, adds and breaks files that are included.
func TestReloadReadsIncludes(t *testing.T) {
	dir := t.TempDir()
	path, more := filepath.Join(dir, "snmpd.conf"), filepath.Join(dir, "snmpd.conf.d")
	if err := os.Mkdir(more, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, path, "agentAddress 127.0.0.1:0\nincludeDir "+more+"\nincludeFile community\n")
	write(t, filepath.Join(dir, "community"), "rocommunity "+hidden)
	write(t, filepath.Join(more, "b.conf"), "sysLocation one")
	d := start(t, nil, "-c", path)
	address := d.ready()[0]
	if got := ask(t, address, sysLocationOID); got != "one" {
		t.Errorf("sysLocation %q", got)
	}
	write(t, filepath.Join(more, "c.conf"), "sysLocation two")
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	if got := ask(t, address, sysLocationOID); got != "two" {
		t.Errorf("sysLocation %q", got)
	}
	broken := filepath.Join(more, "d.conf")
	write(t, broken, "sysName x\nsysServices x")
	d.hangup <- syscall.SIGHUP
	if log := strings.Join(d.until("not reloaded"), ""); !strings.Contains(log, "file="+broken+" line=2") {
		t.Errorf("the log does not tell the place:\n%s", log)
	}
	if got := ask(t, address, sysLocationOID); got != "two" {
		t.Errorf("sysLocation %q", got)
	}
	d.finish()

	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	d = start(t, nil, "check", "-c", path)
	out := d.end(exitOK)
	for _, file := range []string{path, filepath.Join(more, "b.conf"), filepath.Join(more, "c.conf"), filepath.Join(dir, "community")} {
		if !strings.Contains(out, "read "+file+"\n") {
			t.Errorf("check does not name %s:\n%s", file, out)
		}
	}
}
