package dns

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// procRoot is where the processes of this machine are told.
const procRoot = "/proc"

// userHz is the ticks of a second in /proc/PID/stat, the same on every machine that Go runs on (include/asm-generic/param.h, USER_HZ).
const userHz = 100

// listenerStarted returns when the process at the other end of a unix socket started; zero if that is not known for certain. The kernel says which process
// listens (SO_PEERCRED, unix(7)); it must be called comm, for systemd may have opened the socket, or a process that is gone.
func listenerStarted(conn net.Conn, comm string) time.Time {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return time.Time{}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return time.Time{}
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) { peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || failed != nil {
		return time.Time{}
	}
	return processStarted(int(peer.Pid), comm)
}

// pidFileStarted returns when the process that a file tells the number of started; zero if that is not known for certain: it must be called comm, and have started
// before the file was written, else the file is another's.
func pidFileStarted(path, comm string) time.Time {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 20 {
		return time.Time{}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return time.Time{}
	}
	started := processStarted(pid, comm)
	if started.Add(-time.Second).After(info.ModTime()) {
		return time.Time{}
	}
	return started
}

// processStarted returns when a process started; zero if there is none that is called comm.
func processStarted(pid int, comm string) time.Time {
	stat, err := os.ReadFile(filepath.Join(procRoot, strconv.Itoa(pid), "stat"))
	if err != nil || pid <= 0 {
		return time.Time{}
	}
	// PID (COMM) STATE and more: comm may hold anything, and starttime is the 20th word behind it (proc(5)).
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open || string(stat[open+1:end]) != comm {
		return time.Time{}
	}
	words := strings.Fields(string(stat[end+1:]))
	const startTime = 19
	if len(words) <= startTime {
		return time.Time{}
	}
	ticks, err := strconv.ParseInt(words[startTime], 10, 64)
	var up unix.Timespec
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return time.Time{}
	}
	age := time.Duration(up.Nano()) - time.Duration(ticks)*(time.Second/userHz)
	return time.Now().Add(-age)
}
