package counter

import (
	"math"
	"time"
)

const (
	defaultSpeed   = 1_000_000_000 // assume_speed, bits/s
	defaultMaxRate = 10_000_000    // max_rate of a counter of no interface, a second
	mostErrors     = 1_500_000     // errors, discards and unknown protocols a second, however fast the interface

	// saturatedSpeed stands in for an ifSpeed at its maximum, which RFC 2863 gives the meaning "faster, see ifHighSpeed", where there is no
	// ifHighSpeed: fast enough that no 32-bit counter is believed by mistake.
	saturatedSpeed = 800_000_000_000

	octetBits = 8
	frameBits = 84 * 8 // preamble, 64 octets, and gap: the least a frame takes on the wire (IEEE 802.3)

	leastFrame     = 9216  // ifMtu is often less than what an interface passes
	frameOverhead  = 22    // Ethernet header, a VLAN tag, checksum
	virtualFrame   = 65549 // an IP packet and an Ethernet header: software passes segments whole
	interfaceUnits = 3     // Octets, Packets, Errors
)

// Speed returns an interface's speed in bits/s from ifHighSpeed (Mb/s) and ifSpeed (bits/s; 0 for one that is absent): ifHighSpeed where it is
// above 0, else ifSpeed.
func Speed(ifHighSpeed, ifSpeed uint32) uint64 {
	if ifHighSpeed > 0 {
		return uint64(ifHighSpeed) * 1_000_000
	}
	return uint64(ifSpeed)
}

// speed is what limits an interface's counters. assumed says that it is no fact about the interface.
type speed struct {
	bits    uint64 // a second
	assumed bool
}

// speedOf returns the speed of r. Where ifSpeed is known but means nothing for the ifType, the greater of it and assume counts: too great
// a limit costs numbers, too small a one makes wrong ones.
func speedOf(r *Row, assume uint64) speed {
	switch {
	case r.Speed == 0:
		return speed{assume, true}
	case r.Speed == math.MaxUint32:
		return speed{max(assume, saturatedSpeed), true}
	case r.Type == ifOther, r.Type == ifSoftwareLoopback, r.Type == ifPropVirtual, r.Type == ifTunnel:
		return speed{max(assume, r.Speed), true}
	}
	return speed{r.Speed, false}
}

// over is the speed that holds for a pair of readings: an interface may have run at either.
func (s speed) over(prev speed) speed {
	return speed{max(s.bits, prev.bits), s.assumed || prev.assumed}
}

// limits are the most that each Unit counts in a second; that of Events is the column's own.
type limits [interfaceUnits + 1]float64

func (s speed) limits() limits {
	packets := float64(s.bits) / frameBits
	return limits{Octets: float64(s.bits) / octetBits, Packets: packets, Errors: min(packets, mostErrors)}
}

// IANAifType-MIB
const (
	ifOther            = 1
	ifSoftwareLoopback = 24
	ifPropVirtual      = 53
	ifVirtualIPAddress = 112
	ifTunnel           = 131
	ifL2VLAN           = 135
	ifL3IPVLAN         = 136
	ifIEEE8023adLag    = 161
	ifBridge           = 209
)

// largestFrame is the most octets that one packet of r may have added to its octet counters. A row of unknown type is taken for virtual.
func largestFrame(r *Row) uint64 {
	frame := uint64(max(r.MTU, leastFrame)) + frameOverhead
	switch r.Type {
	case 0, ifOther, ifSoftwareLoopback, ifPropVirtual, ifVirtualIPAddress, ifTunnel, ifL2VLAN, ifL3IPVLAN, ifIEEE8023adLag, ifBridge:
		return max(frame, virtualFrame)
	}
	return frame
}

// seldom reports whether a counter of this width may pass its whole range within one interval.
func seldom(interval time.Duration, bits uint8, limit float64) bool {
	return interval >= WrapTime(bits, limit)
}
