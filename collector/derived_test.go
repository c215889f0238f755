package collector_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// at gives a varbind by the name of its object.
func at(t *testing.T, name string, v snmp.Value) snmp.VarBind {
	t.Helper()
	o, _, err := smi.ParseName(smi.BuiltIn(), name)
	if err != nil {
		t.Fatal(err)
	}
	return snmp.VarBind{Name: o, Value: v}
}

// own runs a collector of one device, polled every 10 s by a profile in YAML.
func own(t *testing.T, profile string, d *device) *harness {
	t.Helper()
	p, err := collector.ParseProfile([]byte(profile), smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, polls: map[string][]collector.Poll{}, devices: map[string]*device{"dev.example": d}}
	h.run(collector.Options{Targets: []collector.Target{target("dev", "own")}, Profiles: collector.Profiles{"own": p}})
	return h
}

// lines writes samples as "measurement tag=value… | field=value…", without the tags and fields that all have.
func lines(p collector.Poll) []string {
	var out []string
	for _, s := range p.Samples {
		line := s.Measurement
		for _, tag := range s.Tags {
			if tag.Name != "device" && tag.Name != "agent_host" && tag.Name != "hostname" {
				line += " " + tag.Name + "=" + strings.Trim(strconv.Quote(tag.Value), `"`)
			}
		}
		line += " |"
		for _, f := range s.Fields {
			if f.Name == "rate_seconds" {
				continue
			}
			value := strings.Trim(strconv.Quote(f.Str), `"`)
			if f.Kind != metric.String {
				value = strconv.FormatFloat(f.Float64(), 'g', -1, 64)
			}
			line += " " + f.Name + "=" + value
		}
		out = append(out, line)
	}
	return out
}

// TestIndexesLookupsAndFilters polls a forwarding database: an index of two parts, a chain of lookups over three tables, a filter, readable values.
func TestIndexesLookupsAndFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := "uplink"
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))),
				at(t, "dot1qTpFdbPort[10][00:1b:21:3c:9d:f8]", snmp.Integer(3)), at(t, "dot1qTpFdbStatus[10][00:1b:21:3c:9d:f8]", snmp.Integer(3)),
				at(t, "dot1qTpFdbPort[10][00:1b:21:00:00:01]", snmp.Integer(9)), at(t, "dot1qTpFdbStatus[10][00:1b:21:00:00:01]", snmp.Integer(3)),
				at(t, "dot1qTpFdbPort[20][00:1b:21:00:00:02]", snmp.Integer(3)), at(t, "dot1qTpFdbStatus[20][00:1b:21:00:00:02]", snmp.Integer(4)),
				at(t, "dot1qTpFdbPort.7.1", snmp.Integer(3)), at(t, "dot1qTpFdbStatus.7.1", snmp.Integer(3)), // an index of another form
				at(t, "dot1dBasePortIfIndex.3", snmp.Integer(103)), at(t, "ifName.103", snmp.OctetString(name)),
			}
		}}
		h := own(t, `
tables:
  - measurement: fdb
    columns:
      - {oid: Q-BRIDGE-MIB::dot1qTpFdbPort}
      - {oid: Q-BRIDGE-MIB::dot1qTpFdbStatus, type: enum}
    lookups:
      - {oid: BRIDGE-MIB::dot1dBasePortIfIndex, by: [dot1qTpFdbPort], name: ifIndex, field: true}
      - {oid: IF-MIB::ifName, by: [ifIndex], name: port}
    filters:
      - {of: dot1qTpFdbStatus, in: [self], not: true}
`, d)
		want := []string{
			"fdb dot1qFdbId=7.1 port=uplink | dot1qTpFdbPort=3 dot1qTpFdbStatus=learned ifIndex=103",
			"fdb dot1qFdbId=10 dot1qTpFdbAddress=00:1b:21:00:00:01 | dot1qTpFdbPort=9 dot1qTpFdbStatus=learned",
			"fdb dot1qFdbId=10 dot1qTpFdbAddress=00:1b:21:3c:9d:f8 port=uplink | dot1qTpFdbPort=3 dot1qTpFdbStatus=learned ifIndex=103",
		}
		if diff := cmp.Diff(want, lines(h.next("dev"))); diff != "" {
			t.Error(diff)
		}
		looked := 0
		d.change(func() {
			name = "moved"
			d.fault = func(names []oid.OID) error {
				if ifName := at(t, "ifName", snmp.Null).Name; names[len(names)-1].HasPrefix(ifName) {
					looked++
				}
				return nil
			}
		})
		for range 10 {
			h.next("dev")
		}
		d.change(func() {
			if looked != 0 { // what is not there is not asked for again and again either
				t.Errorf("%d requests of lookups in ten polls", looked)
			}
		})
		time.Sleep(5 * time.Minute)
		if p := h.next("dev"); p.Err != nil || rowOf(t, p, "fdb", "dot1qTpFdbAddress", "00:1b:21:3c:9d:f8").Tag("port") != "moved" {
			t.Errorf("after the structure's time: %v, %v", p.Err, lines(p))
		}
	})
}

// TestRowsOfTheSameTags holds that rows which nothing but a part of their index tells apart have it as a tag, and that others have not.
func TestRowsOfTheSameTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))),
				at(t, "ifName.1", snmp.OctetString("eth1")), at(t, "ifName.4", snmp.OctetString("lag")), at(t, "ifName.5", snmp.OctetString("lag")),
				at(t, "dot3StatsDuplexStatus.1", snmp.Integer(3)), at(t, "dot3StatsDuplexStatus.2", snmp.Integer(2)),
				at(t, "dot3StatsDuplexStatus.3", snmp.Integer(1)), at(t, "dot3StatsDuplexStatus.4", snmp.Integer(3)),
				at(t, "dot3StatsDuplexStatus.5", snmp.Integer(3)), at(t, "dot3StatsDuplexStatus.1.1.3", snmp.Integer(3)), // an index of another form
				at(t, "lldpRemSysName.900.7.1", snmp.OctetString("left")), at(t, "lldpRemSysName.950.7.1", snmp.OctetString("right")),
				at(t, "lldpRemSysName.970.8.1", snmp.OctetString("alone")),
			}
		}}
		h := own(t, `
tables:
  - measurement: duplex
    indexes: [{oid: EtherLike-MIB::dot3StatsIndex, name: ifIndex, field: true}]
    lookups: [{oid: IF-MIB::ifName}]
    columns: [{oid: EtherLike-MIB::dot3StatsDuplexStatus}]
  - measurement: neighbor
    indexes: [{oid: LLDP-MIB::lldpRemTimeMark, drop: true}, {oid: LLDP-MIB::lldpRemLocalPortNum, name: port}, {oid: LLDP-MIB::lldpRemIndex, name: n}]
    columns: [{oid: LLDP-MIB::lldpRemSysName}]
`, d)
		want := []string{
			"duplex ifName=eth1 | dot3StatsDuplexStatus=3 ifIndex=1",
			"duplex ifIndex=1.1.3 | dot3StatsDuplexStatus=3",
			"duplex ifIndex=2 | dot3StatsDuplexStatus=2 ifIndex=2",
			"duplex ifIndex=3 | dot3StatsDuplexStatus=1 ifIndex=3",
			"duplex ifIndex=4 ifName=lag | dot3StatsDuplexStatus=3 ifIndex=4",
			"duplex ifIndex=5 ifName=lag | dot3StatsDuplexStatus=3 ifIndex=5",
			"neighbor lldpRemTimeMark=900 n=1 port=7 | lldpRemSysName=left",
			"neighbor lldpRemTimeMark=950 n=1 port=7 | lldpRemSysName=right",
			"neighbor n=1 port=8 | lldpRemSysName=alone",
		}
		for range 2 {
			if diff := cmp.Diff(want, lines(h.next("dev"))); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// TestValues holds how values of each type come out.
func TestValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := oid.MustParse("1.3.6.1.4.1.9.9.91.1.1.1.1")
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			return []snmp.VarBind{
				at(t, "sysUpTime.0", snmp.TimeTicks(uint32(now.UnixMilli()/10))),
				at(t, "hrDeviceType.1", snmp.ObjectID(oid.MustParse("1.3.6.1.2.1.25.3.1.3"))), at(t, "hrDeviceStatus.1", snmp.Integer(2)),
				at(t, "lldpLocSysCapEnabled.0", snmp.OctetString("\x28")), at(t, "hrSystemDate.0", snmp.OctetString("\x07\xea\x0b\x15\x0b\x23\x00\x00")), at(t, "mtxrHlTemperature.0", snmp.Integer(415)),
				at(t, "bgpLocalAs.0", snmp.Integer(-94967294)),
				at(t, "laLoad.1", snmp.OctetString("0.25")), at(t, "laLoadFloat.1", snmp.Opaque("\x9f\x78\x04\x3e\x80\x00\x00")),
				{Name: e.Append(1, 5), Value: snmp.Integer(8)}, {Name: e.Append(2, 5), Value: snmp.Integer(8)}, {Name: e.Append(3, 5), Value: snmp.Integer(1)}, {Name: e.Append(4, 5), Value: snmp.Integer(12345)},
				{Name: e.Append(1, 6), Value: snmp.Integer(99)}, {Name: e.Append(2, 6), Value: snmp.Integer(0)}, {Name: e.Append(4, 6), Value: snmp.Integer(1)},
				{Name: e.Append(1, 7), Value: snmp.Integer(14)}, {Name: e.Append(2, 7), Value: snmp.Integer(9)}, {Name: e.Append(4, 7), Value: snmp.Integer(-1000000000)}, // underflow
				{Name: oid.MustParse("1.3.6.1.4.1.99.1.1.7"), Value: snmp.Counter32(uint32(now.Second()))}, {Name: oid.MustParse("1.3.6.1.4.1.99.1.2.7"), Value: snmp.Integer(2)}, {Name: oid.MustParse("1.3.6.1.4.1.99.1.3.7"), Value: snmp.OctetString("\x07\xd0")},
			}
		}}
		h := own(t, `
scalars:
  - measurement: scalars
    objects:
      - {oid: LLDP-MIB::lldpLocSysCapEnabled}
      - {oid: HOST-RESOURCES-MIB::hrSystemDate}
      - {oid: MIKROTIK-MIB::mtxrHlTemperature, factor: 0.1}
      - {oid: BGP4-MIB::bgpLocalAs, type: unsigned}
tables:
  - measurement: devices
    columns: [{oid: hrDeviceType, type: descriptor}, {oid: hrDeviceStatus, tag: true}]
  - measurement: load
    columns: [{oid: laLoad, type: float}, {oid: laLoadFloat}]
  - measurement: sensor
    columns:
      - {oid: CISCO-ENTITY-SENSOR-MIB::entSensorType, tag: true}
      - {oid: CISCO-ENTITY-SENSOR-MIB::entSensorScale}
      - {oid: CISCO-ENTITY-SENSOR-MIB::entSensorPrecision}
      - {oid: CISCO-ENTITY-SENSOR-MIB::entSensorValue, sensor: {scale: entSensorScale, precision: entSensorPrecision}}
  - measurement: own
    indexes: [{name: n, type: integer}]
    columns:
      - {name: count, oid: 1.3.6.1.4.1.99.1.1, type: counter}
      - {name: state, oid: 1.3.6.1.4.1.99.1.2, type: enum, labels: {1: good, 2: bad}}
      - {name: year, oid: 1.3.6.1.4.1.99.1.3, type: display, hint: 2d}
`, d)
		h.next("dev")
		p := h.next("dev")
		want := []string{
			"scalars | lldpLocSysCapEnabled=bridge,router hrSystemDate=2026-11-21T11:35:00.0 mtxrHlTemperature=41.5 bgpLocalAs=4.200000002e+09",
			"devices hrDeviceIndex=1 hrDeviceStatus=running | hrDeviceType=hrDeviceProcessor",
			"load laIndex=1 | laLoad=0.25 laLoadFloat=0.25",
			"sensor entPhysicalIndex=5 entSensorType=celsius | entSensorScale=8 entSensorPrecision=1 entSensorValue=1.2345",
			"sensor entPhysicalIndex=6 entSensorType=99 | entSensorScale=0",
			"sensor entPhysicalIndex=7 entSensorType=dBm | entSensorScale=9",
			"own n=7 | count=18 state=bad year=2000",
		}
		if diff := cmp.Diff(want, lines(p)); diff != "" || p.Err != nil {
			t.Errorf("%v %s", p.Err, diff)
		}
		if f := fieldOf(t, rowOf(t, p, "own", "n", "7"), "count"); f.Kind != metric.Counter32 || !f.Verdict.HasRate() {
			t.Errorf("a counter of 32 bits that no type foretold: %+v", f)
		}
	})
}

// TestProfileInterval holds that a profile with an interval of its own is read at that, and its counters judged by it.
func TestProfileInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boot := time.Now()
		d := &device{latency: time.Millisecond, objects: func(now time.Time) []snmp.VarBind {
			up := uint32(now.Sub(boot) / (10 * time.Millisecond))
			return []snmp.VarBind{at(t, "sysUpTime.0", snmp.TimeTicks(up)), at(t, "tcpOutSegs.0", snmp.Counter32(up))}
		}}
		h := own(t, "interval: 30s\nscalars:\n  - {measurement: m, objects: [{oid: tcpOutSegs}]}\n", d)
		var with int
		for range 12 {
			p := h.next("dev")
			if p.Err != nil || !p.Answered {
				t.Fatal(p.Err)
			}
			if len(p.Samples) == 0 {
				continue
			}
			if with++; with > 1 {
				if f := fieldOf(t, p.Samples[0], "tcpOutSegs"); f.Rate < 99 || f.Rate > 101 {
					t.Errorf("rate %v, want 100: %v", f.Rate, f.Verdict)
				}
			}
		}
		if with != 4 {
			t.Errorf("%d of 12 polls read it, want 4", with)
		}
	})
}
