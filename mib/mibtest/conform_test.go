package mibtest_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// complaints takes a test's errors.
type complaints struct {
	testing.TB
	list []string
}

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func TestConform(t *testing.T) {
	row := func(vbs ...snmp.VarBind) []snmp.VarBind { return vbs }
	vb := func(name string, v snmp.Value) snmp.VarBind { return snmp.VarBind{Name: oid.MustParse(name), Value: v} }
	const ifEntry = "1.3.6.1.2.1.2.2.1."
	for name, tt := range map[string]struct {
		vbs   []snmp.VarBind
		holes mibtest.Holes
		want  string // a part of the complaint; "" for none
	}{
		"right":                {row(vb(ifEntry+"1.7", snmp.Integer(7)), vb(ifEntry+"2.7", snmp.OctetString("eth0")), vb("1.3.6.1.2.1.1.3.0", snmp.TimeTicks(1))), nil, ""},
		"no object":            {row(vb("1.3.6.1.2.1.99.1.0", snmp.Integer(1))), nil, "no object of the modules"},
		"a scalar's index":     {row(vb("1.3.6.1.2.1.1.3.1", snmp.TimeTicks(1))), nil, "its instance is 0"},
		"type":                 {row(vb(ifEntry+"2.7", snmp.Integer(1))), nil, "is OCTET STRING"},
		"range":                {row(vb("1.3.6.1.2.1.1.7.0", snmp.Integer(128))), nil, "outside of sysServices's [[0 127]]"},
		"length":               {row(vb("1.3.6.1.2.1.31.1.1.1.18.7", snmp.OctetString(strings.Repeat("x", 65)))), nil, "the length 65"},
		"enumeration":          {row(vb(ifEntry+"8.7", snmp.Integer(8))), nil, "ifOperStatus has no value 8"},
		"not accessible":       {row(vb("1.3.6.1.2.1.4.34.1.2.1.4.127.0.0.1", snmp.OctetString("\x7f\x00\x00\x01"))), nil, "not-accessible"},
		"index and its column": {row(vb(ifEntry+"1.7", snmp.Integer(8))), nil, "the index says"},
		"index of two":         {row(vb(ifEntry+"2.7.1", snmp.OctetString(""))), nil, "1 sub-identifiers too many"},
		"index out of range":   {row(vb(ifEntry+"2.0", snmp.OctetString(""))), nil, "outside of ifIndex's"},
		"a hole":               {row(vb(ifEntry+"2.7", snmp.OctetString("")), vb(ifEntry+"2.8", snmp.OctetString("")), vb(ifEntry+"4.8", snmp.Integer(1))), nil, "row 7 has no ifMtu"},
		"a hole with a reason": {row(vb(ifEntry+"2.7", snmp.OctetString("")), vb(ifEntry+"2.8", snmp.OctetString("")), vb(ifEntry+"4.8", snmp.Integer(1))), mibtest.Holes{"ifMtu": "…"}, ""},
		"bits":                 {row(vb("1.3.6.1.2.1.88.1.4.2.1.3.1.120.1.120", snmp.OctetString("\x80"))), nil, "no object"},
		"a length that lies":   {row(vb("1.3.6.1.2.1.4.34.1.3.1.9.127.0.0.1", snmp.Integer(1))), nil, "it ends before"},
		"no octet":             {row(vb("1.3.6.1.2.1.4.34.1.3.1.4.127.0.0.256", snmp.Integer(1))), nil, "256 is no octet"},
		"an address":           {row(vb("1.3.6.1.2.1.4.34.1.3.1.4.127.0.0.1", snmp.Integer(1))), nil, ""},
		"RFC 1213's at":        {row(vb("1.3.6.1.2.1.3.1.1.3.2.1.192.0.2.1", snmp.IPAddress(netip.MustParseAddr("192.0.2.1")))), nil, ""},
		"a float":              {row(vb("1.3.6.1.4.1.2021.10.1.6.1", snmp.Opaque("\x9f\x78\x04\x3f\x80\x00\x00"))), nil, ""},
		"no float":             {row(vb("1.3.6.1.4.1.2021.10.1.6.1", snmp.Opaque("\x9f\x78\x03\x3f\x80\x00"))), nil, "no float"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &complaints{TB: t}
			mibtest.Conform(c, tt.vbs, tt.holes)
			got := strings.Join(c.list, "\n")
			if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("complaints: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSplitIndex(t *testing.T) {
	for _, tt := range []struct {
		column, index string
		want          []string // nil is an error
	}{
		{"vacmAccessStatus", "2.103.49.0.3.1", []string{"g1", "", "3", "1"}},
		{"vacmAccessStatus", "2.103.49.0.3", nil},
		{"snmpTargetAddrRowStatus", "97.98", []string{"ab"}},
		{"vacmViewTreeFamilyStatus", "1.118.3.1.3.6", []string{"v", "1.3.6"}},
		{"vacmViewTreeFamilyStatus", "1.118.4.1.3.6", nil},
		{"inetCidrRouteType", "1.4.10.0.0.0.8.2.0.0.1.4.192.0.2.1", []string{"1", "\n\x00\x00\x00", "8", "0.0", "1", "\xc0\x00\x02\x01"}},
	} {
		o, ok := mibtest.Named(tt.column)
		if !ok {
			t.Fatalf("no object %s", tt.column)
		}
		values, err := mibtest.SplitIndex(o, oid.MustParse(tt.index))
		var got []string
		for _, v := range values {
			s := v.String()
			if v.Kind() == snmp.KindOctetString {
				s = v.Octets()
			}
			got = append(got, s)
		}
		if (err != nil) != (tt.want == nil) {
			t.Errorf("%s.%s: %v", tt.column, tt.index, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s.%s: %s", tt.column, tt.index, diff)
		}
	}
}
