//go:build interop

package machine_test

import (
	"os/exec"
	"testing"

	"walkabout/internal/interop"
)

// TestMain: the tests make links.
func TestMain(m *testing.M) { interop.RunInNamespace(m) }

// ip runs the command, such as "link add d0 type dummy".
func ip(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}
