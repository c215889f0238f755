package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"

	"walkabout/store/internal/quiet"
)

// quarantineFolder is where what cannot be used is put, in the folder of the database.
const quarantineFolder = "quarantine"

// putBadBlocksAside moves blocks that cannot be opened, of which the database would take any as a reason not to open at all. Where the machine is the reason
// (permissions, files that may be open), nothing is known of the block, and that is the error.
func (s *Store) putBadBlocksAside() error {
	entries, err := os.ReadDir(s.options.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		block, err := tsdb.OpenBlock(quiet.Logger(s.log), filepath.Join(s.options.Dir, e.Name()), nil, nil)
		if err == nil {
			err = block.Close()
		}
		if err == nil {
			continue
		}
		if machines(err) {
			return fmt.Errorf("block %s: %w", e.Name(), err)
		}
		if err := s.putAside(e.Name(), err); err != nil {
			return err
		}
	}
	return nil
}

// machines reports whether err says nothing about what is on disk.
func machines(err error) bool {
	return errors.Is(err, fs.ErrPermission) || slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO}, func(e error) bool { return errors.Is(err, e) })
}

// putAside moves what has the name to the quarantine.
func (s *Store) putAside(name string, reason error) error {
	aside := filepath.Join(s.options.Dir, quarantineFolder)
	if err := os.MkdirAll(aside, 0o750); err != nil {
		return err
	}
	to := filepath.Join(aside, name)
	if err := os.RemoveAll(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(filepath.Join(s.options.Dir, name), to); err != nil {
		return err
	}
	s.repaired.Add(1)
	s.log.Error("a block of the store is corrupt and was put aside; its span is not shown", "folder", to, "err", reason)
	return nil
}
