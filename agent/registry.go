package agent

import (
	"errors"
	"fmt"
	"slices"

	"walkabout/mib"
	"walkabout/snmp/oid"
)

// Registration says which subtree a Handler serves.
type Registration struct {
	Context  string // contextName; "" is the default context
	Root     oid.OID
	Priority uint8 // among registrations of the same Root the lowest wins (RFC 2741 section 7.1.4.1), then the earliest
}

// ErrRegistration is wrapped by Register's errors.
var ErrRegistration = errors.New("bad registration")

// region is a range of the OID space that one Handler serves; the regions of a context do not overlap.
type region struct {
	start, end oid.OID // end is exclusive; empty is no end
	handler    mib.Handler
}

// registered is a Registration and who made it, in the order of arrival.
type registered struct {
	Registration
	handler mib.Handler
	serial  int
	except  []oid.OID // subtrees of it that it does not serve
}

// routes is the immutable result of all registrations: by context, the regions in ascending order.
type routes map[string][]region

// Register makes h serve the given subtrees until unregister is called. The most specific registration wins: where one lies
// within another, the outer one's range is cut around it. It may be called while the server serves.
func (s *Server) Register(h mib.Handler, regs ...Registration) (unregister func(), err error) {
	for _, r := range regs {
		if r.Root.IsEmpty() {
			return nil, fmt.Errorf("%w: empty root", ErrRegistration)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.serial
	for _, r := range regs {
		s.registered = append(s.registered, registered{Registration: r, handler: h, serial: s.serial})
		s.serial++
	}
	last := s.serial
	s.rerouteLocked()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.registered = slices.DeleteFunc(s.registered, func(r registered) bool { return r.serial >= first && r.serial < last })
		s.rerouteLocked()
	}, nil
}

// LeaveOut makes the registrations so far serve nothing of the given subtrees: they are free for others, which register later.
func (s *Server) LeaveOut(subtrees ...oid.OID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.registered {
		s.registered[i].except = slices.Concat(s.registered[i].except, subtrees)
	}
	s.rerouteLocked()
}

func (s *Server) rerouteLocked() {
	contexts := map[string][]registered{"": nil}
	for _, r := range s.registered {
		contexts[r.Context] = append(contexts[r.Context], r)
	}
	next := make(routes, len(contexts))
	for name, regs := range contexts {
		next[name] = regions(regs)
	}
	s.routes.Store(&next)
}

// regions cuts the OID space at every registration's start and end, and gives each piece to the best of those that cover it.
func regions(regs []registered) []region {
	var cuts []oid.OID
	for _, r := range regs {
		for _, root := range append([]oid.OID{r.Root}, r.except...) {
			cuts = append(cuts, root)
			if end := root.SubtreeEnd(); !end.IsEmpty() {
				cuts = append(cuts, end)
			}
		}
	}
	slices.SortFunc(cuts, oid.OID.Compare)
	cuts = slices.Compact(cuts)
	var out []region
	for i, start := range cuts {
		best := -1
		for j, r := range regs {
			if r.serves(start) && (best < 0 || better(r, regs[best])) {
				best = j
			}
		}
		if best < 0 {
			continue
		}
		var end oid.OID
		if i+1 < len(cuts) {
			end = cuts[i+1]
		}
		if n := len(out); n > 0 && out[n-1].handler == regs[best].handler && out[n-1].end == start {
			out[n-1].end = end
			continue
		}
		out = append(out, region{start, end, regs[best].handler})
	}
	return out
}

// serves reports whether r covers o.
func (r *registered) serves(o oid.OID) bool {
	return covers(r.Root, o) && !slices.ContainsFunc(r.except, func(root oid.OID) bool { return covers(root, o) })
}

func covers(root, o oid.OID) bool {
	if o.Less(root) {
		return false
	}
	end := root.SubtreeEnd()
	return end.IsEmpty() || o.Less(end)
}

func better(a, b registered) bool {
	if a.Root.Len() != b.Root.Len() {
		return a.Root.Len() > b.Root.Len()
	}
	if a.Priority != b.Priority {
		return a.Priority < b.Priority
	}
	return a.serial < b.serial
}

// regionAt returns the position of the first region that ends after o.
func regionAt(regions []region, o oid.OID) int {
	i, _ := slices.BinarySearchFunc(regions, o, func(r region, o oid.OID) int {
		if r.end.IsEmpty() || o.Less(r.end) {
			return 1
		}
		return -1
	})
	return i
}
