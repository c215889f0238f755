package collector_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

func TestBuiltInProfiles(t *testing.T) {
	want := []string{"arista", "bgp4", "bridge", "cisco", "cisco_bridge", "dns", "entity_sensors", "host", "icmp", "interfaces", "ip", "juniper", "lldp", "mikrotik", "snmp", "snmp_engine",
		"system", "tcp", "ucd", "udp", "ups"}
	if diff := cmp.Diff(want, collector.BuiltIn().Names()); diff != "" {
		t.Error(diff)
	}
}

func TestParseProfileRefuses(t *testing.T) {
	const head = "tables:\n  - measurement: m\n    index: {name: i}\n    columns:\n"
	tests := map[string]string{
		"line 1: neither scalars nor tables":                       "{}",
		`line 2: unknown key "measurment"; did you mean`:           "tables:\n  - measurment: m\n",
		`line 5: unknown key "typ"`:                                head + "      - {name: a, oid: 1.3.6.1, typ: gauge}\n",
		"line 2: no measurement":                                   "scalars:\n  - objects: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		"line 2: 0 objects":                                        "scalars:\n  - measurement: m\n",
		"line 5: \"1.3.x\"":                                        head + "      - {name: a, oid: 1.3.x, type: gauge}\n",
		"line 6: b: oid 1.3.6.1 is no object's or there twice":     head + "      - {name: a, oid: 1.3.6.1, type: gauge}\n      - {name: b, oid: 1.3.6.1, type: gauge}\n",
		`line 6: name "a" is there twice`:                          head + "      - {name: a, oid: 1.3.6.1, type: gauge}\n      - {name: a, oid: 1.3.6.2, type: gauge}\n",
		`line 5: name "i" is there twice`:                          head + "      - {name: i, oid: 1.3.6.1, type: gauge}\n",
		`line 5: a: unknown type "counter16"`:                      head + "      - {name: a, oid: 1.3.6.1, type: counter16}\n",
		`line 5: unknown unit "bits"`:                              head + "      - {name: a, oid: 1.3.6.1, type: counter32, unit: bits}\n",
		"the unit needs interface":                                 head + "      - {name: a, oid: 1.3.6.1, type: counter32, unit: octets}\n",
		"unit, max_rate, twin and packets":                         head + "      - {name: a, oid: 1.3.6.1, type: gauge, max_rate: 5}\n",
		"a counter cannot be a tag":                                head + "      - {name: a, oid: 1.3.6.1, type: counter32, tag: true}\n",
		"cannot be slow":                                           head + "      - {name: a, oid: 1.3.6.1, type: counter32, slow: true}\n",
		"must be a tag, as it is elsewhere":                        head + "      - {name: ifName, oid: 1.3.6.1, type: string}\n",
		"index needs a name":                                       "tables:\n  - measurement: m\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		"an index that is no tag needs identit":                    "tables:\n  - measurement: m\n    index: {name: i, field: true}\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		`line 3: discontinuity: no column "d"`:                     "tables:\n  - measurement: m\n    discontinuity: d\n    index: {name: i}\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		`line 3: the measurement "m" is there twice`:               "scalars:\n  - {measurement: m, objects: [{name: a, oid: 1.3.6.1, type: gauge}]}\n  - {measurement: m, objects: [{name: a, oid: 1.3.6.2, type: gauge}]}\n",
		"tag and slow are for columns":                             "scalars:\n  - {measurement: m, objects: [{name: a, oid: 1.3.6.1, type: gauge, slow: true}]}\n",
		"line 5: unknown object IF-MIB::ifDesc: module IF-MIB has": head + "      - {oid: \"IF-MIB::ifDesc\"}\n",
		"line 5: IF-MIB::ifTable is a table, which has no value":   head + "      - {oid: \"IF-MIB::ifTable\"}\n",
		"line 5: SNMPv2-MIB::sysName is a scalar; a column is":     head + "      - {oid: sysName}\n",
		"line 5: no name: no MIB module that is known":             head + "      - {oid: 1.3.9.1}\n",
		"line 5: a: no type: no MIB module that is known":          head + "      - {name: a, oid: 1.3.9.1}\n",
		"factor and sensor are for fields that are numbers":        head + "      - {name: a, oid: 1.3.9.1, type: string, factor: 2}\n",
		"line 6: a filter has either in or match":                  head + "      - {name: a, oid: 1.3.9.1, type: string}\n    filters: [{of: a}]\n",
		`line 6: of: no column, part of the index or lookup is`:    head + "      - {name: a, oid: 1.3.9.1, type: string}\n    filters: [{of: b, in: [c]}]\n",
		`line 6: by: no column, part of the index or earlier`:      head + "      - {name: a, oid: 1.3.9.1, type: string}\n    lookups: [{oid: ifName, by: [b]}]\n",
		"line 6: error parsing regexp":                             head + "      - {name: a, oid: 1.3.9.1, type: string}\n    filters: [{of: a, match: \"(\"}]\n",
		"only the last part of an index is implied":                "tables:\n  - measurement: m\n    indexes: [{name: x, type: string, implied: true}, {name: y, type: integer}]\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		"a part of an index needs a name and a type":               "tables:\n  - measurement: m\n    indexes: [{name: x}]\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		"is not of the type \"counter32\"":                         "tables:\n  - measurement: m\n    indexes: [{name: x, type: counter32}]\n    columns: [{name: a, oid: 1.3.6.1, type: gauge}]\n",
		"index is the whole of it, indexes its parts":              head + "      - {name: a, oid: 1.3.6.1, type: gauge}\n    indexes: [{name: x, type: integer}]\n",
		"line 1: max_repetitions 999 is not between":               "max_repetitions: 999\nscalars:\n  - {measurement: m, objects: [{oid: sysName}]}\n",
		`line 1: "5" is no duration`:                               "interval: 5\nscalars:\n  - {measurement: m, objects: [{oid: sysName}]}\n",
	}
	for want, text := range tests {
		if _, err := collector.ParseProfile([]byte(text), smi.BuiltIn()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// TestAProfileOfOnesOwn polls a table that is no interfaces', with every type, a discontinuity object and an index of several arcs.
func TestAProfileOfOnesOwn(t *testing.T) {
	profile, err := collector.ParseProfile([]byte(`
tables:
  - measurement: own
    index: {name: ownIndex}
    discontinuity: ownDiscontinuity
    columns:
      - {name: ownName, oid: 1.3.6.1.4.1.1.1, type: string, tag: true}
      - {name: ownDiscontinuity, oid: 1.3.6.1.4.1.1.2, type: timeticks}
      - {name: ownCount, oid: 1.3.6.1.4.1.1.3, type: counter64, max_rate: 50000}
      - {name: ownLoad, oid: 1.3.6.1.4.1.1.4, type: float}
      - {name: ownAddress, oid: 1.3.6.1.4.1.1.5, type: ip}
      - {name: ownKind, oid: 1.3.6.1.4.1.1.6, type: oid, slow: true}
      - {name: ownSize, oid: 1.3.6.1.4.1.1.7, type: gauge}
      - {name: ownDelta, oid: 1.3.6.1.4.1.1.8, type: integer}
`), smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		entry := oid.MustParse("1.3.6.1.4.1.1")
		var discontinuity uint32
		rate := uint64(1000)
		boot := time.Now().Add(-time.Hour)
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			up := uint64(now.Sub(boot) / (10 * time.Millisecond))
			vbs := []snmp.VarBind{{Name: system.Append(3, 0), Value: snmp.TimeTicks(uint32(up))}}
			for column, v := range []snmp.Value{
				snmp.OctetString("x=y"), snmp.TimeTicks(discontinuity), snmp.Counter64(up * rate / 100), snmp.Opaque("\x9f\x78\x04\x3f\x80\x00\x00"),
				snmp.IPAddress(netip.AddrFrom4([4]byte{192, 0, 2, 1})), snmp.ObjectID(entry), snmp.Gauge32(7), snmp.Integer(-7),
			} {
				vbs = append(vbs, snmp.VarBind{Name: entry.Append(uint32(column)+1, 4, 192, 0), Value: v})
			}
			return vbs
		}}
		h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{"dev.example": d}}
		h.run(collector.Options{Targets: []collector.Target{target("dev", "own")}, Profiles: collector.Profiles{"own": profile}})
		h.next("dev")
		p := h.next("dev")
		if p.Err != nil || len(p.Samples) != 1 {
			t.Fatalf("%v, %d samples", p.Err, len(p.Samples))
		}
		s := p.Samples[0]
		want := []metric.Tag{
			{Name: "agent_host", Value: "dev.example"}, {Name: "device", Value: "dev"}, {Name: "ownIndex", Value: "4.192.0"}, {Name: "ownName", Value: "x=y"},
		}
		if diff := cmp.Diff(want, s.Tags); diff != "" {
			t.Error(diff)
		}
		for name, want := range map[string]string{"ownAddress": "192.0.2.1", "ownKind": "1.3.6.1.4.1.1"} {
			if f := fieldOf(t, s, name); f.Kind != metric.String || f.Str != want {
				t.Errorf("%s: %+v", name, f)
			}
		}
		for name, want := range map[string]float64{"ownLoad": 1, "ownSize": 7, "ownDelta": -7} {
			if f := fieldOf(t, s, name); f.Float64() != want {
				t.Errorf("%s: %+v", name, f)
			}
		}
		verdict := func(p collector.Poll) counter.Verdict { return fieldOf(t, p.Samples[0], "ownCount").Verdict }
		if v := verdict(p); v != counter.OK {
			t.Errorf("ownCount: %v", v)
		}
		d.change(func() { discontinuity = 500 })
		if v := verdict(h.next("dev")); v != counter.Discontinuity {
			t.Errorf("the discontinuity object moved: %v", v)
		}
		d.change(func() { rate *= 1000 })
		if v := verdict(h.next("dev")); v != counter.Implausible {
			t.Errorf("a rate over max_rate: %v", v)
		}
	})
}
