// Package snmp is the protocol: values, variable bindings, PDUs and messages of SNMPv1 (RFC 1157) and SNMPv2c (RFC 1901,
// 3416), and their encoding (RFC 3417 section 8). It does no I/O.
package snmp

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// Kind is the type of a Value: its BER tag (RFC 2578 section 7.1, RFC 3416 section 3).
type Kind uint8

const (
	KindInteger        Kind = 0x02 // INTEGER, Integer32: -2^31 to 2^31-1
	KindOctetString    Kind = 0x04
	KindNull           Kind = 0x05
	KindOID            Kind = 0x06
	KindIPAddress      Kind = 0x40 // exactly 4 octets
	KindCounter32      Kind = 0x41
	KindGauge32        Kind = 0x42 // Unsigned32 is the same on the wire
	KindTimeTicks      Kind = 0x43 // hundredths of a second
	KindOpaque         Kind = 0x44
	KindCounter64      Kind = 0x46 // not in SNMPv1
	KindNoSuchObject   Kind = 0x80 // the three exceptions: not in SNMPv1
	KindNoSuchInstance Kind = 0x81
	KindEndOfMibView   Kind = 0x82
)

// Value is the value of a variable binding. It is comparable; the zero Value is NULL.
type Value struct {
	kind Kind // 0 stands for KindNull
	num  uint64
	data string // octets; an OID in packed form
}

// The values that carry nothing but their kind.
var (
	Null           = Value{}
	NoSuchObject   = Value{kind: KindNoSuchObject}
	NoSuchInstance = Value{kind: KindNoSuchInstance}
	EndOfMibView   = Value{kind: KindEndOfMibView}
)

// Integer returns an INTEGER.
func Integer(n int32) Value { return Value{kind: KindInteger, num: uint64(int64(n))} }

// OctetString returns an OCTET STRING of the octets of s.
func OctetString(s string) Value { return Value{kind: KindOctetString, data: s} }

// ObjectID returns an OBJECT IDENTIFIER.
func ObjectID(o oid.OID) Value { return Value{kind: KindOID, data: o.Packed()} }

// IPAddress returns an IpAddress; an a that is not IPv4 gives 0.0.0.0.
func IPAddress(a netip.Addr) Value {
	var b [4]byte
	if a = a.Unmap(); a.Is4() {
		b = a.As4()
	}
	return Value{kind: KindIPAddress, data: string(b[:])}
}

// Counter32 returns a Counter32.
func Counter32(n uint32) Value { return Value{kind: KindCounter32, num: uint64(n)} }

// Gauge32 returns a Gauge32 or Unsigned32.
func Gauge32(n uint32) Value { return Value{kind: KindGauge32, num: uint64(n)} }

// TimeTicks returns TimeTicks, in hundredths of a second.
func TimeTicks(n uint32) Value { return Value{kind: KindTimeTicks, num: uint64(n)} }

// Opaque returns an Opaque of the octets of s.
func Opaque(s string) Value { return Value{kind: KindOpaque, data: s} }

// Counter64 returns a Counter64.
func Counter64(n uint64) Value { return Value{kind: KindCounter64, num: n} }

// Kind returns the type of v.
func (v Value) Kind() Kind {
	if v.kind == 0 {
		return KindNull
	}
	return v.kind
}

// Int returns the number of an Integer; other numeric kinds as far as they fit, 0 for the rest.
func (v Value) Int() int64 { return int64(v.num) }

// Uint returns the number of a Counter32, Gauge32, TimeTicks or Counter64; 0 for kinds without a number.
func (v Value) Uint() uint64 { return v.num }

// Octets returns the octets of an OctetString, Opaque or IpAddress as a string; "" for other kinds.
func (v Value) Octets() string {
	if v.kind == KindOID {
		return ""
	}
	return v.data
}

// OID returns the identifier of an OBJECT IDENTIFIER, the empty one for other kinds.
func (v Value) OID() oid.OID {
	if v.kind != KindOID {
		return oid.OID{}
	}
	o, err := oid.FromPacked(v.data)
	if err != nil { // cannot be: data of this kind came from an OID
		return oid.OID{}
	}
	return o
}

// Addr returns the address of an IpAddress, the invalid one for other kinds.
func (v Value) Addr() netip.Addr {
	if v.kind != KindIPAddress || len(v.data) != 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte([]byte(v.data)))
}

// Clone returns v with octets of its own. A decoded value shares the memory of its whole message, which it keeps alive.
func (v Value) Clone() Value {
	v.data = strings.Clone(v.data)
	return v
}

// IsNumber reports whether v is an Integer, Counter32, Gauge32, TimeTicks or Counter64.
func (v Value) IsNumber() bool {
	switch v.kind {
	case KindInteger, KindCounter32, KindGauge32, KindTimeTicks, KindCounter64:
		return true
	default:
		return false
	}
}

// IsException reports whether v is noSuchObject, noSuchInstance or endOfMibView.
func (v Value) IsException() bool { return v.kind >= KindNoSuchObject }

// String returns v as a person would write it: numbers in decimal, text as text, other octets in hexadecimal.
func (v Value) String() string {
	switch v.Kind() {
	case KindInteger:
		return strconv.FormatInt(int64(v.num), 10)
	case KindCounter32, KindGauge32, KindTimeTicks, KindCounter64:
		return strconv.FormatUint(v.num, 10)
	case KindOctetString:
		if printable(v.data) {
			return v.data
		}
		return "0x" + hex.EncodeToString([]byte(v.data))
	case KindOpaque:
		return "0x" + hex.EncodeToString([]byte(v.data))
	case KindOID:
		return v.OID().String()
	case KindIPAddress:
		return v.Addr().String()
	default:
		return v.Kind().String()
	}
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' && s[i] != '\n' && s[i] != '\r' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// String returns the SMI's name of k, such as "Counter32".
func (k Kind) String() string {
	switch k {
	case KindInteger:
		return "INTEGER"
	case KindOctetString:
		return "OCTET STRING"
	case KindNull:
		return "NULL"
	case KindOID:
		return "OBJECT IDENTIFIER"
	case KindIPAddress:
		return "IpAddress"
	case KindCounter32:
		return "Counter32"
	case KindGauge32:
		return "Gauge32"
	case KindTimeTicks:
		return "TimeTicks"
	case KindOpaque:
		return "Opaque"
	case KindCounter64:
		return "Counter64"
	case KindNoSuchObject:
		return "noSuchObject"
	case KindNoSuchInstance:
		return "noSuchInstance"
	case KindEndOfMibView:
		return "endOfMibView"
	default:
		return fmt.Sprintf("type 0x%02x", uint8(k))
	}
}

// contentSize returns the octets of v's content on the wire.
func (v Value) contentSize() int {
	switch v.Kind() {
	case KindInteger:
		return ber.IntSize(int64(v.num))
	case KindCounter32, KindGauge32, KindTimeTicks, KindCounter64:
		return ber.UintSize(v.num)
	case KindOID:
		return ber.OIDSize(v.OID())
	default:
		return len(v.data)
	}
}

// append appends v as one element.
func (v Value) append(dst []byte) []byte {
	switch k := v.Kind(); k {
	case KindInteger:
		return ber.AppendInt(dst, byte(k), int64(v.num))
	case KindCounter32, KindGauge32, KindTimeTicks, KindCounter64:
		return ber.AppendUint(dst, byte(k), v.num)
	case KindOID:
		return ber.AppendOID(dst, byte(k), v.OID())
	default:
		return ber.AppendString(dst, byte(k), v.data)
	}
}
