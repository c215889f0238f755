package agent

import (
	"cmp"
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

// rerouteLocked has the next request work the routes out anew: a sub-agent registers by the hundred, with no request between.
func (s *Server) rerouteLocked() { s.routes.Store(nil) }

// currentRoutes returns what the registrations of this moment result in.
func (s *Server) currentRoutes() routes {
	if r := s.routes.Load(); r != nil {
		return *r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.routes.Load(); r != nil {
		return *r
	}
	contexts := map[string][]registered{"": nil}
	for _, r := range s.registered {
		contexts[r.Context] = append(contexts[r.Context], r)
	}
	next := make(routes, len(contexts))
	for name, regs := range contexts {
		next[name] = regions(regs)
	}
	s.routes.Store(&next)
	return next
}

// regions cuts the OID space at every registration's start and end, and gives each piece to the best of those that cover it. A subtree lies
// within another or beside it, so that those that cover a piece are a stack.
func regions(regs []registered) []region {
	var cuts []oid.OID
	at := make(map[oid.OID][]*registered, len(regs)) // by root, the best first
	for i := range regs {
		r := &regs[i]
		at[r.Root] = append(at[r.Root], r)
		for _, root := range append([]oid.OID{r.Root}, r.except...) {
			cuts = append(cuts, root)
			if end := root.SubtreeEnd(); !end.IsEmpty() {
				cuts = append(cuts, end)
			}
		}
	}
	for _, list := range at {
		slices.SortFunc(list, func(a, b *registered) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.serial, b.serial))
		})
	}
	slices.SortFunc(cuts, oid.OID.Compare)
	cuts = slices.Compact(cuts)
	var out []region
	var stack []oid.OID // of roots, each within the one before
	for i, start := range cuts {
		for len(stack) > 0 && !start.HasPrefix(stack[len(stack)-1]) {
			stack = stack[:len(stack)-1]
		}
		if at[start] != nil {
			stack = append(stack, start)
		}
		best := bestOf(stack, at, start)
		if best == nil {
			continue
		}
		var end oid.OID
		if i+1 < len(cuts) {
			end = cuts[i+1]
		}
		if n := len(out); n > 0 && out[n-1].handler == best.handler && out[n-1].end == start {
			out[n-1].end = end
			continue
		}
		out = append(out, region{start, end, best.handler})
	}
	return out
}

// bestOf returns who serves o: of the smallest subtree around it, the best that does not leave o out; nil if nobody does.
func bestOf(stack []oid.OID, at map[oid.OID][]*registered, o oid.OID) *registered {
	for _, root := range slices.Backward(stack) {
		for _, r := range at[root] {
			if !slices.ContainsFunc(r.except, o.HasPrefix) {
				return r
			}
		}
	}
	return nil
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
