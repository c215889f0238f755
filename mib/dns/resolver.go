package dns

import (
	"cmp"
	"context"
	"slices"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	dnsResConfig               = dnsResMIB.Append(1, 1)
	dnsResConfigSbeltEntry     = dnsResConfig.Append(4, 1)
	dnsResCounter              = dnsResMIB.Append(1, 2)
	dnsResCounterByOpcodeEntry = dnsResCounter.Append(3, 1)
	dnsResCounterByRcodeEntry  = dnsResCounter.Append(4, 1)
	dnsResLameDelegation       = dnsResMIB.Append(1, 3)
	dnsResLameDelegationEntry  = dnsResLameDelegation.Append(2, 1)
	dnsResCache                = dnsResMIB.Append(1, 4)
	dnsResCacheRREntry         = dnsResCache.Append(5, 1)
	dnsResNCache               = dnsResMIB.Append(1, 5)
	dnsResNCacheErrEntry       = dnsResNCache.Append(5, 1)
	dnsResOptCounter           = dnsResMIB.Append(1, 6)
)

// Columns of dnsResConfig, dnsResConfigSbeltTable, dnsResCache and dnsResNCache.
const (
	dnsResConfigImplementIdent = 1
	dnsResConfigService        = 2
	dnsResConfigMaxCnames      = 3
	dnsResConfigUpTime         = 5
	dnsResConfigResetTime      = 6
	dnsResConfigReset          = 7

	dnsResConfigSbeltName      = 2
	dnsResConfigSbeltRecursion = 3
	dnsResConfigSbeltPref      = 4
	dnsResConfigSbeltStatus    = 7

	cacheStatus = 1
	cacheMaxTTL = 2
)

// cacheEnabled is of dnsResCacheStatus and dnsResNCacheStatus.
const cacheEnabled = 1

// The resolver's counters by their columns.
var (
	resolverCounters = []string{
		5: "dnsResCounterNonAuthDataResps", "dnsResCounterNonAuthNoDataResps", "dnsResCounterMartians", "dnsResCounterRecdResponses",
		"dnsResCounterUnparseResps", "dnsResCounterFallbacks",
	}
	opcodeCounters = []string{2: "dnsResCounterByOpcodeQueries", "dnsResCounterByOpcodeResponses"}
	rcodeCounters  = []string{2: "dnsResCounterByRcodeResponses"}
	lameCounters   = []string{1: "dnsResLameDelegationOverflows"}
	cacheCounters  = []string{3: "dnsResCacheGoodCaches", "dnsResCacheBadCaches"}
	ncacheCounters = []string{3: "dnsResNCacheGoodNCaches", "dnsResNCacheBadNCaches"}
	optCounters    = []string{
		1: "dnsResOptCounterReferals", "dnsResOptCounterRetrans", "dnsResOptCounterNoResponses", "dnsResOptCounterRootRetrans",
		"dnsResOptCounterInternals", "dnsResOptCounterInternalTimeOuts",
	}
)

func (m *MIB) resolverGroups() []mib.Group {
	scalars := func(entry oid.OID, names []string) mib.Group {
		return mib.Group{Entry: entry, Columns: columnsOf(names), Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return m.counters(ctx, q, names)
		}}
	}
	return []mib.Group{
		m.resolverConfig(), m.sbeltTable(),
		m.codeTable(dnsResCounterByOpcodeEntry, opcodeCounters), m.codeTable(dnsResCounterByRcodeEntry, rcodeCounters),
		scalars(dnsResCounter, resolverCounters), scalars(dnsResLameDelegation, lameCounters), scalars(dnsResOptCounter, optCounters),
		empty(dnsResLameDelegationEntry, 4, 5), empty(dnsResCacheRREntry, 4, 5, 6, 7, 8, 10), empty(dnsResNCacheErrEntry, 4, 5, 6, 7, 8, 9, 10),
		m.cache(dnsResCache, cacheCounters, func(r *Reading) (bool, *uint32) { return r.Caches, r.MaxTTL }),
		m.cache(dnsResNCache, ncacheCounters, func(r *Reading) (bool, *uint32) { return r.CachesNegative, r.MaxNegativeTTL }),
	}
}

// empty is a table of which no server tells a row.
func empty(entry oid.OID, columns ...uint32) mib.Group {
	return mib.Group{Entry: entry, Columns: columns, Open: func(context.Context, *mib.Request) mib.Snapshot { return mib.Snapshot{} }}
}

func (m *MIB) resolverConfig() mib.Group {
	return mib.Group{
		Entry: dnsResConfig,
		Columns: []uint32{
			dnsResConfigImplementIdent, dnsResConfigService, dnsResConfigMaxCnames, dnsResConfigUpTime, dnsResConfigResetTime, dnsResConfigReset,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			f := m.figures(ctx, q)
			if !m.source.resolves() {
				return mib.Snapshot{}
			}
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch {
				case column == dnsResConfigReset:
					return m.state(f)
				case f == nil:
					return none()
				}
				switch column {
				case dnsResConfigImplementIdent:
					return ident(f)
				case dnsResConfigService:
					return enumerated(f.Service)
				case dnsResConfigUpTime:
					return elapsed(q, f.Started)
				case dnsResConfigResetTime:
					return elapsed(q, f.Reloaded)
				}
				return none()
			})
		},
	}
}

func (m *MIB) sbeltTable() mib.Group {
	return mib.Group{
		Entry:   dnsResConfigSbeltEntry,
		Columns: []uint32{dnsResConfigSbeltName, dnsResConfigSbeltRecursion, dnsResConfigSbeltPref, dnsResConfigSbeltStatus},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			f := m.figures(ctx, q)
			if f == nil {
				return mib.Snapshot{}
			}
			return f.sbelt.Snapshot(func(row *Sbelt, column uint32) (snmp.Value, bool) {
				switch column {
				case dnsResConfigSbeltName:
					if row.Name == "" {
						return snmp.OctetString(""), true
					}
					wire, ok := wireName(row.Name)
					return snmp.OctetString(wire), ok
				case dnsResConfigSbeltRecursion:
					return snmp.Integer(map[Service]int32{IterativeOnly: 1, RecursiveOnly: 2}[row.Recursion]), row.Recursion != 0
				case dnsResConfigSbeltPref:
					return snmp.Integer(row.Preference), true
				default:
					return snmp.Integer(active), true
				}
			})
		},
	}
}

// sbeltOf returns the rows that fit into the table: those of IPv4 addresses.
func sbeltOf(list []Sbelt) *mib.Table[Sbelt] {
	var rows []Sbelt
	var index []oid.OID
	for _, s := range list {
		wire, ok := wireName(s.Subtree)
		if s.Addr = s.Addr.Unmap(); !ok || !s.Addr.Is4() {
			continue
		}
		b := s.Addr.As4()
		arcs := append(appendName([]uint32{uint32(b[0]), uint32(b[1]), uint32(b[2]), uint32(b[3])}, upper(wire)), classIN)
		if fits(dnsResConfigSbeltEntry, arcs) {
			rows, index = append(rows, s), append(index, oid.New(arcs...))
		}
	}
	return tableOf(rows, index)
}

// codeTable has a row for each opcode or rcode that is counted.
func (m *MIB) codeTable(entry oid.OID, names []string) mib.Group {
	return mib.Group{
		Entry: entry, Columns: columnsOf(names),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			f := m.figures(ctx, q)
			if f == nil {
				return mib.Snapshot{}
			}
			var codes []uint32
			for c := range f.counts {
				if slices.Contains(names, c.object) && !slices.Contains(codes, c.row) {
					codes = append(codes, c.row)
				}
			}
			slices.SortFunc(codes, cmp.Compare)
			index := make([]oid.OID, len(codes))
			for i, code := range codes {
				index[i] = oid.New(code)
			}
			return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) {
				n, ok := f.counts[count{names[column], codes[row]}]
				return snmp.Counter32(n), ok
			}}
		},
	}
}

// cache is dnsResCache or dnsResNCache.
func (m *MIB) cache(entry oid.OID, names []string, settings func(*Reading) (enabled bool, most *uint32)) mib.Group {
	return mib.Group{
		Entry: entry, Columns: append([]uint32{cacheStatus, cacheMaxTTL}, columnsOf(names)...),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			f := m.figures(ctx, q)
			if f == nil {
				return mib.Snapshot{}
			}
			enabled, most := settings(f.Reading)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch column {
				case cacheStatus:
					return snmp.Integer(cacheEnabled), enabled
				case cacheMaxTTL:
					if most == nil {
						return none()
					}
					return snmp.Gauge32(*most), true
				}
				n, ok := f.counts[count{object: names[column]}]
				return snmp.Counter32(n), ok
			})
		},
	}
}
