package statedir

import (
	"errors"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes the lock without waiting; its error is ErrLocked if somebody has it. It locks one octet far behind the file's end,
// since Windows lets nobody else read what is locked, and the pid is to be read.
func lockFile(f *os.File) error {
	at := windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// Access returns nil if this process may write to the file or folder at path, as far as the system tells that beforehand: here
// only what a file's read-only attribute says.
func Access(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && info.Mode().Perm()&0o200 == 0 {
		err = &fs.PathError{Op: "write", Path: path, Err: fs.ErrPermission}
	}
	return err
}

func privileged() bool { return windows.GetCurrentProcessToken().IsElevated() }
