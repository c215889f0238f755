package mib2

import "walkabout/machine"

// Values of IANAifType.
const (
	ifTypeOther             = 1
	ifTypeRFC877X25         = 5
	ifTypeEthernetCsmacd    = 6
	ifTypeISO88025TokenRing = 9
	ifTypeFDDI              = 15
	ifTypeLAPB              = 16
	ifTypePPP               = 23
	ifTypeSoftwareLoopback  = 24
	ifTypeSLIP              = 28
	ifTypeFrameRelay        = 32
	ifTypeARCnet            = 35
	ifTypeATM               = 37
	ifTypeLocalTalk         = 42
	ifTypeHIPPI             = 47
	ifTypeFibreChannel      = 56
	ifTypeIEEE80211         = 71
	ifTypeHDLC              = 118
	ifTypeTunnel            = 131
	ifTypeIEEE1394          = 144
	ifTypeInfiniband        = 199
	ifTypeEconet            = 206
	ifTypeIEEE802154        = 259
)

// ifType returns IANA's number for a link layer of the kernel's. What has no number of its own there (AX.25, CAN, a
// cellular modem's raw IP, a tun device without any link layer, …) is other(1).
func ifType(t machine.HardwareType) int32 {
	switch t {
	case machine.TypeEthernet, 2: // ARPHRD_EETHER
		return ifTypeEthernetCsmacd
	case 4, machine.TypeIEEE802, 800: // ARPHRD_PRONET, ARPHRD_IEEE802_TR
		return ifTypeISO88025TokenRing
	case machine.TypeARCnet:
		return ifTypeARCnet
	case 8, machine.TypeLocalTalk: // ARPHRD_APPLETLK
		return ifTypeLocalTalk
	case machine.TypeDLCI, machine.TypeFRAD:
		return ifTypeFrameRelay
	case machine.TypeATM:
		return ifTypeATM
	case machine.TypeIEEE1394:
		return ifTypeIEEE1394
	case machine.TypeInfiniband:
		return ifTypeInfiniband
	case machine.TypeSLIP, machine.TypeCSLIP, machine.TypeSLIP6, machine.TypeCSLIP6:
		return ifTypeSLIP
	case machine.TypeX25, 272: // ARPHRD_HWX25
		return ifTypeRFC877X25
	case machine.TypePPP:
		return ifTypePPP
	case machine.TypeHDLC, 518: // ARPHRD_RAWHDLC
		return ifTypeHDLC
	case machine.TypeLAPB:
		return ifTypeLAPB
	case machine.TypeLoopback:
		return ifTypeSoftwareLoopback
	case machine.TypeFDDI:
		return ifTypeFDDI
	case machine.TypeHIPPI:
		return ifTypeHIPPI
	case 782: // ARPHRD_ECONET
		return ifTypeEconet
	case 784, 785, 786, 787: // ARPHRD_FCPP, ARPHRD_FCAL, ARPHRD_FCPL, ARPHRD_FCFABRIC
		return ifTypeFibreChannel
	case machine.TypeIEEE80211, 802, 803: // ARPHRD_IEEE80211_PRISM, ARPHRD_IEEE80211_RADIOTAP
		return ifTypeIEEE80211
	case machine.TypeIEEE802154, 805, 825: // ARPHRD_IEEE802154_MONITOR, ARPHRD_6LOWPAN
		return ifTypeIEEE802154
	case machine.TypeIPIP, machine.TypeIP6IP6, machine.TypeSIT, machine.TypeGRE, machine.TypeGRE6, 777, 779: // ARPHRD_IPDDP, ARPHRD_PIMREG
		return ifTypeTunnel
	}
	return ifTypeOther
}

// hasNoSpeed reports whether links of that type have no notion of bandwidth: their ifSpeed is 0 (RFC 2863), not unknown.
func hasNoSpeed(t machine.HardwareType) bool {
	if t == machine.TypeNone {
		return true
	}
	n := ifType(t)
	return n == ifTypeSoftwareLoopback || n == ifTypeTunnel
}

// Values of ifAdminStatus and ifOperStatus.
const (
	statusUp             = 1
	statusDown           = 2
	statusTesting        = 3
	statusDormant        = 5
	statusNotPresent     = 6
	statusLowerLayerDown = 7
)

func ifAdminStatusOf(l *machine.Link) int32 {
	if l.Up() {
		return statusUp
	}
	return statusDown
}

// ifOperStatusOf returns the operational status. The kernel's "unknown" is the word of drivers that do not maintain it (lo, tun,
// an empty bridge): there the carrier tells.
func ifOperStatusOf(l *machine.Link) int32 {
	switch {
	case l.OperState == machine.OperNotPresent:
		return statusNotPresent
	case !l.Up():
		return statusDown
	}
	switch l.OperState {
	case machine.OperUp:
		return statusUp
	case machine.OperTesting:
		return statusTesting
	case machine.OperDormant:
		return statusDormant
	case machine.OperLowerLayerDown:
		return statusLowerLayerDown
	case machine.OperDown:
		return statusDown
	}
	if l.Running() {
		return statusUp
	}
	return statusDown
}
