//go:build unix

package statedir_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"walkabout/internal/statedir"
)

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// Root gives away the folder and its files, but nothing that lies elsewhere; others give away nothing.
func TestGive(t *testing.T) {
	me := os.Getuid()
	given := me
	if me == 0 {
		given = 1999999999
	}
	path, elsewhere := filepath.Join(t.TempDir(), "a", "state"), t.TempDir()
	if err := statedir.Give(path, given, os.Getgid()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 || owner(t, path) != given {
		t.Errorf("%v, %v, owner %d", info.Mode(), err, owner(t, path))
	}
	target, linked := filepath.Join(elsewhere, "target"), filepath.Join(elsewhere, "linked")
	for _, f := range []string{target, linked, filepath.Join(path, "lock"), filepath.Join(path, "engine.conf")} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(target, filepath.Join(path, "symlink")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(linked, filepath.Join(path, "hardlink")); err != nil {
		t.Fatal(err)
	}
	if err := statedir.Give(path, given, os.Getgid()); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int{"lock": given, "engine.conf": given, "symlink": me, "hardlink": me} {
		if got := owner(t, filepath.Join(path, file)); got != want {
			t.Errorf("%s belongs to %d, want %d", file, got, want)
		}
	}
}

func TestGiveRefusesFoldersOfTheSystem(t *testing.T) {
	if err := statedir.Give("/etc", os.Getuid(), os.Getgid()); err == nil || !strings.Contains(err.Error(), "holds something else") {
		t.Errorf("%v", err)
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := statedir.Give(open, os.Getuid(), os.Getgid()); err == nil {
		t.Error("a folder that everybody may write to")
	}
}
