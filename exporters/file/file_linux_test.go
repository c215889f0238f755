package file_test

import (
	"errors"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"walkabout/exporters"
)

// TestFullDisk stands a file size limit in for a full disk: both break a write off in its middle.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "points")
	e := open(t, path)
	export(t, e, samples(0, 1))

	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := limit
	small.Cur = uint64(len(lines(0, 2)) + 5)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Fatal(err)
	}
	err := e.Export(t.Context(), samples(1, 5))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}

	var retry *exporters.RetryError
	if !errors.As(err, &retry) || !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("%v, want a RetryError of EFBIG", err)
	}
	contains(t, path, lines(0, 1))
	export(t, e, samples(1, 5))
	contains(t, path, lines(0, 5))
}
