package mib2

import (
	"context"
	"math"
	"net/netip"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	inetCidrRouteNumber   = 6
	inetCidrRouteDiscards = 8

	inetCidrRouteIfIndex   = 7
	inetCidrRouteType      = 8
	inetCidrRouteProto     = 9
	inetCidrRouteNextHopAS = 11
	inetCidrRouteMetric1   = 12
	inetCidrRouteMetric2   = 13
	inetCidrRouteMetric3   = 14
	inetCidrRouteMetric4   = 15
	inetCidrRouteMetric5   = 16
	inetCidrRouteStatus    = 17
)

func (m *MIB) openInetCidrRoutes(ctx context.Context, q *mib.Request) mib.Snapshot {
	r := m.costly(q, machine.PartIPv4Routes, machine.PartIPv6Routes)
	a, b, ok := inetLists(ctx, r.IPv4Routes, r.IPv6Routes)
	if !ok {
		return mib.Snapshot{}
	}
	return m.inetRoutes.of(q, a, b, inetCidrRouteTable).snapshot(inetCidrRouteCell)
}

// inetCidrRouteTable has all routes of the main tables of IPv4 and IPv6.
func (m *MIB) inetCidrRouteTable() mib.Group {
	return mib.Group{
		Entry: ipGroup.Append(ipForward, 7, 1),
		Columns: []uint32{
			inetCidrRouteIfIndex, inetCidrRouteType, inetCidrRouteProto, inetCidrRouteNextHopAS, inetCidrRouteMetric1, inetCidrRouteMetric2,
			inetCidrRouteMetric3, inetCidrRouteMetric4, inetCidrRouteMetric5, inetCidrRouteStatus,
		},
		Open: m.openInetCidrRoutes,
	}
}

// inetCidrRouteTable makes the table of a list in the order of Reading.IPv4Routes. inetCidrRoutePolicy is 0.0, with the link behind it
// for a route without a next hop, and with as much as it takes of link, metric and TOS for one that has an index before it already.
func inetCidrRouteTable(list []machine.Route) *table[machine.Route] {
	p := newPacker(len(list), 32)
	type key struct {
		nextHop netip.Addr
		link    uint32
	}
	seen := map[key]bool{}
	for i := range list {
		r := &list[i]
		if i > 0 && r.Dst != list[i-1].Dst {
			clear(seen)
		}
		policy := []uint32{0, 0}
		if !r.NextHop.IsValid() {
			policy = append(policy, r.Link)
		}
		k := key{nextHop: r.NextHop}
		if !r.NextHop.IsValid() || r.NextHop.IsLinkLocalUnicast() {
			k.link = r.Link
		}
		if seen[k] {
			policy = []uint32{0, 0, r.Link, r.Metric, uint32(r.TOS)}
		}
		seen[k] = true
		p.inetAddress(r.Dst.Addr(), 0)
		p.number(uint32(r.Dst.Bits()))
		p.number(uint32(len(policy)))
		for _, arc := range policy {
			p.number(arc)
		}
		p.inetAddress(r.NextHop, r.Link)
		p.end()
	}
	return newTable(p, list)
}

func inetCidrRouteCell(r *machine.Route, column uint32) (snmp.Value, bool) {
	switch column {
	case inetCidrRouteIfIndex:
		return snmp.Integer(int32(r.Link)), true // 0 if it leads nowhere
	case inetCidrRouteType:
		return snmp.Integer(inetRouteType(r)), true
	case inetCidrRouteProto:
		return snmp.Integer(inetRouteProto(r.Protocol)), true
	case inetCidrRouteNextHopAS:
		return snmp.Gauge32(0), true // unknown or not relevant
	case inetCidrRouteMetric1:
		return snmp.Integer(int32(min(r.Metric, math.MaxInt32))), true
	case inetCidrRouteMetric2, inetCidrRouteMetric3, inetCidrRouteMetric4, inetCidrRouteMetric5:
		return snmp.Integer(-1), true // not used
	case inetCidrRouteStatus:
		return snmp.Integer(1), true // active
	}
	return snmp.Value{}, false
}

// inetRouteType returns inetCidrRouteType, which unlike ipCidrRouteType knows blackhole(5).
func inetRouteType(r *machine.Route) int32 {
	const blackhole = 5
	if r.Type == machine.RouteBlackhole {
		return blackhole
	}
	return cidrRouteType(r)
}

// inetRouteProto returns an IANAipRouteProtocol.
func inetRouteProto(p machine.RouteProtocol) int32 {
	const icmp, dhcp = 4, 19
	switch p {
	case machine.ProtocolRA: // it is ICMPv6
		return icmp
	case machine.ProtocolDHCP:
		return dhcp
	default:
		return cidrRouteProto(p)
	}
}

const (
	ipDefaultRouterLifetime   = 4
	ipDefaultRouterPreference = 5
)

// ipDefaultRouterTable has the next hops of the default routes.
func (m *MIB) ipDefaultRouterTable() mib.Group {
	return mib.Group{
		Entry:   ipGroup.Append(37, 1),
		Columns: []uint32{ipDefaultRouterLifetime, ipDefaultRouterPreference},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.costly(q, machine.PartIPv4Routes, machine.PartIPv6Routes)
			a, b, ok := inetLists(ctx, r.IPv4Routes, r.IPv6Routes)
			if !ok {
				return mib.Snapshot{}
			}
			return m.defaultRouters.of(q, a, b, defaultRouterTable).snapshot(func(r *machine.Route, column uint32) (snmp.Value, bool) {
				if column == ipDefaultRouterPreference {
					return snmp.Integer(int32(r.Preference)), true
				}
				if r.Expires.IsZero() {
					return snmp.Gauge32(math.MaxUint16), true
				}
				return snmp.Gauge32(uint32(min(max(r.Expires.Sub(q.At)/time.Second, 0), math.MaxUint16))), true
			})
		},
	}
}

func defaultRouterTable(list []machine.Route) *table[machine.Route] {
	var rows []machine.Route
	p := newPacker(1, 20)
	for i := range list {
		r := &list[i]
		if r.Dst.Bits() != 0 || !r.NextHop.IsValid() || r.Type != machine.RouteUnicast {
			continue
		}
		p.inetAddress(r.NextHop, r.Link)
		p.number(r.Link)
		p.end()
		rows = append(rows, *r)
	}
	return newTable(p, rows)
}
