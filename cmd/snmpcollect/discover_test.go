package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"walkabout/sim"
)

// command runs the program once and returns its exit code and what it wrote.
func command(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, log buffer
	code = process{stdout: &out, stderr: &log, getenv: os.Getenv}.run(ctx, args)
	return code, out.String(), log.String()
}

// labFile writes a configuration with two credentials and some targets, and returns its path.
func labFile(t *testing.T, rest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	writeText(t, path, "credentials: {wrong: {version: 2c, community: not this}, lab: {version: 2c, community: public}}\n"+rest)
	return path
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDiscover(t *testing.T) {
	address := device(t, sim.Port{Index: 1, Name: "up"})
	port := fmt.Sprint(address.Port())
	path := labFile(t, "")
	output := filepath.Join(t.TempDir(), "found.yaml")
	args := func(more ...string) []string {
		return append([]string{"discover", "127.0.0.1", "-c", path, "--credential", "wrong,lab", "--port", port, "--timeout", "100ms", "--retries", "0"}, more...)
	}
	want := fmt.Sprintf(`# Found by: snmpcollect discover 127.0.0.1/32

targets:
  # sysName switch
  # sysObjectID 0.0 (SNMPv2-SMI::zeroDotZero)
  # sysDescr
  - name: switch
    address: 127.0.0.1:%s
    credential: lab
    collect: [system, tcp]
`, port)
	code, stdout, stderr := command(t.Context(), args("--collect", "system,tcp")...)
	if code != 0 || stdout != want || !strings.Contains(stderr, "1 agents found, 1 of them new") || !strings.Contains(stderr, "127.0.0.1       switch") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = command(t.Context(), args("--collect", "system,tcp", "-o", output)...)
	written, err := os.ReadFile(output)
	if code != 0 || stdout != "" || err != nil || string(written) != want {
		t.Errorf("exit code %d, %v\n%s\n%s%s", code, err, written, stdout, stderr)
	}
	if _, err := os.Stat(output + ".state"); err == nil {
		t.Error("the state is still there after the end")
	}
	if code, _, stderr := command(t.Context(), args("-o", output)...); code != 1 || !strings.Contains(stderr, "exists: name another file, or add --overwrite") {
		t.Errorf("over a file: exit code %d, %s", code, stderr)
	}

	// Once the file is included, the device is known, but in the file itself.
	path = labFile(t, "include: ["+output+"]\n")
	code, stdout, stderr = command(t.Context(), args()...)
	if code != 0 || !strings.Contains(stdout, "targets: []") || !strings.Contains(stderr, "127.0.0.1 is the target switch already") {
		t.Errorf("known: exit code %d\n%s\n%s", code, stdout, stderr)
	}
	code, _, stderr = command(t.Context(), args("-o", output, "--overwrite", "--collect", "system,tcp")...)
	if written, err := os.ReadFile(output); code != 0 || err != nil || string(written) != want {
		t.Errorf("overwritten: exit code %d, %v\n%s\n%s", code, err, written, stderr)
	}
}

func TestDiscoverBrokenOff(t *testing.T) {
	path, folder := labFile(t, ""), t.TempDir()
	args := []string{"discover", "127.0.0.1", "-c", path, "--credential", "lab", "--port", "9", "-o", filepath.Join(folder, "x.yaml")}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, stderr := command(ctx, args...)
	if code != 1 || !strings.Contains(stderr, "the same command goes on where it stopped") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	code, _, stderr = command(t.Context(), append(args, "--exclude", "192.0.2.0/24")...)
	if code != 1 || !strings.Contains(stderr, "is of another search") {
		t.Errorf("another search: exit code %d, %s", code, stderr)
	}
	code, _, stderr = command(t.Context(), append(args, "--timeout", "10ms", "--retries", "0")...)
	if code != 0 || !strings.Contains(stderr, "an agent is silent for a wrong community") {
		t.Errorf("the same search: exit code %d, %s", code, stderr)
	}
}

func TestDiscoverMistakes(t *testing.T) {
	path := labFile(t, "")
	for _, tt := range []struct {
		args string
		want string
	}{
		{"127.0.0.1", "--credential NAME[,NAME...] is needed"},
		{"127.0.0.1 --credential lap", `no credential is called "lap"; did you mean "lab"?`},
		{"10.0.0.0/8 --credential lab", "have 16777214 addresses"},
		{"core1 --credential lab", `"core1" is no network`},
		{"::ffff:192.0.2.0/120 --credential lab", "write an IPv4 network as one"},
		{"127.0.0.1 --credential lab --neighbours stp", `neighbours by "stp"`},
		{"127.0.0.1 --credential lab --rate 1e9", "rate 1e+09"},
		{"127.0.0.1 --credential lab --collect sytem", `unknown profile "sytem"`},
		{"127.0.0.1 --credential lab --source eth0", "--source: "},
		{"127.0.0.1 --credential lab -o " + filepath.Join(path+".d", "found.yaml"), "how far it has come cannot be kept beside what it finds: "},
		{"", "requires at least 1 arg"},
	} {
		args := append([]string{"discover", "-c", path}, strings.Fields(tt.args)...)
		if code, stdout, stderr := command(t.Context(), args...); code != 1 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d, %s%s; want %q", tt.args, code, stdout, stderr, tt.want)
		}
	}
}
