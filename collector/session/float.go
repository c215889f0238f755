package session

import (
	"encoding/binary"
	"math"

	"walkabout/snmp"
)

// OpaqueFloat returns f as an Opaque of Net-SNMP's (NET-SNMP-TC: the tags 0x9f 0x78, a length of 4, IEEE 754 big-endian).
func OpaqueFloat(f float32) snmp.Value {
	return snmp.Opaque(string(binary.BigEndian.AppendUint32([]byte{0x9f, 0x78, 4}, math.Float32bits(f))))
}

// OpaqueDouble is OpaqueFloat with the tags 0x9f 0x79 and a length of 8.
func OpaqueDouble(f float64) snmp.Value {
	return snmp.Opaque(string(binary.BigEndian.AppendUint64([]byte{0x9f, 0x79, 8}, math.Float64bits(f))))
}

// Float returns the number inside an Opaque of OpaqueFloat or OpaqueDouble, and whether v is one.
func Float(v snmp.Value) (float64, bool) {
	if v.Kind() != snmp.KindOpaque {
		return 0, false
	}
	s := v.Octets()
	switch {
	case len(s) == 7 && s[:3] == "\x9f\x78\x04":
		return float64(math.Float32frombits(binary.BigEndian.Uint32([]byte(s[3:])))), true
	case len(s) == 11 && s[:3] == "\x9f\x79\x08":
		return math.Float64frombits(binary.BigEndian.Uint64([]byte(s[3:]))), true
	}
	return 0, false
}
