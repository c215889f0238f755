//go:build interop

package interop

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a program may take for anything before the test fails.
const patience = time.Minute

var builds struct {
	sync.Mutex
	done map[string]string
}

// Build builds one of this repository's commands, "cmd/snmpd" say, as it is released, once a test binary, and returns its path.
func Build(t testing.TB, command string) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if path := builds.done[command]; path != "" {
		return path
	}
	root, err := repository()
	if err != nil {
		t.Fatalf("no go.mod above this folder: %v", err)
	}
	path := filepath.Join(root, ".cache", "interop", filepath.Base(command))
	build := exec.Command("go", "build", "-o", path, "./"+command)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", command, err, out)
	}
	if builds.done == nil {
		builds.done = map[string]string{}
	}
	builds.done[command] = path
	return path
}

// Process is a program that a test runs beside it. Its methods belong to the test's goroutine.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
	seen   int // lines that Await has passed

	mu      sync.Mutex
	lines   []string      // of standard output and standard error
	changed chan struct{} // of capacity 1
}

// Start runs a program. If it still runs when the test ends, it is killed.
func Start(t testing.TB, path string, args ...string) *Process {
	t.Helper()
	return StartWith(t, nil, path, args...)
}

// StartWith is Start with more in the environment.
func StartWith(t testing.TB, env []string, path string, args ...string) *Process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, cmd: exec.Command(path, args...), exited: make(chan struct{}), changed: make(chan struct{}, 1)}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.cmd.Env = append(toolEnv(t), env...)
	err = p.cmd.Start()
	_ = w.Close() // the program has its own
	if err != nil {
		_ = r.Close()
		t.Fatalf("starting %s: %v", path, err)
	}
	go func() {
		defer close(p.exited)
		p.follow(r)
		_ = r.Close()
		_ = p.cmd.Wait() // ProcessState tells
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // an error says that it is gone already
		<-p.exited
	})
	return p
}

func (p *Process) follow(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			p.mu.Lock()
			p.lines = append(p.lines, strings.TrimSuffix(line, "\n"))
			p.mu.Unlock()
			select {
			case p.changed <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// Log returns all that the program printed so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// Await waits for a line that matches, after those that earlier calls went past, and returns its submatches. The test fails if the program ends
// first or a minute goes by.
func (p *Process) Await(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for ended := false; ; {
		if m := p.next(re); m != nil {
			return m
		}
		if ended {
			p.t.Fatalf("%s ended without a line like %q:\n%s", p.cmd.Path, pattern, p.Log())
		}
		select {
		case <-p.changed:
		case <-p.exited:
			ended = true
		case <-timeout.C:
			p.t.Fatalf("%s has no line like %q:\n%s", p.cmd.Path, pattern, p.Log())
		}
	}
}

func (p *Process) next(re *regexp.Regexp) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.seen < len(p.lines) {
		p.seen++
		if m := re.FindStringSubmatch(p.lines[p.seen-1]); m != nil {
			return m
		}
	}
	return nil
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("%s: %v", p.cmd.Path, err)
	}
}

// Wait waits for the end of the program and returns its exit code, -1 if a signal ended it.
func (p *Process) Wait() int {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-p.exited:
	case <-timeout.C:
		p.t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.Log())
	}
	return p.cmd.ProcessState.ExitCode()
}

// PID returns the process' id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Eventually waits until ok is true, some minutes at most. Then it ends the test, with what more tells.
func Eventually(t testing.TB, what string, ok func() bool, more func() string) {
	t.Helper()
	deadline := time.NewTimer(2 * patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never seen: %s\n%s", what, more())
		}
	}
}
