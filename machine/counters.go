package machine

import (
	"cmp"
	"slices"
	"time"
)

// LinkStat names one counter of a link. The order is the kernel's struct rtnl_link_stats64 (linux/if_link.h), whose comments
// define each.
type LinkStat uint8

const (
	RxPackets LinkStat = iota // good frames received, dropped ones included
	TxPackets                 // frames handed to the device
	RxBytes                   // octets of RxPackets, without Ethernet's checksum
	TxBytes
	RxErrors // bad frames
	TxErrors
	RxDropped // good frames that the host had no room for
	TxDropped
	Multicast // received multicast frames; with many drivers they count broadcast too, with many more it stands at 0
	Collisions
	RxLengthErrors
	RxOverErrors
	RxCRCErrors
	RxFrameErrors
	RxFIFOErrors
	RxMissedErrors
	TxAbortedErrors
	TxCarrierErrors
	TxFIFOErrors
	TxHeartbeatErrors
	TxWindowErrors
	RxCompressed
	TxCompressed
	RxNoHandler // frames that no protocol wanted, dropped on an inactive port included (since Linux 4.6)
	RxOtherHost // unicast frames for somebody else, seen in promiscuous mode (recent kernels only)

	linkStatCount
)

// LinkCounters are the counters of one link at one moment.
type LinkCounters struct {
	Index uint32
	// Wide means that values are 64 bits wide, by themselves or because their wraps are being counted fast enough for this
	// link's speed. Where it is false only the low 32 bits mean something.
	Wide bool
	// Discontinuity is when the counters last began anew or went backwards (ifCounterDiscontinuityTime): a link was created
	// with this index, or a source fell. Zero if that was not seen since New.
	Discontinuity time.Time

	native bool   // a value was seen that 32 bits do not hold (linkTracker)
	known  uint32 // a bit a LinkStat
	values [linkStatCount]uint64
}

// Get returns the value of s; false if this system does not tell it.
func (c *LinkCounters) Get(s LinkStat) (uint64, bool) {
	if s >= linkStatCount || c.known&(1<<s) == 0 {
		return 0, false
	}
	return c.values[s], true
}

func (c *LinkCounters) set(s LinkStat, v uint64) {
	c.known |= 1 << s
	c.values[s] = v
}

// LinkCounterTable is the counters of all links, of one dump.
type LinkCounterTable struct {
	// List is ascending and unique by Index. It may differ from Links.List by a link that came or went between the two; a link
	// that is there has an element, whether its counters are known or not.
	List []LinkCounters
}

// ByIndex returns the counters of that link, in O(log n).
func (t *LinkCounterTable) ByIndex(index uint32) (*LinkCounters, bool) {
	i, ok := slices.BinarySearchFunc(t.List, index, func(x LinkCounters, index uint32) int { return cmp.Compare(x.Index, index) })
	if !ok {
		return nil, false
	}
	return &t.List[i], true
}
