//go:build unix

package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Give makes the folder at path, as Open does, and has it with the files in it belong to a user and group: a program does so as root, before it
// becomes that user and opens the folder. What is not root's stays whose it is. A folder that was there before and holds no state is refused:
// it might be any one of the system's.
//
// In the folder neither a link nor a file with other names is followed or changed, since whoever the folder belongs to may have put it there.
func Give(path string, uid, gid int) error {
	_, err := os.Lstat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := makeDir(path); err != nil {
		return err
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	names, err := dir.Readdirnames(0)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	owner, err := ownerOf(dir)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if owner == 0 && !fresh && len(names) > 0 && !slices.Contains(names, lockName) {
		return fmt.Errorf("state folder %s: it is root's and holds something else: name a folder of its own", path)
	}
	for _, name := range names {
		if err := giveFile(dir, name, uid, gid); err != nil {
			return fmt.Errorf("state folder: %s: %w", filepath.Join(path, name), err)
		}
	}
	return giveOpen(dir, uid, gid)
}

// giveFile gives away a regular file of dir that has this name alone.
func giveFile(dir *os.File, name string, uid, gid int) error {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.ENXIO) { // a link (EMLINK on FreeBSD), a socket
		return nil
	}
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), name)
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.Mode().IsRegular() || st.Nlink != 1 {
		return nil
	}
	return giveOpen(f, uid, gid)
}

// giveOpen gives away what root owns.
func giveOpen(f *os.File, uid, gid int) error {
	owner, err := ownerOf(f)
	if err != nil || owner != 0 {
		return err
	}
	return f.Chown(uid, gid)
}

func ownerOf(f *os.File) (uid uint32, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s: %w", f.Name(), errors.ErrUnsupported)
	}
	return st.Uid, nil
}
