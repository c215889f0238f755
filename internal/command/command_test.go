//go:build unix

package command_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/internal/command"
)

// TestMain is also the program that the tests run.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2:])
		syscall.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a program. It ends by syscall.Exit: os.Exit takes a second under the race detector.
func child(args []string) {
	switch args[0] {
	case "say":
		fmt.Println(strings.Join(args[1:], " "))
	case "environment":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "errors":
		fmt.Print("out ")
		fmt.Fprint(os.Stderr, "err")
	case "exit":
		n, _ := strconv.Atoi(args[1])
		syscall.Exit(n)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Hour)
	case "much":
		fmt.Print(strings.Repeat("x", 10000))
	case "flood":
		for {
			fmt.Print(strings.Repeat("x", 1000))
		}
	case "cat":
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			fmt.Println("<" + in.Text() + ">")
		}
	case "parent", "forget": // a child of its own that goes on; both hold a named pipe open
		pipe, err := os.OpenFile(args[1], os.O_WRONLY, 0)
		if err != nil {
			syscall.Exit(1)
		}
		if _, err := fmt.Fprint(pipe, "x"); err != nil {
			syscall.Exit(1)
		}
		c := exec.Command(os.Args[0], "child", "hang")
		c.Stdout, c.ExtraFiles = os.Stdout, []*os.File{pipe}
		if err := c.Start(); err != nil {
			syscall.Exit(1)
		}
		if args[0] == "parent" {
			time.Sleep(time.Hour)
		}
	case "hang":
		time.Sleep(time.Hour)
	}
}

func program(args ...string) command.Program {
	return command.Program{Path: os.Args[0], Args: append([]string{"child"}, args...)}
}

var limits = command.Limits{Time: time.Minute, Output: 1000}

func TestRun(t *testing.T) {
	r := command.NewRunner(2, nil)
	for _, test := range []struct {
		name      string
		args      []string
		more      []string
		input     string
		errorsToo bool
		output    string
		code      int
	}{
		{name: "arguments as they are", args: []string{"say", "$HOME", "a b"}, more: []string{";", "`id`"}, output: "$HOME a b ; `id`\n"},
		{name: "nothing of our environment", args: []string{"environment"}, output: "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\nHOME=/\n"},
		{name: "input", args: []string{"cat"}, input: "one\ntwo\n", output: "<one>\n<two>\n"},
		{name: "status", args: []string{"exit", "3"}, code: 3},
		{name: "signal", args: []string{"die"}, code: 128 + 15},
		{name: "without errors", args: []string{"errors"}, output: "out "},
		{name: "with errors", args: []string{"errors"}, errorsToo: true, output: "out err"},
		{name: "too much", args: []string{"much"}, output: strings.Repeat("x", 1000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("SECRET", "not for children")
			got, err := r.Run(t.Context(), program(test.args...), test.more, test.input, test.errorsToo, limits)
			if err != nil || string(got.Output) != test.output || got.Code != test.code {
				t.Errorf("%q, %d, %v", got.Output, got.Code, err)
			}
		})
	}
}

// TestFlood: a program that does not cease to talk is killed long before its time is over.
func TestFlood(t *testing.T) {
	r := command.NewRunner(1, nil)
	if got, err := r.Run(t.Context(), program("flood"), nil, "", false, limits); !errors.Is(err, command.ErrFlood) {
		t.Errorf("%d octets, %v", len(got.Output), err)
	}
}

// lifeline is a named pipe that a program and its children hold open.
type lifeline struct {
	path string
	both *os.File // holds it open in both directions until end
}

func newLifeline(t *testing.T) *lifeline {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { both.Close() })
	return &lifeline{path, both}
}

// begin waits until a program has begun to hold l.
func (l *lifeline) begin(t *testing.T) {
	t.Helper()
	if _, err := io.ReadFull(l.both, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// end waits until nobody holds l any more.
func (l *lifeline) end(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(l.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := l.both.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(f); err != nil {
		t.Error(err)
	}
}

func TestTimeLimit(t *testing.T) {
	r := command.NewRunner(1, nil)
	l := newLifeline(t)
	_, err := r.Run(t.Context(), program("parent", l.path), nil, "", false, command.Limits{Time: 2 * time.Second, Output: 10})
	if !errors.Is(err, command.ErrTimeout) {
		t.Errorf("%v", err)
	}
	l.end(t)
}

// TestForgottenChild: a program that ends and leaves a child with our pipe holds up nobody.
func TestForgottenChild(t *testing.T) {
	r := command.NewRunner(1, nil)
	l := newLifeline(t)
	if _, err := r.Run(t.Context(), program("forget", l.path), nil, "", false, limits); err != nil {
		t.Error(err)
	}
	l.end(t)
}

func TestCanceled(t *testing.T) {
	r := command.NewRunner(1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Run(ctx, program("hang"), nil, "", false, limits); err == nil {
		t.Error("it ran")
	}
}

func TestPlaces(t *testing.T) {
	r := command.NewRunner(1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	l := newLifeline(t)
	done := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, program("parent", l.path), nil, "", false, limits)
		done <- err
	}()
	l.begin(t)
	if _, err := r.Run(t.Context(), program("say"), nil, "", false, command.Limits{Time: time.Millisecond, Output: 1}); !errors.Is(err, command.ErrBusy) {
		t.Errorf("%v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, command.ErrTimeout) {
		t.Errorf("%v", err)
	}
	l.end(t)
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	inOpen := file("open/program", 0o755)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	all := command.NewRunner(1, nil)
	for _, test := range []struct {
		name   string
		runner *command.Runner
		path   string
		ok     bool
	}{
		{"a program", all, file("program", 0o755), true},
		{"no program", all, file("text", 0o644), false},
		{"everybody may write", all, file("written", 0o757), false},
		{"a folder that everybody may write", all, inOpen, false},
		{"a folder", all, dir, false},
		{"not whole", all, "program", false},
		{"allowed", command.NewRunner(1, []string{"/opt/*", dir + "/pro*"}), filepath.Join(dir, "program"), true},
		{"not allowed", command.NewRunner(1, []string{"/opt/*"}), filepath.Join(dir, "program"), false},
	} {
		if err := test.runner.Check(command.Program{Path: test.path}); (err == nil) != test.ok || err != nil && !errors.Is(err, command.ErrNotAllowed) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := all.Check(command.Program{Path: filepath.Join(dir, "absent")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestSession(t *testing.T) {
	r := command.NewRunner(1, nil)
	s, err := r.Start(program("cat"))
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(s)
	for range 2 {
		if err := s.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintln(s, "hello"); err != nil {
			t.Fatal(err)
		}
		if line, err := in.ReadString('\n'); line != "<hello>\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := s.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadString('\n'); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	s.Close()
}
