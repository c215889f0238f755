package agent

import "net/netip"

// SourceFilter says from whom messages are looked at at all, by TCP too. Unix sockets are beyond it. The zero SourceFilter is none.
type SourceFilter struct {
	Only      bool // Addresses alone are heard; else they alone are not
	Addresses []netip.Addr
}

// sourceFilter is a SourceFilter with the addresses in a form to look up.
type sourceFilter struct {
	only      bool
	addresses map[netip.Addr]bool
}

// SetSourceFilter replaces the filter. What it refuses gets no answer, and is counted in Stats.SourcesRefused.
func (s *Server) SetSourceFilter(f SourceFilter) {
	if !f.Only && len(f.Addresses) == 0 {
		s.filter.Store(nil)
		return
	}
	next := &sourceFilter{f.Only, make(map[netip.Addr]bool, len(f.Addresses))}
	for _, a := range f.Addresses {
		next.addresses[a.Unmap().WithZone("")] = true
	}
	s.filter.Store(next)
}

// hears reports whether a message is looked at, and counts one that is not.
func (s *Server) hears(from origin) bool {
	f := s.filter.Load()
	if f == nil || from.socket != "" || f.addresses[from.addr.Unmap().WithZone("")] == f.only {
		return true
	}
	s.stats.sourcesRefused.Add(1)
	return false
}
