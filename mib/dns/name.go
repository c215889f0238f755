package dns

import (
	"github.com/miekg/dns"

	"walkabout/snmp/oid"
)

// classIN is the Internet's class (RFC 1035 section 3.2.4).
const classIN = 1

// maxName is the octets of the longest name (RFC 1035 section 2.3.4).
const maxName = 255

// wireName returns the DnsName of a name as zone files have it: its labels, each behind its length, and a 0; false if it is none.
func wireName(name string) (string, bool) {
	b := make([]byte, maxName+1)
	n, err := dns.PackDomainName(dns.Fqdn(name), b, 0, nil, false)
	if err != nil || n > maxName {
		return "", false
	}
	return string(b[:n]), true
}

// upper maps a to z to A to Z in a DnsName, as a DnsNameAsIndex has it. Lengths of labels are below 'A'.
func upper(wire string) string {
	b := []byte(wire)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// appendName appends a name to an index: its octets behind their number (RFC 2578 section 7.7).
func appendName(arcs []uint32, wire string) []uint32 {
	arcs = append(arcs, uint32(len(wire)))
	for i := range len(wire) {
		arcs = append(arcs, uint32(wire[i]))
	}
	return arcs
}

// maxArcs is the most sub-identifiers of an instance's name (RFC 2578 section 3.5).
const maxArcs = 128

// fits reports whether the name of a cell of entry can have arcs for its index.
func fits(entry oid.OID, arcs []uint32) bool { return entry.Len()+1+len(arcs) <= maxArcs }
