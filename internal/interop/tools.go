//go:build interop

package interop

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// Run runs a program to its end; it finds no settings of this machine. The test fails if the program is not there: pkg is Debian's package that has it.
func Run(t testing.TB, pkg, path string, args ...string) Result {
	t.Helper()
	cmd := exec.Command(Find(t, pkg, path), args...)
	cmd.Env = toolEnv(t)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", path, err)
	}
	return Result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// Find returns the path of a program of a package of Debian's.
func Find(t testing.TB, pkg, path string) string {
	t.Helper()
	for _, p := range []string{path, "/usr/sbin/" + path, "/usr/local/sbin/" + path} { // which is not in everybody's PATH
		if found, err := exec.LookPath(p); err == nil {
			return found
		}
	}
	t.Fatalf("no %s; on Debian run: apt-get install %s", path, pkg)
	return ""
}
