package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// errHidden says that procfs shows but a part of the processes: a count of them would be wrong, and who is missing might run.
var errHidden = errors.New("processes of others are hidden (mount option hidepid): set agentCapabilities sys_ptrace, or mount procfs with the agent's group as gid=")

// listProcesses returns the IDs of the folders of procfs that are processes, ascending. The first process of a system, or of a container, is there
// for as long as that is; where it is not to be seen the error is errHidden.
func listProcesses(proc string) ([]uint32, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var ids []uint32
	for _, name := range names {
		if id, err := strconv.ParseUint(name, 10, 31); err == nil && id > 0 {
			ids = append(ids, uint32(id))
		}
	}
	slices.Sort(ids)
	if len(ids) > 0 && ids[0] != 1 {
		return nil, fmt.Errorf("%s: %w", proc, errHidden)
	}
	return ids, nil
}

// readProcesses reads /proc/PID of every process, each file with read, which is readAt. Those that end meanwhile are left out.
func readProcesses(proc string, pageSize int64, read func(dir int, name string, b []byte) (int, error)) ([]Process, error) {
	ids, err := listProcesses(proc)
	if err != nil {
		return nil, err
	}
	dir, err := unix.Open(proc, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: proc, Err: err}
	}
	defer func() { _ = unix.Close(dir) }()
	out := make([]Process, 0, len(ids))
	var b [4096]byte
	for _, id := range ids {
		folder := strconv.FormatUint(uint64(id), 10)
		n, err := read(dir, folder+"/stat", b[:])
		if id == 1 && errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%s: %w", filepath.Join(proc, folder), errHidden)
		}
		if err != nil {
			continue
		}
		p, ok := parseProcessStat(b[:n], pageSize)
		if !ok {
			continue
		}
		p.ID = id
		if !p.Kernel {
			if n, err := read(dir, folder+"/cmdline", b[:maxArguments]); err == nil {
				p.Path, p.Arguments = parseCmdline(b[:n])
			}
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: %w", proc, errNoProcess)
	}
	return out, nil
}

// readAt reads the first octets of a file below an open folder into b. An os.File for each would be nearly half of what it costs to read
// 10,000 processes.
func readAt(dir int, name string, b []byte) (int, error) {
	fd, err := retry(func() (int, error) { return unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	return retry(func() (int, error) { return unix.Read(fd, b) })
}

// retry calls f again for as long as a signal interrupts it.
func retry(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
