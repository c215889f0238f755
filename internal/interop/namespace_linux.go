//go:build interop

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const inNamespace = "WALKABOUT_TEST_IN_NAMESPACE"

// RunInNamespace is a TestMain: it runs the tests of a package in a network namespace of their own, which is gone with them. There they may make links
// and further namespaces, and lo is up. Who is not root becomes root of a user namespace as well.
func RunInNamespace(m *testing.M) {
	if os.Getenv(inNamespace) != "" {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "ip link set lo up: %v\n%s", err, out)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	flags := []string{"--net"}
	if os.Getuid() != 0 {
		flags = []string{"--user", "--map-root-user", "--net"}
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command("unshare", append(append(flags, "--", self), os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "tests in a network namespace:", err)
		os.Exit(1)
	}
}

// Namespace is one more network namespace: a machine of its own as far as the network goes. It is gone when the test has ended and no process or
// socket is left in it.
type Namespace struct{ file *os.File }

// NewNamespace returns a namespace in which only lo is, and is up.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{}
	restored(t, func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Fatalf("a new network namespace: %v", err)
		}
		n.file = ofThread(t)
	})
	t.Cleanup(func() { n.file.Close() })
	n.IP(t, "link", "set", "lo", "up")
	return n
}

// Do calls f, on the caller's goroutine, inside the namespace: processes that it starts and sockets that it opens there, not in other goroutines,
// belong to the namespace for good. Files of /proc/thread-self/net are the namespace's.
func (n *Namespace) Do(t testing.TB, f func()) {
	t.Helper()
	restored(t, func() {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatalf("entering a network namespace: %v", err)
		}
		f()
	})
}

// Path names the namespace for `ip link … netns`, as long as this process lives.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd()) }

// IP runs the command in the namespace, such as "link add d0 type dummy", and returns its standard output.
func (n *Namespace) IP(t testing.TB, args ...string) string {
	t.Helper()
	var out string
	n.Do(t, func() { out = IP(t, args...) })
	return out
}

// IP runs the command in the namespace of the tests.
func IP(t testing.TB, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command("ip", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// restored calls f on a thread that is put back into its namespace afterwards, even if f ends the test.
func restored(t testing.TB, f func()) {
	t.Helper()
	runtime.LockOSThread()
	own := ofThread(t)
	defer func() {
		err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET)
		own.Close()
		if err != nil {
			panic(fmt.Sprintf("returning from a network namespace: %v", err)) // every other test would run there
		}
		runtime.UnlockOSThread()
	}()
	f()
}

func ofThread(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return f
}
