package mib

import (
	"math"
	"unicode/utf8"

	"walkabout/snmp"
)

// Text returns an OCTET STRING of the first octets of s, at most size. It parts no UTF-8 sequence, unless s is not UTF-8.
func Text(s string, size int) snmp.Value {
	if len(s) <= size {
		return snmp.OctetString(s)
	}
	end := size
	for end > size-utf8.UTFMax && end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if !utf8.RuneStart(s[end]) {
		end = size
	}
	return snmp.OctetString(s[:end])
}

// Integer returns an Integer32 of n, or of what comes nearest to it.
func Integer(n int64) snmp.Value {
	return snmp.Integer(int32(min(max(n, math.MinInt32), math.MaxInt32)))
}
