package mib2

import "walkabout/machine"

// unicast is ifInUcastPkts of every link of one table of counters.
//
// The kernel counts all packets received and, of those, the multicast ones. Many drivers take the two figures from
// different places at different moments (the device's own counter every second or two, the software's at once), so that their
// difference may step back. To a poller a fall is a wrap, so the difference is held where it was until it exceeds that.
type unicast struct {
	counters *machine.LinkCounterTable
	in       []uint64 // by position in counters.List
}

// unicastOf returns the unicast of t.
func (i *interfaces) unicastOf(t *machine.LinkCounterTable) *unicast {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.unicast == nil || i.unicast.counters != t {
		i.unicast = nextUnicast(i.unicast, t)
	}
	return i.unicast
}

// nextUnicast returns the unicast of t, which never stands behind old's; old may be nil.
func nextUnicast(old *unicast, t *machine.LinkCounterTable) *unicast {
	next := &unicast{counters: t, in: make([]uint64, len(t.List))}
	at := 0 // in old's list, which ascends by index as t's does
	for row := range t.List {
		c := &t.List[row]
		packets, _ := c.Get(machine.RxPackets)
		multicast, _ := c.Get(machine.Multicast)
		n := packets - multicast
		if c.Wide && multicast > packets {
			n = 0
		}
		if old != nil {
			for at < len(old.in) && old.counters.List[at].Index < c.Index {
				at++
			}
			if at < len(old.in) && continues(&old.counters.List[at], c) {
				n = notBehind(old.in[at], n, c.Wide)
			}
		}
		next.in[row] = n
	}
	return next
}

// continues reports whether b are the counters of a, later.
func continues(a, b *machine.LinkCounters) bool {
	return a.Index == b.Index && a.Wide == b.Wide && a.Discontinuity.Equal(b.Discontinuity)
}

// notBehind returns n, or floor if n stands behind it. Numbers that are not wide wrap at 32 bits.
func notBehind(floor, n uint64, wide bool) uint64 {
	if wide && n < floor || !wide && int32(uint32(n)-uint32(floor)) < 0 {
		return floor
	}
	return n
}
