package snmp_test

import (
	"math"
	"strings"
	"testing"

	"walkabout/snmp"
)

func TestPacked(t *testing.T) {
	values := []snmp.Value{snmp.Integer(0), snmp.Integer(math.MinInt32), snmp.Integer(math.MaxInt32), snmp.Counter64(1 << 63), snmp.OctetString(strings.Repeat("x", 300))}
	for _, vb := range response().PDU.VarBinds {
		values = append(values, vb.Value)
	}
	var b []byte
	for _, v := range values {
		b = v.AppendPacked(b)
	}
	rest := string(b)
	for _, want := range values {
		var got snmp.Value
		if got, rest = snmp.TakePacked(rest); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
	if rest != "" {
		t.Errorf("%d octets are left", len(rest))
	}
	if small := snmp.Integer(-1).AppendPacked(nil); len(small) != 2 {
		t.Errorf("-1 takes %d octets", len(small))
	}
}
