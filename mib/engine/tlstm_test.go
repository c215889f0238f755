package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib/engine"
	"walkabout/snmp"
	"walkabout/snmp/tlstm"
)

// TestCertToTSN: rows of the configuration and of SETs are in force in the order of their numbers, counted, and their changes timed.
func TestCertToTSN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		print := tlstm.Fingerprint(fingerprint)
		c := configured()
		c.Mappings = []tlstm.Mapping{{ID: 10, Fingerprint: print, Type: tlstm.Specified, Data: "joe"}}
		c.TLSParams = []engine.TLSParams{{Name: "p", Fingerprint: print}}
		c.TLSAddrs = []engine.TLSAddr{{Name: "a", Identity: "nms.example.org"}}
		time.Sleep(time.Second)
		scalars := func(want ...snmp.Value) {
			t.Helper()
			got := f.get(request(), name("snmpTlstmCertToTSNCount", 0), name("snmpTlstmCertToTSNTableLastChanged", 0))
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b snmp.Value) bool { return a == b })); diff != "" {
				t.Errorf("count and time (-want +got):\n%s", diff)
			}
		}
		scalars(snmp.Gauge32(0), snmp.TimeTicks(0))
		if err := f.SetConfig(c, f.apply); err != nil {
			t.Fatal(err)
		}
		scalars(snmp.Gauge32(1), snmp.TimeTicks(100))
		time.Sleep(time.Second)
		if err := f.SetConfig(c, f.apply); err != nil {
			t.Fatal(err)
		}
		scalars(snmp.Gauge32(1), snmp.TimeTicks(100)) // nothing is new

		index := -1 << 31 // 2147483648: an Unsigned32
		if got := f.set(number(createAndGo, "snmpTlstmCertToTSNRowStatus", index), text(fingerprint, "snmpTlstmCertToTSNFingerprint", index),
			pointer(tlstm.CommonName.OID(), "snmpTlstmCertToTSNMapType", index)); got != "noError" {
			t.Fatal(got)
		}
		scalars(snmp.Gauge32(2), snmp.TimeTicks(200))
		want := []tlstm.Mapping{c.Mappings[0], {ID: 1 << 31, Fingerprint: print, Type: tlstm.CommonName}}
		if diff := cmp.Diff(want, f.config.Mappings); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]engine.TLSAddr{c.TLSAddrs[0]}, f.config.TLSAddrs); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, tt := range []struct {
			vb   snmp.VarBind
			want string
		}{
			{text("\x01"+fingerprint[1:17], "snmpTlstmCertToTSNFingerprint", 7), "wrongValue 1"}, // MD5
			{text(fingerprint[:32], "snmpTlstmCertToTSNFingerprint", 7), "wrongValue 1"},
			{text("", "snmpTlstmCertToTSNFingerprint", 7), "wrongLength 1"},
			{pointer(system, "snmpTlstmCertToTSNMapType", 7), "wrongValue 1"},
			{text("x", "snmpTlstmCertToTSNData", 0), "noCreation 1"},
			{text("x", "snmpTlstmCertToTSNData", 10), "notWritable 1"},
		} {
			if got := f.set(number(5, "snmpTlstmCertToTSNRowStatus", 7), tt.vb); got != tt.want {
				t.Errorf("%v %v: %s, want %s", tt.vb.Name, tt.vb.Value, got, tt.want)
			}
		}
		if got := f.set(number(createAndGo, "snmpTlstmAddrRowStatus", implied("x")), text("", "snmpTlstmAddrServerFingerprint", implied("x")),
			text("*", "snmpTlstmAddrServerIdentity", implied("x"))); got != "inconsistentValue 0" {
			t.Errorf("a receiver that may be anybody: %s", got)
		}
	})
}

// TestUsePrefix: snmpTsmConfigurationUsePrefix can be SET, is kept, and gives way to the configuration.
func TestUsePrefix(t *testing.T) {
	f := newFixture(t)
	yes, no := true, false
	if f.config.TransportPrefix != nil {
		t.Error("it is set from the start")
	}
	for _, tt := range []struct {
		vb   snmp.VarBind
		want string
	}{
		{number(3, "snmpTsmConfigurationUsePrefix", 0), "wrongValue 0"},
		{text("1", "snmpTsmConfigurationUsePrefix", 0), "wrongType 0"},
		{number(1, "snmpTsmConfigurationUsePrefix", 1), "noCreation 0"},
		{number(1, "snmpTsmConfigurationUsePrefix", 0), "noError"},
	} {
		if got := f.set(tt.vb); got != tt.want {
			t.Errorf("%v %v: %s, want %s", tt.vb.Name, tt.vb.Value, got, tt.want)
		}
	}
	if got := f.config.TransportPrefix; got == nil || !*got {
		t.Error("it is not in force")
	}
	again := newFixture(t)
	if err := again.Restore(f.Kept()); err != nil {
		t.Fatal(err)
	}
	if got := again.config.TransportPrefix; got == nil || !*got {
		t.Error("it is not kept")
	}
	c := configured()
	for _, says := range []*bool{&no, &yes} {
		c.TransportPrefix = says
		if err := f.SetConfig(c, f.apply); err != nil || *f.config.TransportPrefix != *says {
			t.Errorf("%v: not what the configuration says", err)
		}
		if got := f.set(number(1, "snmpTsmConfigurationUsePrefix", 0)); got != "notWritable 0" {
			t.Error(got)
		}
	}
}
