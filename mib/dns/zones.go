package dns

import (
	"context"
	"net/netip"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	dnsServZoneEntry    = dnsServMIB.Append(1, 4, 1, 1)
	dnsServZoneSrcEntry = dnsServMIB.Append(1, 4, 2, 1)
)

// Columns of dnsServZoneTable and dnsServZoneSrcTable.
const (
	dnsServZoneLastReloadSuccess = 3
	dnsServZoneLastReloadAttempt = 4
	dnsServZoneLastSourceAttempt = 5
	dnsServZoneStatus            = 6
	dnsServZoneSerial            = 7
	dnsServZoneCurrent           = 8
	dnsServZoneLastSourceSuccess = 9

	dnsServZoneSrcStatus = 4
)

// The one value of a RowStatus here, and those of a TruthValue.
const (
	active    = 1
	truthTrue = 1
	truthNot  = 2
)

// zoneSet is the zones of one reading, as tables. It is not changed.
type zoneSet struct {
	zones              *mib.Table[Zone]
	sources            *mib.Table[struct{}]
	leftOut, noSources int
}

func newZoneSet(list []Zone) *zoneSet {
	s := &zoneSet{}
	var rows []Zone
	var index, sources []oid.OID
	var arcs []uint32
	for i := range list {
		wire, ok := wireName(list[i].Name)
		arcs = append(appendName(arcs[:0], upper(wire)), uint32(list[i].Class))
		if !ok || !fits(dnsServZoneEntry, arcs) {
			s.leftOut++
			continue
		}
		rows, index = append(rows, list[i]), append(index, oid.New(arcs...))
		for _, a := range list[i].Sources {
			if a = a.Unmap(); !a.Is4() || len(arcs)+4+dnsServZoneSrcEntry.Len()+1 > maxArcs {
				s.noSources++
				continue
			}
			b := a.As4()
			sources = append(sources, index[len(index)-1].Append(uint32(b[0]), uint32(b[1]), uint32(b[2]), uint32(b[3])))
		}
	}
	s.zones = tableOf(rows, index)
	s.sources = tableOf(make([]struct{}, len(sources)), sources)
	return s
}

// tableOf is mib.NewTable of rows whose indexes are known. Zones that stand in several views have one row, the first.
func tableOf[R any](rows []R, index []oid.OID) *mib.Table[R] {
	type indexed struct {
		index oid.OID
		row   *R
	}
	list := make([]indexed, len(rows))
	for i := range rows {
		list[i] = indexed{index[i], &rows[i]}
	}
	sorted := mib.NewTable(list, func(r *indexed) oid.OID { return r.index })
	t := &mib.Table[R]{Index: sorted.Index, Rows: make([]R, len(sorted.Rows))}
	for i, r := range sorted.Rows {
		t.Rows[i] = *r.row
	}
	return t
}

// zones returns the zones; nil if they cannot be read. All of one request see the same.
func (m *MIB) zones(ctx context.Context, q *mib.Request) *zoneSet {
	return q.Shared(&m.source.zones, func() any { return m.source.zones.get(ctx, q) }).(*zoneSet)
}

func (m *MIB) zoneTables() []mib.Group {
	return []mib.Group{{
		Entry: dnsServZoneEntry,
		Columns: []uint32{
			dnsServZoneLastReloadSuccess, dnsServZoneLastReloadAttempt, dnsServZoneLastSourceAttempt, dnsServZoneStatus, dnsServZoneSerial,
			dnsServZoneCurrent, dnsServZoneLastSourceSuccess,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			z := m.zones(ctx, q)
			if z == nil {
				return mib.Snapshot{}
			}
			return z.zones.Snapshot(func(row *Zone, column uint32) (snmp.Value, bool) { return row.cell(q, column) })
		},
	}, {
		Entry: dnsServZoneSrcEntry, Columns: []uint32{dnsServZoneSrcStatus},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			z := m.zones(ctx, q)
			if z == nil {
				return mib.Snapshot{}
			}
			return z.sources.Snapshot(func(*struct{}, uint32) (snmp.Value, bool) { return snmp.Integer(active), true })
		},
	}}
}

func (z *Zone) cell(q *mib.Request, column uint32) (snmp.Value, bool) {
	switch column {
	case dnsServZoneLastReloadSuccess:
		return elapsed(q, z.LoadedAt)
	case dnsServZoneLastReloadAttempt:
		return elapsed(q, z.TriedAt)
	case dnsServZoneLastSourceAttempt:
		return z.address(z.TriedFrom)
	case dnsServZoneStatus:
		return snmp.Integer(active), true
	case dnsServZoneSerial:
		return snmp.Counter32(z.Serial), z.HasSerial
	case dnsServZoneCurrent:
		switch z.Status {
		case ZoneCurrent:
			return snmp.Integer(truthTrue), true
		case ZoneNotCurrent:
			return snmp.Integer(truthNot), true
		}
		return none()
	default:
		return z.address(z.From)
	}
}

// address is that of a source, which is irrelevant for a primary. IpAddress is IPv4 alone.
func (z *Zone) address(a netip.Addr) (snmp.Value, bool) {
	if z.Primary {
		return snmp.IPAddress(netip.IPv4Unspecified()), true
	}
	if a = a.Unmap(); !a.Is4() {
		return none()
	}
	return snmp.IPAddress(a), true
}
