package collector

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"walkabout/collector/smi"
	"walkabout/metric"
	"walkabout/snmp"
)

// field reads v as a value of o into f's Kind, Num and Str; false if v is none. Counters are not read here.
func field(f *metric.Field, o *Object, v snmp.Value) bool {
	switch o.Type {
	case TypeInteger:
		f.Kind, f.Num = metric.Integer, uint64(v.Int())
		return v.IsNumber()
	case TypeGauge, TypeTimeTicks:
		f.Kind, f.Num = metric.Unsigned, v.Uint()
		if v.Kind() == snmp.KindInteger {
			f.Num = uint64(v.Int())
		}
		return v.IsNumber() && v.Int() >= 0
	case TypeUnsigned:
		f.Kind, f.Num = metric.Unsigned, v.Uint()
		if v.Kind() == snmp.KindInteger {
			f.Num = uint64(uint32(v.Int()))
		}
		return v.IsNumber()
	case TypeFloat:
		number, ok := float(v)
		f.Kind, f.Num = metric.Float, math.Float64bits(number)
		return ok
	}
	var ok bool
	f.Kind = metric.String
	f.Str, ok = text(o, v)
	return ok
}

// float reads an Opaque float or double, a number, or the digits of one.
func float(v snmp.Value) (float64, bool) {
	if number, ok := smi.Float(v); ok {
		return number, true
	}
	if v.IsNumber() {
		if v.Kind() == snmp.KindCounter64 {
			return float64(v.Uint()), true
		}
		return float64(v.Int()), true
	}
	if v.Kind() != snmp.KindOctetString || len(v.Octets()) > 64 {
		return 0, false
	}
	number, err := strconv.ParseFloat(strings.Trim(v.Octets(), " \x00\n"), 64)
	return number, err == nil && !math.IsNaN(number) && !math.IsInf(number, 0)
}

// text reads v, a value of o, as a text; false if v is not what o says.
func text(o *Object, v snmp.Value) (string, bool) {
	switch o.Type {
	case TypeString: // there are agents that count the NUL behind a text to it
		return strings.TrimRight(v.Octets(), "\x00"), v.Kind() == snmp.KindOctetString
	case TypePhysAddress:
		return smi.PhysAddress(v.Octets()), v.Kind() == snmp.KindOctetString
	case TypeDisplay:
		return o.syntax.Text(v), true
	case TypeBits, TypeDateAndTime:
		return o.syntax.Text(v), v.Kind() == snmp.KindOctetString
	case TypeOID:
		return v.OID().String(), v.Kind() == snmp.KindOID
	case TypeDescriptor:
		return descriptor(o.names, v), v.Kind() == snmp.KindOID
	case TypeIP:
		return v.Addr().String(), v.Kind() == snmp.KindIPAddress
	case TypeInetAddress:
		return o.syntax.Text(v), v.Kind() == snmp.KindOctetString || v.Kind() == snmp.KindIPAddress
	case TypeEnum:
		return o.syntax.Text(v), v.IsNumber()
	}
	if v.Kind() == snmp.KindOpaque {
		return o.syntax.Text(v), true
	}
	return v.String(), v.IsNumber()
}

// text is text of a column, or of a scalar, whose meaning may be told by another one in the same row.
func (p *part) text(o *Object, v snmp.Value, values []snmp.Value) string {
	if o.Subtype != "" {
		if c := position(p.objects, o.Subtype); c >= 0 {
			if s, ok := identifier(&p.objects[c], values[c], v); ok {
				return s
			}
		}
	}
	s, _ := text(o, v)
	return s
}

// identifier reads v as what an enumeration of o says that it is; false if it says nothing, or v is not so.
func identifier(o *Object, subtype, v snmp.Value) (string, bool) {
	label, ok := o.syntax.Label(subtype.Int())
	if !ok || !subtype.IsNumber() || v.Kind() != snmp.KindOctetString {
		return "", false
	}
	return smi.Identifier(label, v.Octets())
}

// descriptor returns the name of the object that an OID is, with the rest of the OID behind it if it is below one.
func descriptor(names smi.Resolver, v snmp.Value) string {
	o, known := names.Find(v.OID())
	if !known {
		return v.OID().String()
	}
	if rest := v.OID().From(o.OID.Len()); rest.Len() > 0 {
		return o.Name + "." + rest.String()
	}
	return o.Name
}

// derivedText is text of the i-th of p.derived. An index that was not of its form is as it came.
func (p *part) derivedText(i int, derived []snmp.Value) string {
	v := derived[i]
	if v.Kind() == snmp.KindNull {
		return ""
	}
	if i > 0 && i < len(p.index) && p.index[i].Syntax.Convention == "InetAddress" && p.index[i-1].Syntax.Convention == "InetAddressType" {
		return smi.InetAddress(derived[i-1].Int(), v.Octets())
	}
	if o := &p.derived[i]; o.Subtype != "" {
		at := position(p.derived, o.Subtype)
		if s, ok := identifier(&p.derived[at], derived[at], v); ok {
			return s
		}
	}
	if s, ok := text(&p.derived[i], v); ok {
		return s
	}
	return p.derived[i].syntax.Text(v)
}

// derivedField reports whether the i-th of p.derived is a field.
func (p *part) derivedField(i int) bool {
	if i < len(p.index) {
		return p.table.Indexes[i].Field
	}
	return p.table.Lookups[i-len(p.index)].Field
}

// dataScales are the powers of ten of EntitySensorDataScale (RFC 3433), from yocto(1) to yotta(17): exa comes before peta there.
var dataScales = [...]int{1: -24, -21, -18, -15, -12, -9, -6, -3, 0, 3, 6, 9, 12, 18, 15, 21, 24}

// beyondSensor is what an agent says where a sensor's value is none: with a minus underflow, without it overflow (RFC 3433, EntitySensorValue;
// CISCO-ENTITY-SENSOR-MIB, SensorValue). Arista has it for thresholds that are not set.
const beyondSensor = 1_000_000_000

// beyond reports whether v is a sensor's value that says that there is none.
func (o *Object) beyond(v snmp.Value) bool {
	return o.Sensor != nil && v.IsNumber() && (v.Int() == beyondSensor || v.Int() == -beyondSensor)
}

// scale makes a number one of a unit without a prefix, where o says how; false if the row does not tell.
func (p *part) scale(f *metric.Field, o *Object, values []snmp.Value) bool {
	if o.Factor == 0 && o.Offset == 0 && o.Sensor == nil {
		return true
	}
	number := f.Float64()
	if s := o.Sensor; s != nil {
		exponent := 0
		if c := position(p.objects, s.Scale); c >= 0 {
			n := values[c].Int()
			if !values[c].IsNumber() || n < 1 || int(n) >= len(dataScales) {
				return false
			}
			exponent = dataScales[n]
		}
		if c := position(p.objects, s.Precision); c >= 0 && values[c].IsNumber() {
			if n := values[c].Int(); n > 0 { // below 0 it is how many digits are sound
				exponent -= int(n)
			}
		}
		if exponent < 0 { // a quotient of whole numbers has no digits that the agent did not send
			number /= math.Pow10(-exponent)
		} else {
			number *= math.Pow10(exponent)
		}
	}
	if o.Factor != 0 {
		if inverse := math.Round(1 / o.Factor); math.Abs(inverse*o.Factor-1) < 1e-9 {
			number /= inverse // 0.1 is no exact number, 10 is
		} else {
			number *= o.Factor
		}
	}
	f.Kind, f.Num = metric.Float, math.Float64bits(number+o.Offset)
	return true
}

// extract appends the fields that o's expressions make of v.
func extract(dst []metric.Field, o *Object, v snmp.Value) []metric.Field {
	word, ok := text(o, v)
	if !ok {
		word = o.syntax.Text(v)
	}
	for _, suffix := range slices.Sorted(maps.Keys(o.Extract)) {
		for _, e := range o.Extract[suffix] {
			at := e.Regex.FindStringSubmatchIndex(word)
			if at == nil || at[0] != 0 || at[1] != len(word) {
				continue
			}
			number, err := strconv.ParseFloat(string(e.Regex.ExpandString(nil, e.Value, word, at)), 64)
			if err == nil && !math.IsNaN(number) && !math.IsInf(number, 0) {
				dst = append(dst, metric.Field{Name: o.Name + suffix, Kind: metric.Float, Num: math.Float64bits(number)})
				break
			}
		}
	}
	return dst
}
