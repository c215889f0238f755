package discover

import (
	"math/bits"
	"net/netip"
	"slices"
)

// addresses goes through the addresses of prefixes.
type addresses struct {
	prefixes []netip.Prefix
	at       uint64 // how many have been returned

	current netip.Addr // the next one; the zero Addr: the first prefix' first is to come
	i       int        // its prefix
}

// newAddresses begins after the first at addresses.
func newAddresses(prefixes []netip.Prefix, at uint64) addresses {
	a := addresses{prefixes: prefixes}
	for a.at < at {
		if _, ok := a.next(); !ok {
			break
		}
	}
	return a
}

// next returns the next address, false behind the last.
func (a *addresses) next() (netip.Addr, bool) {
	for a.i < len(a.prefixes) {
		p := a.prefixes[a.i].Masked()
		if !a.current.IsValid() {
			a.current = p.Addr()
			if shortened(p) {
				a.current = a.current.Next()
			}
		}
		current := a.current
		following := current.Next()
		last := !following.IsValid() || !p.Contains(following)
		if last {
			a.i, a.current = a.i+1, netip.Addr{}
		} else {
			a.current = following
		}
		if last && shortened(p) { // the broadcast address
			continue
		}
		a.at++
		return current, true
	}
	return netip.Addr{}, false
}

// shortened reports whether p has a network's and a broadcast address that are no host's.
func shortened(p netip.Prefix) bool { return p.Addr().Is4() && p.Bits() < 31 }

// Count returns how many addresses of prefixes are asked; the largest uint64 stands for more.
func Count(prefixes []netip.Prefix) uint64 {
	var sum uint64
	for _, p := range prefixes {
		host := p.Addr().BitLen() - p.Bits()
		if host >= 63 {
			return ^uint64(0)
		}
		n := uint64(1) << host
		if shortened(p) {
			n -= 2
		}
		var carry uint64
		if sum, carry = bits.Add64(sum, n, 0); carry > 0 {
			return ^uint64(0)
		}
	}
	return sum
}

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
