package trap_test

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"os"

	"walkabout/collector/smi"
	"walkabout/collector/trap"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

func TestSample(t *testing.T) {
	vb := func(name string, v snmp.Value) snmp.VarBind {
		return snmp.VarBind{Name: oid.MustParse(name), Value: v}
	}
	at := time.Unix(1_800_000_000, 0)
	n := trap.Notification{
		At: at, Source: netip.MustParseAddrPort("192.0.2.1:1000"), Version: snmp.V2c, TrapOID: oid.MustParse(linkDown), UpTime: 4711, HasUpTime: true,
		Target: trap.Target{Name: "sw1", Host: "192.0.2.1", Labels: map[string]string{"site": "paris", "oid": "mine"}},
		VarBinds: []snmp.VarBind{
			vb("1.3.6.1.2.1.2.2.1.1.3", snmp.Integer(3)), vb("1.3.6.1.2.1.2.2.1.1.4", snmp.Integer(4)), vb("1.3.6.1.2.1.2.2.1.2.3", snmp.OctetString("ge-0/0/3")),
			vb("1.3.6.1.4.1.9999.1.0", snmp.Counter64(1<<63)), vb("1.3.6.1.4.1.9999.1.0", snmp.OctetString("\x00\xff")),
			vb("1.3.6.1.6.3.1.1.4.3.0", snmp.ObjectID(oid.MustParse("1.3.6.1.6.3.1.1.5"))), vb("1.3.6.1.4.1.9999.2", snmp.ObjectID(oid.MustParse("1.3.6.1.2.1.2.2.1.8.3"))),
			vb("1.3.6.1.6.3.18.1.3.0", snmp.IPAddress(netip.MustParseAddr("192.0.2.7"))), vb("1.3.6.1.4.1.9999.3", snmp.Null),
		},
	}
	want := metric.Sample{
		Measurement: "snmp_trap", At: at,
		Tags: []metric.Tag{
			{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "sw1"}, {Name: "mib", Value: "IF-MIB"}, {Name: "name", Value: "linkDown"},
			{Name: "oid", Value: linkDown}, {Name: "site", Value: "paris"}, {Name: "version", Value: "2c"},
		},
		Fields: []metric.Field{
			{Name: "sysUpTime", Kind: metric.Unsigned, Num: 4711}, {Name: "inform", Kind: metric.Boolean},
			{Name: "ifIndex", Kind: metric.Integer, Num: 3}, {Name: "ifIndex.4", Kind: metric.Integer, Num: 4}, {Name: "ifDescr", Kind: metric.String, Str: "ge-0/0/3"},
			{Name: "1.3.6.1.4.1.9999.1.0", Kind: metric.Unsigned, Num: 1 << 63}, {Name: "1.3.6.1.4.1.9999.1.0#2", Kind: metric.String, Str: "0x00ff"},
			{Name: "snmpTrapEnterprise", Kind: metric.String, Str: "1.3.6.1.6.3.1.1.5"}, {Name: "1.3.6.1.4.1.9999.2", Kind: metric.String, Str: "ifOperStatus.3"},
			{Name: "snmpTrapAddress", Kind: metric.String, Str: "192.0.2.7"}, {Name: "1.3.6.1.4.1.9999.3", Kind: metric.String, Str: "NULL"},
		},
	}
	if diff := cmp.Diff(want, n.Sample(smi.BuiltIn())); diff != "" {
		t.Error(diff)
	}
	n.VarBinds = make([]snmp.VarBind, 5000)
	if s := n.Sample(smi.BuiltIn()); len(s.Fields) > 100 {
		t.Errorf("%d fields", len(s.Fields))
	}
}

// TestNames holds that the names that a site adds are used.
func TestNames(t *testing.T) {
	n := trap.Notification{TrapOID: oid.MustParse("1.3.6.1.4.1.9999.0.1")}
	more := smi.BuiltIn().With([]smi.Object{{Module: "ACME-MIB", Name: "acmeOverheated", OID: n.TrapOID, Kind: smi.Notification}})
	if got := n.Name(more); got != "acmeOverheated" {
		t.Errorf("the name is %q", got)
	}
	if got := n.Name(smi.BuiltIn()); got != "1.3.6.1.4.1.9999.0.1" {
		t.Errorf("without that module the name is %q", got)
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	first, err := trap.OpenState(dir)
	if err != nil || first.Boots != 1 || len(first.EngineID) != 13 {
		t.Fatalf("the first start: %+v, %v", first, err)
	}
	first.Senders = []usm.Clock{{EngineID: "\x80\x00\x1f\x88\x80switch", Boots: 3, Time: 99, At: time.Unix(1_800_000_000, 0).UTC()}}
	if err := first.Save(dir); err != nil {
		t.Fatal(err)
	}
	second, err := trap.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	first.Boots = 2
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second start: %s", diff)
	}
	path := filepath.Join(dir, trap.StateFile)
	for _, text := range []string{"", "nonsense", `{"version":2}`, `{"version":1}`, `{"version":1,"engine_id":"80001f888001","senders":[{"engine_id":"00"}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := trap.OpenState(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
