package spool

import (
	"math"
	"time"

	"walkabout/internal/lograte"
)

// Order says in which order a reader that lags gets what it has not taken.
type Order uint8

const (
	// InOrder: everything in the order of Append.
	InOrder Order = iota
	// OldestFirst: what is new at once; beside it what waits, oldest first.
	OldestFirst
	// NewestFirst: what is new at once; beside it what waits, newest segment first.
	NewestFirst
)

// Bounds are what may wait for one reader.
type Bounds struct {
	Size int64         `json:"size"`   // octets on disk; 0 is no bound
	Age  time.Duration `json:"age_ns"` // of time in which the spool was open; 0 is no bound
}

// position is what one reader has taken, whether it is here or not.
type position struct {
	done    spans // acknowledged, or dropped
	bounds  Bounds
	dropped uint64 // records dropped at the bounds, over all runs
	corrupt uint64 // records that could not be read, over all runs
	reader  *Reader
	cold    bool // see ReaderOptions

	// Of enforce.
	waiting  int64         // octets
	room     int64         // octets that could wait before the disk is full
	oldest   time.Duration // age of what waits longest
	filling  bool          // it was said that a bound is near
	saidDrop lograte.Kind
	unsaid   uint64 // dropped, and not yet logged
}

// fillingShare of a bound is when a reader's lag is said to be near it; it is over below calmShare.
const (
	fillingShare = 0.8
	calmShare    = 0.7
)

// share returns how much of its nearest bound a position uses, from 0 to 1 and above. The disk's end is one.
func (p *position) share() float64 {
	of := float64(p.waiting) / float64(max(p.room, 1))
	if p.bounds.Size > 0 {
		of = max(of, float64(p.waiting)/float64(p.bounds.Size))
	}
	if p.bounds.Age > 0 {
		of = max(of, float64(p.oldest)/float64(p.bounds.Age))
	}
	return of
}

// enforce drops what is beyond the bounds of each position.
func (s *Spool) enforce() {
	if s.tooBig() { // so that there is something to drop
		s.disk.Lock()
		if err := s.seal(); err != nil {
			s.log.Warn("spool: closing a segment", "err", err)
		}
		s.disk.Unlock()
	}
	free, err := s.options.Free(s.options.Dir)
	if err != nil { // then nothing is known of the disk's end
		free = math.MaxInt64 / 2
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.free = free
	for _, name := range s.names() {
		p := s.positions[name]
		s.enforceOn(p, now)
		p.room = p.waiting + free
		if p.unsaid > 0 && p.saidDrop.Due() {
			s.log.Error("spool: an output took nothing for too long: its oldest records were dropped", "output", name, "dropped", p.unsaid,
				"size_limit", p.bounds.Size, "age_limit", p.bounds.Age)
			p.unsaid = 0
		}
		switch share := p.share(); {
		case !p.filling && share >= fillingShare:
			p.filling = true
			s.log.Warn("spool: an output lags, and the spool will drop its oldest records at the limit; or the disk is nearly full", "output", name,
				"waiting_octets", p.waiting, "size_limit", p.bounds.Size, "disk_free", free, "oldest", p.oldest.Round(time.Second), "age_limit", p.bounds.Age)
		case p.filling && share < calmShare:
			p.filling = false
		}
	}
}

// tooBig reports whether the present segment alone is beyond somebody's bound.
func (s *Spool) tooBig() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.segments) == 0 {
		return false
	}
	last := s.segments[len(s.segments)-1]
	for _, p := range s.positions {
		if !last.sealed && p.bounds.Size > 0 && last.octets > p.bounds.Size && p.done.lacks(last.first, last.end) > 0 {
			return true
		}
	}
	return false
}

// enforceOn goes from the newest segment to the oldest; mu is held.
func (s *Spool) enforceOn(p *position, now time.Duration) {
	p.waiting, p.oldest = 0, 0
	over := false // all that is older goes too
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := s.segments[i]
		lacks := p.done.lacks(g.first, g.end)
		if lacks == 0 {
			continue
		}
		octets := g.share(lacks)
		age := now - g.opened
		over = over || p.bounds.Size > 0 && p.waiting+octets > p.bounds.Size || p.bounds.Age > 0 && age > p.bounds.Age
		if over && g.sealed {
			p.done = p.done.add(g.first, g.end)
			p.dropped += lacks
			p.unsaid += lacks
			s.dirty = true
			continue
		}
		p.waiting += octets
		p.oldest = max(p.oldest, age)
	}
}
