package store

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// roomLeast is the room on the disk, in octets, below which the database is neither opened nor written to. Its log, when it is read and when it is written,
// becomes files of chunks, through a buffer of 4 MiB; where these cannot be written the database ends the process.
const roomLeast = 32 << 20

// room returns an error while the disk has too little room. What cannot be asked is taken to have enough: writing will show.
func (s *Store) room() error {
	free, err := s.options.Free(s.options.Dir)
	if err != nil || free >= roomLeast {
		return nil //nolint:nilerr // see above
	}
	return fmt.Errorf("the disk has %s left, and the database takes nothing below %s", humanize.IBytes(uint64(max(free, 0))), humanize.IBytes(roomLeast))
}

// closedError is ErrOpening after an attempt that failed.
type closedError struct{ err error }

func (e *closedError) Error() string {
	return fmt.Sprintf("store: the database cannot be opened, and it is tried again: %v", e.err)
}

func (e *closedError) Is(target error) bool { return target == ErrOpening }

func (e *closedError) Unwrap() error { return e.err }
