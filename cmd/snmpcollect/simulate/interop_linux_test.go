//go:build interop

package simulate_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"walkabout/internal/interop"
)

const recordings = "../../../collector/testdata/devices/"

// steady is a walk without sysUpTime, which goes on.
func steady(walk string) []string {
	return slices.DeleteFunc(strings.Split(walk, "\n"), func(line string) bool {
		return strings.HasPrefix(line, ".1.3.6.1.2.1.1.3.0 ") || strings.Contains(line, "No more variables")
	})
}

func walk(t *testing.T, address string, flags ...string) string {
	t.Helper()
	r := interop.NetSNMP(t, "snmpwalk", append([]string{"-v2c", "-c", "lab", "-r", "20", "-t", "1"}, append(flags, address, ".1")...)...)
	if r.Code != 0 {
		t.Fatalf("snmpwalk: %s", r.Err)
	}
	return r.Out
}

// TestSnmpsim holds that what a recording plays is what Debian's snmpsim plays of it, and that what Net-SNMP's snmpwalk prints of it, with and without types,
// is a recording that plays the same.
func TestSnmpsim(t *testing.T) {
	files, err := filepath.Glob(recordings + "*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// snmpsim wants its lines in the order of OIDs.
			sorted, err := exec.Command("sort", "-V", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			data, cache := filepath.Join(dir, "data"), filepath.Join(dir, "cache")
			for _, d := range []string{data, cache} {
				if err := os.Mkdir(d, 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(d, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(data, "lab.snmprec"), sorted, 0o644); err != nil {
				t.Fatal(err)
			}
			foreign := fmt.Sprintf("127.0.0.1:%d", interop.FreeUDPPort(t))
			snmpsimd, err := exec.LookPath("snmpsimd")
			if err != nil {
				t.Fatal("no snmpsimd; on Debian run: apt-get install snmpsim")
			}
			interop.Start(t, snmpsimd, "--data-dir="+data, "--cache-dir="+cache, "--agent-udpv4-endpoint="+foreign, "--process-user=nobody", "--process-group=nogroup")
			theirs := walk(t, foreign, "-On")
			if n := len(steady(theirs)); n < strings.Count(string(text), "\n")/2 {
				t.Fatalf("snmpsim plays %d objects", n)
			}

			ours := options(t)
			ours.Files, ours.Rate = []string{path}, 0
			run(t, ours)
			own := walk(t, ours.Listen.String(), "-On")
			if !slices.Equal(steady(theirs), steady(own)) {
				t.Errorf("snmpsim plays:\n%s\nwe play:\n%s", theirs, own)
			}
			for _, style := range []string{"-On", "-Oqn", "-OX"} {
				recorded := walk(t, ours.Listen.String(), style)
				again := options(t)
				again.Rate, again.Files = 0, []string{filepath.Join(t.TempDir(), "recorded.walk")}
				if err := os.WriteFile(again.Files[0], []byte(recorded), 0o600); err != nil {
					t.Fatal(err)
				}
				run(t, again)
				if got := walk(t, again.Listen.String(), style); !slices.Equal(steady(got), steady(recorded)) && !onlyTime(got, recorded) {
					t.Errorf("a recording of %s plays:\n%s\nof\n%s", style, got, recorded)
				}
			}
		})
	}
}

// onlyTime reports whether two walks differ in sysUpTime alone, whatever its name is in their style.
func onlyTime(a, b string) bool {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		if as[i] != bs[i] && !strings.Contains(as[i], ".3.6.1.2.1.1.3.0 ") {
			return false
		}
	}
	return true
}
