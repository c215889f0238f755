// Package oid holds OBJECT IDENTIFIERs as the agent and the collector need them: immutable, comparable, ordered, cheap to
// cut and to join.
package oid

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLen is the number of sub-identifiers that an OID may have (RFC 2578 section 3.5).
const MaxLen = 128

// arcSize is how many octets of the packed form stand for one sub-identifier.
const arcSize = 4

var (
	// ErrSyntax is wrapped by every error of Parse.
	ErrSyntax = errors.New("not an object identifier")
	// ErrTooLong means more than MaxLen sub-identifiers.
	ErrTooLong = errors.New("object identifier of more than 128 sub-identifiers")
)

// OID is an object identifier of 0 to MaxLen sub-identifiers. The zero value is the empty one.
//
// It is held packed, four big-endian octets a sub-identifier, so that the order of the octets is the order of OIDs
// (RFC 3416 section 2.2), == compares, and an OID is a map key.
type OID struct{ s string }

// New returns the OID of the given sub-identifiers.
func New(arcs ...uint32) OID {
	b := make([]byte, 0, arcSize*len(arcs))
	for _, a := range arcs {
		b = binary.BigEndian.AppendUint32(b, a)
	}
	return OID{string(b)}
}

// FromPacked returns the OID whose packed form is s; ErrSyntax if s is not of whole sub-identifiers, ErrTooLong if it has
// too many. It does not copy.
func FromPacked(s string) (OID, error) {
	if len(s)%arcSize != 0 {
		return OID{}, fmt.Errorf("packed form of %d octets: %w", len(s), ErrSyntax)
	}
	if len(s) > arcSize*MaxLen {
		return OID{}, ErrTooLong
	}
	return OID{s}, nil
}

// Parse reads the dotted form, "1.3.6.1" or ".1.3.6.1". The empty string and "." are the empty OID.
func Parse(s string) (OID, error) {
	rest := strings.TrimPrefix(s, ".")
	if rest == "" {
		return OID{}, nil
	}
	b := make([]byte, 0, 64)
	for arc := range strings.SplitSeq(rest, ".") {
		if arc == "" || arc[0] < '0' || arc[0] > '9' {
			return OID{}, fmt.Errorf("%q: %w", s, ErrSyntax)
		}
		n, err := strconv.ParseUint(arc, 10, 32)
		if err != nil {
			return OID{}, fmt.Errorf("%q: sub-identifier %q: %w", s, arc, ErrSyntax)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	if len(b) > arcSize*MaxLen {
		return OID{}, fmt.Errorf("%q: %w", s, ErrTooLong)
	}
	return OID{string(b)}, nil
}

// MustParse is Parse for constants; it panics where Parse returns an error.
func MustParse(s string) OID {
	o, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return o
}

// Packed returns the packed form.
func (o OID) Packed() string { return o.s }

// Len returns the number of sub-identifiers.
func (o OID) Len() int { return len(o.s) / arcSize }

// IsEmpty reports whether o has no sub-identifier.
func (o OID) IsEmpty() bool { return o.s == "" }

// Arc returns sub-identifier i, 0 <= i < Len.
func (o OID) Arc(i int) uint32 {
	p := o.s[arcSize*i : arcSize*i+arcSize]
	return uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
}

// Last returns the last sub-identifier; o must not be empty.
func (o OID) Last() uint32 { return o.Arc(o.Len() - 1) }

// IsEncodable reports whether a message can hold o: its first sub-identifier is 0, 1 or 2, and the second below 40 unless the first is 2 (X.690
// 8.19.4).
func (o OID) IsEncodable() bool {
	return o.IsEmpty() || o.Arc(0) <= 2 && (o.Len() < 2 || o.Arc(0) == 2 || o.Arc(1) < 40)
}

// Compare returns -1, 0 or 1 as o stands before, at or after p in lexicographic order.
func (o OID) Compare(p OID) int { return strings.Compare(o.s, p.s) }

// Less reports whether o stands before p.
func (o OID) Less(p OID) bool { return o.s < p.s }

// HasPrefix reports whether o is p or lies in the subtree below p.
func (o OID) HasPrefix(p OID) bool { return strings.HasPrefix(o.s, p.s) }

// Slice returns sub-identifiers i up to, not including, j.
func (o OID) Slice(i, j int) OID { return OID{o.s[arcSize*i : arcSize*j]} }

// From returns sub-identifiers i and after.
func (o OID) From(i int) OID { return OID{o.s[arcSize*i:]} }

// Append returns o with arcs behind it.
func (o OID) Append(arcs ...uint32) OID {
	b := make([]byte, 0, len(o.s)+arcSize*len(arcs))
	b = append(b, o.s...)
	for _, a := range arcs {
		b = binary.BigEndian.AppendUint32(b, a)
	}
	return OID{string(b)}
}

// Clone returns o in memory of its own. A decoded OID shares the memory of its whole message, which it keeps alive.
func (o OID) Clone() OID { return OID{strings.Clone(o.s)} }

// Join returns o with p behind it.
func (o OID) Join(p OID) OID { return OID{o.s + p.s} }

// Successor returns the least OID that stands after o and is not longer than it could be: o with a 0 behind it.
func (o OID) Successor() OID { return OID{o.s + "\x00\x00\x00\x00"} }

// SubtreeEnd returns the least OID that stands after the whole subtree below o. It is empty, which callers take as "no
// end", if there is none: o is empty or all its sub-identifiers are 4294967295.
func (o OID) SubtreeEnd() OID {
	n := o.Len()
	for n > 0 && o.Arc(n-1) == 1<<32-1 {
		n--
	}
	if n == 0 {
		return OID{}
	}
	return o.Slice(0, n-1).Append(o.Arc(n-1) + 1)
}

// String returns the dotted form without a leading dot, "1.3.6.1".
func (o OID) String() string { return string(o.AppendText(nil)) }

// AppendText appends the dotted form to b.
func (o OID) AppendText(b []byte) []byte {
	for i := range o.Len() {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(o.Arc(i)), 10)
	}
	return b
}
