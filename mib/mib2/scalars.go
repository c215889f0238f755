package mib2

import (
	"context"
	"maps"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// statistic is an object that is one figure of the protocols' statistics.
type statistic struct {
	stat machine.Stat
	kind snmp.Kind
}

// statistics are objects by column.
type statistics map[uint32]statistic

// counters returns the objects whose values are Counter32.
func counters(stats map[uint32]machine.Stat) statistics {
	s := make(statistics, len(stats))
	for column, stat := range stats {
		s[column] = statistic{stat, snmp.KindCounter32}
	}
	return s
}

// with returns s with more objects.
func (s statistics) with(more statistics) statistics {
	s = maps.Clone(s)
	maps.Copy(s, more)
	return s
}

// statisticsGroup returns a group of scalars that are figures of the protocols' statistics.
func (m *MIB) statisticsGroup(group oid.OID, s statistics) mib.Group {
	return mib.Group{
		Entry:   group,
		Columns: slices.Sorted(maps.Keys(s)),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			stats, err := m.reading(q).Stats(ctx)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				if err != nil {
					return snmp.Value{}, false
				}
				return s[column].value(stats)
			})
		},
	}
}

func (s statistic) value(stats *machine.Stats) (snmp.Value, bool) {
	n, known := stats.Get(s.stat)
	switch s.kind {
	case snmp.KindInteger:
		return snmp.Integer(int32(n)), known
	case snmp.KindGauge32:
		return snmp.Gauge32(uint32(n)), known
	default:
		return counter(s.kind, stats.Wide, n, known)
	}
}
