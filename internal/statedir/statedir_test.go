package statedir_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"walkabout/internal/statedir"
)

// holdEnv makes this test binary a process that locks the folder which it names, says so, and holds it until its input ends.
const holdEnv = "STATEDIR_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdEnv); dir != "" {
		os.Exit(hold(dir))
	}
	os.Exit(m.Run())
}

func hold(dir string) int {
	d, err := statedir.Open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := d.Close(); err != nil {
		return 1
	}
	return 0
}

// holder is another process that holds dir when startHolder returns.
type holder struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

func startHolder(t *testing.T, dir string) *holder {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended by then, unless the test failed
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != "locked" {
		t.Fatalf("the other process said %q (%v)", line, err)
	}
	return &holder{cmd, stdin}
}

func TestResolve(t *testing.T) {
	abs := func(slashed string) string {
		p, err := filepath.Abs(filepath.FromSlash(slashed))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const name = "snmpcollect"
	home, xdg := abs("/home/u"), abs("/xdg")
	tests := []struct {
		name     string
		explicit string
		goos     string
		root     bool
		home     string
		vars     map[string]string
		want     string // "": an error
	}{
		{name: "explicit first", explicit: abs("/srv/state"), goos: "linux", root: true, vars: map[string]string{"STATE_DIRECTORY": "/var/lib/a"}, want: abs("/srv/state")},
		{name: "explicit relative", explicit: "state", goos: "linux", want: abs("state")},
		{name: "systemd", goos: "linux", root: true, vars: map[string]string{"STATE_DIRECTORY": "/var/lib/a"}, want: "/var/lib/a"},
		{name: "systemd, several", goos: "linux", vars: map[string]string{"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, want: "/var/lib/a"},
		{name: "root", goos: "linux", root: true, home: home, vars: map[string]string{"XDG_STATE_HOME": xdg}, want: filepath.FromSlash("/var/lib/snmpcollect")},
		{name: "root on FreeBSD", goos: "freebsd", root: true, home: home, want: filepath.FromSlash("/var/db/snmpcollect")},
		{name: "root on macOS", goos: "darwin", root: true, home: home, want: filepath.FromSlash("/Library/Application Support/snmpcollect")},
		{name: "elevated on Windows", goos: "windows", root: true, vars: map[string]string{"ProgramData": `C:\ProgramData`}, want: filepath.Join(`C:\ProgramData`, name)},
		{name: "XDG", goos: "linux", home: home, vars: map[string]string{"XDG_STATE_HOME": xdg}, want: filepath.Join(xdg, name)},
		{name: "XDG, relative", goos: "linux", home: home, vars: map[string]string{"XDG_STATE_HOME": "xdg"}, want: filepath.Join(home, ".local", "state", name)},
		{name: "user", goos: "freebsd", home: home, want: filepath.Join(home, ".local", "state", name)},
		{name: "user on macOS", goos: "darwin", home: home, want: filepath.Join(home, "Library", "Application Support", name)},
		{name: "user on Windows", goos: "windows", home: home, vars: map[string]string{"LocalAppData": `C:\Local`}, want: filepath.Join(`C:\Local`, name)},
		{name: "nobody", goos: "linux"},
		{name: "nobody on Windows", goos: "windows", home: home},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := statedir.Env{GOOS: tt.goos, Root: tt.root, Home: tt.home, Getenv: func(k string) string { return tt.vars[k] }}
			got, err := env.Resolve(tt.explicit, name)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestSystem(t *testing.T) {
	env := statedir.System()
	if env.GOOS != runtime.GOOS {
		t.Errorf("GOOS is %q, want %q", env.GOOS, runtime.GOOS)
	}
	t.Setenv("STATE_DIRECTORY", "")
	dir, err := env.Resolve("", "snmpd")
	if err == nil && (!filepath.IsAbs(dir) || filepath.Base(dir) != "snmpd") {
		t.Errorf("got %q, want an absolute path that ends in snmpd", dir)
	}
}

func TestOpenMakesFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d, err := statedir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if d.Path() != path {
		t.Errorf("path is %q, want %q", d.Path(), path)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" && perm != 0o700 {
		t.Errorf("mode is %o, want 700", perm)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenTwice(t *testing.T) {
	path := t.TempDir()
	d, err := statedir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statedir.Open(path); !errors.Is(err, statedir.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if pid, err := statedir.Holder(path); err != nil || pid != os.Getpid() {
		t.Errorf("Holder: %d, %v; want this process, %d", pid, err, os.Getpid())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(path, "none")} {
		if pid, err := statedir.Holder(p); err != nil || pid != 0 {
			t.Errorf("Holder of %s that nobody holds: %d, %v", p, pid, err)
		}
	}
	again, err := statedir.Open(path)
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestLockOfAnotherProcess(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run("crash="+strconv.FormatBool(crash), func(t *testing.T) {
			path := t.TempDir()
			h := startHolder(t, path)
			_, err := statedir.Open(path)
			if !errors.Is(err, statedir.ErrLocked) {
				t.Fatalf("Open: %v, want ErrLocked", err)
			}
			for _, want := range []string{path, fmt.Sprintf("(pid %d)", h.cmd.Process.Pid)} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			end := h.stdin.Close
			if crash {
				end = h.cmd.Process.Kill
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if err := h.cmd.Wait(); (err != nil) != crash {
				t.Errorf("the other process ended with: %v", err)
			}
			d, err := statedir.Open(path)
			if err != nil {
				t.Fatalf("Open after the other process ended: %v", err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"a file":       file,
		"under a file": filepath.Join(file, "state"),
	}
	if runtime.GOOS != "windows" {
		open := filepath.Join(dir, "open")
		if err := os.Mkdir(open, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(open, 0o777); err != nil { // Mkdir's mode is cut by the umask
			t.Fatal(err)
		}
		tests["writable by everybody"] = open
	}
	for name, path := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := statedir.Open(path)
			if err == nil {
				t.Fatal("Open took it", d.Close())
			}
			if !strings.Contains(err.Error(), file) && !strings.Contains(err.Error(), path) {
				t.Errorf("%q does not name the path", err)
			}
			if errors.Is(err, statedir.ErrLocked) {
				t.Errorf("%v is ErrLocked", err)
			}
		})
	}
}
