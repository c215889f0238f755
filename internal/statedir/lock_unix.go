//go:build unix

package statedir

import (
	"errors"
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

func privileged() bool { return os.Geteuid() == 0 }
