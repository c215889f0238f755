package mib2

import (
	"context"
	"math"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

// The scalars of IP-MIB (RFC 4293) that RFC 1213 does not have.
const (
	ipv6IPForwarding             = 25
	ipv6IPDefaultHopLimit        = 26
	ipv4InterfaceTableLastChange = 27
	ipv6InterfaceTableLastChange = 29
)

func (m *MIB) ipMIBScalars() mib.Group {
	return mib.Group{
		Entry:   ipGroup,
		Columns: []uint32{ipv6IPForwarding, ipv6IPDefaultHopLimit, ipv4InterfaceTableLastChange, ipv6InterfaceTableLastChange},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				switch column {
				case ipv4InterfaceTableLastChange:
					return m.lastChange(ctx, r, nil)
				case ipv6InterfaceTableLastChange:
					list, err := r.IPv6Links(ctx)
					if err != nil {
						return snmp.Value{}, false
					}
					return m.lastChange(ctx, r, list)
				}
				s, err := r.IPv6Settings(ctx)
				if err != nil {
					return snmp.Value{}, false
				}
				if column == ipv6IPForwarding {
					v, _ := truthValue(s.Forwarding > 0) // forwarding(1) and notForwarding(2) are the same numbers
					return v, s.Forwarding >= 0
				}
				return snmp.Integer(int32(min(s.DefaultHopLimit, math.MaxInt32))), s.DefaultHopLimit >= 0
			})
		},
	}
}

// lastChange returns when links last came, went or changed, by themselves or in how IPv6 runs on them.
func (m *MIB) lastChange(ctx context.Context, r *machine.Reading, list []machine.IPv6Link) (snmp.Value, bool) {
	links, err := r.Links(ctx)
	if err != nil {
		return snmp.Value{}, false
	}
	latest := links.LastChange
	for i := range list {
		if list[i].Changed.After(latest) {
			latest = list[i].Changed
		}
	}
	return m.ticks(latest), true
}

// byLink returns what makes a table of rows, ascending by their link, that are indexed by it behind the given arcs.
func byLink[R any](link func(*R) uint32, before ...uint32) func(rows []R) *table[R] {
	return func(rows []R) *table[R] {
		p := newPacker(len(rows), 1+len(before))
		for i := range rows {
			for _, arc := range before {
				p.number(arc)
			}
			p.number(link(&rows[i]))
			p.end()
		}
		return &table[R]{index: p.index(), rows: rows}
	}
}

const (
	ipv4InterfaceReasmMaxSize   = 2
	ipv4InterfaceEnableStatus   = 3
	ipv4InterfaceRetransmitTime = 4
)

const interfaceUp, interfaceDown = 1, 2 // of ipv4InterfaceEnableStatus and ipv6InterfaceEnableStatus

// ipv4InterfaceTable has the links that IPv4 runs on.
func (m *MIB) ipv4InterfaceTable() mib.Group {
	build := byLink(func(l *machine.IPv4Link) uint32 { return l.Link })
	cell := func(l *machine.IPv4Link, column uint32) (snmp.Value, bool) {
		switch column {
		case ipv4InterfaceReasmMaxSize:
			return snmp.Integer(maxDatagram), true
		case ipv4InterfaceEnableStatus:
			return snmp.Integer(interfaceUp), true
		case ipv4InterfaceRetransmitTime:
			return snmp.Gauge32(l.RetransTime), true
		}
		return snmp.Value{}, false
	}
	return mib.Group{
		Entry:   ipGroup.Append(28, 1),
		Columns: []uint32{ipv4InterfaceReasmMaxSize, ipv4InterfaceEnableStatus, ipv4InterfaceRetransmitTime},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.reading(q).IPv4Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.ipv4Links.of(q, list, build).snapshot(cell)
		},
	}
}

const (
	ipv6InterfaceReasmMaxSize   = 2
	ipv6InterfaceIdentifier     = 3
	ipv6InterfaceEnableStatus   = 5
	ipv6InterfaceReachableTime  = 6
	ipv6InterfaceRetransmitTime = 7
	ipv6InterfaceForwarding     = 8
)

func linkOfIPv6(l *machine.IPv6Link) uint32 { return l.Link }

func (m *MIB) ipv6InterfaceTable() mib.Group {
	build := byLink(linkOfIPv6)
	return mib.Group{
		Entry: ipGroup.Append(30, 1),
		Columns: []uint32{
			ipv6InterfaceReasmMaxSize, ipv6InterfaceIdentifier, ipv6InterfaceEnableStatus, ipv6InterfaceReachableTime, ipv6InterfaceRetransmitTime,
			ipv6InterfaceForwarding,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			list, err := r.IPv6Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.ipv6Links.of(q, list, build).snapshot(func(l *machine.IPv6Link, column uint32) (snmp.Value, bool) {
				if column == ipv6InterfaceIdentifier {
					addresses, err := r.IPv6Addresses(ctx)
					return snmp.OctetString(identifier(addresses, l.Link)), err == nil
				}
				return ipv6InterfaceCell(l, column)
			})
		},
	}
}

func ipv6InterfaceCell(l *machine.IPv6Link, column uint32) (snmp.Value, bool) {
	switch column {
	case ipv6InterfaceReasmMaxSize:
		return snmp.Gauge32(l.MaxReassembly), l.MaxReassembly > 0
	case ipv6InterfaceEnableStatus:
		if l.Disabled {
			return snmp.Integer(interfaceDown), true
		}
		return snmp.Integer(interfaceUp), true
	case ipv6InterfaceReachableTime:
		return snmp.Gauge32(l.ReachableTime), true
	case ipv6InterfaceRetransmitTime:
		return snmp.Gauge32(l.RetransTime), true
	case ipv6InterfaceForwarding:
		return truthValue(l.Forwarding) // forwarding(1) and notForwarding(2) are the same numbers
	}
	return snmp.Value{}, false
}

// identifier returns the interface identifier of a link: the last 64 bits of its link-local address, empty without one.
func identifier(addresses []machine.Address, link uint32) string {
	for i := range addresses {
		if a := addresses[i].Prefix.Addr(); addresses[i].Link == link && a.Is6() && a.IsLinkLocalUnicast() {
			octets := a.As16()
			return string(octets[8:])
		}
	}
	return ""
}

// The columns of ipv6ScopeZoneIndexTable are a zone each, of the scopes 2 to D (RFC 4007).
const (
	ipv6ScopeZoneIndexLinkLocal = 2
	ipv6ScopeZoneIndexD         = 13
)

// ipv6ScopeZoneIndexTable: a link is a link-local zone of its own, and of the larger scopes there is one zone, the default.
func (m *MIB) ipv6ScopeZoneIndexTable() mib.Group {
	build := byLink(linkOfIPv6)
	g := mib.Group{Entry: ipGroup.Append(36, 1)}
	for column := uint32(ipv6ScopeZoneIndexLinkLocal); column <= ipv6ScopeZoneIndexD; column++ {
		g.Columns = append(g.Columns, column)
	}
	g.Open = func(ctx context.Context, q *mib.Request) mib.Snapshot {
		list, err := m.reading(q).IPv6Links(ctx)
		if err != nil {
			return mib.Snapshot{}
		}
		return m.ipv6Links.of(q, list, build).snapshot(func(l *machine.IPv6Link, column uint32) (snmp.Value, bool) {
			if column == ipv6ScopeZoneIndexLinkLocal {
				return snmp.Gauge32(l.Link), true
			}
			return snmp.Gauge32(0), true
		})
	}
	return g
}

const ipIfStatsTableLastChange = 2

// ipIfStatsScalars has ipIfStatsTableLastChange.
func (m *MIB) ipIfStatsScalars() mib.Group {
	return mib.Group{
		Entry:   ipTrafficStats,
		Columns: []uint32{ipIfStatsTableLastChange},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			return mib.Scalars(func(uint32) (snmp.Value, bool) {
				if _, err := r.IPv6Links(ctx); err != nil {
					return snmp.Value{}, false
				}
				return m.lastChange(ctx, r, nil)
			})
		},
	}
}

// ipIfStatsTable has rows of IPv6 alone: no kernel counts IPv4 by link.
func (m *MIB) ipIfStatsTable() mib.Group {
	build := byLink(linkOfIPv6, ipv6)
	return mib.Group{
		Entry:   ipTrafficStats.Append(3, 1),
		Columns: ipStatsColumns(true),
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.reading(q).IPv6Links(ctx)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.ipIfStats.of(q, list, build).snapshot(func(l *machine.IPv6Link, column uint32) (snmp.Value, bool) {
				stats, err := m.reading(q).LinkStats6(ctx, l.Link)
				switch {
				case err != nil:
					return snmp.Value{}, false
				case column == ipStatsDiscontinuityTime:
					return m.ticks(stats.Discontinuity), true
				}
				return ipStatsCell(column, ipv6, func(s machine.Stat) (uint64, bool, bool) {
					n, known := stats.Get(s)
					return n, stats.Wide, known
				})
			})
		},
	}
}
