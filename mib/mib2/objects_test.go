package mib2_test

import (
	"slices"
	"testing"
	"time"

	"walkabout/mib"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// untold are the objects that no system of today tells.
var untold = []string{
	"2.2.1.15", "2.2.1.21", // ifInUnknownProtos, ifOutQLen
	"4.21.1.10", "4.23", "4.24.4.1.8", // ipRouteAge, ipRoutingDiscards, ipCidrRouteAge
	"4.24.7.1.10",                                              // inetCidrRouteAge
	"4.31.3.1.42", "4.31.3.1.43", "4.31.3.1.44", "4.31.3.1.45", // ipIfStatsInBcastPkts and its like: IPv6 has no broadcast
	"31.1.1.1.3", "31.1.1.1.4", "31.1.1.1.5", "31.1.1.1.9", "31.1.1.1.12", "31.1.1.1.13", // multicast and broadcast
	"4.24.1", "4.24.2", // ipForwardTable, which ipCidrRouteTable obsoleted
	"31.1.3", // ifTestTable, which is deprecated
	// what drivers count under names of their own, or not at all:
	"104.1.5.1.7", "104.1.8", // sctpAssocRemAddrRtx; sctpLookupRemHostNameTable: Linux takes no names
	"10.7.2.1.4", "10.7.2.1.5", "10.7.2.1.7", "10.7.2.1.10", "10.7.2.1.13", "10.7.2.1.16", "10.7.2.1.17", "10.7.2.1.18", "10.7.2.1.20", "10.7.2.1.21",
}

// unserved are the objects that this package does not have.
var unserved = []string{
	"4.33",         // ipAddressSpinLock: ipAddressTable is read-only
	"4.38", "4.39", // ipv6RouterAdvertTable: who advertises keeps that to itself
}

// TestObjects holds every variable against what the modules say of its object, and looks for objects without one.
func TestObjects(t *testing.T) {
	d := router()
	d.stats = machineStatsInRange()
	checkObjects(t, d.mib(t), now, true)
}

// holes are the columns that rows may lack.
var holes = mibtest.Holes{
	"ifSpeed":             "unknown of a link whose driver does not tell",
	"ifHighSpeed":         "as ifSpeed",
	"ifConnectorPresent":  "only the driver would know",
	"ifHCInOctets":        "the source has 32 bits, and is not read often enough to be extended",
	"ifHCInUcastPkts":     "as ifHCInOctets",
	"ifHCInMulticastPkts": "as ifHCInOctets",
	"ifHCOutOctets":       "as ifHCInOctets",
	"ifHCOutUcastPkts":    "as ifHCInOctets",
	"ipAdEntBcastAddr":    "of an address without one",

	"sctpAssocInStreams": "before the streams are negotiated",

	"ipSystemStatsInBcastPkts":    "IPv6 has no broadcast",
	"ipSystemStatsHCInBcastPkts":  "as ipSystemStatsInBcastPkts",
	"ipSystemStatsOutBcastPkts":   "as ipSystemStatsInBcastPkts",
	"ipSystemStatsHCOutBcastPkts": "as ipSystemStatsInBcastPkts",
}

// checkObjects walks h as it is at that moment. complete says that it has something of each object of its tables but the untold ones.
func checkObjects(t *testing.T, h mib.Handler, at time.Time, complete bool) {
	t.Helper()
	all := mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: at, Fresh: true}, mib2.Roots()...)
	mibtest.Conform(t, all, holes)
	if !complete {
		return
	}
	found := map[string]bool{}
	for _, vb := range all {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			found[o.OID] = true
		}
	}
	absent := slices.Concat(untold, unserved)
	for _, root := range mib2.Roots() {
		for _, o := range mibtest.Below(root) {
			prefix := oid.MustParse(o.OID)
			told := !slices.ContainsFunc(absent, func(below string) bool { return prefix.HasPrefix(name(below)) })
			if told != found[o.OID] {
				t.Errorf("%s (%s): found is %v", o.Name, o.OID, found[o.OID])
			}
		}
	}
}

func span(from, to uint32) []uint32 {
	var numbers []uint32
	for n := from; n <= to; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}
