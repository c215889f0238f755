package mib2

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// InetVersion (RFC 4001).
const (
	ipv4 = 1
	ipv6 = 2
)

var ipTrafficStats = ipGroup.Append(31)

// noStat is a figure that no system counts.
const noStat = machine.Stat(math.MaxUint8)

// ipStat is a column of ipSystemStatsTable and of ipIfStatsTable (RFC 4293), which number them alike.
type ipStat struct {
	v4, v6 machine.Stat
	kind   snmp.Kind
}

// ipStats are the columns that the kernel has a figure for. It has one for the datagrams that were to be forwarded and for those that
// were: InForwDatagrams is OutForwDatagrams. IPv6 has no broadcast.
var ipStats = func() map[uint32]ipStat {
	columns := map[uint32]ipStat{}
	narrow := func(column uint32, v4, v6 machine.Stat) { columns[column] = ipStat{v4, v6, snmp.KindCounter32} }
	both := func(column uint32, v4, v6 machine.Stat) { // and the 64-bit column behind it
		narrow(column, v4, v6)
		columns[column+1] = ipStat{v4, v6, snmp.KindCounter64}
	}
	both(3, machine.IPInReceives, machine.IP6InReceives)
	both(5, machine.IPInOctets, machine.IP6InOctets)
	narrow(7, machine.IPInHdrErrors, machine.IP6InHdrErrors)
	narrow(8, machine.IPInNoRoutes, machine.IP6InNoRoutes)
	narrow(9, machine.IPInAddrErrors, machine.IP6InAddrErrors)
	narrow(10, machine.IPInUnknownProtos, machine.IP6InUnknownProtos)
	narrow(11, machine.IPInTruncatedPkts, machine.IP6InTruncatedPkts)
	both(12, machine.IPForwDatagrams, machine.IP6OutForwDatagrams)
	narrow(14, machine.IPReasmReqds, machine.IP6ReasmReqds)
	narrow(15, machine.IPReasmOKs, machine.IP6ReasmOKs)
	narrow(16, machine.IPReasmFails, machine.IP6ReasmFails)
	narrow(17, machine.IPInDiscards, machine.IP6InDiscards)
	both(18, machine.IPInDelivers, machine.IP6InDelivers)
	both(20, machine.IPOutRequests, machine.IP6OutRequests)
	narrow(ipStatsOutNoRoutes, machine.IPOutNoRoutes, machine.IP6OutNoRoutes)
	both(23, machine.IPForwDatagrams, machine.IP6OutForwDatagrams)
	narrow(25, machine.IPOutDiscards, machine.IP6OutDiscards)
	narrow(27, machine.IPFragOKs, machine.IP6FragOKs)
	narrow(28, machine.IPFragFails, machine.IP6FragFails)
	narrow(29, machine.IPFragCreates, machine.IP6FragCreates)
	both(30, machine.IPOutTransmits, machine.IP6OutTransmits)
	both(32, machine.IPOutOctets, machine.IP6OutOctets)
	both(34, machine.IPInMcastPkts, machine.IP6InMcastPkts)
	both(36, machine.IPInMcastOctets, machine.IP6InMcastOctets)
	both(38, machine.IPOutMcastPkts, machine.IP6OutMcastPkts)
	both(40, machine.IPOutMcastOctets, machine.IP6OutMcastOctets)
	both(42, machine.IPInBcastPkts, noStat)
	both(44, machine.IPOutBcastPkts, noStat)
	return columns
}()

// The columns that are no figure of the kernel's.
const (
	ipStatsOutNoRoutes       = 22 // not in ipIfStatsTable
	ipStatsOutFragReqds      = 26
	ipStatsDiscontinuityTime = 46
	ipStatsRefreshRate       = 47
)

// ipStatsColumns returns the columns of ipSystemStatsTable, or of ipIfStatsTable.
func ipStatsColumns(ofLinks bool) []uint32 {
	columns := append(slices.Collect(maps.Keys(ipStats)), ipStatsOutFragReqds, ipStatsDiscontinuityTime, ipStatsRefreshRate)
	if ofLinks {
		columns = slices.DeleteFunc(columns, func(c uint32) bool { return c == ipStatsOutNoRoutes })
	}
	return columns
}

// ipStatsCell returns a value of a row whose figures stat returns.
func ipStatsCell(column uint32, version int, stat func(machine.Stat) (n uint64, wide, known bool)) (snmp.Value, bool) {
	get := func(c ipStat) (n uint64, wide, known bool) {
		if version == ipv6 {
			return stat(c.v6)
		}
		return stat(c.v4)
	}
	switch column {
	case ipStatsOutFragReqds: // those that needed it either could be, or not
		ok, wide, known := get(ipStats[27])
		failed, _, knownToo := get(ipStats[28])
		return counter(snmp.KindCounter32, wide, ok+failed, known && knownToo)
	case ipStatsRefreshRate:
		return snmp.Gauge32(uint32(machine.Reuse / time.Millisecond)), true
	}
	c := ipStats[column]
	n, wide, known := get(c)
	return counter(c.kind, wide, n, known)
}

// versionIndex are the index values of tables with a row for each IP version.
var versionIndex = []oid.OID{oid.New(ipv4), oid.New(ipv6)}

// versions returns a row for each IP version whose statistics can be read, with cells that cell computes.
func (m *MIB) versions(ctx context.Context, q *mib.Request, cell func(version int, stats *machine.Stats, column uint32) (snmp.Value, bool)) mib.Snapshot {
	var index []oid.OID
	var rows []func(column uint32) (snmp.Value, bool)
	r := m.reading(q)
	for i, read := range []func(context.Context) (*machine.Stats, error){r.Stats, r.Stats6} {
		stats, err := read(ctx)
		if err != nil {
			continue
		}
		index = append(index, versionIndex[i])
		rows = append(rows, func(column uint32) (snmp.Value, bool) { return cell(i+1, stats, column) })
	}
	return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) { return rows[row](column) }}
}

func (m *MIB) ipSystemStatsTable() mib.Group {
	return mib.Group{
		Entry:   ipTrafficStats.Append(1, 1),
		Columns: ipStatsColumns(false),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return m.versions(ctx, q, func(version int, stats *machine.Stats, column uint32) (snmp.Value, bool) {
				if column == ipStatsDiscontinuityTime {
					return snmp.TimeTicks(0), true // the kernel's counters begin with the kernel
				}
				return ipStatsCell(column, version, func(s machine.Stat) (n uint64, wide, known bool) {
					from := stats
					if s.InExt() {
						var err error
						if from, err = m.reading(q).StatsExt(ctx); err != nil {
							return 0, false, false
						}
					}
					n, known = from.Get(s)
					return n, from.Wide, known
				})
			})
		},
	}
}

const (
	icmpStatsInMsgs    = 2
	icmpStatsInErrors  = 3
	icmpStatsOutMsgs   = 4
	icmpStatsOutErrors = 5
)

func (m *MIB) icmpStatsTable() mib.Group {
	columns := map[uint32][2]machine.Stat{
		icmpStatsInMsgs:    {machine.ICMPInMsgs, machine.ICMP6InMsgs},
		icmpStatsInErrors:  {machine.ICMPInErrors, machine.ICMP6InErrors},
		icmpStatsOutMsgs:   {machine.ICMPOutMsgs, machine.ICMP6OutMsgs},
		icmpStatsOutErrors: {machine.ICMPOutErrors, machine.ICMP6OutErrors},
	}
	return mib.Group{
		Entry:   icmpGroup.Append(29, 1),
		Columns: []uint32{icmpStatsInMsgs, icmpStatsInErrors, icmpStatsOutMsgs, icmpStatsOutErrors},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return m.versions(ctx, q, func(version int, stats *machine.Stats, column uint32) (snmp.Value, bool) {
				n, known := stats.Get(columns[column][version-1])
				return counter(snmp.KindCounter32, stats.Wide, n, known)
			})
		},
	}
}

const (
	icmpMsgStatsInPkts  = 3
	icmpMsgStatsOutPkts = 4
)

// icmpMsgStatsTable has the types of which there was a message.
func (m *MIB) icmpMsgStatsTable() mib.Group {
	return mib.Group{
		Entry:   icmpGroup.Append(30, 1),
		Columns: []uint32{icmpMsgStatsInPkts, icmpMsgStatsOutPkts},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			var index []oid.OID
			var rows []machine.ICMPTypeCount
			r := m.reading(q)
			for i, read := range []func(context.Context) (*machine.Stats, error){r.Stats, r.Stats6} {
				stats, err := read(ctx)
				if err != nil {
					continue
				}
				for _, c := range stats.ICMPTypes {
					index, rows = append(index, oid.New(uint32(i+1), uint32(c.Type))), append(rows, c)
				}
			}
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				if column == icmpMsgStatsInPkts {
					return snmp.Counter32(uint32(rows[row].In)), true
				}
				return snmp.Counter32(uint32(rows[row].Out)), true
			}}
		},
	}
}
