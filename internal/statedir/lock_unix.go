//go:build unix

package statedir

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock without waiting; its error is ErrLocked if somebody has it. It is flock rather than fcntl, whose locks
// a process loses when any of its descriptors of the file is closed. Children do not inherit it: Go opens files close-on-exec.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		default:
			return err
		}
	}
}

// Access returns nil if this process may write to the file or folder at path, as far as the system tells that beforehand.
func Access(path string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: err}
	}
	return nil
}

func privileged() bool { return os.Geteuid() == 0 }
