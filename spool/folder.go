package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

const (
	marksName      = "marks.json"
	marksVersion   = 1
	quarantineName = "quarantine"
	// keptAside is how many corrupt segments and files are kept for those who want to look at them.
	keptAside = 8
)

// marks is the file that says what each reader has taken.
type marks struct {
	Version int             `json:"version"`
	Run     time.Duration   `json:"run_ns"` // the run clock
	Next    uint64          `json:"next"`   // number of the next record
	Saved   uint64          `json:"saved"`  // records below were on disk, unless nobody wanted them; 0 in files of earlier releases
	Readers map[string]mark `json:"readers"`
}

type mark struct {
	Done    spans  `json:"done"`
	Bounds  Bounds `json:"bounds"`
	Dropped uint64 `json:"dropped"`
	Corrupt uint64 `json:"corrupt"`
}

// restore reads what earlier runs left.
func (s *Spool) restore() error {
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return err
	}
	m, err := readMarks(filepath.Join(s.options.Dir, marksName))
	if errors.Is(err, errMarks) {
		s.log.Error("spool: the file of what outputs took is unusable and is put aside; they get everything again", "err", err)
		err = s.putAside(filepath.Join(s.options.Dir, marksName))
	}
	if err != nil {
		return err
	}
	s.before = m.Run
	s.next = max(m.Next, 1)
	folders, err := segmentFolders(s.options.Dir)
	if err != nil {
		return err
	}
	for _, f := range folders {
		s.restoreSegment(f, m.Saved)
	}
	s.forgotten = m.Version == 0 && len(s.segments) > 0
	s.positions = m.positions()
	s.tellMissing(min(m.Saved, s.next))
	return nil
}

// tellMissing finds the records below saved that are in no segment and that somebody still waits for: a file became corrupt, or is gone. Numbers from there
// on that are in no segment were never on disk; nobody is to wait for them.
func (s *Spool) tellMissing(saved uint64) {
	end := uint64(0) // of the segment before
	for i := range len(s.segments) + 1 {
		gap := span{end, max(end, saved)}
		if i < len(s.segments) {
			gap.To, end = s.segments[i].first, s.segments[i].end
		}
		var most uint64
		for _, p := range s.positions {
			n := p.done.lacks(gap.From, gap.To)
			p.corrupt += n
			p.done = p.done.add(gap.From, gap.To)
			most = max(most, n)
		}
		if most == 0 {
			continue
		}
		var err error
		if i > 0 && s.segments[i-1].fault != nil {
			g := s.segments[i-1]
			g.broken, err = g.fault, g.fault
			s.stats.quarantined++
		}
		s.log.Error("spool: records that were on disk are there no more: they are lost", "records", most, "first", gap.From, "err", err)
	}
	for _, p := range s.positions {
		p.done = p.done.add(max(end, saved), s.next)
	}
}

// segmentFolder is the folder of a segment and the number that is its name.
type segmentFolder struct {
	dir   string
	first uint64
}

// segmentFolders returns the folders of segments, in the order of their numbers.
func segmentFolders(dir string) (out []segmentFolder, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if n, err := strconv.ParseUint(e.Name(), 10, 64); err == nil && e.IsDir() {
			out = append(out, segmentFolder{filepath.Join(dir, e.Name()), n})
		}
	}
	return out, nil
}

// positions returns those of the readers.
func (m marks) positions() map[string]*position {
	out := map[string]*position{}
	for name, k := range m.Readers {
		out[name] = &position{done: k.Done, bounds: k.Bounds, dropped: k.Dropped, corrupt: k.Corrupt}
	}
	return out
}

// restoreSegment adds a segment of an earlier run. One that cannot be opened is put aside, and so is one without records if there were some: its first is
// below saved.
func (s *Spool) restoreSegment(f segmentFolder, saved uint64) {
	dir := f.dir
	g, err := openSegment(dir, s.before)
	if g == nil && err == nil && f.first < saved && folderSize(dir) > 0 {
		err = errNoRecords
	}
	if err != nil {
		s.log.Error("spool: a segment cannot be read and is put aside", "segment", dir, "err", err)
		s.stats.quarantined++
		if err := s.putAside(dir); err != nil {
			s.log.Error("spool: putting aside", "err", err)
		}
		return
	}
	if g == nil {
		if err := os.RemoveAll(dir); err != nil {
			s.log.Warn("spool: removing an empty segment", "err", err)
		}
		return
	}
	// After a write that failed, the one before may have records that were written again.
	if n := len(s.segments); n > 0 && s.segments[n-1].end > g.first {
		s.segments[n-1].end = g.first
	}
	s.segments = append(s.segments, g)
	s.next = max(s.next, g.end)
}

// errNoRecords is that a segment had records and has none.
var errNoRecords = errors.New("no record can be read")

// errMarks is wrapped by the error about a file of marks that makes no sense.
var errMarks = errors.New("unusable")

// readMarks reads the file; no file is the zero marks.
func readMarks(path string) (marks, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return marks{}, nil
	}
	if err != nil {
		return marks{}, err
	}
	var m marks
	if err := json.Unmarshal(data, &m); err != nil {
		return marks{}, fmt.Errorf("%s: %w: %w", path, errMarks, err)
	}
	if m.Version != marksVersion || m.Run < 0 {
		return marks{}, fmt.Errorf("%s: %w: version %d", path, errMarks, m.Version)
	}
	for name, k := range m.Readers {
		if !k.Done.valid(m.Next) {
			return marks{}, fmt.Errorf("%s: %w: the marks of %q", path, errMarks, name)
		}
	}
	return m, nil
}

// saveMarks writes the file of marks.
func (s *Spool) saveMarks() error {
	s.mu.Lock()
	m := marks{Version: marksVersion, Run: s.clock(), Next: s.next, Saved: s.saved, Readers: map[string]mark{}}
	for name, p := range s.positions {
		m.Readers[name] = mark{slices.Clone(p.done), p.bounds, p.dropped, p.corrupt}
	}
	s.dirty = false
	s.mu.Unlock()
	if err := replaceJSON(filepath.Join(s.options.Dir, marksName), m); err != nil {
		s.mu.Lock()
		s.dirty = true
		s.mu.Unlock()
		return fmt.Errorf("spool %s: %w", s.options.Dir, err)
	}
	return nil
}

// collect removes the segments of which nobody wants anything more.
func (s *Spool) collect() {
	s.mu.Lock()
	if s.forgotten && (len(s.positions) == 0 || s.stats.appended == 0 && !s.ended) { // the readers are still to come
		s.mu.Unlock()
		return
	}
	gone := s.unwanted()
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return slices.Contains(gone, g) })
	least := s.visible // what is below has no more marks than one
	if len(s.segments) > 0 {
		least = s.segments[0].first
	}
	if len(s.recent) > 0 {
		least = min(least, s.recent[0].Number)
	}
	for p := range maps.Values(s.positions) {
		p.done = p.done.below(least)
	}
	s.mu.Unlock()
	for _, g := range gone {
		remove := os.RemoveAll
		if g.broken != nil {
			remove = s.putAside
		}
		if err := remove(g.dir); err != nil {
			s.log.Warn("spool: removing a segment", "err", err)
		}
	}
}

// unwanted returns the segments that everybody has taken and that are not kept for a replay; mu is held.
func (s *Spool) unwanted() (out []*segment) {
	var kept int64
	keep, now := s.options.Keep, s.clock()
	for _, g := range slices.Backward(s.segments) {
		if !g.sealed || g.cursors > 0 || s.waitedFor(g) {
			continue
		}
		kept += g.octets
		if g.broken != nil || kept > keep.Size || now-g.opened > keep.Age {
			out = append(out, g)
		}
	}
	return out
}

// waitedFor reports whether somebody has still to take something of g; mu is held.
func (s *Spool) waitedFor(g *segment) bool {
	for _, p := range s.positions {
		if p.done.lacks(g.first, g.end) > 0 {
			return true
		}
	}
	return false
}

// putAside moves a file or a folder into quarantine, of which the newest few are kept.
func (s *Spool) putAside(path string) error {
	dir := filepath.Join(s.options.Dir, quarantineName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Numbered, so that they stand in the order in which they came.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	last := 0
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "%06d-", &n); err == nil {
			last = max(last, n)
		}
	}
	for len(entries) >= keptAside {
		if err := os.RemoveAll(filepath.Join(dir, entries[0].Name())); err != nil {
			return err
		}
		entries = entries[1:]
	}
	return os.Rename(path, filepath.Join(dir, fmt.Sprintf("%06d-%s", last+1, filepath.Base(path))))
}
