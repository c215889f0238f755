package machine

import (
	"cmp"
	"slices"
	"time"
)

// Links is the structure of the machine's links at one moment: everything about them but their counters. It is immutable;
// a change makes a new one.
type Links struct {
	// List holds every link, ascending and unique by Index. A *Link is the same pointer for as long as nothing about that
	// link changes.
	List []*Link
	// Generation is raised by each change of any link. Equal generations of one Machine are equal Links.
	Generation uint64
	// RowGeneration is raised only when the set of indexes changes, so that a consumer can keep an index derived from it.
	RowGeneration uint64
	// LastChange is when a link last appeared or vanished (ifTableLastChange); zero if none did since New.
	LastChange time.Time
	// StackChange is when the links that there are, or what lies below what, last changed (ifStackLastChange); zero if never since New.
	StackChange time.Time
}

// Layers calls yield for each pair of links of which the one runs on top of the other, in no order: ports below their bridge, bond or team, and
// what Lower tells but for a veth's peer, which is no layer, and for what lies in another network namespace. A VRF has no layers.
func (l *Links) Layers(yield func(higher, lower uint32)) {
	for _, link := range l.List {
		if link.Master != 0 {
			if master, ok := l.ByIndex(link.Master); ok && master.Kind != "vrf" {
				yield(link.Master, link.Index)
			}
		}
		if link.HasLower() {
			if _, ok := l.ByIndex(link.Lower); ok {
				yield(link.Index, link.Lower)
			}
		}
	}
}

// HasLower reports whether Lower is a layer below in this network namespace.
func (l *Link) HasLower() bool {
	return l.Lower != 0 && !l.LowerElsewhere && l.Kind != "veth" && l.Kind != "netkit"
}

// ByIndex returns the link of that index, in O(log n).
func (l *Links) ByIndex(index uint32) (*Link, bool) {
	i, ok := slices.BinarySearchFunc(l.List, index, func(x *Link, index uint32) int { return cmp.Compare(x.Index, index) })
	if !ok {
		return nil, false
	}
	return l.List[i], true
}

// Link is one network interface as the kernel describes it. Octet strings are held as strings of raw octets, so that a Link is
// comparable and may be handed out without copying.
type Link struct {
	// Index is the kernel's, 1 to 2^31-1. It survives a rename; the kernel may give it to another link after a deletion,
	// which Created tells.
	Index uint32
	Name  string // at most 15 octets on Linux, any octets but '/', space and NUL
	Alias string // IFLA_IFALIAS, any octets, at most 255; empty if none is set
	Kind  string // IFLA_INFO_KIND, such as "veth", "bridge", "vlan"; empty for hardware and for lo

	Type  HardwareType
	Flags LinkFlags
	// OperState is the kernel's word (RFC 2863 operational status, Documentation/networking/operstates.rst). A driver that
	// does not maintain it leaves OperUnknown, where only FlagRunning tells; systems other than Linux always do.
	OperState OperState

	MTU         uint32 // octets, without the link layer's header
	Speed       uint64 // bits a second, each way; 0 if it is unknown or the link has none
	Duplex      Duplex
	Promiscuity uint32 // how many users want all frames, a bridge that it is a port of included; not 0 also means FlagPromisc

	Address     string // the link layer's address now, 0 to 32 octets
	PermAddress string // the one that the hardware was made with; empty if it has none
	Broadcast   string // where all of the link layer hear, as long as Address; empty if there is none

	// Lower is the link below (IFLA_LINK: of a VLAN, macvlan or tunnel), 0 if there is none. A veth's Lower is its peer, which
	// is no layer below. LowerElsewhere means that it is an index of another network namespace.
	Lower          uint32
	LowerElsewhere bool
	Master         uint32 // the bridge, bond or VRF that this link is a port of; 0 if none
	Connector      Presence

	// LastChange is when OperState, or Running where OperState is OperUnknown, or FlagUp last changed; zero if that was not
	// seen to happen since New.
	LastChange time.Time
	// Created is when a link with this index appeared; zero if it stood there at New already. Its counters began then.
	Created time.Time
}

// LinkGroup is a multicast address of the link layer that a link listens to.
type LinkGroup struct {
	Link    uint32
	Address string // raw octets, as long as the link's own
}

// Up reports whether the link is administratively up.
func (l *Link) Up() bool { return l.Flags&FlagUp != 0 }

// Running reports IFF_RUNNING: up, and the driver sees a carrier.
func (l *Link) Running() bool { return l.Flags&FlagRunning != 0 }

// Presence is a yes or no that a system may be unable to tell.
type Presence uint8

const (
	PresenceUnknown Presence = iota
	Absent
	Present
)

// OperState is the kernel's operational state of a link (linux/if.h, IF_OPER_*).
type OperState uint8

const (
	OperUnknown        OperState = 0 // the driver does not say
	OperNotPresent     OperState = 1
	OperDown           OperState = 2
	OperLowerLayerDown OperState = 3
	OperTesting        OperState = 4
	OperDormant        OperState = 5
	OperUp             OperState = 6
)

// LinkFlags are the kernel's (linux/if.h, IFF_*; netdevice(7)). Other systems' flags are translated to these bits.
type LinkFlags uint32

const (
	FlagUp           LinkFlags = 0x1 // administratively up
	FlagBroadcast    LinkFlags = 0x2
	FlagLoopback     LinkFlags = 0x8
	FlagPointToPoint LinkFlags = 0x10
	FlagRunning      LinkFlags = 0x40
	FlagNoARP        LinkFlags = 0x80
	FlagPromisc      LinkFlags = 0x100
	FlagAllMulti     LinkFlags = 0x200
	FlagMulticast    LinkFlags = 0x1000
	FlagLowerUp      LinkFlags = 0x10000 // the physical layer is up
	FlagDormant      LinkFlags = 0x20000
)

// HardwareType is the kernel's type of a link layer (linux/if_arp.h, ARPHRD_*). Other systems' links are given
// TypeLoopback, TypePPP, TypeEthernet (a 6-octet address) or TypeVoid (unknown).
type HardwareType uint16

const (
	TypeEthernet   HardwareType = 1
	TypeAX25       HardwareType = 3
	TypeIEEE802    HardwareType = 6 // token ring of old
	TypeARCnet     HardwareType = 7
	TypeDLCI       HardwareType = 15 // frame relay
	TypeATM        HardwareType = 19
	TypeIEEE1394   HardwareType = 24
	TypeInfiniband HardwareType = 32
	TypeSLIP       HardwareType = 256
	TypeCSLIP      HardwareType = 257
	TypeSLIP6      HardwareType = 258
	TypeCSLIP6     HardwareType = 259
	TypeX25        HardwareType = 271
	TypeCAN        HardwareType = 280
	TypePPP        HardwareType = 512
	TypeHDLC       HardwareType = 513
	TypeLAPB       HardwareType = 516
	TypeRawIP      HardwareType = 519 // cellular modems
	TypeIPIP       HardwareType = 768
	TypeIP6IP6     HardwareType = 769
	TypeFRAD       HardwareType = 770
	TypeLoopback   HardwareType = 772
	TypeLocalTalk  HardwareType = 773
	TypeFDDI       HardwareType = 774
	TypeSIT        HardwareType = 776 // IPv6 in IPv4
	TypeGRE        HardwareType = 778
	TypeHIPPI      HardwareType = 780
	TypeIEEE80211  HardwareType = 801
	TypeIEEE802154 HardwareType = 804
	TypeGRE6       HardwareType = 823
	TypeNone       HardwareType = 0xFFFE // no link layer, such as tun
	TypeVoid       HardwareType = 0xFFFF // unknown
)

// Duplex says whether a link sends and receives at the same time.
type Duplex uint8

const (
	DuplexUnknown Duplex = iota
	HalfDuplex
	FullDuplex
)
