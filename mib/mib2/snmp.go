package mib2

import (
	"context"

	"walkabout/mib"
	"walkabout/snmp"
)

const snmpEnableAuthenTraps = 30

// snmpCounters are the counters of RFC 1213's and RFC 3418's snmp group; a column's number is its Counter.
var snmpCounters = []snmp.Counter{
	snmp.InPkts, snmp.OutPkts, snmp.InBadVersions, snmp.InBadCommunityNames, snmp.InBadCommunityUses, snmp.InASNParseErrs,
	snmp.InTooBigs, snmp.InNoSuchNames, snmp.InBadValues, snmp.InReadOnlys, snmp.InGenErrs, snmp.InTotalReqVars,
	snmp.InTotalSetVars, snmp.InGetRequests, snmp.InGetNexts, snmp.InSetRequests, snmp.InGetResponses, snmp.InTraps,
	snmp.OutTooBigs, snmp.OutNoSuchNames, snmp.OutBadValues, snmp.OutGenErrs, snmp.OutGetRequests, snmp.OutGetNexts,
	snmp.OutSetRequests, snmp.OutGetResponses, snmp.OutTraps, snmp.SilentDrops, snmp.ProxyDrops,
}

func (m *MIB) snmpScalars() mib.Group {
	columns := []uint32{snmpEnableAuthenTraps}
	for _, c := range snmpCounters {
		columns = append(columns, uint32(c))
	}
	return mib.Group{Entry: snmpGroup, Columns: columns, Open: func(context.Context, *mib.Request) mib.Snapshot {
		// Other requests go on counting; this one sees one state.
		var seen [snmp.ProxyDrops + 1]uint32
		for _, c := range snmpCounters {
			seen[c] = uint32(m.counters.Load(c))
		}
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			if column == snmpEnableAuthenTraps {
				return m.authenTraps(), true
			}
			return snmp.Counter32(seen[column]), true
		})
	}}
}
