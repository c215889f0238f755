package tlstm

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"net/netip"
	"strings"
	"unicode/utf8"

	"walkabout/snmp/oid"
)

// MapType is how a certificate becomes a security name: a node of snmpTlstmCertToTSNMIdentities.
type MapType uint32

// The types, by their last sub-identifier.
const (
	Specified  MapType = 1 // it is in the row
	RFC822Name MapType = 2 // the subjectAltName's address of mail
	DNSName    MapType = 3 // its name of a host
	IPAddress  MapType = 4
	AnySAN     MapType = 5 // the first of the three
	CommonName MapType = 6 // of the subject
)

var mapTypes = oid.New(1, 3, 6, 1, 2, 1, 198, 1, 1)

// OID returns the type's OBJECT-IDENTITY.
func (t MapType) OID() oid.OID { return mapTypes.Append(uint32(t)) }

// MapTypeOf returns the type that o is; false if it is none.
func MapTypeOf(o oid.OID) (MapType, bool) {
	if !o.HasPrefix(mapTypes) || o.Len() != mapTypes.Len()+1 {
		return 0, false
	}
	t := MapType(o.Last())
	return t, t >= Specified && t <= CommonName
}

// String returns the option of Net-SNMP's certSecName.
func (t MapType) String() string {
	return [...]string{"", "--sn", "--rfc822", "--dns", "--ip", "--any", "--cn"}[t]
}

// Mapping is a row of snmpTlstmCertToTSNTable.
type Mapping struct {
	ID          uint32      // snmpTlstmCertToTSNID: the lowest is asked first
	Fingerprint Fingerprint // of the certificate itself, or of the authority that it is trusted by
	Type        MapType
	Data        string // the security name, of Specified
}

// MaxSecurityName is the most octets of a security name (vacmSecurityName).
const MaxSecurityName = 32

// SecurityName returns the name that m gives a certificate, 1 to 32 octets; false if it gives none.
func (m *Mapping) SecurityName(c *x509.Certificate) (string, bool) {
	name := ""
	switch m.Type {
	case Specified:
		name = m.Data
	case CommonName:
		name = c.Subject.CommonName
	default:
		name = alternativeName(c, m.Type)
	}
	return name, name != "" && len(name) <= MaxSecurityName && utf8.ValidString(name) && !strings.Contains(name, "\x00")
}

// The tags of a GeneralName (RFC 5280 section 4.2.1.6).
const (
	tagRFC822Name = 1
	tagDNSName    = 2
	tagIPAddress  = 7
)

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// alternativeName returns the first name of the kind in c's subjectAltName, in the order of the certificate, which x509 does not tell; "" if
// there is none.
func alternativeName(c *x509.Certificate, t MapType) string {
	for _, e := range c.Extensions {
		if !e.Id.Equal(subjectAltName) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return ""
		}
		for _, n := range names {
			if n.Class != asn1.ClassContextSpecific {
				continue
			}
			switch {
			case n.Tag == tagRFC822Name && (t == RFC822Name || t == AnySAN):
				return rfc822Name(string(n.Bytes))
			case n.Tag == tagDNSName && (t == DNSName || t == AnySAN):
				return strings.ToLower(string(n.Bytes))
			case n.Tag == tagIPAddress && (t == IPAddress || t == AnySAN):
				return ipAddress(n.Bytes)
			}
		}
	}
	return ""
}

// rfc822Name returns an address with its domain in small letters. What is before the last @ is the local part, which may have others in quotes (RFC 5321).
func rfc822Name(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	return s[:at] + strings.ToLower(s[at:])
}

// ipAddress returns an IPv4 address in dotted form, one of IPv6 as 32 hexadecimal digits; "" if b is neither.
func ipAddress(b []byte) string {
	switch ip, _ := netip.AddrFromSlice(b); {
	case ip.Is4():
		return ip.String()
	case ip.Is6():
		return hex.EncodeToString(b)
	default:
		return ""
	}
}
