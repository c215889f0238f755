// Package blocking takes sockets out of the runtime's poller, for those whose own threads wait in the kernel.
package blocking

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn is a *net.UDPConn, *net.UnixConn or *net.TCPConn.
type Conn interface {
	syscall.Conn
	net.Conn
}

// Take takes conn over, and returns its socket with a descriptor that blocks. The descriptor is another one: the poller of conn's would wake a
// thread for whatever arrives still.
func Take(conn Conn) (*os.File, syscall.RawConn, error) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	fd, failed := -1, error(nil)
	err = raw.Control(func(old uintptr) {
		if fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); failed == nil {
			failed = unix.SetNonblock(fd, false)
		}
	})
	if err := errors.Join(err, os.NewSyscallError("fcntl", failed)); err != nil {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fd), conn.LocalAddr().String())
	if raw, err = file.SyscallConn(); err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, raw, nil
}
