package sim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Names is what MIB modules say, for walks that have names in place of OIDs and labels in place of numbers, or no types.
type Names interface {
	OID(name string) (oid.OID, error)            // of "IF-MIB::ifDescr.1" and "IF-MIB::ifDescr[1]"
	Kind(o oid.OID) snmp.Kind                    // of the object that o is an instance of; 0 if it is not known
	Label(o oid.OID, label string) (int32, bool) // the number of an enumeration's label
}

// A line of a walk begins an object if it begins so; any other goes on with the value before.
var (
	numeric = regexp.MustCompile(`^(\.?\d+(?:\.\d+)*|\.?iso(?:\.\d+)+)(?: |$)`)
	byName  = regexp.MustCompile(`^[A-Za-z][\w-]*::[\w-]+(?:\.[^\s"]+|\["(?:[^"\\]|\\.)*"\]|\[[^\]\s]*\]|\."(?:[^"\\]|\\.)*")*(?: |$)`)
)

// ReadWalk reads what Net-SNMP's snmpwalk printed, with or without names (-On, -OX) and types (-Oq). names may be nil: then a walk must be of -On, and where
// types are missing as well they are guessed, and numbers are INTEGERs as far as they fit.
func ReadWalk(text string, names Names) (*Recording, error) {
	r := walkReader{names: names}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := r.line(strings.TrimRight(line, "\r\n"), number); err != nil {
			return nil, err
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if len(r.objects) == 0 {
		return nil, ErrNoObjects
	}
	return NewRecording(r.objects), nil
}

// walkReader reads one line after another; an object is complete when the next begins.
type walkReader struct {
	names   Names
	objects []snmp.VarBind

	name  string // of the object that is read; "" for none
	value string
	at    int // its first line
}

func (r *walkReader) line(line string, number int) error {
	m := numeric.FindString(line)
	if m == "" {
		m = byName.FindString(line)
	}
	if m == "" || r.open() {
		if r.name == "" {
			if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
				return nil
			}
			return &LineError{number, fmt.Errorf("%q is no line of an .snmprec, nor of snmpwalk", clip(line))}
		}
		r.value += "\n" + line
		return nil
	}
	if err := r.end(); err != nil {
		return err
	}
	r.name, r.value, r.at = strings.TrimSpace(m), strings.TrimPrefix(strings.TrimLeft(line[len(m):], " "), "= "), number
	return nil
}

// open reports whether the value is a text whose closing quote has not come.
func (r *walkReader) open() bool {
	v := strings.TrimPrefix(strings.TrimSpace(r.value), "STRING: ")
	return strings.HasPrefix(v, `"`) && (len(v) == 1 || !strings.HasSuffix(v, `"`) || oddBackslashes(v[:len(v)-1]))
}

// oddBackslashes reports whether what stands behind s is escaped.
func oddBackslashes(s string) bool { return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1 }

// end takes the object that was read.
func (r *walkReader) end() error {
	if r.name == "" {
		return nil
	}
	name, value := r.name, strings.TrimSpace(r.value)
	r.name = ""
	for _, absent := range []string{"No Such ", "No more variables"} {
		if strings.HasPrefix(value, absent) {
			return nil
		}
	}
	o, err := r.oid(name)
	if err != nil {
		return &LineError{r.at, err}
	}
	v, err := r.parse(o, r.value)
	if err != nil {
		return &LineError{r.at, err}
	}
	r.objects = append(r.objects, snmp.VarBind{Name: o, Value: v})
	return nil
}

func (r *walkReader) oid(name string) (oid.OID, error) {
	plain := strings.TrimPrefix(name, ".")
	if rest, ok := strings.CutPrefix(plain, "iso."); ok {
		plain = "1." + rest
	}
	if !strings.Contains(name, "::") {
		o, err := oid.Parse(plain)
		if err != nil {
			return o, fmt.Errorf("%q is no OID", clip(name))
		}
		return o, nil
	}
	if r.names == nil {
		return oid.OID{}, fmt.Errorf("%q is a name: record with snmpwalk -On", clip(name))
	}
	o, err := r.names.OID(name)
	if err != nil {
		return o, fmt.Errorf("%q: %w (snmpwalk -On needs no names)", clip(name), err)
	}
	return o, nil
}

// walkKinds are snmpwalk's words for types.
var walkKinds = map[string]snmp.Kind{
	"INTEGER": snmp.KindInteger, "Integer32": snmp.KindInteger, "STRING": snmp.KindOctetString, "Hex-STRING": snmp.KindOctetString, "BITS": snmp.KindOctetString,
	"OID": snmp.KindOID, "IpAddress": snmp.KindIPAddress, "Network Address": snmp.KindIPAddress, "Counter32": snmp.KindCounter32, "Gauge32": snmp.KindGauge32,
	"Unsigned32": snmp.KindGauge32, "UInteger32": snmp.KindGauge32, "Timeticks": snmp.KindTimeTicks, "Opaque": snmp.KindOpaque, "Counter64": snmp.KindCounter64,
}

// parse reads a value as it is printed.
func (r *walkReader) parse(o oid.OID, text string) (snmp.Value, error) {
	if strings.HasPrefix(text, "Wrong Type (should be ") {
		_, text, _ = strings.Cut(text, "): ")
	}
	word, rest, typed := strings.Cut(text, ": ")
	if !typed {
		word, typed = strings.CutSuffix(text, ":") // an empty value
	}
	k := walkKinds[word]
	switch {
	case typed && k != 0:
		return r.typed(o, k, word, rest)
	case strings.TrimSpace(text) == "NULL":
		return snmp.Null, nil
	}
	return r.untyped(o, text)
}

func (r *walkReader) typed(o oid.OID, k snmp.Kind, word, text string) (snmp.Value, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case word == "Hex-STRING":
		octets, err := hexOctets(trimmed)
		return snmp.OctetString(octets), err
	case word == "BITS":
		octets, err := hexOctets(leadingHex(trimmed))
		return snmp.OctetString(octets), err
	case word == "Network Address":
		octets, err := hex.DecodeString(strings.ReplaceAll(trimmed, ":", ""))
		if err != nil || len(octets) != 4 {
			return snmp.Value{}, fmt.Errorf("%q is no address", clip(text))
		}
		return snmp.IPAddress(netip.AddrFrom4([4]byte(octets))), nil
	case k == snmp.KindOctetString:
		return snmp.OctetString(unquote(text)), nil
	case k == snmp.KindOpaque:
		return opaque(trimmed)
	case k == snmp.KindOID && strings.Contains(trimmed, "::"), k == snmp.KindOID && strings.Contains(trimmed, "iso."):
		value, err := r.oid(trimmed)
		return snmp.ObjectID(value), err
	}
	return r.number(o, k, trimmed)
}

// number reads a value that is written in digits, with a label, a unit or another form of it around.
func (r *walkReader) number(o oid.OID, k snmp.Kind, text string) (snmp.Value, error) {
	switch {
	case k == snmp.KindTimeTicks && strings.HasPrefix(text, "("):
		text, _, _ = strings.Cut(text[1:], ")")
	case k == snmp.KindTimeTicks && strings.Contains(text, ":"):
		return clock(text)
	case k == snmp.KindInteger && strings.HasSuffix(text, ")"):
		text = strings.TrimSuffix(text[strings.LastIndex(text, "(")+1:], ")")
	case k != snmp.KindOID && k != snmp.KindIPAddress:
		text, _, _ = strings.Cut(text, " ")
	}
	v, err := plainValue(k, text)
	if err == nil || k != snmp.KindInteger || r.names == nil {
		return v, err
	}
	if n, ok := r.names.Label(o, text); ok {
		return snmp.Integer(n), nil
	}
	return v, err
}

var (
	ticksForm   = regexp.MustCompile(`^\d+:\d+:\d+:\d+\.\d+$`)
	octetsForm  = regexp.MustCompile(`^"(?:[0-9A-F]{2} \s*)+"$`)
	integerForm = regexp.MustCompile(`^-?\d+$`)
)

// untyped reads a value of -Oq.
func (r *walkReader) untyped(o oid.OID, text string) (snmp.Value, error) {
	trimmed := strings.TrimSpace(text)
	if octetsForm.MatchString(trimmed) {
		octets, err := hexOctets(strings.Trim(trimmed, `"`))
		return snmp.OctetString(octets), err
	}
	var k snmp.Kind
	if r.names != nil {
		k = r.names.Kind(o)
	}
	switch {
	case k == snmp.KindOctetString:
		return snmp.OctetString(unquote(text)), nil
	case k == snmp.KindOpaque:
		return opaque(trimmed)
	case k == snmp.KindOID:
		value, err := r.oid(trimmed)
		return snmp.ObjectID(value), err
	case k != 0:
		v, err := r.number(o, k, trimmed)
		if err != nil && integerForm.MatchString(trimmed) { // the agent had another type than the module
			return guess(trimmed)
		}
		return v, err
	case ticksForm.MatchString(trimmed):
		return clock(trimmed)
	case strings.HasPrefix(trimmed, ".1.") || strings.HasPrefix(trimmed, ".0."):
		value, err := r.oid(trimmed)
		return snmp.ObjectID(value), err
	case integerForm.MatchString(trimmed):
		return guess(trimmed)
	}
	if a, err := netip.ParseAddr(trimmed); err == nil && a.Is4() {
		return snmp.IPAddress(a), nil
	}
	return snmp.OctetString(unquote(text)), nil
}

// guess returns the least kind of number that holds text.
func guess(text string) (snmp.Value, error) {
	for _, k := range []snmp.Kind{snmp.KindInteger, snmp.KindGauge32, snmp.KindCounter64} {
		if v, err := plainValue(k, text); err == nil {
			return v, nil
		}
	}
	return snmp.Value{}, fmt.Errorf("%q is no number that SNMP has", clip(text))
}

// clock reads days:hours:minutes:seconds.hundredths.
func clock(text string) (snmp.Value, error) {
	var n [5]uint64
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '.' })
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 32)
		if err != nil || len(parts) != len(n) {
			return snmp.Value{}, fmt.Errorf("%q is no time", clip(text))
		}
		n[i] = v
	}
	total := (((n[0]*24+n[1])*60+n[2])*60+n[3])*100 + n[4]
	if total > math.MaxUint32 {
		return snmp.Value{}, fmt.Errorf("%q is no time", clip(text))
	}
	return snmp.TimeTicks(uint32(total)), nil
}

// unquote takes off the quotes around a text, and the backslashes before quotes and backslashes in it.
func unquote(text string) string {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), `"`)
	if !ok {
		return text
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.TrimSuffix(inner, `"`))
}

func hexOctets(text string) (string, error) {
	octets, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return "", fmt.Errorf("%q is not hexadecimal", clip(text))
	}
	return string(octets), nil
}

// leadingHex returns the octets of a BITS value without the names of its bits.
func leadingHex(text string) string {
	var octets []string
	for _, word := range strings.Fields(text) {
		if len(word) != 2 || strings.Trim(word, "0123456789ABCDEFabcdef") != "" {
			break
		}
		octets = append(octets, word)
	}
	return strings.Join(octets, "")
}

// opaque reads "Float: 1.5", Net-SNMP's way to wrap one (draft-perkins-opaque-01), or octets.
func opaque(text string) (snmp.Value, error) {
	if number, ok := strings.CutPrefix(text, "Float: "); ok {
		f, err := strconv.ParseFloat(number, 32)
		if err != nil {
			return snmp.Value{}, errors.New("no number behind Float")
		}
		bits := math.Float32bits(float32(f))
		return snmp.Opaque(string([]byte{0x9f, 0x78, 4, byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)})), nil
	}
	octets, err := hexOctets(text)
	return snmp.Opaque(octets), err
}
