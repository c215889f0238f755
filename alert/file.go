package alert

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"walkabout/internal/statedir"
)

// maxStateSize bounds what is read of a state file; 100,000 interfaces take about 10 MB.
const maxStateSize = 256 << 20

// CorruptError says that a state file was no use, and where it went.
type CorruptError struct {
	Aside string // where the file was moved to; "" if even that failed
	Err   error
}

func (e *CorruptError) Error() string {
	if e.Aside == "" {
		return fmt.Sprintf("alert: unusable state file, which could not be put aside: %v", e.Err)
	}
	return fmt.Sprintf("alert: unusable state file, kept as %s: %v", e.Aside, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// readState reads the file that writeState wrote. No file is an empty Snapshot. A file with anything else in it is moved
// aside and gives a *CorruptError; it is the last such file that is kept.
func readState(path string) (Snapshot, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Snapshot{Version: snapshotVersion}, nil
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("alert: state file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxStateSize+1))
	_ = f.Close()
	if err != nil {
		return Snapshot{}, fmt.Errorf("alert: state file: %w", err)
	}
	var s Snapshot
	if len(data) > maxStateSize {
		err = fmt.Errorf("larger than %d octets", maxStateSize)
	} else {
		s, err = DecodeSnapshot(data)
	}
	if err == nil {
		return s, nil
	}
	aside := path + ".corrupt"
	if moved := os.Rename(path, aside); moved != nil {
		return Snapshot{}, &CorruptError{Err: errors.Join(err, moved)}
	}
	return Snapshot{}, &CorruptError{Aside: aside, Err: err}
}

// writeState replaces the file at path by s: after a crash at any moment it holds either the state before or s.
func writeState(path string, s Snapshot) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("alert: writing state: %w", err)
		}
	}()
	data, err := s.Encode()
	if err != nil {
		return err
	}
	return statedir.Replace(path, data)
}
