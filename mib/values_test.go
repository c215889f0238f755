package mib_test

import (
	"math"
	"testing"

	"walkabout/mib"
	"walkabout/snmp"
)

func TestText(t *testing.T) {
	for _, test := range []struct {
		s    string
		size int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"éé", 3, "é"}, {"é", 1, ""}, {"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"}, {"日本", 5, "日"}, {"", 0, ""},
	} {
		if got := mib.Text(test.s, test.size); got != snmp.OctetString(test.want) {
			t.Errorf("%q cut to %d is %q, want %q", test.s, test.size, got.Octets(), test.want)
		}
	}
}

func TestInteger(t *testing.T) {
	for n, want := range map[int64]int32{5: 5, -5: -5, math.MaxInt64: math.MaxInt32, math.MinInt64: math.MinInt32} {
		if got := mib.Integer(n); got != snmp.Integer(want) {
			t.Errorf("%d is %v", n, got)
		}
	}
}
