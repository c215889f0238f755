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

func (system) Open(path string, truncate bool) (File, error) {
	mode := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if truncate {
		mode |= os.O_TRUNC
	}
	_, err := os.Stat(path)
	f, openErr := os.OpenFile(path, mode, 0o600)
	if openErr != nil {
		return nil, openErr
	}
	if errors.Is(err, os.ErrNotExist) && !truncate { // its name must survive what is written into it
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
