package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"

	"walkabout/internal/statedir"
)

// A segment is a folder named after the number of its first record. In it is a log of Prometheus' tsdb, whose records are a number (8
// octets, big-endian) and what was appended, and, once nothing more is written to it, the file meta.json.
type segment struct {
	dir    string
	first  uint64        // number of the first record
	end    uint64        // number behind the last one
	octets int64         // on disk
	opened time.Duration // when it was made, by the run clock
	sealed bool          // nothing more is written
	fault  error         // that ends what can be read of one that a crash left: often no more than the last write, cut short

	cursors int       // that have its files open
	failing time.Time // since when its files cannot be read; zero if they can
	broken  error     // why records of it will never be read
}

const (
	metaName    = "meta.json"
	metaVersion = 1
	numberSize  = 8
)

// meta is what is known of a sealed segment without reading it.
type meta struct {
	Version int           `json:"version"`
	First   uint64        `json:"first"`
	End     uint64        `json:"end"`
	Octets  int64         `json:"octets"`
	Run     time.Duration `json:"run_ns"` // the run clock when it was made
	Opened  time.Time     `json:"opened"` // for people: this clock may have jumped
}

func segmentDir(spool string, first uint64) string {
	return filepath.Join(spool, fmt.Sprintf("%020d", first))
}

// writer writes to one segment.
type writer struct {
	segment *segment
	log     *wlog.WL
	opened  time.Time
	closed  bool // the log is, and the rest may be missing
}

// empty reports whether nothing that is in the segment counts.
func (w *writer) empty() bool { return w.segment.end == w.segment.first }

// newWriter makes the segment that begins with record first.
func newWriter(spool string, first uint64, run time.Duration) (*writer, error) {
	s := &segment{dir: segmentDir(spool, first), first: first, end: first, opened: run}
	// The log's own files are never to end before the segment does.
	const most = 1 << 30
	log, err := wlog.NewSize(nil, nil, s.dir, most, compression.Snappy)
	if err != nil {
		return nil, fmt.Errorf("making segment %s: %w", s.dir, err)
	}
	w := &writer{segment: s, log: log, opened: time.Now()}
	if err := errors.Join(statedir.SyncDir(s.dir), statedir.SyncDir(spool)); err != nil {
		return w, fmt.Errorf("making segment %s: %w", s.dir, err)
	}
	return w, nil
}

// append returns nil when records, which go on where the segment ends, are on disk. After an error nothing more may be appended.
func (w *writer) append(records []Record) error {
	raw := make([][]byte, len(records))
	for i := range records {
		raw[i] = records[i].raw
	}
	if err := w.log.Log(raw...); err != nil {
		return fmt.Errorf("writing segment %s: %w", w.segment.dir, err)
	}
	if err := w.log.Sync(); err != nil {
		return fmt.Errorf("writing segment %s: %w", w.segment.dir, err)
	}
	return nil
}

// close seals the segment, unless it was removed meanwhile, as everybody had taken it.
func (w *writer) close() error {
	if err := w.log.Close(); err != nil && !w.closed {
		return fmt.Errorf("closing segment %s: %w", w.segment.dir, err)
	}
	w.closed = true // a second Close of the log is an error
	s := w.segment
	if w.empty() {
		return os.RemoveAll(s.dir)
	}
	err := replaceJSON(filepath.Join(s.dir, metaName), meta{metaVersion, s.first, s.end, s.octets, s.opened, w.opened.UTC().Truncate(time.Second)})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("closing segment %s: %w", s.dir, err) // it is read to its end at the next start
	}
	return nil
}

// openSegment finds out what stands in a folder of an earlier run. It returns nil if there are no records. A segment that was not sealed
// is read; what stands behind its last whole record was never acknowledged.
func openSegment(dir string, run time.Duration) (*segment, error) {
	first, err := strconv.ParseUint(filepath.Base(dir), 10, 64)
	if err != nil {
		return nil, err
	}
	s := &segment{dir: dir, first: first, end: first, opened: run, sealed: true}
	if s.readMeta(run) {
		return s, nil
	}
	c, err := s.open()
	if err != nil {
		return nil, err
	}
	defer c.close()
	for err = c.advance(); err == nil; err = c.advance() {
		s.end = c.next
	}
	if !errors.Is(err, io.EOF) {
		s.fault = err
	}
	s.octets = folderSize(dir)
	if s.end == s.first {
		return nil, nil
	}
	return s, nil
}

// readMeta reads what is known of a segment that was sealed; false if it was not. run is the run clock.
func (s *segment) readMeta(run time.Duration) bool {
	var m meta
	data, err := os.ReadFile(filepath.Join(s.dir, metaName))
	if err != nil || json.Unmarshal(data, &m) != nil || m.Version != metaVersion || m.First != s.first || m.End <= s.first {
		return false
	}
	s.end, s.octets, s.opened = m.End, m.Octets, min(m.Run, run)
	return true
}

// share returns how many octets n of the segment's records take.
func (s *segment) share(n uint64) int64 {
	if s.end == s.first {
		return 0
	}
	return int64(float64(s.octets) * float64(n) / float64(s.end-s.first))
}

// cursor reads a segment from its begin.
type cursor struct {
	segment *segment
	files   io.ReadCloser
	log     *wlog.Reader
	next    uint64 // number of the next record
}

// errNumber is the fault of a record that has a number which cannot be its own.
var errNumber = errors.New("a record is out of order")

func (s *segment) open() (*cursor, error) {
	files, err := wlog.NewSegmentsReader(s.dir)
	if err != nil {
		return nil, fmt.Errorf("opening segment %s: %w", s.dir, err)
	}
	return &cursor{segment: s, files: files, log: wlog.NewReader(files), next: s.first}, nil
}

// advance goes to the next whole record. io.EOF is the end of what was written; every other error is a fault.
func (c *cursor) advance() error {
	if !c.log.Next() {
		return cmp.Or(c.log.Err(), io.EOF)
	}
	// The log's checksums leave out the octet that says whether a record is compressed.
	if r := c.log.Record(); len(r) < numberSize || binary.BigEndian.Uint64(r) != c.next {
		return errNumber
	}
	c.next++
	return nil
}

// read appends to dst the records from ≤ n < to until they have size octets, one at least. It returns also the number behind the last one,
// and an error if that one cannot be read.
func (c *cursor) read(dst []Record, from, to uint64, size int) ([]Record, uint64, error) {
	for size > 0 && c.next < to {
		if err := c.advance(); err != nil {
			return dst, max(from, c.next), fmt.Errorf("record %d of %d: %w", c.next-c.segment.first+1, c.segment.end-c.segment.first, err)
		}
		if c.next <= from {
			continue
		}
		raw := bytes.Clone(c.log.Record())
		dst = append(dst, Record{Number: c.next - 1, raw: raw})
		size -= len(raw)
	}
	return dst, c.next, nil
}

func (c *cursor) close() { _ = c.files.Close() } // it was only read

// replaceJSON writes a file so that after a crash there is the old one or the new one.
func replaceJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return statedir.Replace(path, append(data, '\n'))
}

// folderSize returns the octets of the files in dir; what cannot be read counts nothing.
func folderSize(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a file that is gone has no size
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
