// Package command runs the programs that a configuration names: no shell, no environment of ours, a time limit, bounded output, and no child of
// theirs that is left behind when the time is over.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Program is what is run: the absolute path of a file, its arguments as they are, and what it finds in its environment ("NAME=value") besides PATH, LC_ALL
// and HOME.
type Program struct {
	Path string
	Args []string
	Env  []string
}

// Errors of running a program.
var (
	ErrNotAllowed = errors.New("not allowed to be run")
	ErrTimeout    = errors.New("it took too long and was killed")
	ErrFlood      = errors.New("it said far too much and was killed")
	ErrBusy       = errors.New("too many programs are running")
)

// Limits of a program.
type Limits struct {
	Time   time.Duration
	Output int // octets; what it says beyond is dropped
}

// flood is how many times Limits.Output a program may say before it is killed.
const flood = 16

// Runner runs programs, a few at a time. The zero Runner is not of use.
type Runner struct {
	allowed []string // patterns of filepath.Match; empty is all
	places  chan struct{}
}

// NewRunner returns a Runner of at most most programs at a time. Where there are allowed patterns (of filepath.Match), no other path is run.
func NewRunner(most int, allowed []string) *Runner {
	return &Runner{allowed: allowed, places: make(chan struct{}, most)}
}

// Check says why p would not be run now: it is no absolute path, not among what is allowed, no program, or somebody else than root and who we run as
// could change it.
func (r *Runner) Check(p Program) error {
	if !filepath.IsAbs(p.Path) {
		return fmt.Errorf("%s: %w: write its whole path", p.Path, ErrNotAllowed)
	}
	if !r.allows(p.Path) {
		return fmt.Errorf("%s: %w: it is none of the allowed programs", p.Path, ErrNotAllowed)
	}
	for _, path := range []string{p.Path, filepath.Dir(p.Path)} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if path == p.Path && !(info.Mode().IsRegular() && executable(info)) {
			return fmt.Errorf("%s: %w: it is no file that can be executed", path, ErrNotAllowed)
		}
		if reason := untrusted(info); reason != "" {
			return fmt.Errorf("%s: %w: %s", path, ErrNotAllowed, reason)
		}
	}
	return nil
}

func (r *Runner) allows(path string) bool {
	for _, pattern := range r.allowed {
		if ok, _ := filepath.Match(pattern, path); ok {
			return true
		}
	}
	return len(r.allowed) == 0
}

// Result is what a program said and how it ended.
type Result struct {
	Output []byte // up to Limits.Output
	Code   int    // its exit status; 128 and the number of the signal that ended it
}

// Run runs p with more arguments behind its own, and input to read, and waits for its end, the end of ctx or of its time. errorsToo says that what it writes to
// its standard error is a part of its output. That it ends with another status than 0 is no error.
func (r *Runner) Run(ctx context.Context, p Program, more []string, input string, errorsToo bool, l Limits) (Result, error) {
	if err := r.Check(p); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		return Result{}, fmt.Errorf("%s: %w", p.Path, ErrBusy)
	}
	c := p.command(ctx, more)
	out := &output{most: l.Output, flooded: func() { kill(ErrFlood) }}
	c.Stdout = out
	if errorsToo {
		c.Stderr = out
	}
	if input != "" {
		c.Stdin = strings.NewReader(input)
	}
	err := c.Run()
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); errors.Is(cause, ErrFlood) {
			return Result{}, fmt.Errorf("%s: %w", p.Path, cause)
		}
		return Result{}, fmt.Errorf("%s: %w", p.Path, ErrTimeout)
	}
	if errors.Is(err, exec.ErrWaitDelay) { // it ended, and children of its have our pipe
		_ = killGroup(c.Process)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return Result{}, err
	}
	return Result{Output: out.bytes(), Code: exitCode(c.ProcessState)}, nil
}

// waitDelay is how long a program's pipes are read when it has ended or was killed, and others still hold them.
const waitDelay = 500 * time.Millisecond

// command returns p as it is to be started, in a process group of its own, which is killed as a whole when ctx ends.
func (p Program) command(ctx context.Context, more []string) *exec.Cmd {
	c := exec.CommandContext(ctx, p.Path, append(append([]string(nil), p.Args...), more...)...)
	c.Env = append(environment(), p.Env...)
	c.Dir = string(filepath.Separator)
	c.WaitDelay = waitDelay
	ownGroup(c)
	c.Cancel = func() error { return killGroup(c.Process) }
	return c
}

// Session is a program that goes on running, and is spoken to by lines.
type Session struct {
	in     io.WriteCloser
	out    *os.File
	cancel context.CancelFunc
	ended  chan struct{}
}

// Start starts p until Close. What it writes to its standard error is dropped.
func (r *Runner) Start(p Program) (*Session, error) {
	if err := r.Check(p); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := p.command(ctx, nil)
	in, err := c.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		cancel()
		return nil, err
	}
	c.Stdout = write
	if err := c.Start(); err != nil {
		cancel()
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	_ = write.Close() // it is the program's now
	s := &Session{in: in, out: read, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_ = c.Wait() // however it ends: who speaks to it finds out
	}()
	return s, nil
}

// Write writes to the program.
func (s *Session) Write(b []byte) (int, error) { return s.in.Write(b) }

// Read reads what the program says.
func (s *Session) Read(b []byte) (int, error) { return s.out.Read(b) }

// SetDeadline bounds reads, and writes where the system can; os.ErrClosed if the program has ended.
func (s *Session) SetDeadline(t time.Time) error {
	if f, ok := s.in.(interface{ SetWriteDeadline(time.Time) error }); ok {
		if err := f.SetWriteDeadline(t); err != nil && !errors.Is(err, os.ErrNoDeadline) {
			return os.ErrClosed // by who waits for the program's end; the error of the package os is of no type
		}
	}
	return s.out.SetReadDeadline(t)
}

// Close kills the program with all its children, and waits for its end.
func (s *Session) Close() {
	_ = s.in.Close()
	s.cancel()
	<-s.ended
	_ = s.out.Close()
}

// output keeps the first octets that are written to it, and drops the rest: who writes is not held up.
type output struct {
	mu      sync.Mutex
	b       []byte
	most    int
	dropped int
	flooded func() // called when far too much was written, perhaps more than once
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := min(len(b), o.most-len(o.b))
	o.b = append(o.b, b[:kept]...)
	if o.dropped += len(b) - kept; o.dropped > (flood-1)*o.most {
		o.flooded()
	}
	return len(b), nil
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b
}
