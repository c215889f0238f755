package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"walkabout/internal/lograte"
)

// commit writes the group, and what earlier commits could not write, and lets it be read.
func (s *Spool) commit() {
	s.disk.Lock()
	defer s.disk.Unlock()
	s.mu.Lock()
	g := s.group
	s.group = nil
	select {
	case <-s.full: // was of this group
	default:
	}
	if g != nil {
		s.recent = append(s.recent, g.records...)
		s.size += int64(g.size)
	}
	s.saved = max(s.saved, min(s.wanted(), s.next)) // what all have taken from memory needs no disk
	pending := slices.Clone(s.recent[len(s.recent)-s.unsaved():])
	s.mu.Unlock()

	var err error
	if len(pending) > 0 {
		if err = s.write(pending); err != nil && !errors.Is(err, errSoon) { // which must not put off the next try
			s.retryAt = time.Now().Add(tickInterval / 2)
		}
	}

	s.mu.Lock()
	if len(s.recent) > 0 {
		s.visible = s.recent[len(s.recent)-1].Number + 1
	}
	switch {
	case err == nil:
		s.saved = s.visible
		s.dirty = s.dirty || len(pending) > 0
	case !errors.Is(err, errSoon):
		s.stats.failures++
	}
	s.trim()
	for _, p := range s.positions {
		if p.reader != nil {
			signal(p.reader.wake)
		}
	}
	lost := s.stats.lost
	s.mu.Unlock()
	if g != nil {
		close(g.done)
	}
	s.sayDisk(err, lost)
}

// sayDisk logs that the disk began to fail, goes on to, or works again.
func (s *Spool) sayDisk(err error, lost uint64) {
	switch {
	case errors.Is(err, errSoon):
	case err != nil:
		if s.failing.IsZero() {
			s.failing = time.Now()
		}
		if s.saidFailing.Due() {
			s.log.Error("spool: the disk takes nothing; records are kept in memory and tried again", "err", err, "lost", lost-s.lostReported)
			s.lostReported = lost
		}
	case !s.failing.IsZero():
		s.log.Info("spool: the disk works again", "after", time.Since(s.failing).Round(time.Millisecond), "lost", lost-s.lostReported)
		s.failing, s.saidFailing, s.lostReported = time.Time{}, lograte.Kind{}, lost
	}
}

// errSoon stands for a write that was not tried, since one failed a moment ago.
var errSoon = errors.New("the disk failed a moment ago")

// write puts records on disk, in the present segment or a new one; disk is held.
func (s *Spool) write(records []Record) error {
	if time.Now().Before(s.retryAt) {
		return errSoon
	}
	if err := s.unstick(); err != nil {
		return err
	}
	if s.writer != nil && s.writer.segment.end != records[0].Number {
		if err := s.seal(); err != nil {
			return err
		}
	}
	if s.writer == nil {
		w, err := newWriter(s.options.Dir, records[0].Number, s.clock())
		if w != nil {
			s.writer = w
			s.mu.Lock()
			s.segments = append(s.segments, w.segment)
			s.mu.Unlock()
		}
		if err != nil {
			s.abandon()
			return err
		}
	}
	if err := s.writer.append(records); err != nil {
		s.abandon()
		return err
	}
	octets := folderSize(s.writer.segment.dir)
	s.mu.Lock()
	s.writer.segment.end = records[len(records)-1].Number + 1
	s.writer.segment.octets = octets
	s.mu.Unlock()
	if octets >= s.options.SegmentSize {
		if err := s.seal(); err != nil { // the records are safe
			s.log.Warn("spool: closing a segment", "err", err)
		}
	}
	return nil
}

// seal ends the present segment; disk is held. A segment that cannot be closed is tried again before the next is made.
func (s *Spool) seal() error {
	if s.writer == nil {
		return nil
	}
	w := s.writer
	s.writer = nil
	err := w.close()
	octets := folderSize(w.segment.dir)
	s.mu.Lock()
	w.segment.sealed, w.segment.octets = true, octets
	if w.empty() {
		s.segments = slices.DeleteFunc(s.segments, func(x *segment) bool { return x == w.segment })
	}
	s.mu.Unlock()
	if err != nil {
		s.stuck = append(s.stuck, w)
	}
	return err
}

// abandon ends the present segment after a fault: behind the records that it has there may be parts of others.
func (s *Spool) abandon() {
	_ = s.seal() // the fault that brought us here is the one that is told
}

// unstick closes what could not be closed before; disk is held.
func (s *Spool) unstick() error {
	for len(s.stuck) > 0 {
		w := s.stuck[0]
		if err := w.close(); err != nil {
			return fmt.Errorf("the disk fails still: %w", err)
		}
		s.stuck = s.stuck[1:]
	}
	return nil
}

// rotate ends the present segment when it is old enough.
func (s *Spool) rotate() {
	s.disk.Lock()
	defer s.disk.Unlock()
	if s.writer == nil || time.Since(s.writer.opened) < s.options.SegmentAge {
		return
	}
	if err := s.seal(); err != nil {
		s.log.Warn("spool: closing a segment", "err", err)
	}
}

// wanted returns the least number that somebody has not yet taken; mu is held.
func (s *Spool) wanted() uint64 { return s.wantedBy(func(*position) bool { return true }) }

// wantedBy returns the least number that one of those that are picked has not yet taken; mu is held.
func (s *Spool) wantedBy(pick func(*position) bool) uint64 {
	least := s.next
	for _, p := range s.positions {
		if pick(p) {
			least = min(least, p.done.missing(0, s.next).From)
		}
	}
	return least
}

// trim forgets of recent what everybody has taken, and the oldest until it is small enough; mu is held. What is not on disk is lost
// then, and counted.
func (s *Spool) trim() {
	wanted, n := s.wanted(), 0
	hot := max(wanted, min(s.wantedBy(func(p *position) bool { return !p.cold }), s.saved))
	for ; n < len(s.recent) && (s.size > s.options.RecentSize || s.recent[n].Number < hot); n++ {
		r := s.recent[n]
		s.size -= int64(len(r.raw))
		if r.Number < s.saved {
			continue
		}
		s.saved = r.Number + 1
		if r.Number >= wanted {
			s.stats.lost++
		}
	}
	s.recent = slices.Delete(s.recent, 0, n)
}
