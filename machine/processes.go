package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Process is one process.
type Process struct {
	ID        uint32
	Name      string // the kernel's, of 15 octets at most on Linux
	Path      string // the first of its arguments: how it was called; "" of the kernel's own threads
	Arguments string // the others, with spaces between
	Kernel    bool   // a thread of the kernel
	State     byte   // as ps(1) has it: R, S, D, T, Z, …; 0 if it is not told
	CPUTime   time.Duration
	Memory    int64 // resident, octets; Unknown if it is not told
}

// maxArguments bounds what is read of a process's arguments.
const maxArguments = 1024

var errNoProcess = errors.New("no process can be read")

// kernelThread is PF_KTHREAD of the kernel's include/linux/sched.h.
const kernelThread = 0x00200000

// parseProcessStat reads /proc/PID/stat (proc_pid_stat(5)). The name, in brackets, may hold any octets, brackets as well.
func parseProcessStat(b []byte, pageSize int64) (Process, bool) {
	open, last := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || last < open {
		return Process{}, false
	}
	p := Process{Name: string(b[open+1 : last]), Memory: Unknown}
	rest := b[last+1:]
	state := nextField(&rest)
	if len(state) != 1 {
		return Process{}, false
	}
	p.State = state[0]
	var ticks uint64
	for n := 4; n <= 24; n++ {
		v, ok := parseNumber(nextField(&rest))
		if !ok {
			return Process{}, false
		}
		switch n {
		case 9:
			p.Kernel = v&kernelThread != 0
		case 14, 15: // utime, stime
			ticks += min(v, 1<<50)
		case 24: // rss
			if int64(v) >= 0 && int64(v) < 1<<50 {
				p.Memory = int64(v) * pageSize
			}
		}
	}
	p.CPUTime = milliseconds(ticks * 10)
	return p, true
}

// parseCmdline reads /proc/PID/cmdline: the arguments, each ended by a NUL. A process may write over them.
func parseCmdline(b []byte) (path, arguments string) {
	b = bytes.TrimRight(b, "\x00")
	first, rest, _ := bytes.Cut(b, []byte{0})
	return string(first), strings.ReplaceAll(string(rest), "\x00", " ")
}

// utmp is the layout of a record of /run/utmp (utmp(5)) on Linux: every architecture of 64 bits but for the widths behind the type.
const (
	utmpSize        = 384
	utmpUserProcess = 7
	utmpUser        = 44 // where the user's name begins
)

// readSessions counts the logins of utmp, else the sessions of systemd-logind, which newer systems keep instead.
func readSessions(root string) (int, error) {
	b, err := os.ReadFile(filepath.Join(root, "run/utmp"))
	if err == nil {
		return countUtmp(b), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	files, err := os.ReadDir(filepath.Join(root, "run/systemd/sessions"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("neither utmp nor systemd-logind keeps sessions here: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return 0, err
	}
	n := 0
	for _, f := range files {
		if f.Type()&fs.ModeType != 0 { // the fifos that hold sessions open
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, "run/systemd/sessions", f.Name()))
		if err == nil && isUserSession(string(b)) {
			n++
		}
	}
	return n, nil
}

func countUtmp(b []byte) (n int) {
	for ; len(b) >= utmpSize; b = b[utmpSize:] {
		kind := uint16(b[0]) | uint16(b[1])<<8
		if b[0] == 0 { // of a big-endian machine
			kind = uint16(b[1])
		}
		if kind == utmpUserProcess && b[utmpUser] != 0 {
			n++
		}
	}
	return n
}

func isUserSession(text string) bool {
	user, closing := false, false
	for line := range strings.Lines(text) {
		switch strings.TrimSpace(line) {
		case "CLASS=user", "CLASS=user-early", "CLASS=user-light":
			user = true
		case "STATE=closing":
			closing = true
		}
	}
	return user && !closing
}
