package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"walkabout/mib/engine"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// receivers is what a configuration says of who is notified.
func receivers(c engine.Config) engine.Config {
	for i, host := range []string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.2", "nms.example.org"} {
		n := fmt.Sprintf("internal%d", i)
		a := engine.TargetAddr{Name: n, Timeout: 100, Retries: 5, TagList: n, Params: n, MMS: 484}
		a.Domain, a.Address = engine.TransportAddress("udp4", host, 162)
		c.Addrs = append(c.Addrs, a)
		c.Params = append(c.Params, engine.TargetParams{Name: n, MPModel: 3, Model: vacm.USM, SecurityName: "admin", Level: snmp.AuthPriv})
		c.Notifies = append(c.Notifies, engine.Notify{Name: n, Tag: n, Inform: i == 0})
	}
	c.Profiles = []engine.FilterProfile{{Params: "internal0", Profile: "f"}}
	c.Filters = []engine.Filter{{Profile: "f", Family: vacm.Family{Subtree: oid.New(1, 3), Mask: "\xc0", Exclude: true}}}
	return c
}

// TestConforms holds all that is served against the modules, with rows of the configuration and such that were SET, and sees that nothing
// of the modules is left out.
func TestConforms(t *testing.T) {
	f := newFixture(t)
	for _, r := range rows {
		if got := f.set(r.row(createAndGo, append(r.must, r.free...)...)...); got != "noError" {
			t.Fatalf("%s: %s", r.status, got)
		}
	}
	if err := f.SetConfig(receivers(configured()), f.apply); err != nil {
		t.Fatal(err)
	}
	if len(f.config.Addrs) != 1 || len(f.config.Notifies) != 1 || len(f.config.Filters) != 1 {
		t.Errorf("what the configuration says of receivers is put to use here: %+v", f.config)
	}
	all := mibtest.Walk(t, f.MIB, request(), engine.Roots()...)
	mibtest.Conform(t, all, nil)
	served := map[string]bool{}
	for _, vb := range all {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			served[o.Name] = true
		}
	}
	for _, root := range engine.Roots() {
		for _, o := range mibtest.Below(root) {
			if !served[o.Name] && o.Access != "not-accessible" && o.Access != "accessible-for-notify" {
				t.Errorf("%s is not served", o.Name)
			}
		}
	}
}

func TestTransportAddress(t *testing.T) {
	for _, tt := range []struct{ network, host, domain, address string }{
		{"tcp4", "192.0.2.1", "1.3.6.1.2.1.100.1.5", "\xc0\x00\x02\x01\x00\xa2"},
		{"tcp6", "::1", "1.3.6.1.2.1.100.1.6", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\xa2"},
		{"tcp4", "nms", "1.3.6.1.2.1.100.1.15", "nms:162"},
		{"udp4", "192.0.2.1", "1.3.6.1.6.1.1", "\xc0\x00\x02\x01\x00\xa2"},
		{"udp6", "::ffff:192.0.2.1", "1.3.6.1.6.1.1", "\xc0\x00\x02\x01\x00\xa2"},
		{"udp6", "::1", "1.3.6.1.2.1.100.1.2", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\xa2"},
		{"udp4", "nms", "1.3.6.1.2.1.100.1.14", "nms:162"},
	} {
		if domain, address := engine.TransportAddress(tt.network, tt.host, 162); domain.String() != tt.domain || address != tt.address {
			t.Errorf("%s %s: %v %q", tt.network, tt.host, domain, address)
		}
	}
}

// TestPrefix: where a community is accepted from, by address and mask.
func TestPrefix(t *testing.T) {
	udp := oid.New(1, 3, 6, 1, 6, 1, 1)
	udp6 := oid.New(1, 3, 6, 1, 2, 1, 100, 1, 2)
	for _, tt := range []struct {
		domain        oid.OID
		address, mask string
		want          string
	}{
		{udp, "\xc0\x00\x02\x01\x00\xa2", "", "192.0.2.1/32"},
		{udp, "\xc0\x00\x02\x01\x00\xa2", "\xff\xff\xff\x00\x00\x00", "192.0.2.0/24"},
		{udp, "\xc0\x00\x02\x01\x00\xa2", "\x00\x00\x00\x00\xff\xff", "0.0.0.0/0"},
		{udp6, "\x20\x01" + string(make([]byte, 14)) + "\x00\xa2", "\xff\xff" + string(make([]byte, 16)), "2001::/16"},
		{udp, "\xc0\x00\x02\x01\x00\xa2", "\xff\x00\xff\x00\x00\x00", ""},
		{udp, "\xc0\x00\x02\x01\x00\xa2", "\xff", ""},
		{udp, "\xc0\x00\x02", "", ""},
		{udp.Append(1), "\xc0\x00\x02\x01\x00\xa2", "", ""},
	} {
		p, ok := (&engine.TargetAddr{Domain: tt.domain, Address: tt.address, Mask: tt.mask}).Prefix()
		want, err := netip.ParsePrefix(tt.want)
		if ok != (err == nil) || p != want {
			t.Errorf("%v %q %q: %v, %t", tt.domain, tt.address, tt.mask, p, ok)
		}
	}
}

// TestCommunities: what is accepted from where, and who may read it.
func TestCommunities(t *testing.T) {
	f := newFixture(t)
	community := rows["snmpCommunityTable"]
	if got := f.set(community.row(createAndGo, append(community.must, text("far", "snmpCommunityTransportTag"))...)...); got != "noError" {
		t.Fatal(got)
	}
	if c := f.config.Communities; len(c) != 1 || c[0].Name.Reveal() != "zq-hidden" || c[0].All || len(c[0].Addrs) != 0 {
		t.Errorf("%+v", c)
	}
	addr := rows["snmpTargetAddrTable"]
	if got := f.set(addr.row(createAndGo, append(addr.must, text("near far", "snmpTargetAddrTagList"))...)...); got != "noError" {
		t.Fatal(got)
	}
	if c := f.config.Communities; len(c) != 1 || len(c[0].Addrs) != 1 || c[0].Addrs[0].Name != "nms" {
		t.Errorf("%+v", c)
	}
	if got := f.set(text("", "snmpCommunityTransportTag", implied("i"))); got != "noError" || !f.config.Communities[0].All {
		t.Errorf("without a tag: %s, %+v", got, f.config.Communities)
	}
	// Kept under another snmpEngineID, it is there, and is of no use.
	kept := f.Kept()
	for i := range kept {
		if kept[i].Name == name("snmpCommunityContextEngineID", implied("i")) {
			kept[i].Value = snmp.OctetString(otherID)
		}
	}
	next := newFixture(t)
	if err := next.Restore(kept); err != nil || len(next.config.Communities) != 0 || len(next.Kept()) != len(kept) {
		t.Errorf("%v, %+v", err, next.config.Communities)
	}
	column := name("snmpCommunityName", implied("i"))
	weaker := request()
	weaker.Level = snmp.AuthNoPriv
	if got := f.get(request(), column)[0]; got != snmp.OctetString("zq-hidden") {
		t.Error(got)
	}
	if got := f.get(weaker, column)[0]; got.Kind() == snmp.KindOctetString || !f.Secret(column) {
		t.Error(got)
	}
}
