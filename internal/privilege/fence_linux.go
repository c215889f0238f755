package privilege

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Enforce puts the fence around every thread, by Landlock (landlock(7)), for good; it also sets no_new_privs. A kernel that knows only a part of
// it enforces that part. The error of one that knows nothing of it wraps errors.ErrUnsupported.
//
// What it returns must stay open as long as the process needs the paths: it keeps the kernel from making the files of procfs anew, to which no
// rule would apply.
//
// A process within a fence cannot look into processes outside of it (ptrace(2), most links of /proc/PID), whatever its capabilities.
func (f Fence) Enforce() (io.Closer, error) {
	if version, err := ll.LandlockGetABIVersion(); err != nil || version < 1 {
		return nil, fmt.Errorf("landlock: %w by this kernel, or not enabled (the parameter lsm= names what is)", errors.ErrUnsupported)
	}
	held := hold(f.Read, f.Write, f.Sockets, f.Remove)
	var rules []landlock.Rule
	rules = add(rules, f.Read, landlock.RODirs, landlock.ROFiles)
	rules = add(rules, f.Write, landlock.RWDirs, landlock.RWFiles)
	rules = add(rules, f.Sockets, access(ll.AccessFSMakeSock|ll.AccessFSRemoveFile), nil)
	rules = add(rules, f.Remove, access(ll.AccessFSRemoveFile), nil)
	// Of version 5 are devices' ioctls; what later ones restrict (signals, sockets) is no matter of files.
	if err := landlock.V5.BestEffort().RestrictPaths(rules...); err != nil {
		return nil, errors.Join(fmt.Errorf("landlock: %w", err), held.Close())
	}
	return held, nil
}

// held is paths that are open, to nothing that could be done with them (O_PATH).
type held []*os.File

func hold(lists ...[]string) held {
	var h held
	for _, path := range slices.Concat(lists...) {
		if f, err := os.OpenFile(path, unix.O_PATH, 0); err == nil {
			h = append(h, f)
		}
	}
	return h
}

// Close implements io.Closer.
func (h held) Close() error {
	var errs []error
	for _, f := range h {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func access(rights landlock.AccessFSSet) func(...string) landlock.FSRule {
	return func(paths ...string) landlock.FSRule { return landlock.PathAccess(rights, paths...) }
}

// add appends a rule for each path that is there.
func add(rules []landlock.Rule, paths []string, dir, file func(...string) landlock.FSRule) []landlock.Rule {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			rules = append(rules, dir(path).IgnoreIfMissing())
		case file != nil:
			rules = append(rules, file(path).IgnoreIfMissing())
		}
	}
	return rules
}
