package machine

import (
	"sync"
	"time"
)

// IPv4Link is how IPv4 runs on a link; a link without one does not speak it.
type IPv4Link struct {
	Link        uint32 // index of the link
	RetransTime uint32 // milliseconds between ARP requests
}

// IPv6Link is how IPv6 runs on a link; a link without one does not speak it.
type IPv6Link struct {
	Link          uint32 // index of the link
	Disabled      bool   // by disable_ipv6
	Forwarding    bool
	MaxReassembly uint32 // octets of the largest datagram that is put together of fragments
	ReachableTime uint32 // milliseconds that a neighbour is taken for reachable
	RetransTime   uint32 // milliseconds between neighbour solicitations
	Changed       time.Time
}

// LinkStats6 are the statistics of IPv6 on one link: IP6* and ICMPTypes of Stats, 64 bits wide on every kernel.
type LinkStats6 struct {
	*Stats
	// Discontinuity is when the counters last began anew: the link was created, or IPv6 was taken from it and given back, which is seen by
	// who asks. Zero if neither was seen since New.
	Discontinuity time.Time
}

// linkStats6 are those of a Reading.
type linkStats6 struct {
	mu    sync.Mutex
	links map[uint32]*part[LinkStats6]
}

// of returns the part of a link, made if there is none yet.
func (l *linkStats6) of(index uint32) *part[LinkStats6] {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.links[index]
	if p == nil {
		if l.links == nil {
			l.links = make(map[uint32]*part[LinkStats6])
		}
		p = new(part[LinkStats6])
		l.links[index] = p
	}
	return p
}
