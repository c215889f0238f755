package machine

import "time"

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

	Discontinuity time.Time // when the statistics last began anew; zero is not since they are followed
	Stats         IPv6LinkStats
}

// IPv6LinkStats are the IP6 figures of one link, 64 bits wide.
type IPv6LinkStats struct {
	known  uint64 // bit i is of values[i]
	values [len(ipStatsOrder)]uint64
}

// ipStatsOrder is the order of IFLA_INET6_STATS (linux/snmp.h, IPSTATS_MIB_*), whose first number says how many there are.
var ipStatsOrder = [...]Stat{
	1: IP6InReceives, 2: IP6InOctets, 3: IP6InDelivers, 4: IP6OutForwDatagrams, 5: IP6OutRequests, 6: IP6OutOctets, 7: IP6InHdrErrors,
	8: IP6InTooBigErrors, 9: IP6InNoRoutes, 10: IP6InAddrErrors, 11: IP6InUnknownProtos, 12: IP6InTruncatedPkts, 13: IP6InDiscards,
	14: IP6OutDiscards, 15: IP6OutNoRoutes, 16: IP6ReasmTimeout, 17: IP6ReasmReqds, 18: IP6ReasmOKs, 19: IP6ReasmFails, 20: IP6FragOKs,
	21: IP6FragFails, 22: IP6FragCreates, 23: IP6InMcastPkts, 24: IP6OutMcastPkts, 25: statCount, 26: statCount, 27: IP6InMcastOctets,
	28: IP6OutMcastOctets, 29: IP6InBcastOctets, 30: IP6OutBcastOctets, 31: statCount, 32: statCount, 33: statCount, 34: statCount,
	35: statCount, 36: statCount, 37: IP6OutTransmits,
}

// ipStatsPlace is the place of a Stat in ipStatsOrder; 0 is none.
var ipStatsPlace = func() (place [statCount + 1]uint8) {
	for i, s := range ipStatsOrder {
		if i > 0 {
			place[s] = uint8(i)
		}
	}
	place[statCount] = 0
	return place
}()

// Get returns the value of which; false if the kernel does not tell it of a link.
func (s *IPv6LinkStats) Get(which Stat) (uint64, bool) {
	if which >= statCount {
		return 0, false
	}
	i := ipStatsPlace[which]
	return s.values[i], i > 0 && s.known&(1<<i) != 0
}

// NewIPv6LinkStats returns the statistics of a Given machine's link; those that values leaves out are not known.
func NewIPv6LinkStats(values map[Stat]uint64) IPv6LinkStats {
	var s IPv6LinkStats
	for which, v := range values {
		if which < statCount && ipStatsPlace[which] > 0 {
			s.set(int(ipStatsPlace[which]), v)
		}
	}
	return s
}

func (s *IPv6LinkStats) set(place int, v uint64) {
	s.known |= 1 << place
	s.values[place] = v
}

// fell reports whether a figure that both have went down.
func (s *IPv6LinkStats) fell(before *IPv6LinkStats) bool {
	both := s.known & before.known
	for i, v := range &s.values {
		if v < before.values[i] && both&(1<<i) != 0 {
			return true
		}
	}
	return false
}
