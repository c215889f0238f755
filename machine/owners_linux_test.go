package machine_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/machine"
)

// TestSocketOwnersOfTree reads a tree of processes in which two share a socket.
func TestSocketOwnersOfTree(t *testing.T) {
	proc := t.TempDir()
	for path, target := range map[string]string{
		"20/fd/0": "/dev/null", "20/fd/3": "socket:[111]", "20/fd/4": "socket:[222]",
		"7/fd/5": "socket:[222]", "7/fd/6": "pipe:[333]", "7/fd/7": "socket:[99999999999]",
		"self/fd/3": "socket:[444]", "30/fd/1": "socket:[x]", "40/task/1": "socket:[555]",
	} {
		path = filepath.Join(proc, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	m, err := machine.New(t.Context(), machine.Options{Proc: proc})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := m.Reading(time.Now(), true).SocketOwners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(machine.SocketOwners{111: 20, 222: 7}, got); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}

// TestSocketOwnersLive opens a socket and looks for it.
func TestSocketOwnersLive(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	m, err := machine.New(t.Context(), machine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r := m.Reading(time.Now(), true)
	sockets, err := r.UDPSockets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owners, err := r.SocketOwners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sockets {
		if netip.AddrPortFrom(s.Local.Addr().Unmap(), s.Local.Port()) == netip.AddrPortFrom(local.Addr().Unmap(), local.Port()) {
			if pid := owners[s.Inode]; int(pid) != os.Getpid() {
				t.Errorf("our socket is owned by %d, we are %d", pid, os.Getpid())
			}
			return
		}
	}
	t.Errorf("socket %v is not listed", local)
}

func BenchmarkSocketOwners(b *testing.B) {
	m, err := machine.New(b.Context(), machine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Reading(time.Now(), true).SocketOwners(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
