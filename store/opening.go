package store

import "github.com/prometheus/prometheus/tsdb"

// Opening is how far the opening of a database is.
type Opening struct {
	Read float64 // of its log, 0 to 1: a share of the segments
	Err  error   // why the last attempt failed; it is tried again with the next write. nil: it is under way
}

// Opening returns how far the opening of the database is; nil if it is open, or closed.
func (s *Store) Opening() *Opening {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db != nil || s.ended {
		return nil
	}
	out := &Opening{Err: s.failure}
	if s.progress != nil {
		out.Read = readOf(s.progress.Head.WALReplayStatus)
	}
	return out
}

// readOf returns the share of the segments that were read.
func readOf(status *tsdb.WALReplayStatus) float64 {
	status.RLock()
	defer status.RUnlock()
	segments := status.Max - status.Min + 1
	return float64(min(max(status.Current-status.Min, 0), segments)) / float64(max(segments, 1))
}
