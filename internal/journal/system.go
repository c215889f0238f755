package journal

import (
	"errors"
	"os"
	"path/filepath"

	"walkabout/internal/statedir"
)

// System returns the FS of the machine.
func System() FS { return system{} }

type system struct{}

func (system) OpenFile(path string, flag int) (File, error) {
	_, absent := os.Stat(path)
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if errors.Is(absent, os.ErrNotExist) && flag == Appending { // its name must survive what is written into it
		if err := statedir.SyncDir(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

func (system) Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return statedir.SyncDir(filepath.Dir(to))
}

func (system) Remove(path string) error { return os.Remove(path) }
