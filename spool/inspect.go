package spool

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"walkabout/internal/statedir"
)

// Contents is what a folder holds, whether a Spool is open in it or not.
type Contents struct {
	Stats
	First, End  uint64   // number of the oldest record that is held, and that behind the newest
	Quarantined []string // names in the folder quarantine
	// Unmarked: marks.json is missing or makes no sense, so nobody knows what was taken, and all that is held comes again.
	Unmarked bool
}

// marksOf reads the marks of a folder. Without them, or if they make no sense, known is false.
func marksOf(dir string) (m marks, known bool, err error) {
	m, err = readMarks(filepath.Join(dir, marksName))
	if errors.Is(err, errMarks) {
		return marks{}, false, nil
	}
	return m, m.Version != 0, err
}

// Inspect reads what the folder tells of itself, without its records. What a running Spool did in the last second may be missing.
func Inspect(dir string) (Contents, error) {
	if _, err := os.Stat(dir); err != nil {
		return Contents{}, err
	}
	m, known, err := marksOf(dir)
	if err != nil {
		return Contents{}, err
	}
	folders, err := segmentFolders(dir)
	if err != nil {
		return Contents{}, err
	}
	var segments []*segment
	for i, f := range folders {
		g := &segment{dir: f.dir, first: f.first, end: max(m.Next, f.first), opened: m.Run}
		if i+1 < len(folders) {
			g.end = folders[i+1].first
		}
		if !g.readMeta(m.Run) {
			g.octets = folderSize(g.dir)
			if info, err := os.Stat(g.dir); err == nil { // written when the segment was made
				g.opened -= min(max(time.Since(info.ModTime()), 0), g.opened)
			}
		}
		segments = append(segments, g)
	}
	s := &Spool{segments: segments, next: m.Next, saved: m.Next, visible: m.Next, positions: m.positions()}
	for _, p := range s.positions {
		p.lag(segments, m.Run)
	}
	c := Contents{Stats: s.Stats(), First: m.Next, End: m.Next, Unmarked: !known}
	if n := len(segments); n > 0 {
		c.First, c.End = segments[0].first, max(c.End, segments[n-1].end)
	}
	entries, err := os.ReadDir(filepath.Join(dir, quarantineName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Contents{}, err
	}
	for _, e := range entries {
		c.Quarantined = append(c.Quarantined, e.Name())
	}
	return c, nil
}

// Scan calls visit with each record in the folder, in order, until it returns an error; with those alone that wait for the reader called name
// if that is not "". The errors of segments that cannot be read to their end are joined, and the others are read nevertheless.
func Scan(dir, name string, visit func(Record) error) error {
	m, _, err := marksOf(dir)
	if err != nil {
		return err
	}
	done := spans(nil)
	if name != "" {
		k, ok := m.Readers[name]
		if !ok {
			return fmt.Errorf("nothing waits for %q in %s; outputs there are %q", name, dir, slices.Sorted(maps.Keys(m.Readers)))
		}
		done = k.Done
	}
	folders, err := segmentFolders(dir)
	if err != nil {
		return err
	}
	var broken []error
	for _, f := range folders {
		g := &segment{dir: f.dir, first: f.first, end: f.first}
		known := g.readMeta(m.Run)
		c, err := g.open()
		if err != nil {
			broken = append(broken, err)
			continue
		}
		err = nil
		for err == nil && (!known || c.next < g.end) {
			if err = c.advance(); err == nil && done.lacks(c.next-1, c.next) > 0 {
				if err := visit(Record{Number: c.next - 1, raw: slices.Clone(c.log.Record())}); err != nil {
					c.close()
					return err
				}
			}
		}
		c.close()
		if err != nil && known {
			broken = append(broken, fmt.Errorf("segment %s: %w", g.dir, err))
		}
	}
	return errors.Join(broken...)
}

// Request is what somebody wants of a Spool that may be open in another process.
type Request struct {
	Replay string `json:"replay,omitempty"` // the reader that is to get again what is held
	From   uint64 `json:"from,omitempty"`   // from this number on
	Forget string `json:"forget,omitempty"` // the name that is to be forgotten
}

const requestsName = "requests"

// Ask leaves a request in the folder. An open Spool takes it within a second, else the next one does.
func Ask(dir string, r Request) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, requestsName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return statedir.Replace(filepath.Join(folder, rand.Text()+".json"), data)
}

// serveRequests does what was asked for.
func (s *Spool) serveRequests() {
	folder := filepath.Join(s.options.Dir, requestsName)
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return // the folder's name is no pattern
	}
	for _, path := range paths {
		var r Request
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		err = errors.Join(err, os.Remove(path))
		if err != nil {
			s.log.Error("spool: a request cannot be read", "err", err)
			continue
		}
		if r.Replay != "" {
			s.replay(r.Replay, r.From)
		}
		if r.Forget != "" {
			s.serveForget(r.Forget)
		}
	}
}

func (s *Spool) serveForget(name string) {
	s.mu.Lock()
	p := s.positions[name]
	runs := p != nil && p.reader != nil
	s.mu.Unlock()
	switch {
	case s.Forget(name):
		s.log.Info("spool: an output was forgotten", "output", name)
	case runs:
		s.log.Warn("spool: an output that runs is not forgotten; what the configuration says of outputs takes a restart: forget it after that", "output", name)
	default:
		s.log.Warn("spool: there is no such output to be forgotten", "output", name)
	}
}

// replay lets the reader of that name have again what is held from number from on.
func (s *Spool) replay(name string, from uint64) {
	s.mu.Lock()
	p := s.positions[name]
	var again uint64
	if p != nil {
		p.done = p.done.cut(from)
		for _, g := range s.segments {
			again += p.done.lacks(g.first, g.end)
		}
		s.dirty = true
		if p.reader != nil {
			signal(p.reader.wake)
		}
	}
	s.mu.Unlock()
	if p == nil {
		s.log.Error("spool: there is no such output", "output", name)
		return
	}
	s.log.Info("spool: an output gets again what is held", "output", name, "from", from, "records", again)
}

// lag finds out what waits for p in segments, now by the run clock.
func (p *position) lag(segments []*segment, now time.Duration) {
	for _, g := range segments {
		if lacks := p.done.lacks(g.first, g.end); lacks > 0 {
			p.waiting += g.share(lacks)
			p.oldest = max(p.oldest, now-g.opened)
		}
	}
}
