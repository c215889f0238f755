package machine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const dpkgText = `Package: bash
Essential: yes
Status: install ok installed
Priority: required
Architecture: amd64
Version: 5.2.15-2+b7
Description: shell
 Package: not this one

Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Status: install ok installed
Version: 9

Package: zsh
Status: install ok installed
Version: 5.9`

func writeFile(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestPackages(t *testing.T) {
	root := t.TempDir()
	now := second(1000)
	asked := 0
	r := packageReader{root: root, now: func() time.Time { return now }, rpm: func(_ context.Context, at string) ([]Package, error) {
		asked++
		if at != root {
			t.Errorf("rpm asked about %s", at)
		}
		return []Package{{Name: "kernel", Version: "6.1-1", Arch: "x86_64", Installed: second(5)}}, nil
	}}
	if _, err := r.read(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without a database: %v", err)
	}
	status := filepath.Join(root, dpkgStatus)
	writeFile(t, status, dpkgText, second(10))
	writeFile(t, filepath.Join(root, "var/lib/dpkg/info/bash.list"), "/.\n", second(1))
	writeFile(t, filepath.Join(root, "var/lib/dpkg/info/libc6:amd64.list"), "/.\n", second(2))
	p, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	inZone := cmp.Transformer("UTC", func(t time.Time) string { return t.UTC().String() })
	want := &Packages{Changed: second(10), Read: now, List: []Package{
		{Name: "bash", Version: "5.2.15-2+b7", Arch: "amd64", By: "dpkg", Installed: second(1), System: true},
		{Name: "libc6", Version: "2.36-9", Arch: "amd64", By: "dpkg", Installed: second(2)},
		{Name: "zsh", Version: "5.9", By: "dpkg"},
	}}
	if diff := cmp.Diff(want, p, inZone); diff != "" {
		t.Errorf("dpkg (-want +got):\n%s", diff)
	}
	now = second(2000)
	if again, err := r.read(); again != p || err != nil {
		t.Errorf("read again though nothing changed: %v", err)
	}
	writeFile(t, filepath.Join(root, "usr/lib/sysimage/rpm/rpmdb.sqlite"), "x", second(20))
	writeFile(t, filepath.Join(root, "var/lib/rpm/rpmdb.sqlite"), "x", second(20))
	if p, err = r.read(); err != nil || len(p.List) != 4 || p.List[1].Name != "kernel" || !p.Changed.Equal(second(20)) || !p.Read.Equal(now) || asked != 1 {
		t.Errorf("with rpm: %+v, %v, asked %d times", p, err, asked)
	}
	if err := os.Remove(status); err != nil {
		t.Fatal(err)
	}
	if p, err = r.read(); err != nil || len(p.List) != 1 || asked != 2 {
		t.Errorf("rpm alone: %+v, %v, asked %d times", p, err, asked)
	}
}

func TestParseRPM(t *testing.T) {
	text := "bash\t5.2.15-3.fc38\tx86_64\t1700000000\tUnspecified\n" +
		"gpg-pubkey\teb10b464-6202d9c6\t(none)\t1700000000\tPublic Keys\n" +
		"setup\t2.14-1\tnoarch\t(none)\tSystem Environment/Base\n" +
		"rubbish\n\t\t\t\t\n"
	want := []Package{
		{Name: "bash", Version: "5.2.15-3.fc38", Arch: "x86_64", By: "rpm", Installed: time.Unix(1700000000, 0)},
		{Name: "setup", Version: "2.14-1", Arch: "noarch", By: "rpm", System: true},
	}
	if diff := cmp.Diff(want, parseRPM([]byte(text))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDpkgLines: no line, however long, makes reading fail or hides what follows.
func TestDpkgLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxStatusLine)
	list, err := parseDpkg(strings.NewReader("Package: a\nStatus: install ok installed\nDepends: " + long + "\nVersion: 1\n\nPackage: b\nStatus: install ok installed"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Package{{Name: "a", Version: "1"}, {Name: "b"}}, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzHostFiles: whatever a file holds, reading it ends without a panic.
func FuzzHostFiles(f *testing.F) {
	for _, name := range []string{"meminfo", "stat", "loadavg", "cpuinfo", "diskstats", "self/mountinfo", "7/stat"} {
		for _, tree := range []string{"linux-6.18", "odd"} {
			if b, err := os.ReadFile(filepath.Join("testdata", tree, "proc", name)); err == nil {
				f.Add(b)
			}
		}
	}
	f.Add([]byte(dpkgText))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseMeminfo(b); err == nil && (m.Total < 0 || m.Free < Unknown) {
			t.Errorf("%+v", m)
		}
		k := unknownKernel
		if p, err := parseStat(b, &k); err == nil {
			p.since(p)
			if p.Recent.Total() != 0 {
				t.Errorf("%+v", p.Recent)
			}
		}
		_ = parseVmstat(b, &k)
		if l, err := parseLoadAverage(b); err == nil && !(l[0] >= 0) {
			t.Error(l)
		}
		parseCPUInfo(b)
		disks, _ := parseDiskstats(b)
		for _, d := range disks {
			if d.Name == "" {
				t.Error("a disk without a name")
			}
		}
		mounts, _ := parseMountinfo(b)
		for _, m := range mounts {
			if m.MountPoint == "" {
				t.Error("a file system without a place")
			}
		}
		if p, ok := parseProcessStat(b, 4096); ok && (p.Memory < Unknown || p.CPUTime < 0) {
			t.Errorf("%+v", p)
		}
		parseCmdline(b)
		if _, err := parseDpkg(strings.NewReader(string(b))); err != nil {
			t.Error(err)
		}
		parseRPM(b)
		if n := countUtmp(b); n > len(b)/utmpSize {
			t.Error(n)
		}
	})
}

// What stands behind the part of a long line that is read is no line of its own.
func TestLongLineOfDpkg(t *testing.T) {
	const head = "Description: "
	text := "Package: a\nStatus: install ok installed\nVersion: 1\n" + head + strings.Repeat("x", maxStatusLine-len(head)) + "Version: 2\nArchitecture: all\n"
	list, err := parseDpkg(strings.NewReader(text))
	if err != nil || len(list) != 1 || list[0].Version != "1" || list[0].Arch != "all" {
		t.Errorf("%.200v, %v", list, err)
	}
}
