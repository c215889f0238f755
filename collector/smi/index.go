package smi

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// errIndex says that an index is not as its row's INDEX clause says.
var errIndex = errors.New("the index is not of this form")

// Decode takes the first part of an index, as RFC 2578 section 7.7 encodes it, and returns its value and what comes after.
func (p *IndexPart) Decode(index oid.OID) (snmp.Value, oid.OID, error) {
	if index.IsEmpty() && !(p.Implied && (p.Syntax.Base == OctetString || p.Syntax.Base == ObjectIdentifier)) {
		return snmp.Null, index, errIndex
	}
	switch p.Syntax.Base {
	case OctetString, Bits, Opaque:
		n, rest, err := p.length(index)
		if err != nil {
			return snmp.Null, index, err
		}
		octets := make([]byte, n)
		for i := range octets {
			arc := rest.Arc(i)
			if arc > 255 {
				return snmp.Null, index, errIndex
			}
			octets[i] = byte(arc)
		}
		return snmp.OctetString(string(octets)), rest.From(n), nil
	case ObjectIdentifier:
		n, rest, err := p.length(index)
		if err != nil {
			return snmp.Null, index, err
		}
		return snmp.ObjectID(rest.Slice(0, n)), rest.From(n), nil
	case IPAddress:
		var a [4]byte
		for i := range a {
			if i >= index.Len() || index.Arc(i) > 255 {
				return snmp.Null, index, errIndex
			}
			a[i] = byte(index.Arc(i))
		}
		return snmp.IPAddress(netip.AddrFrom4(a)), index.From(4), nil
	case Integer:
		return snmp.Integer(int32(index.Arc(0))), index.From(1), nil
	}
	return snmp.Gauge32(index.Arc(0)), index.From(1), nil
}

// length returns how many arcs a string or OID has, and the index from the first of them on.
func (p *IndexPart) length(index oid.OID) (int, oid.OID, error) {
	n := p.Syntax.Size
	if p.Implied {
		n = index.Len()
	} else if n == 0 || p.Syntax.Base == ObjectIdentifier {
		arc := index.Arc(0)
		index = index.From(1)
		if arc > oid.MaxLen {
			return 0, index, errIndex
		}
		n = int(arc)
	}
	if n > index.Len() {
		return 0, index, errIndex
	}
	return n, index, nil
}

// Encode returns the arcs that v, a value of p's object or one like it, is in an index.
func (p *IndexPart) Encode(v snmp.Value) (oid.OID, error) {
	var arcs []uint32
	switch {
	case v.Kind() == snmp.KindOctetString, v.Kind() == snmp.KindOpaque:
		octets := v.Octets()
		for i := range len(octets) {
			arcs = append(arcs, uint32(octets[i]))
		}
		if p.Syntax.Size > 0 && p.Syntax.Size != len(octets) {
			return oid.OID{}, errIndex
		}
	case v.Kind() == snmp.KindOID:
		for i := range v.OID().Len() {
			arcs = append(arcs, v.OID().Arc(i))
		}
	case v.Kind() == snmp.KindIPAddress:
		for _, octet := range v.Addr().As4() {
			arcs = append(arcs, uint32(octet))
		}
		return oid.New(arcs...), nil
	case v.IsNumber() && v.Uint()>>32 == 0 || v.Kind() == snmp.KindInteger:
		return oid.New(uint32(v.Uint())), nil
	default:
		return oid.OID{}, errIndex
	}
	if !p.Implied && (p.Syntax.Size == 0 || v.Kind() == snmp.KindOID) {
		arcs = append([]uint32{uint32(len(arcs))}, arcs...)
	}
	if len(arcs) > oid.MaxLen {
		return oid.OID{}, errIndex
	}
	return oid.New(arcs...), nil
}

// DecodeIndex returns the values of all parts of an index. The octets of an InetAddress stand behind the number of their type, if that is a part.
func DecodeIndex(parts []IndexPart, index oid.OID) ([]snmp.Value, error) {
	values := make([]snmp.Value, 0, len(parts))
	for i := range parts {
		v, rest, err := parts[i].Decode(index)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", parts[i].Name, err)
		}
		values, index = append(values, v), rest
	}
	if !index.IsEmpty() {
		return nil, errIndex
	}
	return values, nil
}

// parseBrackets reads an index in brackets, `[3]["text"]`. Parts that are not known are numbers or texts by their look.
func parseBrackets(parts []IndexPart, text string) (oid.OID, error) {
	index := oid.OID{}
	for i := 0; text != ""; i++ {
		part, rest, err := cutBracket(text)
		if err != nil {
			return oid.OID{}, err
		}
		text = rest
		var p IndexPart
		if i < len(parts) {
			p = parts[i]
		}
		v, err := p.parse(part)
		if err != nil {
			return oid.OID{}, err
		}
		arcs, err := p.Encode(v)
		if err != nil {
			return oid.OID{}, fmt.Errorf("[%s]: %w", part, err)
		}
		index = index.Join(arcs)
	}
	return index, nil
}

// cutBracket takes the first "[…]" off text; a quoted one may hold brackets.
func cutBracket(text string) (part, rest string, err error) {
	if !strings.HasPrefix(text, "[") {
		return "", "", fmt.Errorf("%q: each part of an index is in brackets", text)
	}
	end := strings.IndexByte(text, ']')
	if strings.HasPrefix(text, `["`) {
		if end = strings.Index(text[2:], `"]`); end >= 0 {
			return text[1 : end+3], text[end+4:], nil
		}
	}
	if end < 0 {
		return "", "", fmt.Errorf("%q: the bracket is not closed", text)
	}
	return text[1:end], text[end+1:], nil
}

// parse reads a part of an index as a person writes it.
func (p *IndexPart) parse(text string) (snmp.Value, error) {
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		return snmp.OctetString(strings.TrimSuffix(quoted, `"`)), nil
	}
	if n, ok := p.Syntax.Number(text); ok {
		return snmp.Integer(int32(n)), nil
	}
	switch p.Syntax.Base {
	case OctetString:
		if a, err := netip.ParseAddr(text); err == nil && strings.HasPrefix(p.Syntax.Convention, "InetAddress") {
			return snmp.OctetString(string(a.AsSlice())), nil
		}
		if strings.Count(text, ":") == 5 {
			if octets, ok := parseMAC(text); ok {
				return snmp.OctetString(octets), nil
			}
		}
		return snmp.OctetString(text), nil
	case IPAddress:
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return snmp.Null, fmt.Errorf("%q is no IPv4 address", text)
		}
		return snmp.IPAddress(a), nil
	case ObjectIdentifier:
		o, err := oid.Parse(text)
		return snmp.ObjectID(o), err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < -1<<31 || n >= 1<<32 {
		return snmp.Null, fmt.Errorf("%q is no number", text)
	}
	return snmp.Gauge32(uint32(n)), nil
}

func parseMAC(text string) (string, bool) {
	var b []byte
	for part := range strings.SplitSeq(text, ":") {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return "", false
		}
		b = append(b, byte(n))
	}
	return string(b), true
}
