//go:build interop

package machine_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/machine"
)

// linkNow returns the link as the next Reading has it, without waiting for anything.
func linkNow(t *testing.T, m *machine.Machine, index uint32) *machine.Link {
	t.Helper()
	l, ok := must(t, m.Reading(time.Now(), false).Links).ByIndex(index)
	if !ok {
		t.Fatalf("no link %d", index)
	}
	return l
}

func pair(t *testing.T) {
	t.Helper()
	ip(t, "link", "add", "veth0", "index", "501", "type", "veth", "peer", "name", "veth1", "index", "502")
	t.Cleanup(func() { ip(t, "link", "del", "veth0") })
	ip(t, "link", "set", "veth1", "up")
}

func TestSetLinkUp(t *testing.T) {
	pair(t)
	m := open(t, machine.Options{})
	w := m.Writer()
	if linkNow(t, m, 501).Up() {
		t.Fatal("a new link is up")
	}
	undo, err := w.SetLinkUp(t.Context(), 501, true)
	if err != nil || !linkNow(t, m, 501).Up() {
		t.Fatalf("up: %v, %+v", err, linkNow(t, m, 501))
	}
	again, err := w.SetLinkUp(t.Context(), 501, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := again(t.Context()); err != nil || !linkNow(t, m, 501).Up() {
		t.Errorf("taking back what changed nothing: %v, %+v", err, linkNow(t, m, 501))
	}
	if err := undo(t.Context()); err != nil || linkNow(t, m, 501).Up() {
		t.Errorf("taken back: %v, %+v", err, linkNow(t, m, 501))
	}
	if _, err := w.SetLinkUp(t.Context(), 999, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such link: %v", err)
	}
}

func TestSetLinkAlias(t *testing.T) {
	pair(t)
	m := open(t, machine.Options{})
	w := m.Writer()
	long := strings.Repeat("x", 255)
	for _, alias := range []string{"to the core", "é\x01\xff", long, ""} {
		if _, err := w.SetLinkAlias(t.Context(), 501, alias); err != nil || linkNow(t, m, 501).Alias != alias {
			t.Errorf("%q: %v, %q", alias, err, linkNow(t, m, 501).Alias)
		}
	}
	ip(t, "link", "set", "veth0", "alias", long)
	undo, err := w.SetLinkAlias(t.Context(), 501, "short")
	if err != nil {
		t.Fatal(err)
	}
	if err := undo(t.Context()); err != nil || linkNow(t, m, 501).Alias != long {
		t.Errorf("taken back: %v, %q", err, linkNow(t, m, 501).Alias)
	}
	if _, err := w.SetLinkAlias(t.Context(), 501, long+"x"); err == nil || linkNow(t, m, 501).Alias != long {
		t.Errorf("256 octets: %v, %q", err, linkNow(t, m, 501).Alias)
	}
	if _, err := w.SetLinkAlias(t.Context(), 999, "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such link: %v", err)
	}
}

func sysctl(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc/sys/net/ipv4", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func setSysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("/proc/sys/net/ipv4", name), []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSetIPv4(t *testing.T) {
	pair(t)
	m := open(t, machine.Options{})
	w := m.Writer()
	undo, err := w.SetIPv4DefaultTTL(t.Context(), 33)
	if s := must(t, m.Reading(time.Now(), false).IPv4Settings); err != nil || s.DefaultTTL != 33 || sysctl(t, "ip_default_ttl") != "33" {
		t.Errorf("%v, %+v", err, s)
	}
	if err := undo(t.Context()); err != nil || sysctl(t, "ip_default_ttl") != "64" {
		t.Errorf("taken back: %v, %s", err, sysctl(t, "ip_default_ttl"))
	}

	// Forwarding that is on, but for one link.
	setSysctl(t, "ip_forward", "1")
	t.Cleanup(func() { setSysctl(t, "ip_forward", "0") })
	setSysctl(t, "conf/veth0/forwarding", "0")
	setSysctl(t, "conf/all/accept_redirects", "1")
	state := func() (s string) {
		for _, name := range []string{"ip_forward", "conf/default/forwarding", "conf/veth0/forwarding", "conf/veth1/forwarding", "conf/all/accept_redirects"} {
			s += sysctl(t, name)
		}
		return s
	}
	before := state()
	if before != "11011" {
		t.Fatalf("before: %s", before)
	}
	if undo, err = w.SetIPv4Forwarding(t.Context(), false); err != nil || state() != "00001" {
		t.Fatalf("off: %v, %s", err, state())
	}
	if s := must(t, m.Reading(time.Now(), false).IPv4Settings); s.Forwarding != 0 {
		t.Errorf("%+v", s)
	}
	if err := undo(t.Context()); err != nil || state() != before {
		t.Errorf("taken back: %v, %s; want %s", err, state(), before)
	}
	if undo, err = w.SetIPv4Forwarding(t.Context(), true); err != nil || state() != before {
		t.Errorf("on, as it was: %v, %s", err, state())
	}
	if err := undo(t.Context()); err != nil || state() != before {
		t.Errorf("taking back what changed nothing: %v, %s", err, state())
	}
}

// Without CAP_NET_ADMIN the kernel refuses, nothing changes, and the error says which right is missing.
func TestSetWithoutTheRight(t *testing.T) {
	pair(t)
	m := open(t, machine.Options{})
	w := m.Writer()
	done := make(chan struct{})
	go func() { // on a thread that ends with it
		defer close(done)
		runtime.LockOSThread()
		if err := dropAll(); err != nil {
			t.Error(err)
			return
		}
		_, up := w.SetLinkUp(t.Context(), 501, true)
		_, alias := w.SetLinkAlias(t.Context(), 501, "x")
		_, forwarding := w.SetIPv4Forwarding(t.Context(), true)
		_, ttl := w.SetIPv4DefaultTTL(t.Context(), 9)
		for i, err := range []error{up, alias, forwarding, ttl} {
			if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
				t.Errorf("%d: %v", i, err)
			}
		}
	}()
	<-done
	if l := linkNow(t, m, 501); l.Up() || l.Alias != "" {
		t.Errorf("changed: %+v", l)
	}
	if sysctl(t, "ip_forward") != "0" || sysctl(t, "ip_default_ttl") != "64" {
		t.Errorf("changed: %s, %s", sysctl(t, "ip_forward"), sysctl(t, "ip_default_ttl"))
	}
}

// dropAll makes the calling thread nobody, without any capability.
func dropAll() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); errno != 0 {
		return errno
	}
	return unix.Capset(&header, &none[0])
}
