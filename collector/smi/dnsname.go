package smi

import (
	"fmt"
	"strings"
)

// DNSName writes a DnsName (RFC 1611) as zone files have it: "example.org.", "." for the root, \DDD and \. where an octet would be read otherwise (RFC
// 1035 section 5.1). false if octets are none: labels with their lengths before them, and a 0.
func DNSName(octets string) (string, bool) {
	if octets == "\x00" {
		return ".", true
	}
	var b strings.Builder
	for len(octets) > 0 {
		n := int(octets[0])
		octets = octets[1:]
		if n == 0 {
			return b.String(), octets == ""
		}
		if n > 63 || n > len(octets) {
			return "", false
		}
		for i := range n {
			switch c := octets[i]; {
			case c == '.' || c == '\\':
				b.WriteString(`\` + string(rune(c)))
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&b, `\%03d`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('.')
		octets = octets[n:]
	}
	return "", false
}
