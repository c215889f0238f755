package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/tsdb/wlog"
)

// unfinished is how the name of a segment ends that the database began to repair.
const unfinished = ".repair"

// cutTornLogs cuts off what a write that was broken off, by a crash or a full disk, left behind the last whole record. The database would repair that by
// a copy of the segment: on a full disk, or when the power fails meanwhile, it loses all of it. Damage elsewhere in the log is left to it.
func (s *Store) cutTornLogs() error {
	for _, log := range logs {
		folder := filepath.Join(s.options.Dir, log)
		torn, err := filepath.Glob(filepath.Join(folder, "*"+unfinished))
		if err != nil {
			return err
		}
		for i, path := range torn { // the copy has a part of it
			torn[i] = strings.TrimSuffix(path, unfinished)
			if err := os.Rename(path, torn[i]); err != nil {
				return err
			}
		}
		last, err := lastSegment(folder)
		if err != nil {
			return err
		}
		if last != "" {
			torn = append(torn, last)
		}
		for _, path := range torn {
			if err := s.cutTorn(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// lastSegment returns the last segment that has anything, and removes those behind it, of which each attempt to open the database leaves one; "" if none
// has, as behind a checkpoint, whose number the next must follow.
func lastSegment(folder string) (string, error) {
	segments, err := segmentsIn(folder)
	if err != nil {
		return "", err
	}
	for i := len(segments) - 1; i >= 0; i-- {
		path := wlog.SegmentName(folder, segments[i])
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		if info.Size() == 0 {
			continue
		}
		for _, n := range segments[i+1:] {
			if err := os.Remove(wlog.SegmentName(folder, n)); err != nil {
				return "", err
			}
		}
		return path, nil
	}
	return "", nil
}

// cutTorn cuts the segment at path behind its last whole record.
func (s *Store) cutTorn(path string) error {
	segment, err := wlog.OpenReadSegment(path)
	if err != nil {
		return err
	}
	reader := wlog.NewReader(wlog.NewSegmentBufReader(segment))
	whole := int64(0)
	for reader.Next() {
		whole = reader.Offset()
	}
	broken := reader.Err()
	if err := segment.Close(); err != nil {
		return err
	}
	var disk *fs.PathError
	if broken == nil || errors.As(broken, &disk) { // a disk that cannot be read says nothing about what is on it
		return broken
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = errors.Join(f.Truncate(whole), f.Sync())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cutting off the torn end of the log: %w", err)
	}
	s.repaired.Add(1)
	s.log.Warn("the end of the log was torn and is cut off", "file", path, "octets", info.Size()-whole, "err", broken)
	return nil
}
