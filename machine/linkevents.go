package machine

import (
	"sync"
	"sync/atomic"
	"time"
)

// LinkEvent is one change of one link.
type LinkEvent struct {
	Before *Link  // nil if the link appeared
	After  *Link  // nil if it is gone
	Links  *Links // all links, when this and what was told together with it had happened
	At     time.Time
}

// LinkWatch hears of changes of links. Close ends it.
type LinkWatch struct {
	events chan LinkEvent
	lost   atomic.Uint64
	set    *linkSet
}

// WatchLinks returns a watch that hears of every change from now on, in their order. Events that are not taken wait, up to room of them;
// what comes beyond is lost, and counted: nobody is waited for. Systems that do not tell of changes show them when the links are read.
func (m *Machine) WatchLinks(room int) *LinkWatch {
	return m.src.linkSet().watch(room)
}

// Events returns the events. The channel is not closed.
func (w *LinkWatch) Events() <-chan LinkEvent { return w.events }

// Lost returns how many events found no room.
func (w *LinkWatch) Lost() uint64 { return w.lost.Load() }

// Close ends the watch: no event comes after it.
func (w *LinkWatch) Close() { w.set.watchers.remove(w) }

// linkWatchers are the watches of a linkSet.
type linkWatchers struct {
	mu   sync.Mutex
	list []*LinkWatch
}

func (s *linkSet) watch(room int) *LinkWatch {
	w := &LinkWatch{events: make(chan LinkEvent, room), set: s}
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	s.watchers.list = append(s.watchers.list, w)
	return w
}

func (l *linkWatchers) remove(w *LinkWatch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, x := range l.list {
		if x == w {
			l.list = append(l.list[:i], l.list[i+1:]...)
			return
		}
	}
}

// tell hands out events that came together.
func (l *linkWatchers) tell(events []LinkEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.list {
		for _, e := range events {
			select {
			case w.events <- e:
			default:
				w.lost.Add(1)
			}
		}
	}
}
