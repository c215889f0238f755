package notify

import (
	"context"
	"slices"
	"sync"
)

// queueLen is how many notifications wait for one target.
const queueLen = 256

// queue holds what one target has still to be sent. Anybody may push; one goroutine takes.
type queue struct {
	mu     sync.Mutex
	list   []*message
	closed bool
	wake   chan struct{} // of capacity 1
	ending chan struct{} // closed by end
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1), ending: make(chan struct{})} }

// push appends m; true if the oldest was given up for it, or m itself, after end.
func (q *queue) push(m *message) (dropped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return true
	}
	if dropped = len(q.list) == queueLen; dropped {
		q.list[0] = nil
		q.list = q.list[1:]
	}
	q.list = append(q.list, m)
	q.signal()
	return dropped
}

// end lets take return false once the queue is empty.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.ending)
		q.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for the next message; false after end, or when ctx ends.
func (q *queue) take(ctx context.Context) (*message, bool) {
	for {
		if m, closed := q.next(); m != nil || closed {
			return m, m != nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil, false
		}
	}
}

// next returns the first message if there is one, and whether no more will come.
func (q *queue) next() (m *message, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		q.list = nil // its memory held a burst
		return nil, q.closed
	}
	m = q.list[0]
	q.list[0] = nil
	q.list = q.list[1:]
	return m, false
}

// remove takes out what drop says, and returns how many that were.
func (q *queue) remove(drop func(*message) bool) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.list)
	q.list = slices.DeleteFunc(q.list, drop)
	return before - len(q.list)
}

// len returns how many wait.
func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}
