package agent

import (
	"sync"
	"sync/atomic"
)

// Stats counts what was refused, given up or lost under load, beside what the snmp group counts. All of it only grows.
type Stats struct {
	RateLimited         uint64 // requests, for RateLimit
	SourcesRefused      uint64 // requests, for SourceFilter
	AnswersCapped       uint64 // answers that became tooBig for SetMaxUnauthenticatedSize
	SocketDrops         uint64 // datagrams that the kernel had no room for in a socket's buffer, where the system tells (Linux)
	ConnectionsRefused  uint64 // for StreamLimits.Connections or PerSource
	ConnectionsTimedOut uint64 // within a request or an answer, for StreamLimits.Request or Answer
}

type stats struct {
	rateLimited, sourcesRefused, answersCapped, connectionsRefused, connectionsTimedOut atomic.Uint64
}

// Stats returns what was counted so far.
func (s *Server) Stats() Stats {
	return Stats{
		RateLimited: s.stats.rateLimited.Load(), SourcesRefused: s.stats.sourcesRefused.Load(), AnswersCapped: s.stats.answersCapped.Load(), SocketDrops: s.sockets.drops(),
		ConnectionsRefused: s.stats.connectionsRefused.Load(), ConnectionsTimedOut: s.stats.connectionsTimedOut.Load(),
	}
}

// Sub returns what was counted since earlier.
func (s Stats) Sub(earlier Stats) Stats {
	return Stats{
		RateLimited: s.RateLimited - earlier.RateLimited, SourcesRefused: s.SourcesRefused - earlier.SourcesRefused, AnswersCapped: s.AnswersCapped - earlier.AnswersCapped,
		SocketDrops:         s.SocketDrops - earlier.SocketDrops,
		ConnectionsRefused:  s.ConnectionsRefused - earlier.ConnectionsRefused,
		ConnectionsTimedOut: s.ConnectionsTimedOut - earlier.ConnectionsTimedOut,
	}
}

// loser is a Datagrams that knows how many datagrams were lost before they could be read, modulo 2^32; false if it cannot tell now.
type loser interface{ Drops() (uint32, bool) }

// sockets adds up the losses of sockets that come and go.
type sockets struct {
	mu    sync.Mutex
	total uint64
	open  map[loser]uint32 // what each had lost when it was last asked
}

// watch begins to count what d loses, if it can tell.
func (s *sockets) watch(d Datagrams) {
	l, ok := d.(loser)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[loser]uint32)
	}
	s.open[l] = 0
}

// end counts d, which is still open, for the last time.
func (s *sockets) end(d Datagrams) {
	l, ok := d.(loser)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read(l)
	delete(s.open, l)
}

// drops asks every socket. Nothing is missed if that happens before one loses 2^32 datagrams more.
func (s *sockets) drops() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.open {
		s.read(l)
	}
	return s.total
}

// read brings the count of l up to date. The caller holds mu.
func (s *sockets) read(l loser) {
	if now, ok := l.Drops(); ok {
		s.total += uint64(now - s.open[l])
		s.open[l] = now
	}
}
