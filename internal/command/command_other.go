//go:build !unix

package command

import (
	"io/fs"
	"os"
	"os/exec"
)

func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "SystemRoot=" + os.Getenv("SystemRoot")}
}

func ownGroup(*exec.Cmd) {}

func killGroup(p *os.Process) error { return p.Kill() }

func executable(fs.FileInfo) bool { return true }

func untrusted(fs.FileInfo) string { return "" }

func exitCode(s *os.ProcessState) int { return s.ExitCode() }
