package mib2_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// object is what the modules say of the objects of one group or table: the columns of one syntax.
type object struct {
	entry    string // below mib-2
	columns  []uint32
	kind     snmp.Kind
	min, max int64 // of a number, or of the octets of a string
}

const (
	maxInt32  = math.MaxInt32
	maxUint32 = math.MaxUint32
	maxInt64  = math.MaxInt64
)

var objects = []object{
	{"1", []uint32{1, 4, 5, 6}, snmp.KindOctetString, 0, 255},
	{"1", []uint32{2}, snmp.KindOID, 0, 0},
	{"1", []uint32{3, 8}, snmp.KindTimeTicks, 0, maxUint32},
	{"1", []uint32{7}, snmp.KindInteger, 0, 127},
	{"1.9.1", []uint32{2}, snmp.KindOID, 0, 0},
	{"1.9.1", []uint32{3}, snmp.KindOctetString, 0, 255},
	{"1.9.1", []uint32{4}, snmp.KindTimeTicks, 0, maxUint32},
	{"2", []uint32{1}, snmp.KindInteger, 0, maxInt32},
	{"2.2.1", []uint32{1, 3}, snmp.KindInteger, 1, maxInt32},
	{"2.2.1", []uint32{2}, snmp.KindOctetString, 0, 255},
	{"2.2.1", []uint32{4}, snmp.KindInteger, 0, maxInt32},
	{"2.2.1", []uint32{5, 21}, snmp.KindGauge32, 0, maxUint32},
	{"2.2.1", []uint32{6}, snmp.KindOctetString, 0, 65535},
	{"2.2.1", []uint32{7}, snmp.KindInteger, 1, 3},
	{"2.2.1", []uint32{8}, snmp.KindInteger, 1, 7},
	{"2.2.1", []uint32{9}, snmp.KindTimeTicks, 0, maxUint32},
	{"2.2.1", []uint32{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, snmp.KindCounter32, 0, maxUint32},
	{"2.2.1", []uint32{22}, snmp.KindOID, 0, 0},
	{"3.1.1", []uint32{1}, snmp.KindInteger, 1, maxInt32},
	{"3.1.1", []uint32{2}, snmp.KindOctetString, 0, 65535},
	{"3.1.1", []uint32{3}, snmp.KindIPAddress, 0, 0},
	{"4", []uint32{1}, snmp.KindInteger, 1, 2},
	{"4", []uint32{2}, snmp.KindInteger, 1, 255},
	{"4", []uint32{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 23}, snmp.KindCounter32, 0, maxUint32},
	{"4", []uint32{13}, snmp.KindInteger, 0, maxInt32},
	{"4.20.1", []uint32{1, 3}, snmp.KindIPAddress, 0, 0},
	{"4.20.1", []uint32{2}, snmp.KindInteger, 1, maxInt32},
	{"4.20.1", []uint32{4}, snmp.KindInteger, 0, 1},
	{"4.20.1", []uint32{5}, snmp.KindInteger, 0, 65535},
	{"4.21.1", []uint32{1, 7, 11}, snmp.KindIPAddress, 0, 0},
	{"4.21.1", []uint32{2, 10}, snmp.KindInteger, 0, maxInt32},
	{"4.21.1", []uint32{3, 4, 5, 6, 12}, snmp.KindInteger, -1, maxInt32},
	{"4.21.1", []uint32{8}, snmp.KindInteger, 1, 4},
	{"4.21.1", []uint32{9}, snmp.KindInteger, 1, 14},
	{"4.21.1", []uint32{13}, snmp.KindOID, 0, 0},
	{"4.22.1", []uint32{1}, snmp.KindInteger, 1, maxInt32},
	{"4.22.1", []uint32{2}, snmp.KindOctetString, 0, 65535},
	{"4.22.1", []uint32{3}, snmp.KindIPAddress, 0, 0},
	{"4.22.1", []uint32{4}, snmp.KindInteger, 1, 4},
	{"4.24", []uint32{3}, snmp.KindGauge32, 0, maxUint32},
	{"4.24.4.1", []uint32{1, 2, 4}, snmp.KindIPAddress, 0, 0},
	{"4.24.4.1", []uint32{3, 5, 8, 10}, snmp.KindInteger, 0, maxInt32},
	{"4.24.4.1", []uint32{6}, snmp.KindInteger, 1, 4},
	{"4.24.4.1", []uint32{7}, snmp.KindInteger, 1, 16},
	{"4.24.4.1", []uint32{9}, snmp.KindOID, 0, 0},
	{"4.24.4.1", []uint32{11, 12, 13, 14, 15}, snmp.KindInteger, -1, maxInt32},
	{"4.24.4.1", []uint32{16}, snmp.KindInteger, 1, 3},
	{"5", span(1, 26), snmp.KindCounter32, 0, maxUint32},
	{"6", []uint32{1}, snmp.KindInteger, 1, 5},
	{"6", []uint32{2, 3}, snmp.KindInteger, 0, maxInt32},
	{"6", []uint32{4}, snmp.KindInteger, -1, maxInt32},
	{"6", []uint32{5, 6, 7, 8, 10, 11, 12, 14, 15}, snmp.KindCounter32, 0, maxUint32},
	{"6", []uint32{9}, snmp.KindGauge32, 0, maxUint32},
	{"6", []uint32{17, 18}, snmp.KindCounter64, 0, maxInt64},
	{"6.13.1", []uint32{1}, snmp.KindInteger, 1, 12},
	{"6.13.1", []uint32{2, 4}, snmp.KindIPAddress, 0, 0},
	{"6.13.1", []uint32{3, 5}, snmp.KindInteger, 0, 65535},
	{"6.19.1", []uint32{7}, snmp.KindInteger, 1, 12},
	{"6.19.1", []uint32{8}, snmp.KindGauge32, 0, maxUint32},
	{"6.20.1", []uint32{4}, snmp.KindGauge32, 0, maxUint32},
	{"7", []uint32{1, 2, 3, 4}, snmp.KindCounter32, 0, maxUint32},
	{"7", []uint32{8, 9}, snmp.KindCounter64, 0, maxInt64},
	{"7.5.1", []uint32{1}, snmp.KindIPAddress, 0, 0},
	{"7.5.1", []uint32{2}, snmp.KindInteger, 0, 65535},
	{"7.7.1", []uint32{8}, snmp.KindGauge32, 0, maxUint32},
	{"11", slices.Concat(span(1, 6), span(8, 22), span(24, 29), []uint32{31, 32}), snmp.KindCounter32, 0, maxUint32},
	{"11", []uint32{30}, snmp.KindInteger, 1, 2},
	{"31.1.1.1", []uint32{1}, snmp.KindOctetString, 0, 255},
	{"31.1.1.1", []uint32{2, 3, 4, 5}, snmp.KindCounter32, 0, maxUint32},
	{"31.1.1.1", span(6, 13), snmp.KindCounter64, 0, maxInt64},
	{"31.1.1.1", []uint32{14, 16, 17}, snmp.KindInteger, 1, 2},
	{"31.1.1.1", []uint32{15}, snmp.KindGauge32, 0, maxUint32},
	{"31.1.1.1", []uint32{18}, snmp.KindOctetString, 0, 64},
	{"31.1.1.1", []uint32{19}, snmp.KindTimeTicks, 0, maxUint32},
	{"31.1", []uint32{5}, snmp.KindTimeTicks, 0, maxUint32},
}

// untold are the objects that no system of today tells.
var untold = []string{
	"2.2.1.15", "2.2.1.21", // ifInUnknownProtos, ifOutQLen
	"4.21.1.10", "4.23", "4.24.4.1.8", // ipRouteAge, ipRoutingDiscards, ipCidrRouteAge
	"31.1.1.1.3", "31.1.1.1.4", "31.1.1.1.5", "31.1.1.1.9", "31.1.1.1.12", "31.1.1.1.13", // multicast and broadcast
}

func span(from, to uint32) []uint32 {
	var numbers []uint32
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// TestObjects holds every variable against what the modules say of its object, and looks for objects without one.
func TestObjects(t *testing.T) {
	d := router()
	d.stats = machineStatsInRange()
	checkObjects(t, d.mib(t), now, true)
}

// checkObjects walks h as it is at that moment. complete says that it has something of each object but the untold ones.
func checkObjects(t *testing.T, h mib.Handler, at time.Time, complete bool) {
	t.Helper()
	type prefixed struct {
		prefix oid.OID
		object object
		found  int
	}
	var all []prefixed
	for _, o := range objects {
		for _, column := range o.columns {
			all = append(all, prefixed{prefix: name(o.entry).Append(column), object: o})
		}
	}
	for _, vb := range mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: at, Fresh: true}, mib2.Roots()...) {
		i := slices.IndexFunc(all, func(p prefixed) bool { return vb.Name.HasPrefix(p.prefix) })
		if i < 0 {
			t.Errorf("%v is of no object of the modules", vb.Name)
			continue
		}
		all[i].found++
		if !all[i].object.holds(vb.Value) {
			t.Errorf("%v = %v: %v is no value of the object", vb.Name, vb.Value.Kind(), vb.Value)
		}
	}
	if !complete {
		return
	}
	for _, p := range all {
		told := !slices.ContainsFunc(untold, func(below string) bool { return name(below) == p.prefix })
		if told != (p.found > 0) {
			t.Errorf("object %v has %d instances", p.prefix, p.found)
		}
		if v := ask(t, h, &mib.Request{Version: snmp.V2c, At: at}, p.prefix.From(6).Append(0).String())[0]; v == snmp.NoSuchObject {
			t.Errorf("object %v does not exist", p.prefix)
		}
	}
}

func (o *object) holds(v snmp.Value) bool {
	if v.Kind() != o.kind {
		return false
	}
	switch {
	case v.IsNumber():
		return v.Int() >= o.min && v.Int() <= o.max
	case o.kind == snmp.KindOctetString:
		n := int64(len(v.Octets()))
		return n >= o.min && n <= o.max
	}
	return true
}
