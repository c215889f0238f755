package agent

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// RateLimit bounds the requests of one source: an IPv4 address, an IPv6 network (/64), and never a unix socket, whose file says who may
// come. The zero RateLimit is no bound.
type RateLimit struct {
	PerSecond int // requests a second, over time; 0 and less is no bound
	Burst     int // requests that may come at once after a time without any; as many as PerSecond if less than 1
}

// SetRateLimit replaces the bound on requests. What exceeds it is dropped before it is looked at, counted in Stats.RateLimited, and logged
// once a minute and source.
func (s *Server) SetRateLimit(l RateLimit) {
	if l.PerSecond <= 0 {
		s.rate.Store(nil)
		return
	}
	if l.Burst <= 0 {
		l.Burst = l.PerSecond
	}
	if old := s.rate.Load(); old == nil || old.limit != l { // an unchanged one remembers who came
		s.rate.Store(newRateLimiter(l))
	}
}

// rateLimiter remembers sources in a table of fixed size (384 KiB): a flood of forged ones makes it forget others, not grow.
//
// It is the generic cell rate algorithm (ITU-T I.371): of each source one time is kept, at which all its requests would have come if they
// had come evenly. A source whose time is past has its whole burst left, like one that is not remembered.
type rateLimiter struct {
	limit     RateLimit
	every     time.Duration // 1 s / PerSecond
	tolerance time.Duration // that a request may come before its time
	start     time.Time     // what times count from
	seed      maphash.Seed

	mu   sync.Mutex
	sets []rateSet
}

// rateSet is the places for the sources of one hash.
type rateSet [4]struct {
	source [16]byte
	due    time.Duration // since rateLimiter.start
}

const rateSets = 4096

func newRateLimiter(l RateLimit) *rateLimiter {
	every := max(time.Second/time.Duration(l.PerSecond), 1)
	return &rateLimiter{limit: l, every: every, tolerance: time.Duration(l.Burst-1) * every,
		start: time.Now(), seed: maphash.MakeSeed(), sets: make([]rateSet, rateSets)}
}

// allow counts a request and reports whether it is within the bound.
func (r *rateLimiter) allow(source netip.Addr, at time.Time) bool {
	key, now := source.As16(), at.Sub(r.start)
	h := maphash.Bytes(r.seed, key[:])
	r.mu.Lock()
	defer r.mu.Unlock()
	set := &r.sets[h%rateSets]
	place := &set[0]
	for i := range set {
		if set[i].source == key {
			place = &set[i]
			break
		}
		if set[i].due < place.due {
			place = &set[i]
		}
	}
	if place.source != key { // whoever is forgotten had the most of its burst left
		place.source, place.due = key, 0
	}
	due := max(place.due, now)
	if due-now > r.tolerance {
		return false
	}
	place.due = due + r.every
	return true
}

// withinRate reports whether a message may be answered, and counts and tells of one that may not.
func (s *Server) withinRate(from origin, now time.Time) bool {
	r := s.rate.Load()
	if r == nil || from.socket != "" || r.allow(from.source(), now) {
		return true
	}
	n := s.stats.rateLimited.Add(1)
	if s.refusals.Due(from.source()) {
		s.log.Warn("dropped a request: too many come from there; more are not told for a minute", "from", from,
			"perSecond", r.limit.PerSecond, "burst", r.limit.Burst, "dropped", n)
	}
	return false
}
