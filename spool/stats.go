package spool

import "time"

// Stats are a Spool's figures.
type Stats struct {
	Appended    uint64 // records since it was opened
	Refused     uint64 // records that Put did not take
	Failures    uint64 // writes that failed
	Lost        uint64 // records that a disk that failed did not take and for which there was no memory
	Quarantined uint64 // corrupt segments that were found
	Unsaved     int    // records that are in memory only, since the disk takes nothing
	Segments    int
	Octets      int64 // of the segments, on disk
	Free        int64 // octets that the disk has room for; looked at every second
	Readers     []ReaderStats
}

// ReaderStats are the figures of one name, whether it has a Reader or not.
type ReaderStats struct {
	Name    string
	Present bool // it has a Reader
	Bounds  Bounds
	Records uint64        // that wait
	Octets  int64         // of them, on disk; looked at every second
	Oldest  time.Duration // how long the oldest of them has waited; looked at every second
	Filling bool          // a bound is near, or passed, or the disk is nearly full
	Dropped uint64        // records dropped at the bounds, over all runs
	Corrupt uint64        // records that could not be read, over all runs
}

// Stats returns the figures of this moment, the readers by name.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{
		Appended: s.stats.appended, Refused: s.stats.refused, Failures: s.stats.failures, Lost: s.stats.lost, Quarantined: s.stats.quarantined,
		Unsaved: s.unsaved(), Segments: len(s.segments), Free: s.free,
	}
	for _, g := range s.segments {
		out.Octets += g.octets
	}
	for _, name := range s.names() {
		p := s.positions[name]
		out.Readers = append(out.Readers, ReaderStats{
			Name: name, Present: p.reader != nil, Bounds: p.bounds, Records: s.waiting(p), Octets: p.waiting, Oldest: p.oldest,
			Filling: p.filling, Dropped: p.dropped, Corrupt: p.corrupt,
		})
	}
	return out
}

// waiting returns how many records wait for p; mu is held.
func (s *Spool) waiting(p *position) (n uint64) {
	if unsaved := s.unsaved(); unsaved > 0 { // they are in no segment
		n = p.done.lacks(s.recent[len(s.recent)-unsaved].Number, s.visible)
	}
	for _, g := range s.segments {
		n += p.done.lacks(g.first, g.end)
	}
	return n
}
