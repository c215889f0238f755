package agent

import (
	"net/netip"
	"sync"
	"time"
)

// refusals decides which refused messages are worth a line in the log, or a notification: one a source and minute, and no more than
// maxRefusals in a minute, for sources are easily forged. All are counted elsewhere.
type refusals struct {
	mu    sync.Mutex
	since time.Time
	told  map[netip.Addr]bool
}

const (
	refusalsEvery = time.Minute
	maxRefusals   = 50
)

// tell reports whether a refusal of source is to be told.
func (r *refusals) tell(source netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil || now.Sub(r.since) >= refusalsEvery {
		r.since, r.told = now, make(map[netip.Addr]bool)
	}
	if r.told[source] || len(r.told) == maxRefusals {
		return false
	}
	r.told[source] = true
	return true
}
