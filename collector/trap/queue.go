package trap

import (
	"context"
	"sync"
)

const (
	// maxQueue and maxQueueOctets bound what waits for the handler.
	maxQueue       = 10_000
	maxQueueOctets = 16 << 20
	// itemOctets is what a notification takes beside its variable bindings, and varBindOctets what each of these takes beside its octets. A
	// sub-identifier of one octet takes four once it is unpacked.
	itemOctets, varBindOctets, unpacked = 512, 64, 4
)

// queue holds notifications between the sockets and the handler.
type queue struct {
	mu     sync.Mutex
	items  []item
	octets int
	ready  chan struct{} // of capacity 1: there is something
}

type item struct {
	n      Notification
	octets int
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// push appends n, whose message had so many octets; false if there is no room.
func (q *queue) push(n Notification, message int) bool {
	octets := itemOctets + unpacked*message + varBindOctets*len(n.VarBinds)
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= maxQueue || q.octets+octets > maxQueueOctets {
		return false
	}
	q.items = append(q.items, item{n, octets})
	q.octets += octets
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return true
}

// take returns all that waits, when there is something; nothing if ctx ends first.
func (q *queue) take(ctx context.Context) []item {
	for {
		if all := q.drain(); len(all) > 0 {
			return all
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return q.drain()
		}
	}
}

func (q *queue) drain() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.items
	q.items, q.octets = nil, 0
	return all
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}
