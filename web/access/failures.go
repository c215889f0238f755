package access

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// burst is how many wrong passwords a source may give at once, refill how long it takes until it may give one more.
	burst  = 5
	refill = 6 * time.Second
	// mostSources bounds what is remembered. Beyond them all share one account: an attack from so many is one.
	mostSources = 10000
)

// failures counts wrong passwords by where they come from. Whoever has said the right one lately is not asked (accounts.known), so that an attacker
// at the same address, behind a proxy say, keeps nobody out who was in.
type failures struct {
	mu      sync.Mutex
	sources map[netip.Prefix]time.Time // when each will have its whole burst again
}

// take counts a try, and returns how long the source must wait before it may make one; 0 if it may.
func (f *failures) take(source netip.Prefix) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.sources == nil {
		f.sources = map[netip.Prefix]time.Time{}
	}
	if _, known := f.sources[source]; !known && len(f.sources) >= mostSources {
		for s, full := range f.sources {
			if !full.After(now) {
				delete(f.sources, s)
			}
		}
		if len(f.sources) >= mostSources {
			source = netip.Prefix{}
		}
	}
	full := f.sources[source]
	if full.Before(now) {
		full = now
	}
	if wait := full.Add(refill).Sub(now) - burst*refill; wait > 0 {
		return wait
	}
	f.sources[source] = full.Add(refill)
	return 0
}

// give takes back a try that turned out right.
func (f *failures) give(source netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if full, ok := f.sources[source]; ok {
		f.sources[source] = full.Add(-refill)
	}
}

// sourceOf returns where r comes from: an address, of IPv6 the network of 64 bits that one subscriber has.
func sourceOf(r *http.Request) netip.Prefix {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	a := from.Addr().Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // it has as many
	return p
}
