package machine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// parseAddr reads an address of 4 or 16 octets; anything else gives the address that is not valid.
func parseAddr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// kernelClock turns the kernel's times into ours.
type kernelClock struct {
	boot time.Time // when CLOCK_MONOTONIC was 0
	now  time.Time // when the kernel was asked
}

// at returns the moment at so many hundredths of a second after the start.
func (k kernelClock) at(hundredths uint32) time.Time {
	return k.boot.Add(time.Duration(hundredths) * 10 * time.Millisecond)
}

// ago returns the moment before so many ticks of user space's clock (USER_HZ is 100).
func (k kernelClock) ago(ticks uint32) time.Time {
	return k.now.Add(-time.Duration(ticks) * 10 * time.Millisecond)
}

// end returns the end of a lifetime in seconds; zero if it has none.
func (k kernelClock) end(seconds uint32) time.Time {
	if seconds == math.MaxUint32 {
		return time.Time{}
	}
	return k.now.Add(time.Duration(seconds) * time.Second)
}

const (
	ifaProto = 11 // IFA_PROTO (linux/if_addr.h)

	// Preferences of routers in RTA_PREF (linux/icmpv6.h).
	routerPrefHigh = 1
	routerPrefLow  = 3
)

// parseAddress reads the body of an RTM_NEWADDR (rtnetlink(7), struct ifaddrmsg).
func parseAddress(b []byte, k kernelClock) (Address, error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return Address{}, fmt.Errorf("%w: address of %d octets", errMalformed, len(b))
	}
	x := Address{Link: binary.NativeEndian.Uint32(b[4:]), Flags: AddressFlags(b[2])}
	var local, address netip.Addr
	for a := (attributes{rest: b[unix.SizeofIfAddrmsg:]}); a.next(); {
		switch a.kind {
		case unix.IFA_LOCAL:
			local = parseAddr(a.value)
		case unix.IFA_ADDRESS:
			address = parseAddr(a.value)
		case unix.IFA_BROADCAST:
			x.Broadcast = parseAddr(a.value)
		case unix.IFA_FLAGS:
			x.Flags = AddressFlags(a.u32())
		case ifaProto:
			x.Protocol = AddressProtocol(a.u8())
		case unix.IFA_CACHEINFO: // struct ifa_cacheinfo
			if len(a.value) >= 16 {
				field := func(i int) uint32 { return binary.NativeEndian.Uint32(a.value[4*i:]) }
				x.Preferred, x.Valid, x.Created, x.Changed = k.end(field(0)), k.end(field(1)), k.at(field(2)), k.at(field(3))
			}
		}
	}
	// IFA_ADDRESS is the far end where there is one, and our own address elsewhere.
	if local.IsValid() && address.IsValid() && local != address {
		x.Peer = address
	}
	if !local.IsValid() {
		local = address
	}
	x.Prefix = netip.PrefixFrom(local, int(b[1]))
	if !x.Prefix.IsValid() {
		return Address{}, fmt.Errorf("%w: address %v/%d", errMalformed, local, b[1])
	}
	return x, nil
}

// appendRoutes reads the body of an RTM_NEWROUTE (rtnetlink(7), struct rtmsg) and appends its next hops. Routes of another table than
// main, and cached ones, give none.
func appendRoutes(routes []Route, b []byte, k kernelClock) ([]Route, error) {
	if len(b) < unix.SizeofRtMsg {
		return routes, fmt.Errorf("%w: route of %d octets", errMalformed, len(b))
	}
	table, flags := uint32(b[4]), binary.NativeEndian.Uint32(b[8:])
	r := Route{TOS: b[3], Protocol: RouteProtocol(b[5]), Scope: b[6], Type: RouteType(b[7])}
	dst := netip.IPv4Unspecified()
	if b[0] == unix.AF_INET6 {
		dst = netip.IPv6Unspecified()
	}
	var hops []byte
	for a := (attributes{rest: b[unix.SizeofRtMsg:]}); a.next(); {
		switch a.kind {
		case unix.RTA_TABLE:
			table = a.u32()
		case unix.RTA_DST:
			dst = parseAddr(a.value)
		case unix.RTA_PREFSRC:
			r.Source = parseAddr(a.value)
		case unix.RTA_PRIORITY:
			r.Metric = a.u32()
		case unix.RTA_MULTIPATH:
			hops = a.value
		case unix.RTA_PREF:
			r.Preference = preference(a.u8())
		case unix.RTA_CACHEINFO: // struct rta_cacheinfo
			if len(a.value) >= 12 {
				if ticks := int32(binary.NativeEndian.Uint32(a.value[8:])); ticks > 0 {
					r.Expires = k.now.Add(time.Duration(ticks) * 10 * time.Millisecond)
				}
			}
		}
	}
	if table != unix.RT_TABLE_MAIN || flags&unix.RTM_F_CLONED != 0 {
		return routes, nil
	}
	r.Dst = netip.PrefixFrom(dst, int(b[1])).Masked()
	if !r.Dst.IsValid() {
		return routes, fmt.Errorf("%w: route to %v/%d", errMalformed, dst, b[1])
	}
	if hops == nil {
		r.setHop(b[unix.SizeofRtMsg:])
		return append(routes, r), nil
	}
	for len(hops) >= unix.SizeofRtNexthop {
		length := int(binary.NativeEndian.Uint16(hops))
		if length < unix.SizeofRtNexthop || length > len(hops) {
			return routes, fmt.Errorf("%w: next hop of %d octets", errMalformed, length)
		}
		r.Link = binary.NativeEndian.Uint32(hops[4:])
		r.NextHop = netip.Addr{}
		r.setHop(hops[unix.SizeofRtNexthop:length])
		routes = append(routes, r)
		hops = hops[min(align(length), len(hops)):]
	}
	return routes, nil
}

func preference(p uint8) int8 {
	switch p {
	case routerPrefHigh:
		return 1
	case routerPrefLow:
		return -1
	default:
		return 0
	}
}

// setHop reads the attributes that a route and a next hop of a multipath route share.
func (r *Route) setHop(b []byte) {
	for a := (attributes{rest: b}); a.next(); {
		switch a.kind {
		case unix.RTA_OIF:
			r.Link = a.u32()
		case unix.RTA_GATEWAY:
			r.NextHop = parseAddr(a.value)
		case unix.RTA_VIA:
			// struct rtvia: a family of 2 octets and an address.
			if len(a.value) > 2 {
				r.NextHop = parseAddr(a.value[2:])
			}
		}
	}
}

// parseNeighbour reads the body of an RTM_NEWNEIGH (rtnetlink(7), struct ndmsg). errNoNews is returned for entries that need no
// resolution and for proxies.
func parseNeighbour(b []byte, k kernelClock) (Neighbour, error) {
	if len(b) < unix.SizeofNdMsg {
		return Neighbour{}, fmt.Errorf("%w: neighbour of %d octets", errMalformed, len(b))
	}
	n := Neighbour{
		Link:  binary.NativeEndian.Uint32(b[4:]),
		State: NeighbourState(binary.NativeEndian.Uint16(b[8:])),
	}
	if n.State&^NeighbourNoARP == 0 || b[10]&unix.NTF_PROXY != 0 {
		return Neighbour{}, errNoNews
	}
	for a := (attributes{rest: b[unix.SizeofNdMsg:]}); a.next(); {
		switch a.kind {
		case unix.NDA_DST:
			n.Addr = parseAddr(a.value)
		case unix.NDA_LLADDR:
			n.Address = string(a.value)
		case unix.NDA_CACHEINFO: // struct nda_cacheinfo
			if len(a.value) >= 12 {
				n.Updated = k.ago(binary.NativeEndian.Uint32(a.value[8:]))
			}
		}
	}
	if !n.Addr.IsValid() {
		return Neighbour{}, fmt.Errorf("%w: neighbour without an address", errMalformed)
	}
	return n, nil
}

// isOf tells whether a message, whose first octet says so, is of a family: a kernel that does not have the one that it is asked for answers
// for all.
func isOf(b []byte, family uint8) bool { return len(b) > 0 && b[0] == family }

func dumpAddresses(c *netlinkConn, family uint8, k kernelClock) ([]Address, error) {
	body := make([]byte, unix.SizeofIfAddrmsg)
	body[0] = family
	var out []Address
	err := c.dump(unix.RTM_GETADDR, body, func() { out = out[:0] }, func(kind uint16, b []byte) error {
		if kind != unix.RTM_NEWADDR || !isOf(b, family) {
			return nil
		}
		a, err := parseAddress(b, k)
		if err != nil {
			return err
		}
		out = append(out, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sortAddresses(out)
	return out, nil
}

// dumpRoutes returns up to limit next hops of the main table's routes, and how many there are beyond.
func dumpRoutes(c *netlinkConn, family uint8, k kernelClock, limit int) (out []Route, left int, err error) {
	body := make([]byte, unix.SizeofRtMsg)
	body[0], body[4] = family, unix.RT_TABLE_MAIN
	begin := func() { out, left = out[:0], 0 }
	err = c.dump(unix.RTM_GETROUTE, body, begin, func(kind uint16, b []byte) (err error) {
		if kind != unix.RTM_NEWROUTE || !isOf(b, family) {
			return nil
		}
		out, err = appendRoutes(out, b, k)
		if more := len(out) - limit; more > 0 {
			out, left = out[:limit], left+more
		}
		return err
	})
	// A namespace that never had a route has no table.
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, 0, err
	}
	sortRoutes(out)
	return out, left, nil
}

func dumpNeighbours(c *netlinkConn, family uint8, k kernelClock) ([]Neighbour, error) {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = family
	var out []Neighbour
	err := c.dump(unix.RTM_GETNEIGH, body, func() { out = out[:0] }, func(kind uint16, b []byte) error {
		if kind != unix.RTM_NEWNEIGH || !isOf(b, family) {
			return nil
		}
		n, err := parseNeighbour(b, k)
		if errors.Is(err, errNoNews) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Neighbour) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.Addr.Compare(b.Addr))
	})
	return out, nil
}
