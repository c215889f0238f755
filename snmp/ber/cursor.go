// Package ber reads and writes the Basic Encoding Rules (ITU-T X.690) in the subset that SNMP uses (RFC 3417 section 8):
// low tag numbers and definite lengths. Longer forms of a length than needed are legal and accepted; the indefinite form
// is not. It knows nothing of SNMP.
package ber

import (
	"errors"

	"walkabout/snmp/oid"
)

// The universal tags that SNMP uses.
const (
	TagInteger     = 0x02
	TagOctetString = 0x04
	TagNull        = 0x05
	TagOID         = 0x06
	TagSequence    = 0x30
)

// The errors of reading. Callers add what they were reading.
var (
	ErrTruncated = errors.New("truncated")
	ErrTag       = errors.New("unexpected tag")
	ErrLength    = errors.New("bad length")
	ErrRange     = errors.New("value out of range")
	ErrOID       = errors.New("malformed object identifier")
)

// Cursor reads from octets that it does not copy. What its methods return points into them, and must not be appended to.
type Cursor struct{ rest []byte }

// Offset returns where in whole a part begins that a Cursor over whole, or one entered from there, returned.
func Offset(whole, part []byte) int { return cap(whole) - cap(part) }

// NewCursor returns a Cursor over b.
func NewCursor(b []byte) Cursor { return Cursor{b} }

// Len returns the number of octets not read yet.
func (c *Cursor) Len() int { return len(c.rest) }

// Rest returns what is not read yet.
func (c *Cursor) Rest() []byte { return c.rest }

// Next reads one element and returns its tag octet and content.
func (c *Cursor) Next() (tag byte, content []byte, err error) {
	b := c.rest
	if len(b) < 2 {
		return 0, nil, ErrTruncated
	}
	tag = b[0]
	if tag&0x1f == 0x1f { // high tag numbers: SNMP has none
		return 0, nil, ErrTag
	}
	n, b := int(b[1]), b[2:]
	if n >= 0x80 {
		if n, b, err = longLength(n&0x7f, b); err != nil {
			return 0, nil, err
		}
	}
	if n > len(b) {
		return 0, nil, ErrTruncated
	}
	c.rest = b[n:]
	return tag, b[:n], nil
}

// Size returns the tag octet of the element that b begins with, and the octets that it takes, its header's included, of which b may
// hold fewer. It is ErrTruncated while b does not hold the header.
func Size(b []byte) (tag byte, n int, err error) {
	if len(b) == 0 {
		return 0, 0, ErrTruncated
	}
	if tag = b[0]; tag&0x1f == 0x1f {
		return 0, 0, ErrTag
	}
	if len(b) < 2 {
		return tag, 0, ErrTruncated
	}
	n, rest := int(b[1]), b[2:]
	if n >= 0x80 {
		if n, rest, err = longLength(n&0x7f, rest); err != nil {
			return tag, 0, err
		}
	}
	return tag, len(b) - len(rest) + n, nil
}

// longLength reads a length of the long form in count octets (X.690 8.1.3.5), of which leading ones may be zero.
func longLength(count int, b []byte) (n int, rest []byte, err error) {
	if count == 0 || count == 0x7f { // indefinite; reserved
		return 0, nil, ErrLength
	}
	if count > len(b) {
		return 0, nil, ErrTruncated
	}
	for _, o := range b[:count] {
		if n > 1<<22 { // no SNMP message comes near; stops before int overflows
			return 0, nil, ErrLength
		}
		n = n<<8 | int(o)
	}
	return n, b[count:], nil
}

// Read reads one element, which must have the given tag, and returns its content.
func (c *Cursor) Read(tag byte) ([]byte, error) {
	got, content, err := c.Next()
	if err != nil {
		return nil, err
	}
	if got != tag {
		return nil, ErrTag
	}
	return content, nil
}

// Enter reads one element, which must have the given tag, and returns a Cursor over its content.
func (c *Cursor) Enter(tag byte) (Cursor, error) {
	content, err := c.Read(tag)
	return Cursor{content}, err
}

// Int32 reads an INTEGER of -2^31 to 2^31-1.
func (c *Cursor) Int32() (int32, error) {
	content, err := c.Read(TagInteger)
	if err != nil {
		return 0, err
	}
	n, err := Int64(content)
	if err != nil {
		return 0, err
	}
	if n != int64(int32(n)) {
		return 0, ErrRange
	}
	return int32(n), nil
}

// Int64 decodes the content of an integer. Redundant leading octets are accepted; a value beyond 64 bits is ErrRange.
func Int64(content []byte) (int64, error) {
	if len(content) == 0 {
		return 0, ErrLength
	}
	n := int64(int8(content[0]))
	for _, o := range content[1:] {
		if n >= 1<<55 || n < -1<<55 {
			return 0, ErrRange
		}
		n = n<<8 | int64(o)
	}
	return n, nil
}

// Uint64 decodes the content of an integer that may not be negative. Redundant leading zeros are accepted; a negative value
// or one beyond 64 bits is ErrRange.
func Uint64(content []byte) (uint64, error) {
	if len(content) == 0 {
		return 0, ErrLength
	}
	if content[0] >= 0x80 {
		return 0, ErrRange
	}
	n := uint64(0)
	for _, o := range content {
		if n >= 1<<56 {
			return 0, ErrRange
		}
		n = n<<8 | uint64(o)
	}
	return n, nil
}

// AppendPacked decodes the content of an OBJECT IDENTIFIER and appends its packed form (package oid) to dst. No content at
// all reads as 0.0, which some agents mean by it. Sub-identifiers beyond 2^32-1 and padded ones are ErrOID, more than
// oid.MaxLen are oid.ErrTooLong.
func AppendPacked(dst, content []byte) ([]byte, error) {
	if len(content) == 0 {
		return append(dst, 0, 0, 0, 0, 0, 0, 0, 0), nil
	}
	if len(content) >= oid.MaxLen && countArcs(content) > oid.MaxLen {
		return dst, oid.ErrTooLong
	}
	var n uint64
	first, fresh := true, true
	for _, o := range content {
		if fresh && o == 0x80 { // X.690 8.19.2: the fewest possible octets
			return dst, ErrOID
		}
		fresh = o < 0x80
		n = n<<7 | uint64(o&0x7f)
		if n > 1<<32+79 {
			return dst, ErrOID
		}
		if !fresh {
			continue
		}
		if first { // X.690 8.19.4: the first octets hold 40·X + Y
			x := min(n/40, 2)
			dst = append(dst, 0, 0, 0, byte(x))
			n -= 40 * x
			first = false
		}
		if n > 1<<32-1 {
			return dst, ErrOID
		}
		dst = append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		n = 0
	}
	if !fresh {
		return dst, ErrOID
	}
	return dst, nil
}

// countArcs returns the number of sub-identifiers that content decodes to.
func countArcs(content []byte) int {
	n := 1
	for _, o := range content {
		if o < 0x80 {
			n++
		}
	}
	return n
}
