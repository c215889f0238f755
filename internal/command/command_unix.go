//go:build unix

package command

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// environment is all that programs get of it.
func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/"}
}

func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }

func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }

// untrusted says who could change a file or folder; "" if only root and who we run as can. What is sticky, as /tmp is, nobody but its owner changes.
func untrusted(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "its owner cannot be told"
	}
	mode := info.Mode()
	switch {
	case stat.Uid != 0 && int(stat.Uid) != os.Geteuid():
		return fmt.Sprintf("user %d owns it, who is neither root nor the agent's", stat.Uid)
	case mode&fs.ModeSticky != 0:
		return ""
	case mode.Perm()&0o002 != 0:
		return "everybody can change it: chmod o-w"
	case mode.Perm()&0o020 != 0 && stat.Gid != 0 && int(stat.Gid) != os.Getegid():
		return fmt.Sprintf("group %d can change it: chmod g-w", stat.Gid)
	}
	return ""
}

func exitCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}
