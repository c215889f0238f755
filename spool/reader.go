package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"time"
)

// Lane is a part of what waits for a Reader.
type Lane uint8

const (
	Fresh   Lane = iota // what was appended in the last minute or two; everything for a Reader with InOrder
	Backlog             // what was appended before
)

// ReaderOptions say who reads, and what may wait for it.
type ReaderOptions struct {
	Name   string // distinct, and the same at each start
	Order  Order
	Bounds Bounds
	Cold   bool // it reads at the start alone, from disk: nothing is kept in memory for it
}

// Reader is one taker of records. Next and Ack are called by one goroutine at a time.
type Reader struct {
	spool    *Spool
	name     string
	order    Order
	position *position
	wake     chan struct{}
	fresh    uint64     // what is below is Backlog
	cursors  [2]*cursor // of each lane
}

// Chunk is what Next gives out: records in ascending order.
type Chunk struct {
	Records  []Record
	from, to uint64 // numbers that are done when these records are
}

// Reader returns the Reader of that name, which goes on where the one before it ended. One whose name is new begins with what is appended from
// now on. Readers are to be asked for before Append: a record that nobody waits for is not kept.
func (s *Spool) Reader(o ReaderOptions) (*Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.positions[o.Name]
	if p == nil {
		p = &position{}
		if !s.forgotten {
			p.done = p.done.below(s.visible)
		}
		s.positions[o.Name] = p
	}
	if p.reader != nil {
		return nil, fmt.Errorf("spool: %q has a reader already", o.Name)
	}
	p.bounds, p.cold = o.Bounds, o.Cold
	s.dirty = true
	r := &Reader{spool: s, name: o.Name, order: o.Order, position: p, wake: make(chan struct{}, 1)}
	p.reader = r
	signal(r.wake)
	return r, nil
}

// Forget drops what waits for a name that has no Reader. It reports whether there was one.
func (s *Spool) Forget(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.positions[name]
	if p == nil || p.reader != nil {
		return false
	}
	delete(s.positions, name)
	s.dirty = true
	return true
}

// Wake has something in it after records were appended.
func (r *Reader) Wake() <-chan struct{} { return r.wake }

// Close ends the Reader; what it did not acknowledge waits for the next one of its name.
func (r *Reader) Close() {
	for lane := range r.cursors {
		r.leave(Lane(lane))
	}
	r.spool.mu.Lock()
	r.position.reader = nil
	r.spool.mu.Unlock()
}

// Next returns records of a lane that were not acknowledged, of about size octets and at least one, or none. They come again until they
// are acknowledged.
func (r *Reader) Next(lane Lane, size int) Chunk {
	for {
		c, again := r.next(lane, size)
		if len(c.Records) > 0 {
			return c
		}
		r.Ack(c)
		if !again {
			return Chunk{}
		}
	}
}

// Ack says that a chunk's records need not come again.
func (r *Reader) Ack(c Chunk) {
	if c.from >= c.to {
		return
	}
	s := r.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	r.position.done = r.position.done.add(c.from, c.to)
	s.dirty = true
}

// AckBelow says that no record below a number need come again.
func (r *Reader) AckBelow(number uint64) {
	r.Ack(Chunk{from: 0, to: number})
}

// next looks once. A chunk without records covers numbers that nobody can have; again says that there may be more behind it.
func (r *Reader) next(lane Lane, size int) (c Chunk, again bool) {
	s := r.spool
	s.mu.Lock()
	want := r.want(lane)
	if want.From >= want.To {
		s.mu.Unlock()
		r.leave(lane)
		return Chunk{}, false
	}
	if len(s.recent) > 0 && want.From >= s.recent[0].Number {
		defer s.mu.Unlock()
		return fromRecent(s.recent, want, size), true
	}
	i := sort.Search(len(s.segments), func(i int) bool { return s.segments[i].end > want.From })
	if i == len(s.segments) || want.From < s.segments[i].first { // nothing is known of these numbers
		to := want.To
		if i < len(s.segments) {
			to = min(to, s.segments[i].first)
		}
		if len(s.recent) > 0 {
			to = min(to, s.recent[0].Number)
		}
		s.mu.Unlock()
		return Chunk{from: want.From, to: to}, true
	}
	g := s.segments[i]
	if !g.sealed {
		s.mu.Unlock()
		s.disk.Lock()
		err := s.seal()
		s.disk.Unlock()
		if err != nil {
			s.log.Warn("spool: closing a segment", "err", err)
		}
		return Chunk{}, true
	}
	s.mu.Unlock()
	return r.fromSegment(lane, g, want, size)
}

// want returns the numbers to look for next; spool.mu is held.
func (r *Reader) want(lane Lane) span {
	s, done := r.spool, r.position.done
	if r.order == InOrder {
		if lane == Backlog {
			return span{}
		}
		return done.missing(0, s.visible)
	}
	if n := len(s.segments); n > 1 {
		r.fresh = max(r.fresh, s.segments[n-2].first)
	}
	r.fresh = min(r.fresh, s.visible)
	switch {
	case lane == Fresh:
		return done.missing(r.fresh, s.visible)
	case r.order == OldestFirst:
		return done.missing(0, r.fresh)
	}
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := s.segments[i]
		if want := done.missing(g.first, min(g.end, r.fresh)); want.From < want.To {
			return want
		}
	}
	return span{}
}

// fromRecent takes what is wanted from recent, whose first number is not above want.From.
func fromRecent(recent []Record, want span, size int) Chunk {
	c := Chunk{from: want.From, to: want.To}
	i := sort.Search(len(recent), func(i int) bool { return recent[i].Number >= want.From })
	for ; i < len(recent) && recent[i].Number < want.To; i++ {
		if size <= 0 {
			c.to = recent[i].Number
			break
		}
		c.Records = append(c.Records, recent[i])
		size -= len(recent[i].raw)
	}
	return c
}

// fromSegment takes what is wanted from a sealed segment, as next does.
func (r *Reader) fromSegment(lane Lane, g *segment, want span, size int) (chunk Chunk, again bool) {
	want.To = min(want.To, g.end)
	c := r.cursors[lane]
	if c == nil || c.segment != g || c.next > want.From {
		r.leave(lane)
		var err error
		if c, err = g.open(); err != nil {
			return r.unreadable(g, want, want.From, nil, err)
		}
		r.spool.mu.Lock()
		g.cursors++
		r.spool.mu.Unlock()
		r.cursors[lane] = c
	}
	records, to, err := c.read(nil, want.From, want.To, size)
	if err != nil {
		r.leave(lane)
		return r.unreadable(g, want, to, records, err)
	}
	if to >= g.end {
		r.leave(lane)
	}
	r.spool.mu.Lock()
	g.failing = time.Time{}
	r.spool.mu.Unlock()
	return Chunk{Records: records, from: want.From, to: to}, true
}

// patience is how long files that the system does not give us are asked for again, before they count as corrupt.
const patience = time.Minute

// unreadable returns records, which were read before the fault at number at. Behind what is corrupt nothing more of the segment is wanted;
// what the system does not give us now may be there later.
func (r *Reader) unreadable(g *segment, want span, at uint64, records []Record, err error) (chunk Chunk, again bool) {
	s := r.spool
	var system *fs.PathError
	s.mu.Lock()
	if errors.As(err, &system) && g.broken == nil {
		first := g.failing.IsZero()
		if first {
			g.failing = time.Now()
		}
		if time.Since(g.failing) < patience {
			s.mu.Unlock()
			if first {
				s.log.Error("spool: a file cannot be read; it is tried again", "segment", g.dir, "err", err)
			}
			return Chunk{Records: records, from: want.From, to: at}, false
		}
	}
	first := g.broken == nil
	if first {
		g.broken = err
		s.stats.quarantined++
	}
	r.position.corrupt += r.position.done.lacks(at, want.To)
	s.mu.Unlock()
	if first {
		s.log.Error("spool: a file is corrupt; the records in it from here on are lost, and it is kept aside", "segment", g.dir, "err", err)
	}
	return Chunk{Records: records, from: want.From, to: want.To}, true
}

// leave closes the cursor of a lane.
func (r *Reader) leave(lane Lane) {
	c := r.cursors[lane]
	if c == nil {
		return
	}
	c.close()
	r.cursors[lane] = nil
	r.spool.mu.Lock()
	c.segment.cursors--
	r.spool.mu.Unlock()
}
