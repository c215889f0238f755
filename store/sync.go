package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
)

// logs are the write-ahead log and that of samples out of order, as folders of the database's.
var logs = [...]string{"wal", "wbl"}

// synced is up to which segment each log is known to be on disk; the segment itself may have grown since.
type synced [len(logs)]int

// unsynced is that of a database that was just opened: its folders may not be on disk either.
var unsynced = synced{-1, -1}

// sync brings what was committed to the disk. The database itself fsyncs a segment of its log only some time after it is full.
func (y *synced) sync(dir string) error {
	for i, log := range logs {
		folder := filepath.Join(dir, log)
		segments, err := segmentsIn(folder)
		if err != nil {
			return err
		}
		if log == "wal" && len(segments) == 0 {
			return fmt.Errorf("%s has no log any more: somebody removed it", folder)
		}
		for _, n := range segments {
			if n < y[i] {
				continue
			}
			if err := syncFile(filepath.Join(folder, fmt.Sprintf("%08d", n))); err != nil && !errors.Is(err, fs.ErrNotExist) { // or it is truncated
				return err
			}
		}
		if last := len(segments) - 1; last >= 0 && segments[last] != y[i] {
			if err := syncFolder(folder); err != nil {
				return err
			}
			y[i] = segments[last]
		}
	}
	return nil
}

// segmentsIn returns the numbers of the segments in folder, ascending; none if there is no such folder.
func segmentsIn(folder string) ([]int, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && e.Type().IsRegular() {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, err
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // for writing, as Windows wants it
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes the names in a folder durable, where the system has a way to.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
