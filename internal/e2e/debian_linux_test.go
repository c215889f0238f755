//go:build interop

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/interop"
)

// TestInPlaceOfDebian runs Net-SNMP's daemon as Debian's package does, from the unit and the configuration that it installs, with a user as its
// documentation tells to make one; then ours by the same line in the same folder. Managers see no change.
func TestInPlaceOfDebian(t *testing.T) {
	dir := t.TempDir()
	const user = "createUser authPrivUser SHA-512 myauthphrase AES myprivphrase\n" // who the file's rouser line is for
	if err := os.WriteFile(filepath.Join(dir, "snmpd.conf"), []byte(user), 0o600); err != nil {
		t.Fatal(err)
	}
	line := debianLine(t)
	v2 := []string{"-v2c", "-c", "public", "-On"}
	v3 := []string{"-v3", "-u", "authPrivUser", "-l", "authPriv", "-a", "SHA-512", "-A", "myauthphrase", "-x", "AES", "-X", "myprivphrase", "-On"}
	const awhile = "-r60"
	answers := func() (out []string) {
		for _, c := range [][]string{
			append(slices.Clone(v2), "127.0.0.1"), append(slices.Clone(v2), "udp6:[::1]"), append(slices.Clone(v3), "127.0.0.1"), append(slices.Clone(v3), "udp6:[::1]"),
		} {
			for _, object := range []string{"4.0", "6.0", "7.0"} {
				r := interop.NetSNMP(t, "snmpget", append(append([]string{"-t1", awhile}, c...), ".1.3.6.1.2.1.1."+object)...)
				out = append(out, r.Out+r.Err)
			}
			r := interop.NetSNMP(t, "snmpgetnext", append(slices.Clone(c), ".1.3.6.1.2.1.25.1.7.0")...) // the end of what the view has
			out = append(out, r.Out+r.Err)
		}
		return out
	}

	theirs := interop.StartWith(t, []string{"SNMPCONFPATH=/etc/snmp:" + dir, "SNMP_PERSISTENT_DIR=" + dir}, "/usr/sbin/snmpd", line...)
	want := answers()
	if !strings.Contains(want[0], "Me <me@example.org>") || !strings.Contains(want[8], "Me <me@example.org>") {
		t.Fatalf("Net-SNMP's daemon: %q\n%s", want, theirs.Log())
	}
	theirs.Signal(syscall.SIGTERM)
	theirs.Wait()

	for _, run := range []string{"first", "second"} {
		ours := interop.StartWith(t, []string{"SNMP_PERSISTENT_DIR=" + dir}, interop.Build(t, "cmd/snmpd"), line...)
		if got := answers(); !slices.Equal(got, want) {
			t.Errorf("%s start: %q, Net-SNMP's daemon: %q", run, got, want)
		}
		ours.Signal(syscall.SIGTERM)
		if code := ours.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if log := ours.Log(); log != "" { // of what the unit wants logged: every line of the file has its effect
			t.Errorf("%s start: %s", run, log)
		}
	}
}

// debianLine returns the flags of Debian's unit but for the user and the group, which not everybody who tests can become.
func debianLine(t *testing.T) []string {
	t.Helper()
	const unit = "/lib/systemd/system/snmpd.service"
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatalf("Debian's package snmpd is not installed: %v", err)
	}
	for l := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(l), "ExecStart=/usr/sbin/snmpd ")
		if !ok {
			continue
		}
		var out []string
		words := strings.Fields(line)
		for i := 0; i < len(words); i++ {
			if words[i] == "-u" || words[i] == "-g" {
				i++
				continue
			}
			out = append(out, words[i])
		}
		return out
	}
	t.Fatalf("%s has no ExecStart=/usr/sbin/snmpd", unit)
	return nil
}
