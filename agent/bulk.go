package agent

import (
	"math"
	"sync/atomic"
)

// BulkLimits bounds the answers to GetBulk beside their size; 0 and less is no bound. The zero BulkLimits leaves it to the size.
type BulkLimits struct {
	Repetitions int // of each name
	Responses   int // repetitions of all names together, of which each gets one whatever the bound; non-repeaters do not count
}

// bulkLimits is the BulkLimits of a Server; 0 is no bound.
type bulkLimits struct{ repetitions, responses atomic.Int64 }

// SetBulkLimits replaces the bounds.
func (s *Server) SetBulkLimits(l BulkLimits) {
	s.bulk.repetitions.Store(int64(max(l.Repetitions, 0)))
	s.bulk.responses.Store(int64(max(l.Responses, 0)))
}

// cut returns how many of the repetitions that are asked for so many repeaters are given.
func (l *bulkLimits) cut(repetitions, repeaters int) int {
	most := int64(math.MaxInt64)
	if n := l.repetitions.Load(); n > 0 {
		most = n
	}
	if n := l.responses.Load(); n > 0 && repeaters > 0 { // an answer without any would have walks ask again for ever
		most = min(most, max(n/int64(repeaters), 1))
	}
	return int(min(int64(repetitions), most))
}
