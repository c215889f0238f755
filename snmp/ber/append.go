package ber

import (
	"math/bits"

	"walkabout/snmp/oid"
)

// HeaderSize returns the octets that the tag and length of n content octets take.
func HeaderSize(n int) int {
	switch {
	case n < 0x80:
		return 2
	case n < 1<<8:
		return 3
	case n < 1<<16:
		return 4
	case n < 1<<24:
		return 5
	default:
		return 6
	}
}

// AppendHeader appends a tag and the length n, 0 <= n < 2^32, in its shortest form.
func AppendHeader(dst []byte, tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(dst, tag, byte(n))
	case n < 1<<8:
		return append(dst, tag, 0x81, byte(n))
	case n < 1<<16:
		return append(dst, tag, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		return append(dst, tag, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		return append(dst, tag, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

// IntSize returns the content octets of v: 1 to 8.
func IntSize(v int64) int {
	return bits.Len64(uint64(v^v>>63))/8 + 1
}

// AppendInt appends v as an integer with the given tag.
func AppendInt(dst []byte, tag byte, v int64) []byte {
	n := IntSize(v)
	dst = append(dst, tag, byte(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

// UintSize returns the content octets of v: 1 to 9.
func UintSize(v uint64) int { return bits.Len64(v)/8 + 1 }

// AppendUint appends v as an integer with the given tag.
func AppendUint(dst []byte, tag byte, v uint64) []byte {
	n := UintSize(v)
	dst = append(dst, tag, byte(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i))) // a shift by 64 yields the leading 0
	}
	return dst
}

// AppendString appends s with the given tag.
func AppendString(dst []byte, tag byte, s string) []byte {
	return append(AppendHeader(dst, tag, len(s)), s...)
}

// OIDSize returns the content octets of o.
//
// BER cannot say an OID of fewer than two sub-identifiers; such a one is written with 0 for what is missing, as 0.0 or x.0.
func OIDSize(o oid.OID) int {
	n := 1
	if first := firstArcs(o); first >= 0x80 {
		n = arcOctets(first)
	}
	if o.Len() < 2 {
		return n
	}
	for arcs := o.From(2); !arcs.IsEmpty(); arcs = arcs.From(1) {
		if a := arcs.Arc(0); a < 0x80 {
			n++
		} else {
			n += arcOctets(uint64(a))
		}
	}
	return n
}

// AppendOID appends o as an OBJECT IDENTIFIER with the given tag. The first sub-identifier must be 0, 1 or 2, and the second
// below 40 unless the first is 2 (oid.OID.IsEncodable), or what is appended is another OID, or none that anybody reads.
func AppendOID(dst []byte, tag byte, o oid.OID) []byte {
	return AppendOIDContent(AppendHeader(dst, tag, OIDSize(o)), o)
}

// AppendOIDContent is AppendOID without tag and length.
func AppendOIDContent(dst []byte, o oid.OID) []byte {
	dst = appendArc(dst, firstArcs(o))
	if o.Len() <= 2 {
		return dst
	}
	for arcs := o.From(2); !arcs.IsEmpty(); arcs = arcs.From(1) {
		if a := arcs.Arc(0); a < 0x80 {
			dst = append(dst, byte(a))
		} else {
			dst = appendArc(dst, uint64(a))
		}
	}
	return dst
}

// firstArcs returns 40·X + Y (X.690 8.19.4), up to 2^32 + 79.
func firstArcs(o oid.OID) uint64 {
	switch o.Len() {
	case 0:
		return 0
	case 1:
		return 40 * uint64(o.Arc(0))
	default:
		return 40*uint64(o.Arc(0)) + uint64(o.Arc(1))
	}
}

func arcOctets(a uint64) int { return (max(bits.Len64(a), 1) + 6) / 7 }

func appendArc(dst []byte, a uint64) []byte {
	for i := arcOctets(a) - 1; i > 0; i-- {
		dst = append(dst, byte(a>>(7*i))|0x80)
	}
	return append(dst, byte(a)&0x7f)
}
