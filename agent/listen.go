package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
)

// Socket says how a socket of UDP or TCP is opened. The zero Socket is of use.
type Socket struct {
	// Device is the interface that everything must come and leave by, or the VRF that its interface must be in; "" is any. Linux only.
	Device string
}

// config returns what opens sockets as o says.
func (o Socket) config() *net.ListenConfig {
	lc := new(net.ListenConfig)
	if o.Device != "" {
		lc.Control = func(_, _ string, raw syscall.RawConn) error { return bindToDevice(raw, o.Device) }
	}
	return lc
}

// ListenTCP opens a socket of network "tcp4" or "tcp6" (which takes no IPv4) on addr, for ServeStreams. An addr without an address is
// the wildcard; port 0 is any free one.
func (o Socket) ListenTCP(ctx context.Context, network string, addr netip.AddrPort) (net.Listener, error) {
	if network != "tcp4" && network != "tcp6" {
		return nil, fmt.Errorf("listen %s: %w", network, net.UnknownNetworkError(network))
	}
	return o.config().Listen(ctx, network, listenAddress(addr))
}

// listenAddress returns addr as package net wants it.
func listenAddress(addr netip.AddrPort) string {
	if !addr.Addr().IsValid() {
		return fmt.Sprintf(":%d", addr.Port())
	}
	return addr.String()
}

// unixMode is the mode of a unix socket's file: who may write to it may connect.
const unixMode fs.FileMode = 0o660

// maxUnixPath is what struct sockaddr_un holds on the systems at hand (104 on some, 108 on others), with the NUL at the end.
const maxUnixPath = 103

// Errors of ListenUnix.
var (
	ErrPath = errors.New("bad path of a unix socket") // it is not absolute, or too long
	// ErrNotSocket is of a file that is none, and is left alone.
	ErrNotSocket = errors.New("a file that is no socket is in the way")
)

// ListenUnix opens a stream socket on an absolute path, for ServeStreams: mode 0660, the file removed when it is closed. A socket's file
// that nobody listens on, left behind by a program that was killed, is replaced; one that somebody listens on is syscall.EADDRINUSE.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	if !filepath.IsAbs(path) || len(path) > maxUnixPath {
		return nil, fmt.Errorf("%w: %s: write an absolute one of at most %d octets", ErrPath, path, maxUnixPath)
	}
	l, err := listenUnix(ctx, path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if err := removeStale(ctx, path, err); err != nil {
		return nil, err
	}
	return listenUnix(ctx, path)
}

func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return restrictMode(raw) }}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, unixMode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen unix: %w", err)
	}
	return l, nil
}

// removeStale removes the socket's file on path if nobody listens there; inUse is what it returns if somebody does.
func removeStale(ctx context.Context, path string, inUse error) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("listen unix: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen unix %s: %w", path, ErrNotSocket)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return inUse
	}
	if !errors.Is(err, syscall.ECONNREFUSED) { // such as EACCES, or its queue is full
		return inUse
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("listen unix: a socket that nobody listens on: %w", err)
	}
	return nil
}
