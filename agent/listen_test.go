package agent_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"walkabout/agent"
)

func TestListenTCP(t *testing.T) {
	for network, addr := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0"} {
		l, err := (agent.Socket{}).ListenTCP(t.Context(), network, netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (agent.Socket{}).ListenTCP(t.Context(), network, netip.MustParseAddrPort(l.Addr().String())); err == nil {
			t.Error("a port in use")
		}
		l.Close()
	}
	l, err := (agent.Socket{}).ListenTCP(t.Context(), "tcp4", netip.AddrPort{})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := (agent.Socket{}).ListenTCP(t.Context(), "udp4", netip.AddrPort{}); err == nil {
		t.Error("network udp4")
	}
}

func TestListenUnix(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := agent.ListenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket || runtime.GOOS != "windows" && info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := agent.ListenUnix(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("in use: %v", err)
	}
	l.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}

	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	if l, err = agent.ListenUnix(t.Context(), path); err != nil {
		t.Fatalf("over a file that was left behind: %v", err)
	}
	l.Close()

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.ListenUnix(t.Context(), file); !errors.Is(err, agent.ErrNotSocket) {
		t.Errorf("over a file: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	for _, bad := range []string{"relative", "", filepath.Join(dir, strings.Repeat("x", 108))} {
		if _, err := agent.ListenUnix(t.Context(), bad); !errors.Is(err, agent.ErrPath) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := agent.ListenUnix(ctx, filepath.Join(dir, "gone", "s")); err == nil {
		t.Error("in no folder")
	}
}
