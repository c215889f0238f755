package session

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"

	"github.com/gosnmp/gosnmp"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// convert turns a varbind of gosnmp into ours. odd says that its value was of no known type, or outside its type's range; it is
// then NULL. A name that is no OID is an error, as nothing can be known of what comes after it either.
func convert(pdu gosnmp.SnmpPDU) (vb snmp.VarBind, odd bool, err error) {
	name, err := oid.Parse(pdu.Name)
	if err != nil {
		return snmp.VarBind{}, false, fmt.Errorf("%w: name %.80q: %w", ErrMalformed, pdu.Name, err)
	}
	value, ok := convertValue(pdu)
	return snmp.VarBind{Name: name, Value: value}, !ok, nil
}

func convertValue(pdu gosnmp.SnmpPDU) (v snmp.Value, ok bool) {
	switch pdu.Type {
	case gosnmp.Null:
		return snmp.Null, true
	case gosnmp.NoSuchObject:
		return snmp.NoSuchObject, true
	case gosnmp.NoSuchInstance:
		return snmp.NoSuchInstance, true
	case gosnmp.EndOfMibView:
		return snmp.EndOfMibView, true
	case gosnmp.ObjectIdentifier:
		return convertOID(pdu.Value)
	case gosnmp.IPAddress:
		return convertAddress(pdu.Value)
	}
	switch n := pdu.Value.(type) {
	case []byte:
		switch pdu.Type {
		case gosnmp.OctetString:
			return snmp.OctetString(string(n)), true
		case gosnmp.Opaque:
			return snmp.Opaque(string(n)), true
		}
	case float32:
		return OpaqueFloat(n), true
	case float64:
		return OpaqueDouble(n), true
	case int:
		if pdu.Type == gosnmp.Integer && n >= math.MinInt32 && n <= math.MaxInt32 {
			return snmp.Integer(int32(n)), true
		}
	case uint:
		return convertUnsigned(pdu.Type, uint64(n))
	case uint32:
		return convertUnsigned(pdu.Type, uint64(n))
	case uint64:
		return convertUnsigned(pdu.Type, n)
	}
	return snmp.Null, false
}

func convertUnsigned(t gosnmp.Asn1BER, n uint64) (snmp.Value, bool) {
	if t == gosnmp.Counter64 {
		return snmp.Counter64(n), true
	}
	if n > math.MaxUint32 {
		return snmp.Null, false
	}
	switch t {
	case gosnmp.Counter32:
		return snmp.Counter32(uint32(n)), true
	case gosnmp.Gauge32, gosnmp.Uinteger32:
		return snmp.Gauge32(uint32(n)), true
	case gosnmp.TimeTicks:
		return snmp.TimeTicks(uint32(n)), true
	}
	return snmp.Null, false
}

func convertOID(value any) (snmp.Value, bool) {
	s, _ := value.(string)
	o, err := oid.Parse(s)
	if err != nil {
		return snmp.Null, false
	}
	return snmp.ObjectID(o), true
}

// convertAddress takes IPv4 only: an IpAddress has four octets (RFC 2578 section 7.1.5).
func convertAddress(value any) (snmp.Value, bool) {
	s, _ := value.(string)
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return snmp.Null, false
	}
	return snmp.IPAddress(a), true
}

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
