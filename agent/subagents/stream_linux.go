package subagents

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"walkabout/internal/blocking"
)

// direct returns conn without the runtime's poller, so that the thread that asks a sub-agent waits for its answer in the kernel. What is no socket, as
// in tests, is returned as it is.
func direct(conn net.Conn) (net.Conn, error) {
	socket, ok := conn.(blocking.Conn)
	if !ok {
		return conn, nil
	}
	file, raw, err := blocking.Take(socket)
	if err != nil {
		return nil, err
	}
	return &stream{file: file, raw: raw, local: conn.LocalAddr(), remote: conn.RemoteAddr()}, nil
}

// stream is a socket that blocks. One goroutine reads and one writes at a time.
type stream struct {
	file          *os.File
	raw           syscall.RawConn
	local, remote net.Addr

	mu              sync.Mutex
	readBy, writeBy time.Time
}

// transfer calls f with the descriptor until it does anything but wait: for deadline, which the socket keeps by SO_RCVTIMEO or SO_SNDTIMEO, or for
// what interrupted it.
func (s *stream) transfer(do func(func(fd uintptr) bool) error, deadline time.Time, option int, f func(fd int) (int, error)) (n int, err error) {
	failed := do(func(fd uintptr) bool {
		for {
			var timeout unix.Timeval // 0 is none
			if !deadline.IsZero() {
				left := time.Until(deadline)
				if left < time.Microsecond {
					err = os.ErrDeadlineExceeded
					return true
				}
				timeout = unix.NsecToTimeval(int64(left))
			}
			if err = unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, option, &timeout); err != nil {
				return true
			}
			if n, err = f(int(fd)); !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
				return true
			}
		}
	})
	return max(n, 0), errors.Join(failed, err)
}

// Read reads what is there, and waits until something is.
func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	deadline := s.readBy
	s.mu.Unlock()
	n, err := s.transfer(s.raw.Read, deadline, unix.SO_RCVTIMEO, func(fd int) (int, error) { return unix.Read(fd, b) })
	if n == 0 && err == nil && len(b) > 0 {
		return 0, io.EOF
	}
	return n, err
}

// Write writes all of b.
func (s *stream) Write(b []byte) (written int, err error) {
	s.mu.Lock()
	deadline := s.writeBy
	s.mu.Unlock()
	for written < len(b) && err == nil {
		var n int
		n, err = s.transfer(s.raw.Write, deadline, unix.SO_SNDTIMEO, func(fd int) (int, error) {
			return unix.SendmsgN(fd, b[written:], nil, nil, unix.MSG_NOSIGNAL)
		})
		written += n
	}
	return written, err
}

// Close ends reads and writes that wait.
func (s *stream) Close() error {
	_ = s.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) }) // the peer may have gone
	return s.file.Close()
}

func (s *stream) LocalAddr() net.Addr  { return s.local }
func (s *stream) RemoteAddr() net.Addr { return s.remote }

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline holds from the next Read on.
func (s *stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readBy = t
	return nil
}

// SetWriteDeadline holds from the next Write on.
func (s *stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeBy = t
	return nil
}
