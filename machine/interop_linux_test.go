//go:build interop

package machine_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

const inNamespace = "MACHINE_TEST_IN_NAMESPACE"

// TestMain runs the tests again in a network namespace of their own, where they may make links, and which is gone with them.
func TestMain(m *testing.M) {
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

// ip runs the command, such as "link add d0 type dummy".
func ip(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}
