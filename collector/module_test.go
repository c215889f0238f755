package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/collector/snmpyml"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// TestModuleOfSNMPExporter polls by a module of an snmp.yml: lookups, an index that is left out, scales, extracts, enumerations.
func TestModuleOfSNMPExporter(t *testing.T) {
	f, err := snmpyml.Parse([]byte(`
modules:
  m:
    metrics:
    - {name: temperature, oid: 1.3.6.1.4.1.99.1, type: gauge, scale: 0.1, offset: -3}
    - {name: ifOperStatus, oid: 1.3.6.1.2.1.2.2.1.8, type: EnumAsInfo, enum_values: {1: up}, indexes: [{labelname: ifIndex, type: gauge}], lookups: [{labels: [ifIndex], labelname: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: DisplayString}, {labels: [], labelname: ifIndex}]}
    - {name: load, oid: 1.3.6.1.4.1.2021.10.1.3, type: DisplayString, indexes: [{labelname: laIndex, type: gauge}], regex_extracts: {Value: [{regex: 'no', value: '1'}, {regex: '(\d+)\.(\d+)', value: '$2'}]}}
    - {name: peer, oid: 1.3.6.1.4.1.99.3.1, type: gauge, indexes: [{labelname: address, type: InetAddress}, {labelname: text, type: DisplayString, implied: true}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Profile("m", smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))), {Name: oid.MustParse("1.3.6.1.4.1.99.1.0"), Value: snmp.Integer(255)},
				at(t, "ifOperStatus.7", snmp.Integer(1)), at(t, "ifName.7", snmp.OctetString("Gi7")), at(t, "laLoad.1", snmp.OctetString("0.25")), at(t, "laLoad.2", snmp.OctetString("x0.25")),
				{Name: oid.MustParse("1.3.6.1.4.1.99.3.1.1.4.192.0.2.1.97.98"), Value: snmp.Gauge32(5)},
			}
		}}
		h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{"dev.example": d}}
		h.run(collector.Options{Targets: []collector.Target{target("dev", "own")}, Profiles: collector.Profiles{"own": p}})
		want := []string{"m | temperature=22.5", "m_ifIndex ifName=Gi7 | ifOperStatus=up", "m_laIndex laIndex=1 | loadValue=25", "m_address_text address=192.0.2.1 text=ab | peer=5"}
		if diff := cmp.Diff(want, lines(h.next("dev"))); diff != "" {
			t.Error(diff)
		}
	})
}
