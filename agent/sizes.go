package agent

import (
	"net/netip"
	"sync/atomic"

	"walkabout/snmp"
)

// What one Ethernet frame holds by UDP, in octets.
const (
	maxFrame4 = 1472
	maxFrame6 = 1452
)

// amplification is how many times longer than its request an answer may be that does not fit the bound on unauthenticated ones: an
// ordinary Get of many objects is answered, and no flood is worth sending through this agent.
const amplification = 2

// sizeLimits is what SetMaxMessageSize and SetMaxUnauthenticatedSize set; 0 is not set.
type sizeLimits struct{ most, unauthenticated atomic.Int64 }

// SetMaxMessageSize bounds every answer to n octets, 484 to snmp.MaxMessageSize, and has those to GetBulk filled to as much,
// whatever the path; 0 is what Config says.
func (s *Server) SetMaxMessageSize(n int) { s.sizes.most.Store(clampSize(n)) }

// SetMaxUnauthenticatedSize bounds the answers by datagram to requests that prove nothing of where they come from: by v1, v2c and
// noAuthNoPriv. Whoever forges the source of such a request has the answer sent to somebody else. Those to GetBulk are cut to n octets, 484
// to snmp.MaxMessageSize, and others are tooBig beyond n octets, or twice the request's if that is more. 0 is what one Ethernet frame holds,
// and no bound over loopback.
func (s *Server) SetMaxUnauthenticatedSize(n int) { s.sizes.unauthenticated.Store(clampSize(n)) }

func clampSize(n int) int64 {
	if n == 0 {
		return 0
	}
	return int64(min(max(n, minMessageSize), snmp.MaxMessageSize))
}

// answerSizes is how many octets an answer may have.
type answerSizes struct {
	most   int
	bulk   int  // what one to a GetBulk is filled to
	capped bool // most is because nothing is proven of the source
}

// limits returns the sizes of an answer to a request of so many octets from there.
func (s *Server) limits(from origin, request int, authenticated bool) answerSizes {
	source := from.addr.Unmap()
	out := s.pathLimits(from, source)
	if t := from.transport; t != nil && t.MaxRecord > 0 {
		out.most = min(out.most, t.MaxRecord)
		out.bulk = min(out.bulk, out.most)
		if !source.IsLoopback() && s.sizes.most.Load() == 0 {
			out.bulk = min(out.bulk, frameSize(source)-t.Overhead)
		}
	}
	n := int(s.sizes.unauthenticated.Load())
	if authenticated || from.stream || n == 0 && source.IsLoopback() {
		return out
	}
	if n == 0 {
		n = frameSize(source)
	}
	if most := max(n, amplification*request); most < out.most {
		out.most, out.capped = most, true
	}
	out.bulk = min(out.bulk, n)
	return out
}

// pathLimits returns the sizes that hold for everybody who comes that way.
func (s *Server) pathLimits(from origin, source netip.Addr) answerSizes {
	if n := int(s.sizes.most.Load()); n != 0 {
		return answerSizes{most: n, bulk: n}
	}
	most := s.config.MaxMessageSize
	switch {
	case s.config.MaxBulk != 0:
		return answerSizes{most: most, bulk: s.config.MaxBulk}
	case from.stream || source.IsLoopback():
		return answerSizes{most: most, bulk: most}
	default:
		return answerSizes{most: most, bulk: min(frameSize(source), most)}
	}
}

func frameSize(source netip.Addr) int {
	if source.Is4() {
		return maxFrame4
	}
	return maxFrame6
}

// capped counts and tells of an answer that became tooBig because its asker proved nothing.
func (s *Server) capped(from origin, size, most int) {
	s.stats.answersCapped.Add(1)
	if s.refusals.Due(from.source()) {
		s.log.Warn("an answer became tooBig: who proves nothing (v1, v2c, noAuthNoPriv) gets no long answers by UDP; ask for less at a time, by TCP or by authenticated v3, or raise the bound",
			"from", from, "octets", size, "most", most)
	}
}
