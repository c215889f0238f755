package dns

import (
	"context"

	"walkabout/mib"
	"walkabout/snmp"
)

var (
	dnsServConfig  = dnsServMIB.Append(1, 1)
	dnsServCounter = dnsServMIB.Append(1, 2)
)

// Columns of dnsServConfig.
const (
	dnsServConfigImplementIdent = 1
	dnsServConfigRecurs         = 2
	dnsServConfigUpTime         = 3
	dnsServConfigResetTime      = 4
	dnsServConfigReset          = 5
)

// The values of dnsServConfigReset and dnsResConfigReset.
const (
	resetOther   = 1
	resetReset   = 2
	resetRunning = 4
)

// serverCounters are the scalars of dnsServCounter by their columns.
var serverCounters = []string{
	2: "dnsServCounterAuthAns", "dnsServCounterAuthNoNames", "dnsServCounterAuthNoDataResps", "dnsServCounterNonAuthDatas",
	"dnsServCounterNonAuthNoDatas", "dnsServCounterReferrals", "dnsServCounterErrors", "dnsServCounterRelNames", "dnsServCounterReqRefusals",
	"dnsServCounterReqUnparses", "dnsServCounterOtherErrors",
}

// columnsOf returns the columns that have a name.
func columnsOf(names []string) []uint32 {
	var out []uint32
	for column, name := range names {
		if name != "" {
			out = append(out, uint32(column))
		}
	}
	return out
}

// counters returns a group of scalars that are all counters.
func (m *MIB) counters(ctx context.Context, q *mib.Request, names []string) mib.Snapshot {
	f := m.figures(ctx, q)
	return mib.Scalars(func(column uint32) (snmp.Value, bool) {
		if f != nil {
			if n, ok := f.counts[count{object: names[column]}]; ok {
				return snmp.Counter32(n), true
			}
		}
		return none()
	})
}

func (m *MIB) serverGroups() []mib.Group {
	return []mib.Group{{
		Entry: dnsServConfig, Columns: []uint32{dnsServConfigImplementIdent, dnsServConfigRecurs, dnsServConfigUpTime, dnsServConfigResetTime, dnsServConfigReset},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			f := m.figures(ctx, q)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) { return m.serverConfig(f, q, column) })
		},
	}, {
		Entry: dnsServCounter, Columns: columnsOf(serverCounters),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			told := m.counters(ctx, q, serverCounters)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				// What has a rule is the server's alone: a counter that changed its source would jump.
				if m.tap != nil && !m.source.tells(serverCounters[column]) {
					return m.tap.total(column)
				}
				return told.Cell(0, column)
			})
		},
	}}
}

// serverConfig is a cell of dnsServConfig. Of a server that cannot be read it is known that its state is not.
func (m *MIB) serverConfig(f *figures, q *mib.Request, column uint32) (snmp.Value, bool) {
	if column == dnsServConfigReset {
		return m.state(f)
	}
	if f == nil {
		return none()
	}
	switch column {
	case dnsServConfigImplementIdent:
		return ident(f)
	case dnsServConfigRecurs:
		return enumerated(f.Recursion)
	case dnsServConfigUpTime:
		return elapsed(q, f.Started)
	default:
		return elapsed(q, f.Reloaded)
	}
}

func (m *MIB) state(f *figures) (snmp.Value, bool) {
	if f == nil {
		return snmp.Integer(resetOther), true
	}
	return snmp.Integer(resetRunning), true
}

func ident(f *figures) (snmp.Value, bool) {
	if f.Software == "" {
		return none()
	}
	return mib.Text(f.Software, 255), true
}
