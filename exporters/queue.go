package exporters

import "walkabout/metric"

// queue is a ring of samples that grows up to limit. It is not safe for concurrent use.
type queue struct {
	ring  []metric.Sample
	head  int // index of the oldest
	len   int
	limit int
}

// push appends the newest samples of batch and drops the oldest of all so that no more than room remain; it returns the
// number dropped. room is at most limit.
func (q *queue) push(batch []metric.Sample, room int) (dropped int) {
	if over := len(batch) - room; over > 0 {
		batch = batch[over:]
		dropped = over
	}
	if over := q.len + len(batch) - room; over > 0 {
		q.drop(over)
		dropped += over
	}
	q.grow(q.len + len(batch))
	for i := range batch {
		q.ring[q.index(q.len)] = batch[i]
		q.len++
	}
	return dropped
}

// pop moves up to max of the oldest samples to dst[:0].
func (q *queue) pop(dst []metric.Sample, max int) []metric.Sample {
	dst = dst[:0]
	for i := range min(max, q.len) {
		dst = append(dst, q.ring[q.index(i)])
	}
	q.drop(len(dst))
	return dst
}

// unpop puts back what was just popped, as the oldest; there must be room for it below limit.
func (q *queue) unpop(batch []metric.Sample) {
	q.grow(q.len + len(batch))
	q.head = q.index(len(q.ring) - len(batch))
	q.len += len(batch)
	for i := range batch {
		q.ring[q.index(i)] = batch[i]
	}
}

// drop forgets the oldest n samples, and their memory.
func (q *queue) drop(n int) {
	for i := range n {
		q.ring[q.index(i)] = metric.Sample{}
	}
	q.head = q.index(n)
	q.len -= n
}

func (q *queue) index(i int) int {
	if len(q.ring) == 0 {
		return 0
	}
	return (q.head + i) % len(q.ring)
}

// grow makes room for n samples in all.
func (q *queue) grow(n int) {
	if n <= len(q.ring) {
		return
	}
	ring := make([]metric.Sample, min(max(n, 2*len(q.ring), 64), max(n, q.limit)))
	for i := range q.len {
		ring[i] = q.ring[q.index(i)]
	}
	q.ring, q.head = ring, 0
}
