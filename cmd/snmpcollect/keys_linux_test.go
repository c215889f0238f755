package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pty returns a new terminal and its other end.
func pty(t *testing.T) (tty, other *os.File) {
	t.Helper()
	other, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	n, err := unix.IoctlGetInt(int(other.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(other.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return tty, other
}

// TestKeys: letters come one by one as they are typed, and at the end the terminal is as it was and nobody reads it.
func TestKeys(t *testing.T) {
	tty, other := pty(t)
	same, err := os.OpenFile(tty.Name(), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	before, err := unix.IoctlGetTermios(int(same.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	keys, restore, err := keysOf(tty)
	if err != nil {
		t.Fatal(err)
	}
	if keys == nil {
		t.Fatal("no keys of a terminal")
	}
	if _, err := other.WriteString("sé\x03"); err != nil {
		t.Fatal(err)
	}
	for _, want := range "sé\x03" {
		if k := <-keys; k != want {
			t.Errorf("typed %q, want %q", k, want)
		}
	}
	if _, err := other.WriteString("nobody takes this"); err != nil {
		t.Fatal(err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	after, err := unix.IoctlGetTermios(int(same.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
	}
}
