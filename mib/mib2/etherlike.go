package mib2

import (
	"context"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

const (
	dot3StatsIndex        = 1
	dot3StatsDuplexStatus = 19
)

// dot3Stats are the counters of the kernel that linux/if_link.h defines by those of IEEE 802.3 that RFC 3635 takes its objects from. Drivers count
// what their hardware tells; the others of dot3StatsTable have names of each driver's own.
var dot3Stats = map[uint32]machine.LinkStat{
	2:  machine.RxFrameErrors,     // dot3StatsAlignmentErrors
	3:  machine.RxCRCErrors,       // dot3StatsFCSErrors
	6:  machine.TxHeartbeatErrors, // dot3StatsSQETestErrors
	8:  machine.TxWindowErrors,    // dot3StatsLateCollisions
	9:  machine.TxAbortedErrors,   // dot3StatsExcessiveCollisions
	11: machine.TxCarrierErrors,   // dot3StatsCarrierSenseErrors
}

// dot3StatsTable has the Ethernet links that hardware stands behind.
func (m *MIB) dot3StatsTable() mib.Group {
	columns := []uint32{dot3StatsIndex, dot3StatsDuplexStatus}
	for column := range dot3Stats {
		columns = append(columns, column)
	}
	return mib.Group{
		Entry: dot3StatsRoot.Append(1), Columns: columns,
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			links, err := r.Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			counters, err := r.Counters(ctx)
			if err != nil {
				counters = &machine.LinkCounterTable{}
			}
			t := m.dot3.Of(links.List, func(list []*machine.Link) *mib.Table[*machine.Link] {
				var rows []*machine.Link
				for _, l := range list {
					if l.Type == machine.TypeEthernet && l.Connector == machine.Present {
						rows = append(rows, l)
					}
				}
				return mib.NewTable(rows, func(l **machine.Link) oid.OID { return oid.New((*l).Index) })
			})
			return t.Snapshot(func(l **machine.Link, column uint32) (snmp.Value, bool) { return dot3Cell(*l, counters, column) })
		},
	}
}

func dot3Cell(l *machine.Link, counters *machine.LinkCounterTable, column uint32) (snmp.Value, bool) {
	switch column {
	case dot3StatsIndex:
		return snmp.Integer(int32(l.Index)), true
	case dot3StatsDuplexStatus: // unknown(1), halfDuplex(2), fullDuplex(3)
		return snmp.Integer(1 + int32(l.Duplex)), true
	}
	c, ok := counters.ByIndex(l.Index)
	if !ok {
		return snmp.Value{}, false
	}
	n, known := c.Get(dot3Stats[column])
	return snmp.Counter32(uint32(n)), known
}
