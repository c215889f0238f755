package machine

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// linkSet keeps the structure of the links up to date. One goroutine at a time may change it; anybody may load it.
type linkSet struct {
	current  atomic.Pointer[Links] // nil until the first replace
	watchers linkWatchers

	mu   sync.Mutex
	next chan struct{} // closed by the next publication; nil if nobody waits for it
}

// linkChange is news of one link: what it is now, or that it is gone, when only Index counts.
type linkChange struct {
	link Link
	gone bool
}

// load returns the links now; nil before the first replace.
func (s *linkSet) load() *Links { return s.current.Load() }

// publish makes l the links now, and tells those who wait for it.
func (s *linkSet) publish(l *Links) {
	s.current.Store(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}

// await waits until the links are as ok wants them, or ctx ends, which is the error.
func (s *linkSet) await(ctx context.Context, ok func(*Links) bool) error {
	for {
		s.mu.Lock()
		if s.next == nil {
			s.next = make(chan struct{})
		}
		next := s.next
		s.mu.Unlock()
		if ok(s.load()) {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// find returns the link of that index as it stands; nil if there is none.
func (s *linkSet) find(index uint32) *Link {
	if now := s.load(); now != nil {
		if l, ok := now.ByIndex(index); ok {
			return l
		}
	}
	return nil
}

// replace makes the set exactly links, which need not be sorted. The first time nothing has changed: all of it stood there before.
func (s *linkSet) replace(links []Link, at time.Time) {
	before := s.load()
	if before == nil {
		s.start(links)
		return
	}
	changes := make([]linkChange, 0, len(links))
	seen := make(map[uint32]bool, len(links))
	for _, l := range links {
		if old := s.find(l.Index); old != nil && isAnother(old, &l) {
			changes = append(changes, linkChange{link: l, gone: true})
		}
		changes = append(changes, linkChange{link: l})
		seen[l.Index] = true
	}
	for _, old := range before.List {
		if !seen[old.Index] {
			changes = append(changes, linkChange{link: Link{Index: old.Index}, gone: true})
		}
	}
	s.apply(changes, at)
}

// isAnother reports whether now is a link that was given the index of one that went unseen. A rename, or a change of what users may
// set, is no such sign.
func isAnother(old, now *Link) bool {
	return old.Type != now.Type || old.Kind != now.Kind || old.PermAddress != now.PermAddress
}

func (s *linkSet) start(links []Link) {
	first := &Links{List: make([]*Link, 0, len(links)), Generation: 1, RowGeneration: 1}
	for _, l := range links {
		first.List = append(first.List, &l)
	}
	slices.SortFunc(first.List, func(a, b *Link) int { return cmp.Compare(a.Index, b.Index) })
	first.List = slices.CompactFunc(first.List, func(a, b *Link) bool { return a.Index == b.Index })
	s.publish(first)
}

// apply publishes the changes together, in their order. Those that say nothing new publish nothing.
func (s *linkSet) apply(changes []linkChange, at time.Time) {
	before := s.load()
	next := &Links{
		List: slices.Clone(before.List), Generation: before.Generation,
		RowGeneration: before.RowGeneration, LastChange: before.LastChange, StackChange: before.StackChange,
	}
	var events []LinkEvent
	for _, c := range changes {
		i, found := slices.BinarySearchFunc(next.List, c.link.Index, func(x *Link, index uint32) int { return cmp.Compare(x.Index, index) })
		switch {
		case c.gone && found:
			events = append(events, LinkEvent{Before: next.List[i], Links: next, At: at})
			next.List = slices.Delete(next.List, i, i+1)
		case !c.gone && !found:
			l := c.link
			l.Created, l.LastChange = at, at
			next.List = slices.Insert(next.List, i, &l)
			events = append(events, LinkEvent{After: &l, Links: next, At: at})
		case !c.gone && found:
			if l := succeed(next.List[i], c.link, at); l != nil {
				events = append(events, LinkEvent{Before: next.List[i], After: l, Links: next, At: at})
				if placeOf(l) != placeOf(next.List[i]) {
					next.StackChange = at
				}
				next.List[i] = l
				next.Generation++
			}
			continue
		default:
			continue
		}
		next.Generation++
		next.RowGeneration++
		next.LastChange, next.StackChange = at, at
	}
	if next.Generation != before.Generation {
		s.publish(next)
		s.watchers.tell(events)
	}
}

// succeed returns now with the times that follow from what it was; nil if nothing changed.
func succeed(old *Link, now Link, at time.Time) *Link {
	now.Created, now.LastChange = old.Created, old.LastChange
	if now == *old {
		return nil
	}
	if stateOf(old) != stateOf(&now) {
		now.LastChange = at
	}
	return &now
}

// place is where a link stands among the others.
type place struct {
	master, lower uint32
	hasLower      bool
}

func placeOf(l *Link) place {
	p := place{master: l.Master, hasLower: l.HasLower()}
	if p.hasLower {
		p.lower = l.Lower
	}
	return p
}

// linkState is what a link's operational status depends on.
type linkState struct {
	oper        OperState
	up, running bool
}

// stateOf leaves Running out where the kernel maintains an operational state: the two change by separate events, and one change
// would count twice.
func stateOf(l *Link) linkState {
	return linkState{oper: l.OperState, up: l.Up(), running: l.OperState == OperUnknown && l.Running()}
}
