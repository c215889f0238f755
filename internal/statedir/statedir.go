// Package statedir finds, makes and locks the folder in which a program keeps what it must remember.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// ErrLocked is what Open's error wraps when another process uses the folder.
var ErrLocked = errors.New("in use by another process")

// Env is what the choice of a folder depends on.
type Env struct {
	GOOS   string // as runtime.GOOS
	Root   bool   // the process may write where the system keeps its state
	Home   string // the user's home folder, "" if there is none
	Getenv func(string) string
}

// System returns this process' Env.
func System() Env {
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	return Env{GOOS: runtime.GOOS, Root: privileged(), Home: home, Getenv: os.Getenv}
}

// Resolve names the state folder of the program called name, and makes nothing. It is the first of:
//
//   - explicit, what the configuration says (made absolute if it is relative);
//   - $STATE_DIRECTORY, which systemd sets for StateDirectory=; of several folders, split by colons, the first;
//   - as root: /var/lib/NAME (/var/db/NAME on the BSDs, /Library/Application Support/NAME on macOS, %ProgramData%\NAME on Windows);
//   - $XDG_STATE_HOME/NAME, where the variable holds an absolute path (the XDG specification tells to ignore others);
//   - ~/.local/state/NAME (~/Library/Application Support/NAME on macOS, %LocalAppData%\NAME on Windows).
//
// It is an error if the last is reached and the user has no home folder.
func (e Env) Resolve(explicit, name string) (string, error) {
	if explicit != "" {
		abs, err := filepath.Abs(explicit)
		if err != nil {
			return "", fmt.Errorf("state folder %s: %w", explicit, err)
		}
		return abs, nil
	}
	if dir, _, _ := strings.Cut(e.Getenv("STATE_DIRECTORY"), ":"); dir != "" && e.GOOS != "windows" {
		return dir, nil
	}
	if base := e.systemBase(); e.Root && base != "" {
		return filepath.Join(base, name), nil
	}
	if base := e.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, name), nil
	}
	base := e.userBase()
	if base == "" {
		return "", errors.New("no state folder: the user has no home folder; name one with state: in the configuration")
	}
	return filepath.Join(base, name), nil
}

func (e Env) systemBase() string {
	switch e.GOOS {
	case "windows":
		return e.Getenv("ProgramData")
	case "darwin":
		return "/Library/Application Support"
	case "dragonfly", "freebsd", "netbsd", "openbsd":
		return "/var/db"
	}
	return "/var/lib"
}

func (e Env) userBase() string {
	switch {
	case e.GOOS == "windows":
		return e.Getenv("LocalAppData")
	case e.Home == "":
		return ""
	case e.GOOS == "darwin":
		return filepath.Join(e.Home, "Library", "Application Support")
	}
	return filepath.Join(e.Home, ".local", "state")
}

// Dir is a state folder that this process holds the lock of.
type Dir struct {
	path string
	lock *os.File
}

// lockName is the file that is locked. It stays when the lock is released: removing it would let two processes each lock a file of this name.
const lockName = "lock"

// Open makes the folder at path if it is missing (mode 0700; missing parents are made with 0755 less the umask) and locks it, so that one
// process uses it at a time. The kernel holds the lock and drops it when the process ends, however it ends.
//
// If another process holds it, the error wraps ErrLocked and says which one. A folder that every user may write to is refused, since what
// is in it could then be anyone's.
func Open(path string) (*Dir, error) {
	if err := makeDir(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if err := lockFile(f); err != nil {
		err = lockError(path, f, err)
		return nil, errors.Join(err, f.Close())
	}
	d := &Dir{path: path, lock: f}
	if err := d.writePID(); err != nil {
		return nil, errors.Join(fmt.Errorf("state folder %s: write the lock: %w", path, err), d.Close())
	}
	return d, nil
}

// Holder returns the process that holds the lock of the folder at path, 0 if nobody does or there is no such folder.
func Holder(path string) (pid int, err error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("state folder: %w", err)
	}
	defer f.Close()
	switch err := lockFile(f); {
	case err == nil:
		return 0, nil
	case !errors.Is(err, ErrLocked):
		return 0, fmt.Errorf("state folder %s: lock: %w", path, err)
	}
	if pid = writtenPID(f); pid == 0 {
		return 0, fmt.Errorf("state folder %s: %w that has not said which one", path, ErrLocked)
	}
	return pid, nil
}

// writtenPID returns what writePID wrote, 0 if it is not there.
func writtenPID(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0) // it may be empty: the holder writes it just after it has locked
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid < 1 {
		return 0
	}
	return pid
}

// Path returns the folder's path, as Open was given it.
func (d *Dir) Path() string { return d.path }

// Close releases the lock. What is in the folder stays.
func (d *Dir) Close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("state folder %s: release the lock: %w", d.path, err)
	}
	return nil
}

func makeDir(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("state folder: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("state folder %s: a file of this name is in the way", path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 { // Windows has no such bit; Go makes one up
		return fmt.Errorf("state folder %s: every user may write to it; chmod o-w it, or name a folder of its own", path)
	}
	return nil
}

// writePID tells whom the lock belongs to. It is for people: what counts is the lock.
func (d *Dir) writePID() error {
	if err := d.lock.Truncate(0); err != nil {
		return err
	}
	_, err := d.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// lockError makes cause, lockFile's error, one that says who holds f and what to do.
func lockError(path string, f *os.File, cause error) error {
	if !errors.Is(cause, ErrLocked) {
		return fmt.Errorf("state folder %s: lock: %w", path, cause)
	}
	holder := ""
	if pid := writtenPID(f); pid != 0 {
		holder = " (pid " + strconv.Itoa(pid) + ")"
	}
	return fmt.Errorf("state folder %s: %w%s; stop it, or name another folder", path, ErrLocked, holder)
}
