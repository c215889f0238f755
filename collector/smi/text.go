package smi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"walkabout/snmp"
)

// Text returns v as a person reads it: the label of an enumeration ("up"), the names of bits ("a,b"), what the DISPLAY-HINT says, an address, a
// date. What s says nothing of, or what is not as s says, is returned as it is: a number in digits, octets as text if they are text and else in
// hexadecimal, an OID in its dotted form.
func (s *Syntax) Text(v snmp.Value) string {
	switch {
	case v.Kind() == snmp.KindOctetString && s.Base == IPAddress && len(v.Octets()) == 4:
		return InetAddress(0, v.Octets())
	case v.Kind() == snmp.KindOctetString:
		return s.octets(v.Octets())
	case v.Kind() == snmp.KindOpaque:
		if f, ok := Float(v); ok {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
		return hexText(v.Octets())
	case v.Kind() == snmp.KindIPAddress:
		return v.Addr().String()
	case v.Kind() == snmp.KindOID:
		return v.OID().String()
	case !v.IsNumber():
		return v.String()
	case v.Kind() == snmp.KindCounter64:
		return strconv.FormatUint(v.Uint(), 10)
	}
	if label, ok := s.Label(v.Int()); ok && s.Base != Bits {
		return label
	}
	if text, ok := hintInteger(s.Hint, v.Int()); ok && s.Base != OctetString && s.Base != Bits {
		return text
	}
	return strconv.FormatInt(v.Int(), 10)
}

// octets is Text of an OCTET STRING.
func (s *Syntax) octets(octets string) string {
	switch {
	case s.Base == Bits:
		return s.bits(octets)
	case s.Convention == "DateAndTime":
		if t, ok := DateAndTime(octets); ok {
			return t
		}
	case s.Convention == "PhysAddress" || s.Convention == "MacAddress":
		return PhysAddress(octets)
	case s.Convention == "DnsName" || s.Convention == "DnsNameAsIndex":
		if name, ok := DNSName(octets); ok {
			return name
		}
	case s.Convention == "InetAddress":
		return InetAddress(0, octets)
	case strings.HasPrefix(s.Convention, "InetAddress"):
		if typ, ok := inetTypes[s.Convention]; ok {
			return InetAddress(typ, octets)
		}
	}
	if s.Hint != "" && s.Base == OctetString {
		if text, ok := hintOctets(s.Hint, octets); ok {
			return text
		}
	}
	if printable(octets) {
		return octets
	}
	if s.isText() { // one octet of another character set, or a NUL at its end, makes no text hexadecimal
		return readable(octets)
	}
	return hexText(octets)
}

// isText reports whether values are meant for people to read.
func (s *Syntax) isText() bool {
	switch s.Convention {
	case "DisplayString", "SnmpAdminString", "OwnerString", "InternationalDisplayString", "Utf8String":
		return true
	}
	return strings.HasSuffix(s.Hint, "a") || strings.HasSuffix(s.Hint, "t")
}

// readable returns octets as text: NULs at the end are left out, octets that are no UTF-8 are read as ISO 8859-1, and control characters
// are blanks.
func readable(octets string) string {
	octets = strings.TrimRight(octets, "\x00")
	latin := !utf8.ValidString(octets)
	b := make([]rune, 0, len(octets))
	add := func(r rune) {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = ' '
		}
		b = append(b, r)
	}
	if latin {
		for i := range len(octets) {
			add(rune(octets[i]))
		}
	} else {
		for _, r := range octets {
			add(r)
		}
	}
	return string(b)
}

// bits returns the names of the bits that are set, or their numbers, with commas between them (RFC 2578 section 7.1.4: bit 0 is the highest
// of the first octet).
func (s *Syntax) bits(octets string) string {
	var set []string
	for i := range len(octets) {
		for bit := range 8 {
			if octets[i]&(0x80>>bit) == 0 {
				continue
			}
			number := int64(8*i + bit)
			name, ok := s.Label(number)
			if !ok {
				name = strconv.FormatInt(number, 10)
			}
			set = append(set, name)
		}
	}
	return strings.Join(set, ",")
}

// hexText writes octets as "0x0a1b"; none are "".
func hexText(octets string) string {
	if octets == "" {
		return ""
	}
	return "0x" + hex.EncodeToString([]byte(octets))
}

// PhysAddress writes octets as "00:1b:21:3c:9d:f8" (PhysAddress and MacAddress, RFC 2579); none are "".
func PhysAddress(octets string) string {
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

// DateAndTime writes the 8 or 11 octets of a DateAndTime (RFC 2579) as RFC 3339 does, "2026-11-21T11:35:00.5+01:00", without a zone if it has
// none; false if they are no date. What agents send for "never", all zeros, is "".
func DateAndTime(octets string) (string, bool) {
	if len(octets) != 8 && len(octets) != 11 {
		return "", false
	}
	if strings.Trim(octets, "\x00+-") == "" {
		return "", true
	}
	month, day, hour, minute, second, deci := octets[2], octets[3], octets[4], octets[5], octets[6], octets[7]
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || deci > 9 {
		return "", false
	}
	year := binary.BigEndian.Uint16([]byte(octets[:2]))
	text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%d", year, month, day, hour, minute, second, deci)
	if len(octets) == 8 {
		return text, true
	}
	sign, hours, minutes := octets[8], octets[9], octets[10]
	if sign != '+' && sign != '-' || hours > 14 || minutes > 59 {
		return "", false
	}
	return fmt.Sprintf("%s%c%02d:%02d", text, sign, hours, minutes), true
}

// Identifier writes the octets of an LldpChassisId or LldpPortId (IEEE 802.1AB, LLDP-MIB) whose subtype has this label: a macAddress as one, a
// networkAddress without the octet of its IANA family before it, everything else as text. False if they are not so.
func Identifier(subtype, octets string) (string, bool) {
	switch {
	case octets == "":
		return "", true
	case subtype == "macAddress":
		return PhysAddress(octets), len(octets) == 6
	case subtype == "networkAddress":
		family := map[byte]int{inetIPv4: 4, inetIPv6: 16}[octets[0]] // IANA's numbers of the two are those of InetAddressType
		return InetAddress(0, octets[1:]), family == len(octets)-1
	}
	text := strings.TrimRight(octets, "\x00")
	return text, printable(text)
}

// The numbers of InetAddressType (RFC 4001).
const (
	inetIPv4  = 1
	inetIPv6  = 2
	inetIPv4z = 3
	inetIPv6z = 4
	inetDNS   = 16
)

var inetTypes = map[string]int64{"InetAddressIPv4": inetIPv4, "InetAddressIPv6": inetIPv6, "InetAddressIPv4z": inetIPv4z, "InetAddressIPv6z": inetIPv6z, "InetAddressDNS": inetDNS}

// InetAddress writes an InetAddress (RFC 4001) whose InetAddressType is typ; 0 (unknown) is told by the length. A zone is behind "%". What is no
// address is hexadecimal.
func InetAddress(typ int64, octets string) string {
	if typ == 0 {
		typ = map[int]int64{4: inetIPv4, 16: inetIPv6, 8: inetIPv4z, 20: inetIPv6z}[len(octets)]
	}
	address, zone := octets, ""
	switch typ {
	case inetDNS:
		if printable(octets) {
			return octets
		}
		return hexText(octets)
	case inetIPv4z, inetIPv6z:
		if len(octets) > 4 {
			address = octets[:len(octets)-4]
			zone = "%" + strconv.FormatUint(uint64(binary.BigEndian.Uint32([]byte(octets[len(octets)-4:]))), 10)
		}
	}
	a, ok := netip.AddrFromSlice([]byte(address))
	if !ok || a.Is4() != (typ == inetIPv4 || typ == inetIPv4z) || typ < inetIPv4 || typ > inetIPv6z {
		return hexText(octets)
	}
	return a.String() + zone
}

// Float returns the number that an Opaque holds: a float or double of Net-SNMP's (draft-perkins-opaque).
func Float(v snmp.Value) (float64, bool) {
	octets := []byte(v.Octets())
	switch {
	case v.Kind() != snmp.KindOpaque || len(octets) < 7 || octets[0] != 0x9f:
		return 0, false
	case octets[1] == 0x78 && octets[2] == 4 && len(octets) == 7:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(octets[3:]))), true
	case octets[1] == 0x79 && octets[2] == 8 && len(octets) == 11:
		return math.Float64frombits(binary.BigEndian.Uint64(octets[3:])), true
	}
	return 0, false
}
