package machine

import (
	"sync"
	"time"
)

// maxStatRate is the highest rate of a protocol's counter that its 32-bit form is extended for, in events a second.
const maxStatRate = 10e6

// statTracker counts the wraps of the protocols' counters where they are 32 bits wide.
type statTracker struct {
	narrow bool // the kernel's unsigned long has 32 bits

	mu     sync.Mutex
	at     time.Time // of latest
	latest *Stats
	lost   bool // a counter did not follow from the reading before: there is no 64-bit value that never goes back
}

// follow completes stats, read at that time. Readings must come in the order in which they were made.
func (t *statTracker) follow(stats *Stats, at time.Time) {
	if !t.narrow {
		stats.Wide = true
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.Before(t.at) {
		at = t.at
	}
	if t.latest != nil {
		t.extend(stats, at)
	}
	stats.Wide = !t.lost
	t.at, t.latest = at, stats
}

func (t *statTracker) extend(stats *Stats, at time.Time) {
	for s := range statCount {
		v := stats.values[s]
		// The kernel keeps what may exceed 32 bits in 64 itself (the Ip line).
		if !stats.known[s] || !t.latest.known[s] || isGauge(s) || v >= wrap {
			continue
		}
		extended, ok := extend(t.latest.values[s], uint32(v), at.Sub(t.at), maxStatRate)
		if !ok {
			t.lost = true
			continue
		}
		stats.values[s] = extended
	}
}

// isGauge tells the figures that are no counters.
func isGauge(s Stat) bool {
	switch s {
	case IPForwarding, IPDefaultTTL, TCPRtoAlgorithm, TCPRtoMin, TCPRtoMax, TCPMaxConn, TCPCurrEstab, SCTPCurrEstab:
		return true
	}
	return false
}
