package collector

import (
	"math"

	"walkabout/collector/session"
	"walkabout/metric"
	"walkabout/snmp"
)

// kind is the only kind of value that a counter has; 0 for what is no counter.
func (t Type) kind() snmp.Kind {
	switch t {
	case TypeCounter32:
		return snmp.KindCounter32
	case TypeCounter64:
		return snmp.KindCounter64
	}
	return 0
}

// field reads v as a t into f's Kind, Num and Str; false if v is no t. Counters are not read here.
func field(f *metric.Field, t Type, v snmp.Value) bool {
	switch t {
	case TypeInteger:
		f.Kind, f.Num = metric.Integer, uint64(v.Int())
		return v.IsNumber()
	case TypeGauge, TypeTimeTicks:
		f.Kind, f.Num = metric.Unsigned, v.Uint()
		if v.Kind() == snmp.KindInteger {
			f.Num = uint64(v.Int())
		}
		return v.IsNumber() && v.Int() >= 0
	case TypeFloat:
		number, ok := session.Float(v)
		if !ok && v.IsNumber() {
			number, ok = float64(v.Int()), true
		}
		f.Kind, f.Num = metric.Float, math.Float64bits(number)
		return ok
	}
	var ok bool
	f.Kind = metric.String
	f.Str, ok = text(t, v)
	return ok
}

// text reads v as a text; false if v is not what t says.
func text(t Type, v snmp.Value) (string, bool) {
	switch t {
	case TypeString:
		return v.Octets(), v.Kind() == snmp.KindOctetString
	case TypePhysAddress:
		return physAddress(v.Octets()), v.Kind() == snmp.KindOctetString
	case TypeOID:
		return v.OID().String(), v.Kind() == snmp.KindOID
	case TypeIP:
		if v.Kind() != snmp.KindIPAddress {
			return "", false
		}
		return v.Addr().String(), true
	}
	if !v.IsNumber() {
		return "", false
	}
	return v.String(), true
}

// physAddress writes octets as "00:1b:21:3c:9d:f8" (PhysAddress, RFC 2579); none is "".
func physAddress(octets string) string {
	const digits = "0123456789abcdef"
	if octets == "" {
		return ""
	}
	b := make([]byte, 0, 3*len(octets))
	for i := range len(octets) {
		b = append(b, digits[octets[i]>>4], digits[octets[i]&15], ':')
	}
	return string(b[:len(b)-1])
}
