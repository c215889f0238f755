package smi_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestResolve(t *testing.T) {
	names := smi.BuiltIn()
	for name, want := range map[string]string{
		"IF-MIB::ifHCInOctets": "1.3.6.1.2.1.31.1.1.1.6 column Counter64", "ifDescr": "1.3.6.1.2.1.2.2.1.2 column OCTETS", "sysUpTime": "1.3.6.1.2.1.1.3 scalar TimeTicks",
		"RFC1213-MIB::ifDescr": "1.3.6.1.2.1.2.2.1.2 column OCTETS", "IF-MIB::linkDown": "1.3.6.1.6.3.1.1.5.3 notification NONE", "coldStart": "1.3.6.1.6.3.1.1.5.1 notification NONE",
		"enterprises": "1.3.6.1.4.1 node NONE", "LLDP-MIB::lldpRemSysName": "1.0.8802.1.1.2.1.4.1.1.9 column OCTETS", "laLoadFloat": "1.3.6.1.4.1.2021.10.1.6 column Opaque",
	} {
		o, err := names.Resolve(name)
		if got := o.OID.String() + " " + o.Kind.String() + " " + o.Syntax.Base.String(); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"IF-MIB::ifHCInOctet": "module IF-MIB has no ifHCInOctet; did you mean ifHCInOctets?", "IFMIB::ifDescr": "no module IFMIB is known; did you mean IF-MIB?",
		"ifDesc": "did you mean ifDescr?", "": "unknown object",
	} {
		if _, err := names.Resolve(name); !errors.Is(err, smi.ErrUnknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestParseName(t *testing.T) {
	names := smi.BuiltIn()
	for name, want := range map[string]string{
		"1.3.6.1.2.1.2.2.1.2.7": "1.3.6.1.2.1.2.2.1.2.7 IF-MIB::ifDescr.7", ".1.3.6.1.2.1.1": "1.3.6.1.2.1.1 SNMPv2-MIB::system", "ifDescr.7": "1.3.6.1.2.1.2.2.1.2.7 IF-MIB::ifDescr.7",
		"IF-MIB::ifDescr[7]":                                "1.3.6.1.2.1.2.2.1.2.7 IF-MIB::ifDescr.7",
		`nsExtendOutput1Line["ab"]`:                         "1.3.6.1.4.1.8072.1.3.2.3.1.1.2.97.98 NET-SNMP-EXTEND-MIB::nsExtendOutput1Line.2.97.98",
		`ipAddressIfIndex[ipv4][192.0.2.1]`:                 "1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1 IP-MIB::ipAddressIfIndex.1.4.192.0.2.1",
		`dot1dTpFdbPort[00:1b:21:3c:9d:f8]`:                 "1.3.6.1.2.1.17.4.3.1.2.0.27.33.60.157.248 BRIDGE-MIB::dot1dTpFdbPort.0.27.33.60.157.248",
		`tcpConnState[192.0.2.1][22][0.0.0.0][0]`:           "1.3.6.1.2.1.6.13.1.1.192.0.2.1.22.0.0.0.0.0 TCP-MIB::tcpConnState.192.0.2.1.22.0.0.0.0.0",
		`snmpNotifyTag["a]b"]`:                              "1.3.6.1.6.3.13.1.1.1.2.97.93.98 SNMP-NOTIFICATION-MIB::snmpNotifyTag.97.93.98",
		"1.4.5":                                             "1.4.5 1.4.5",
		"iso.3.6.1.2.1.1.5.0":                               "1.3.6.1.2.1.1.5.0 SNMPv2-MIB::sysName.0",
		".iso.org.dod.internet.mgmt.mib-2.system.sysName.0": "1.3.6.1.2.1.1.5.0 SNMPv2-MIB::sysName.0",
		".sysName.0":                                        "1.3.6.1.2.1.1.5.0 SNMPv2-MIB::sysName.0",
	} {
		o, _, err := smi.ParseName(names, name)
		if got := o.String() + " " + smi.Format(names, o); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "ifDescr.x", "ifDescr.4294967296", "ifDescr[", "ifDescr[3]x", "ifDescr[x]", "dot1dTpFdbPort[12]", "1.x", "nothing.3", "tcpConnState[::1]", "3.1", "1.40.1", "iso.", "iso..", "iso.x", ".iso.org.nothing.3"} {
		if o, _, err := smi.ParseName(names, name); err == nil {
			t.Errorf("%q is taken for %v", name, o)
		}
	}
}

// TestText holds what values look like to a person; the hints are those of RFC 2579 and of modules in use.
func TestText(t *testing.T) {
	names := smi.BuiltIn()
	syntax := func(name string) *smi.Syntax {
		o, err := names.Resolve(name)
		if err != nil {
			t.Fatal(err)
		}
		return &o.Syntax
	}
	hint := func(h string) *smi.Syntax { return &smi.Syntax{Base: smi.OctetString, Hint: h} }
	number := func(h string) *smi.Syntax { return &smi.Syntax{Base: smi.Integer, Hint: h} }
	octets := snmp.OctetString
	for _, tt := range []struct {
		name   string
		syntax *smi.Syntax
		value  snmp.Value
		want   string
	}{
		{"enumeration", syntax("ifOperStatus"), snmp.Integer(7), "lowerLayerDown"},
		{"a number of none", syntax("ifOperStatus"), snmp.Integer(99), "99"},
		{"an enumeration sent as a gauge", syntax("ifOperStatus"), snmp.Gauge32(1), "up"},
		{"truth", syntax("ifPromiscuousMode"), snmp.Integer(2), "false"},
		{"MAC", syntax("ifPhysAddress"), octets("\x00\x1b\x21\x3c\x9d\xf8"), "00:1b:21:3c:9d:f8"},
		{"no MAC", syntax("ifPhysAddress"), octets(""), ""},
		{"bits", syntax("lldpRemSysCapEnabled"), octets("\x28"), "bridge,router"},
		{"bits of no name", syntax("lldpRemSysCapEnabled"), octets("\x20\x00\x01"), "bridge,23"},
		{"no bits", syntax("lldpRemSysCapEnabled"), octets("\x00"), ""},
		{"text", syntax("ifAlias"), octets("uplink to Zürich"), "uplink to Zürich"},
		{"Latin 1", syntax("ifAlias"), octets("Z\xfcrich"), "Zürich"},
		{"NUL at the end", syntax("ifDescr"), octets("eth0\x00"), "eth0"},
		{"octets of no text", &smi.Syntax{Base: smi.OctetString}, octets("\x00\xff"), "0x00ff"},
		{"date with zone", syntax("hrSystemDate"), octets("\x07\xea\x0b\x15\x0b\x23\x00\x05+\x01\x00"), "2026-11-21T11:35:00.5+01:00"},
		{"date", syntax("hrSystemDate"), octets("\x07\xea\x0b\x15\x0b\x23\x00\x00"), "2026-11-21T11:35:00.0"},
		{"no date", syntax("hrSystemDate"), octets("\x00\x00\x00\x00\x00\x00\x00\x00"), ""},
		{"an impossible date", syntax("hrSystemDate"), octets("\x07\xea\x0d\x15\x0b\x23\x00\x00"), "2026-13-21,11:35:0.0"},
		{"InetAddress 4", syntax("ipAddressAddr"), octets("\xc0\x00\x02\x01"), "192.0.2.1"},
		{"InetAddress 6", syntax("ipAddressAddr"), octets("\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01"), "2001:db8::1"},
		{"InetAddress 4z", syntax("ipAddressAddr"), octets("\xa9\xfe\x00\x01\x00\x00\x00\x03"), "169.254.0.1%3"},
		{"InetAddress 6z", syntax("ipAddressAddr"), octets("\xfe\x80" + strings.Repeat("\x00", 13) + "\x01\x00\x00\x00\x02"), "fe80::1%2"},
		{"IpAddress", syntax("ipAdEntNetMask"), snmp.OctetString("\xff\xff\xff\x00"), "255.255.255.0"},
		{"OID", syntax("sysObjectID"), snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.9.1.516")), "1.3.6.1.4.1.9.1.516"},
		{"float", syntax("laLoadFloat"), snmp.Opaque("\x9f\x78\x04\x3f\xc0\x00\x00"), "1.5"},
		{"double", syntax("laLoadFloat"), snmp.Opaque("\x9f\x79\x08\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5"},
		{"opaque", syntax("laLoadFloat"), snmp.Opaque("\x04\x01x"), "0x040178"},
		{"counter", syntax("ifHCInOctets"), snmp.Counter64(1<<64 - 1), "18446744073709551615"},
		{"exception", syntax("ifHCInOctets"), snmp.NoSuchInstance, snmp.NoSuchInstance.String()},

		{"d", number("d"), snmp.Integer(-5), "-5"},
		{"d-2", number("d-2"), snmp.Integer(1234), "12.34"},
		{"d-2 below one", number("d-2"), snmp.Integer(-5), "-0.05"},
		{"x", number("x"), snmp.Integer(255), "ff"},
		{"o", number("o"), snmp.Integer(8), "10"},
		{"b", number("b"), snmp.Integer(5), "101"},
		{"no hint", number("q"), snmp.Integer(5), "5"},
		{"d-x", number("d-x"), snmp.Integer(5), "5"},

		{"255a", hint("255a"), octets("abc"), "abc"},
		{"1x:", hint("1x:"), octets("\x00\x1b\x21"), "00:1b:21"},
		{"date's hint", hint("2d-1d-1d,1d:1d:1d.1d,1a1d:1d"), octets("\x07\xc8\x05\x1a\x0d\x1e\x0f\x00-\x04\x00"), "1992-5-26,13:30:15.0,-4:0"},
		{"TransportAddressIPv4", hint("1d.1d.1d.1d:2d"), octets("\xc0\x00\x02\x01\x00\xa1"), "192.0.2.1:161"},
		{"TransportAddressIPv6", hint("0a[2x:2x:2x:2x:2x:2x:2x:2x]0a:2d"), octets("\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01\x00\xa1"), "[2001:0db8:0000:0000:0000:0000:0000:0001]:161"},
		{"repeat", hint("*1x:/1x:"), octets("\x02\x0a\x0b\x0c\x0d"), "0a:0b/0c:0d"},
		{"octal", hint("1o"), octets("\x08"), "10"},
		{"a wide number", hint("12d"), octets("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "309485009821345068724781056"},
		{"UTF-8", hint("255t"), octets("ü"), "ü"},
		{"UTF-8 in pieces", hint("3t|"), octets("aüü"), "aü|ü"},
		{"a hint of nothing", hint("0a"), octets("ab"), "ab"},
		{"a broken hint", hint("1y"), octets("ab"), "ab"},
		{"too long a number", hint("99999999999x"), octets("ab"), "ab"},
	} {
		if got := tt.syntax.Text(tt.value); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	kind, _ := names.Resolve("hrDeviceType")
	if got := smi.Text(names, kind, snmp.ObjectID(oid.MustParse("1.3.6.1.2.1.25.3.1.3"))); got != "HOST-RESOURCES-TYPES::hrDeviceProcessor" {
		t.Errorf("an OID by name: %s", got)
	}
}

func TestIndex(t *testing.T) {
	names := smi.BuiltIn()
	for _, tt := range []struct{ row, index, want string }{
		{"ifEntry", "7", "7"},
		{"ifXEntry", "7", "7"},
		{"ipAddressEntry", "1.4.192.0.2.1", "ipv4 192.0.2.1"},
		{"ipAddressEntry", "2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1", "ipv6 2001:db8::1"},
		{"tcpConnEntry", "192.0.2.1.22.0.0.0.0.0", "192.0.2.1 22 0.0.0.0 0"},
		{"nsExtendOutput2Entry", "2.97.98.3", "ab 3"},
		{"dot1qTpFdbEntry", "10.0.27.33.60.157.248", "10 00:1b:21:3c:9d:f8"},
		{"vacmAccessEntry", "1.97.0.3.1", "a  3 noAuthNoPriv"},
		{"snmpNotifyEntry", "97.98", "ab"},
		{"snmpNotifyEntry", "", ""},
		{"jnxOperatingEntry", "9.1.0.0", "9 1 0 0"},
	} {
		row, err := names.Resolve(tt.row)
		if err != nil {
			t.Fatal(err)
		}
		index := oid.MustParse(tt.index)
		values, err := smi.DecodeIndex(row.Index, index)
		if err != nil {
			t.Errorf("%s %s: %v", tt.row, tt.index, err)
			continue
		}
		var texts []string
		again := oid.OID{}
		for i, v := range values {
			texts = append(texts, row.Index[i].Syntax.Text(v))
			arcs, err := row.Index[i].Encode(v)
			if err != nil {
				t.Errorf("%s %s: %v", tt.row, tt.index, err)
			}
			again = again.Join(arcs)
		}
		if got := strings.Join(texts, " "); got != tt.want || again != index {
			t.Errorf("%s %s: %q, want %q; again %v", tt.row, tt.index, got, tt.want, again)
		}
	}
	for _, tt := range []struct{ row, index string }{
		{"ifEntry", ""}, {"ifEntry", "1.2"}, {"ipAddressEntry", "1.4.192.0.2"}, {"ipAddressEntry", "1.4000000000.1"}, {"nsExtendOutput2Entry", "1.300.1"}, {"tcpConnEntry", "300.0.2.1.22.0.0.0.0.0"},
		{"dot1qTpFdbEntry", "10.0.27"},
	} {
		row, _ := names.Resolve(tt.row)
		if values, err := smi.DecodeIndex(row.Index, oid.MustParse(tt.index)); err == nil {
			t.Errorf("%s %s is taken for %v", tt.row, tt.index, values)
		}
	}
}

func TestTableIsReadAsItIsWritten(t *testing.T) {
	var b strings.Builder
	// Modules are kept together, so that one's types come before they are used.
	byModule := map[string][]smi.Object{}
	var order []string
	for _, o := range smi.BuiltIn().Objects() {
		if byModule[o.Module] == nil {
			order = append(order, o.Module)
		}
		byModule[o.Module] = append(byModule[o.Module], o)
	}
	slices.SortStableFunc(order, func(a, b string) int { // the module that others replaced defines nothing for them
		return cmp.Compare(strings.Count(a, "RFC1213"), strings.Count(b, "RFC1213"))
	})
	var objects []smi.Object
	for _, m := range order {
		objects = append(objects, byModule[m]...)
	}
	if err := smi.WriteTable(&b, objects); err != nil {
		t.Fatal(err)
	}
	again, err := smi.ReadTable(b.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) < 2000 || len(again) != len(objects) {
		t.Fatalf("%d objects, then %d", len(objects), len(again))
	}
	for i := range objects {
		if diff := gocmp.Diff(objects[i], again[i], gocmp.AllowUnexported(oid.OID{})); diff != "" {
			t.Errorf("%s: %s", objects[i], diff)
		}
	}
}

func TestReadTableRefuses(t *testing.T) {
	for _, text := range []string{"column x", "column x 1.2.3 Nothing", "thing x 1.2.3", "column x 1.2.3 INTEGER{a=b}", "row r 1.2.3 nowhere", "row r 1.2.3 +nowhere", "type T OCTETS hint 1x", "column x 1.2.3 OCTETS(x)"} {
		if _, err := smi.ReadTable(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestFind(t *testing.T) {
	if _, ok := smi.BuiltIn().Find(oid.MustParse("0.1")); ok {
		t.Error("something is found at 0.1")
	}
	names := smi.NewNames([]smi.Object{{Module: "A", Name: "x", OID: oid.New(1, 3)}}).With([]smi.Object{{Module: "B", Name: "y", OID: oid.New(1, 3)}, {Module: "B", Name: "z", OID: oid.New(1, 3, 5)}})
	if o, ok := names.Find(oid.New(1, 3, 4)); !ok || o.String() != "A::x" {
		t.Errorf("1.3.4: %v", o)
	}
	if o, ok := names.Find(oid.New(1, 3, 5, 0)); !ok || o.String() != "B::z" {
		t.Errorf("1.3.5.0: %v", o)
	}
}

func FuzzText(f *testing.F) {
	f.Add("2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "\x07\xc8\x05\x1a\x0d\x1e\x0f\x00-\x04\x00", int32(5))
	f.Add("*1x:/1x:", "\x02\x0a\x0b\x0c\x0d", int32(-5))
	f.Add("d-2", "", int32(1234))
	f.Add("*0t1t", "\xff\xff\xff", int32(0))
	f.Fuzz(func(t *testing.T, hint, octets string, n int32) {
		for base := smi.None; base <= smi.Bits; base++ {
			for _, convention := range []string{"", "DateAndTime", "InetAddress", "InetAddressIPv6z", "DisplayString"} {
				s := smi.Syntax{Base: base, Hint: hint, Convention: convention}
				for _, v := range []snmp.Value{snmp.OctetString(octets), snmp.Opaque(octets), snmp.Integer(n), snmp.Counter32(uint32(n))} {
					if text := s.Text(v); len(text) > 2048+600*(len(octets)+1)*(len(hint)+1) {
						t.Errorf("%d octets with hint %q are a text of %d", len(octets), hint, len(text))
					}
				}
			}
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("IF-MIB::ifDescr.7")
	f.Add(`ipAddressIfIndex[ipv4]["x"]`)
	f.Fuzz(func(t *testing.T, name string) {
		o, object, err := smi.ParseName(smi.BuiltIn(), name)
		if err == nil && object.Kind == smi.Row {
			_, _ = smi.DecodeIndex(object.Index, o.From(object.OID.Len()))
		}
	})
}

func BenchmarkFind(b *testing.B) {
	names := smi.BuiltIn()
	o := oid.MustParse("1.3.6.1.2.1.31.1.1.1.6.10101")
	b.ReportAllocs()
	for b.Loop() {
		names.Find(o)
	}
}
