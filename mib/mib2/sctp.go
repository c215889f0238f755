package mib2

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

var sctpObjects = mib2Root.Append(104, 1)

// sctpStatistics are the columns of sctpStats that the kernel counts.
var sctpStatistics = counters(map[uint32]machine.Stat{
	2: machine.SCTPActiveEstabs, 3: machine.SCTPPassiveEstabs, 4: machine.SCTPAborteds, 5: machine.SCTPShutdowns,
	6: machine.SCTPOutOfBlues, 7: machine.SCTPChecksumErrors,
}).with(statistics{
	1:  {machine.SCTPCurrEstab, snmp.KindGauge32},
	8:  {machine.SCTPOutCtrlChunks, snmp.KindCounter64},
	9:  {machine.SCTPOutOrderChunks, snmp.KindCounter64},
	10: {machine.SCTPOutUnorderChunks, snmp.KindCounter64},
	11: {machine.SCTPInCtrlChunks, snmp.KindCounter64},
	12: {machine.SCTPInOrderChunks, snmp.KindCounter64},
	13: {machine.SCTPInUnorderChunks, snmp.KindCounter64},
	14: {machine.SCTPFragUsrMsgs, snmp.KindCounter64},
	15: {machine.SCTPReasmUsrMsgs, snmp.KindCounter64},
	16: {machine.SCTPOutSCTPPacks, snmp.KindCounter64},
	17: {machine.SCTPInSCTPPacks, snmp.KindCounter64},
})

const sctpDiscontinuityTime = 18

func (m *MIB) sctpStats() mib.Group {
	columns := []uint32{sctpDiscontinuityTime}
	for column := range sctpStatistics {
		columns = append(columns, column)
	}
	return mib.Group{
		Entry: sctpObjects.Append(1), Columns: columns,
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			stats, err := m.reading(q).SCTPStats(ctx)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch {
				case err != nil:
					return snmp.Value{}, false
				case column == sctpDiscontinuityTime:
					return snmp.TimeTicks(0), true // the kernel's counters begin with its module
				}
				return sctpStatistics[column].value(stats)
			})
		},
	}
}

func (m *MIB) sctpParams() mib.Group {
	const rtoAlgorithm, rtoMin, rtoMax, rtoInitial, maxAssocs, valCookieLife, maxInitRetr = 1, 2, 3, 4, 5, 6, 7
	return mib.Group{
		Entry: sctpObjects.Append(2), Columns: []uint32{rtoAlgorithm, rtoMin, rtoMax, rtoInitial, maxAssocs, valCookieLife, maxInitRetr},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			s, err := m.reading(q).SCTPSettings(ctx)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				if err != nil {
					return snmp.Value{}, false
				}
				switch column {
				case rtoAlgorithm:
					return snmp.Integer(2), true // vanj: RFC 9260 section 6.3.1, which the kernel follows
				case rtoMin:
					return figure(snmp.Gauge32, s.RTOMin)
				case rtoMax:
					return figure(snmp.Gauge32, s.RTOMax)
				case rtoInitial:
					return figure(snmp.Gauge32, s.RTOInitial)
				case maxAssocs:
					return snmp.Integer(-1), true // as many as there is memory for
				case valCookieLife:
					return figure(snmp.Gauge32, s.CookieLife)
				default:
					return figure(snmp.Gauge32, s.MaxInitRetransmits)
				}
			})
		},
	}
}

// figure returns n as kind has it; false for machine.Unknown and for what has no place in 32 bits.
func figure(kind func(uint32) snmp.Value, n int64) (snmp.Value, bool) {
	return kind(uint32(n)), n >= 0 && n <= math.MaxUint32
}

// streams returns a number of streams; false before they are negotiated.
func streams(n int64) (snmp.Value, bool) {
	return snmp.Gauge32(uint32(n)), n > 0 && n <= math.MaxUint16
}

// sctpTable returns a table that is made of the associations.
func sctpTable[R any](m *MIB, number uint32, columns []uint32, kept *derived[machine.SCTPAssociation, table[R]],
	build func([]machine.SCTPAssociation) *table[R], cell func(ctx context.Context, q *mib.Request, row *R, column uint32) (snmp.Value, bool),
) mib.Group {
	return mib.Group{
		Entry: sctpObjects.Append(number, 1), Columns: columns,
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.costly(q, machine.PartSCTPAssociations).SCTPAssociations(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return kept.of(q, list, build).snapshot(func(row *R, column uint32) (snmp.Value, bool) { return cell(ctx, q, row, column) })
		},
	}
}

// The columns of sctpAssocTable.
const (
	sctpAssocRemHostName       = 2
	sctpAssocLocalPort         = 3
	sctpAssocRemPort           = 4
	sctpAssocRemPrimAddrType   = 5
	sctpAssocRemPrimAddr       = 6
	sctpAssocHeartBeatInterval = 7
	sctpAssocState             = 8
	sctpAssocInStreams         = 9
	sctpAssocOutStreams        = 10
	sctpAssocMaxRetr           = 11
	sctpAssocPrimProcess       = 12
	sctpAssocT1expireds        = 13
	sctpAssocT2expireds        = 14
	sctpAssocRtxChunks         = 15
	sctpAssocStartTime         = 16
	sctpAssocDiscontinuityTime = 17
)

func (m *MIB) sctpAssocTable() mib.Group {
	columns := []uint32{
		sctpAssocRemHostName, sctpAssocLocalPort, sctpAssocRemPort, sctpAssocRemPrimAddrType, sctpAssocRemPrimAddr, sctpAssocHeartBeatInterval,
		sctpAssocState, sctpAssocInStreams, sctpAssocOutStreams, sctpAssocMaxRetr, sctpAssocPrimProcess, sctpAssocT1expireds, sctpAssocT2expireds,
		sctpAssocRtxChunks, sctpAssocStartTime, sctpAssocDiscontinuityTime,
	}
	return sctpTable(m, 3, columns, &m.sctp.associations,
		func(list []machine.SCTPAssociation) *table[machine.SCTPAssociation] {
			p := newPacker(len(list), 1)
			for i := range list {
				p.number(list[i].ID)
				p.end()
			}
			return newTable(p, list)
		}, m.sctpAssocCell)
}

func (m *MIB) sctpAssocCell(ctx context.Context, q *mib.Request, a *machine.SCTPAssociation, column uint32) (snmp.Value, bool) {
	switch column {
	case sctpAssocRemHostName:
		return snmp.OctetString(""), true // the kernel takes no Host Name Address
	case sctpAssocLocalPort:
		return snmp.Gauge32(uint32(a.LocalPort)), true
	case sctpAssocRemPort:
		return snmp.Gauge32(uint32(a.RemotePort)), true
	case sctpAssocRemPrimAddrType:
		return snmp.Integer(inetAddressType(a.Primary)), true
	case sctpAssocRemPrimAddr:
		return snmp.OctetString(string(a.Primary.AsSlice())), true
	case sctpAssocHeartBeatInterval:
		return figure(snmp.Gauge32, a.HeartbeatInterval)
	case sctpAssocState:
		return snmp.Integer(int32(a.State) + 1), true
	case sctpAssocInStreams:
		return streams(a.InStreams)
	case sctpAssocOutStreams:
		return streams(a.OutStreams)
	case sctpAssocMaxRetr:
		return figure(snmp.Gauge32, a.MaxRetransmits)
	case sctpAssocPrimProcess:
		return m.processOf(ctx, q, a.Inode)
	case sctpAssocT1expireds:
		return figure(snmp.Counter32, a.T1Expireds)
	case sctpAssocT2expireds:
		return figure(snmp.Counter32, a.T2Expireds)
	case sctpAssocRtxChunks:
		return figure(snmp.Counter32, a.RetransmittedChunks)
	case sctpAssocStartTime:
		return m.ticks(a.Established), true
	case sctpAssocDiscontinuityTime:
		return snmp.TimeTicks(0), true // its counters begin with it
	}
	return snmp.Value{}, false
}

func inetAddressType(a netip.Addr) int32 {
	switch {
	case !a.IsValid():
		return 0
	case a.Is4():
		return ipv4
	default:
		return ipv6
	}
}

// sctpRow is a row of a table whose only column tells since when it has been there.
type sctpRow struct{ created time.Time }

func (m *MIB) sctpStartTime(_ context.Context, _ *mib.Request, r *sctpRow, _ uint32) (snmp.Value, bool) {
	return m.ticks(r.created), true
}

// sctpRows returns the build function of a table of sctpRow, of which each appends the rows of one association.
func sctpRows(each func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow) func([]machine.SCTPAssociation) *table[sctpRow] {
	return func(list []machine.SCTPAssociation) *table[sctpRow] {
		p := newPacker(len(list), 8)
		var rows []sctpRow
		for i := range list {
			rows = each(p, rows, &list[i])
		}
		return newTable(p, rows)
	}
}

func (m *MIB) sctpAssocLocalAddrTable() mib.Group {
	const startTime = 3
	return sctpTable(m, 4, []uint32{startTime}, &m.sctp.local,
		sctpRows(func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow {
			for _, l := range a.Local {
				p.number(a.ID)
				p.inetAddress(l.Addr, 0)
				p.end()
				rows = append(rows, sctpRow{l.Created})
			}
			return rows
		}), m.sctpStartTime)
}

// The columns of sctpAssocRemAddrTable; the kernel does not count retransmissions by address, sctpAssocRemAddrRtx.
const (
	sctpAssocRemAddrActive     = 3
	sctpAssocRemAddrHBActive   = 4
	sctpAssocRemAddrRTO        = 5
	sctpAssocRemAddrMaxPathRtx = 6
	sctpAssocRemAddrStartTime  = 8
)

func (m *MIB) sctpAssocRemAddrTable() mib.Group {
	columns := []uint32{sctpAssocRemAddrActive, sctpAssocRemAddrHBActive, sctpAssocRemAddrRTO, sctpAssocRemAddrMaxPathRtx, sctpAssocRemAddrStartTime}
	return sctpTable(m, 5, columns, &m.sctp.remote,
		func(list []machine.SCTPAssociation) *table[machine.SCTPPath] {
			p := newPacker(len(list), 8)
			var rows []machine.SCTPPath
			for i := range list {
				for _, path := range list[i].Remote {
					p.number(list[i].ID)
					p.inetAddress(path.Addr, 0)
					p.end()
				}
				rows = slices.Concat(rows, list[i].Remote)
			}
			return newTable(p, rows)
		},
		func(_ context.Context, _ *mib.Request, path *machine.SCTPPath, column uint32) (snmp.Value, bool) {
			switch column {
			case sctpAssocRemAddrActive:
				v, _ := truthValue(path.Active)
				return v, path.Told
			case sctpAssocRemAddrHBActive:
				v, _ := truthValue(path.Heartbeat)
				return v, path.Told
			case sctpAssocRemAddrRTO:
				return figure(snmp.Gauge32, path.RTO)
			case sctpAssocRemAddrMaxPathRtx:
				return figure(snmp.Gauge32, path.MaxRetransmits)
			default:
				return m.ticks(path.Created), true
			}
		})
}

// sctpLookupTables find associations by port and by address. sctpLookupRemHostNameTable has no rows, since no association has a name.
func (m *MIB) sctpLookupTables() []mib.Group {
	lookup := func(number uint32, kept *derived[machine.SCTPAssociation, table[sctpRow]],
		each func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow,
	) mib.Group {
		return sctpTable(m, number, []uint32{1}, kept, sctpRows(each), m.sctpStartTime)
	}
	return []mib.Group{
		lookup(6, &m.sctp.byLocalPort, func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow {
			p.number(uint32(a.LocalPort))
			p.number(a.ID)
			p.end()
			return append(rows, sctpRow{a.Created})
		}),
		lookup(7, &m.sctp.byRemotePort, func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow {
			p.number(uint32(a.RemotePort))
			p.number(a.ID)
			p.end()
			return append(rows, sctpRow{a.Created})
		}),
		lookup(8, &m.sctp.byName, func(_ *packer, rows []sctpRow, _ *machine.SCTPAssociation) []sctpRow { return rows }),
		lookup(9, &m.sctp.byPrimary, func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow {
			if !a.Primary.IsValid() {
				return rows
			}
			p.inetAddress(a.Primary, 0)
			p.number(a.ID)
			p.end()
			return append(rows, sctpRow{a.Created})
		}),
		lookup(10, &m.sctp.byAddress, func(p *packer, rows []sctpRow, a *machine.SCTPAssociation) []sctpRow {
			for _, path := range a.Remote {
				p.inetAddress(path.Addr, 0)
				p.number(a.ID)
				p.end()
				rows = append(rows, sctpRow{path.Created})
			}
			return rows
		}),
	}
}

// sctpTables are the tables made of the latest associations.
type sctpTables struct {
	associations                                                   derived[machine.SCTPAssociation, table[machine.SCTPAssociation]]
	remote                                                         derived[machine.SCTPAssociation, table[machine.SCTPPath]]
	local, byLocalPort, byRemotePort, byName, byPrimary, byAddress derived[machine.SCTPAssociation, table[sctpRow]]
}
