package scrape

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Label is a name and a value that identify a series.
type Label struct{ Name, Value string }

// Sample is one value of a metric.
type Sample struct {
	Name, Help string
	Counter    bool // else a gauge
	Labels     []Label
	Value      float64
}

// combined are the types that the object or index before says the type of (InetAddressType, LldpPortIdSubtype, LldpChassisIdSubtype).
var combined = map[string]map[uint32]string{
	"InetAddress":            {1: "InetAddressIPv4", 2: "InetAddressIPv6"},
	"InetAddressMissingSize": {1: "InetAddressIPv4", 2: "InetAddressIPv6"},
	"LldpPortId":             {1: "DisplayString", 2: "DisplayString", 3: "PhysAddress48", 5: "DisplayString", 7: "DisplayString"},
	"LldpChassisId":          {1: "DisplayString", 2: "DisplayString", 3: "DisplayString", 4: "PhysAddress48", 6: "DisplayString", 7: "DisplayString"},
}

// samples appends the samples of a value of x.
func (r *reading) samples(dst []Sample, x *Metric, index []uint32, value snmp.Value) []Sample {
	s := Sample{Name: x.Name, Help: x.Help, Labels: r.labels(x, index), Value: number(value)}
	ok := true
	switch x.Type {
	case "counter":
		s.Counter = true
	case "gauge", "Float", "Double":
	case "DateAndTime":
		s.Value, ok = dateAndTime(value.Octets())
	case "ParseDateAndTime":
		var t time.Time
		var err error
		t, err = time.Parse(x.layout, valueText(value, "DisplayString"))
		s.Value, ok = float64(t.Unix()), err == nil
	case "NTPTimeStamp":
		s.Value, ok = ntpTime(value.Octets())
	case "EnumAsInfo":
		return x.info(dst, s)
	case "EnumAsStateSet":
		return x.states(dst, s)
	case "Bits":
		return x.bits(dst, s, value)
	default:
		text := valueText(value, r.textType(x, index))
		if len(x.Extracts) > 0 {
			return x.extract(dst, s, text)
		}
		s.Value = 1
		s.Labels = withLabel(s.Labels, x.Name, text)
	}
	if !ok {
		return dst
	}
	s.Value = x.scale(s.Value)
	return append(dst, s)
}

func (x *Metric) scale(v float64) float64 {
	if x.Scale != 0 {
		v *= x.Scale
	}
	return v + x.Offset
}

// withLabel returns labels with one more, unless there is one of the name. It does not change labels.
func withLabel(labels []Label, name, value string) []Label {
	if has(labels, name) {
		return labels
	}
	return append(slices.Clip(labels), Label{name, value})
}

func has(labels []Label, name string) bool {
	for _, l := range labels {
		if l.Name == name {
			return true
		}
	}
	return false
}

// state returns the name of a number.
func state(values map[int]string, n int64) string {
	if name, ok := values[int(n)]; ok {
		return name
	}
	return strconv.FormatInt(n, 10)
}

func (x *Metric) info(dst []Sample, s Sample) []Sample {
	if has(s.Labels, x.Name) {
		return dst // it says so already
	}
	s.Name, s.Help, s.Labels = s.Name+"_info", s.Help+" (EnumAsInfo)", withLabel(s.Labels, x.Name, state(x.EnumValues, int64(s.Value)))
	s.Value = 1
	return append(dst, s)
}

func (x *Metric) states(dst []Sample, s Sample) []Sample {
	if has(s.Labels, x.Name) {
		return dst
	}
	present, labels := int(s.Value), s.Labels
	s.Help += " (EnumAsStateSet)"
	s.Labels, s.Value = withLabel(labels, x.Name, state(x.EnumValues, int64(present))), 1
	dst = append(dst, s)
	for n, name := range x.EnumValues {
		if n != present {
			s.Labels, s.Value = withLabel(labels, x.Name, name), 0
			dst = append(dst, s)
		}
	}
	return dst
}

func (x *Metric) bits(dst []Sample, s Sample, value snmp.Value) []Sample {
	if has(s.Labels, x.Name) || value.Kind() != snmp.KindOctetString {
		return dst
	}
	octets, labels := value.Octets(), s.Labels
	s.Help += " (Bits)"
	for n, name := range x.EnumValues {
		s.Labels, s.Value = withLabel(labels, x.Name, name), 0
		if n >= 0 && n/8 < len(octets) && octets[n/8]&(128>>(n%8)) != 0 {
			s.Value = 1
		}
		dst = append(dst, s)
	}
	return dst
}

func (x *Metric) extract(dst []Sample, s Sample, text string) []Sample {
	name := s.Name
	s.Help += " (regex extracted)"
	for suffix, extracts := range x.Extracts {
		for _, e := range extracts {
			at := e.Regex.FindStringSubmatchIndex(text)
			if at == nil {
				continue
			}
			template := e.Value
			if template == "" {
				template = "$1"
			}
			v, err := strconv.ParseFloat(string(e.Regex.ExpandString(nil, template, text, at)), 64)
			if err != nil {
				continue
			}
			s.Name, s.Value = name+suffix, x.scale(v)
			dst = append(dst, s)
			break
		}
	}
	return dst
}

// textType returns the type of a text of x.
func (r *reading) textType(x *Metric, index []uint32) string {
	types, ok := combined[x.Type]
	if !ok {
		return x.Type
	}
	if t, ok := types[r.before(x.OID.OID, index)]; ok {
		return t
	}
	return "OctetString"
}

// before returns the value of the object that is registered before o, of the same row; 0 if there is none.
func (r *reading) before(o oid.OID, index []uint32) uint32 {
	if o.Len() == 0 || o.Last() == 0 {
		return 0
	}
	return uint32(number(r.values[o.Slice(0, o.Len()-1).Append(o.Last()-1).Append(index...)]))
}

// wrap is where snmp_exporter has a Counter64 begin anew: a double has no more digits.
const wrap = 1 << 53

// number returns the number that a value is; 0 for what is none.
func number(v snmp.Value) float64 {
	if f, ok := smi.Float(v); ok {
		return f
	}
	switch {
	case v.Kind() == snmp.KindCounter64:
		return float64(v.Uint() % wrap)
	case v.IsNumber():
		return float64(v.Int())
	}
	return 0
}

// dateAndTime reads a DateAndTime (RFC 2579); without a zone it is taken for UTC.
func dateAndTime(octets string) (float64, bool) {
	if len(octets) != 8 && len(octets) != 11 {
		return 0, false
	}
	zone := time.UTC
	if len(octets) == 11 {
		offset := int(octets[9])*3600 + int(octets[10])*60
		switch octets[8] {
		case '-':
			offset = -offset
		case '+':
		default:
			return 0, false
		}
		zone = time.FixedZone("", offset)
	}
	t := time.Date(int(octets[0])<<8|int(octets[1]), time.Month(octets[2]), int(octets[3]), int(octets[4]), int(octets[5]), int(octets[6]), 0, zone)
	return float64(t.Unix()), true
}

// ntpTime reads a time in NTP's form (RFC 5905): seconds since 1900, and a fraction.
func ntpTime(octets string) (float64, bool) {
	if len(octets) < 8 {
		return 0, false
	}
	const from1900to1970 = 2_208_988_800
	return float64(int64(binary.BigEndian.Uint32([]byte(octets[:4]))) - from1900to1970), true
}

// valueText returns a value as the text of a label.
func valueText(v snmp.Value, typ string) string {
	switch v.Kind() {
	case snmp.KindOctetString:
		return strings.ToValidUTF8(octetsText(v.Octets(), typ), "\uFFFD")
	case snmp.KindOID:
		return v.OID().String()
	case snmp.KindIPAddress:
		return v.Addr().String()
	case snmp.KindNull:
		return ""
	case snmp.KindCounter64:
		return strconv.FormatUint(v.Uint(), 10)
	}
	if f, ok := smi.Float(v); ok {
		bits := 64
		if float64(float32(f)) == f {
			bits = 32
		}
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	if v.IsNumber() {
		return strconv.FormatInt(v.Int(), 10)
	}
	return octetsText(v.Octets(), "OctetString") // an Opaque of something else
}

func octetsText(octets, typ string) string {
	index := make([]uint32, 0, len(octets)+1)
	if typ != "PhysAddress48" && typ != "InetAddressIPv4" && typ != "InetAddressIPv6" {
		if typ != "DisplayString" {
			typ = "OctetString"
		}
		index = append(index, uint32(len(octets)))
	}
	for i := range len(octets) {
		index = append(index, uint32(octets[i]))
	}
	text, _, _ := indexText(index, &Index{Type: typ})
	return text
}
