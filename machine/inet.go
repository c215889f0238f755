package machine

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Address is an address that a link of this machine has.
type Address struct {
	Prefix    netip.Prefix // the address itself, not masked, and the length of its network's prefix
	Peer      netip.Addr   // the far end of a point-to-point link; not valid if there is none
	Broadcast netip.Addr   // the broadcast address that is set; not valid if there is none
	Link      uint32       // index of the link

	Flags     AddressFlags
	Protocol  AddressProtocol
	Preferred time.Time // until when it is; zero is for ever
	Valid     time.Time // until when it is; zero is for ever
	Created   time.Time // zero is not known
	Changed   time.Time // zero is not known
}

// AddressFlags are the kernel's of an address (linux/if_addr.h, IFA_F_*).
type AddressFlags uint32

const (
	AddressTemporary     AddressFlags = 0x01 // IPv6: of random (RFC 8981); IPv4: secondary
	AddressOptimistic    AddressFlags = 0x04
	AddressDADFailed     AddressFlags = 0x08 // a duplicate
	AddressDeprecated    AddressFlags = 0x20
	AddressTentative     AddressFlags = 0x40 // may be a duplicate
	AddressPermanent     AddressFlags = 0x80
	AddressNoPrefixRoute AddressFlags = 0x200
	AddressStablePrivacy AddressFlags = 0x800 // of random (RFC 7217)
)

// AddressProtocol is who made an address (linux/if_addr.h, IFAPROT_*). Kernels before 5.18 do not tell.
type AddressProtocol uint8

const (
	AddressUnspec    AddressProtocol = 0
	AddressLoopback  AddressProtocol = 1
	AddressRA        AddressProtocol = 2 // a router advertisement
	AddressLinkLocal AddressProtocol = 3
)

// Route is one next hop of a route of the main table, as `ip route` shows it; a multipath route is as many of them.
type Route struct {
	Dst      netip.Prefix // masked; 0.0.0.0/0 is the default route
	NextHop  netip.Addr   // not valid for a directly connected network; may be IPv6 for an IPv4 destination (RFC 5549)
	Source   netip.Addr   // the preferred source address; not valid if none is set
	Link     uint32       // index of the link that it leaves by; 0 for a route that leads nowhere (RouteBlackhole and its like)
	Metric   uint32       // the kernel's priority; the lowest wins
	Type     RouteType
	Protocol RouteProtocol
	Scope    uint8 // RT_SCOPE_*: 0 by a gateway, 253 on the link, 254 this host, 255 nowhere
	TOS      uint8

	Expires    time.Time // of a route by a router advertisement; zero is never
	Preference int8      // of a default router (RFC 4191): -1 low, 0 medium, 1 high
}

// RouteType is what becomes of packets (linux/rtnetlink.h, RTN_*).
type RouteType uint8

const (
	RouteUnicast     RouteType = 1
	RouteLocal       RouteType = 2
	RouteBroadcast   RouteType = 3
	RouteAnycast     RouteType = 4
	RouteMulticast   RouteType = 5
	RouteBlackhole   RouteType = 6 // dropped
	RouteUnreachable RouteType = 7
	RouteProhibit    RouteType = 8
	RouteThrow       RouteType = 9
	RouteNAT         RouteType = 10
)

// RouteProtocol is who installed a route (linux/rtnetlink.h, RTPROT_*). Values from 5 on are user space's, by convention.
type RouteProtocol uint8

const (
	ProtocolUnspec   RouteProtocol = 0
	ProtocolRedirect RouteProtocol = 1 // an ICMP redirect
	ProtocolKernel   RouteProtocol = 2 // follows from an address
	ProtocolBoot     RouteProtocol = 3 // by hand, or by a start-up script
	ProtocolStatic   RouteProtocol = 4
	ProtocolGated    RouteProtocol = 8
	ProtocolRA       RouteProtocol = 9 // a router advertisement
	ProtocolZebra    RouteProtocol = 11
	ProtocolBIRD     RouteProtocol = 12
	ProtocolDHCP     RouteProtocol = 16
	ProtocolBGP      RouteProtocol = 186
	ProtocolISIS     RouteProtocol = 187
	ProtocolOSPF     RouteProtocol = 188
	ProtocolRIP      RouteProtocol = 189
	ProtocolEIGRP    RouteProtocol = 192
)

// Neighbour is an entry of the neighbour (ARP) table. Addresses that need no resolution (NUD_NOARP alone, NUD_NONE) are left
// out, as in /proc/net/arp.
type Neighbour struct {
	Addr    netip.Addr
	Link    uint32 // index of the link
	State   NeighbourState
	Address string    // the link layer's address, raw octets; empty while it is not resolved
	Updated time.Time // when the entry was; zero is not known
}

// Kind sorts the kernel's states into the four that ipNetToMediaType knows.
func (n *Neighbour) Kind() NeighbourKind {
	switch {
	case n.State&NeighbourPermanent != 0:
		return NeighbourIsStatic
	case n.State&(NeighbourIncomplete|NeighbourFailed) != 0:
		return NeighbourIsInvalid
	case n.State&(NeighbourReachable|NeighbourStale|NeighbourDelay|NeighbourProbe) != 0:
		return NeighbourIsDynamic
	}
	return NeighbourIsOther
}

// NeighbourKind is how an entry came to be, or that it is of no use.
type NeighbourKind uint8

const (
	NeighbourIsOther   NeighbourKind = iota
	NeighbourIsInvalid               // not resolved, or the resolution failed
	NeighbourIsDynamic
	NeighbourIsStatic
)

// NeighbourState is the kernel's state of an entry, one bit set (linux/neighbour.h, NUD_*).
type NeighbourState uint16

const (
	NeighbourIncomplete NeighbourState = 0x01
	NeighbourReachable  NeighbourState = 0x02
	NeighbourStale      NeighbourState = 0x04
	NeighbourDelay      NeighbourState = 0x08
	NeighbourProbe      NeighbourState = 0x10
	NeighbourFailed     NeighbourState = 0x20
	NeighbourNoARP      NeighbourState = 0x40
	NeighbourPermanent  NeighbourState = 0x80
)

// IPv4Settings are the settings of the IPv4 stack (/proc/sys/net/ipv4). A negative value is one that this system does not tell.
type IPv4Settings struct {
	Forwarding        int64 // 1 if packets are forwarded between links, else 0
	DefaultTTL        int64 // 1 to 255
	ReassemblyTimeout int64 // seconds that fragments are held
}

// IPv6Settings are the settings of the IPv6 stack (/proc/sys/net/ipv6/conf). A negative value is one that this system does not tell.
type IPv6Settings struct {
	Forwarding      int64 // 1 if packets are forwarded between links, else 0
	DefaultHopLimit int64 // 1 to 255
}

// sortAddresses puts addresses in the order that Reading.IPv4Addresses and IPv6Addresses promise.
func sortAddresses(addresses []Address) {
	slices.SortFunc(addresses, func(a, b Address) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Link, b.Link))
	})
}

// sortRoutes puts routes in the order that Reading.IPv4Routes and IPv6Routes promise; those that are equal by it keep theirs.
func sortRoutes(routes []Route) {
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(a.Dst.Addr().Compare(b.Dst.Addr()), cmp.Compare(b.Dst.Bits(), a.Dst.Bits()), cmp.Compare(a.Metric, b.Metric))
	})
}
