package mib2

import (
	"context"
	"math"
	"net/netip"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	ipCidrRouteDest      = 1
	ipCidrRouteMask      = 2
	ipCidrRouteTos       = 3
	ipCidrRouteNextHop   = 4
	ipCidrRouteIfIndex   = 5
	ipCidrRouteType      = 6
	ipCidrRouteProto     = 7
	ipCidrRouteAge       = 8
	ipCidrRouteInfo      = 9
	ipCidrRouteNextHopAS = 10
	ipCidrRouteMetric1   = 11
	ipCidrRouteMetric2   = 12
	ipCidrRouteMetric3   = 13
	ipCidrRouteMetric4   = 14
	ipCidrRouteMetric5   = 15
	ipCidrRouteStatus    = 16
)

// ipForward is where IP-FORWARD-MIB (RFC 4292) lies within the ip group.
const ipForward = 24

const ipCidrRouteNumber = 3

func (m *MIB) ipForwardScalars() mib.Group {
	return mib.Group{
		Entry:   ipGroup.Append(ipForward),
		Columns: []uint32{ipCidrRouteNumber, inetCidrRouteNumber, inetCidrRouteDiscards},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) {
				_, err := m.ipv4Routes(ctx, q)
				open := m.openCidrRoutes
				if column != ipCidrRouteNumber && err == nil {
					_, err = m.reading(q).IPv6Routes(ctx)
					open = m.openInetCidrRoutes
				}
				if column == inetCidrRouteDiscards {
					n, unknown := m.reading(q).DiscardedRoutes()
					return snmp.Counter32(uint32(n)), err == nil && unknown == nil
				}
				return snmp.Gauge32(uint32(len(open(ctx, q).Index))), err == nil
			})
		},
	}
}

// ipCidrRouteTable has the routes that ipRouteTable has no room for: several to one address.
func (m *MIB) ipCidrRouteTable() mib.Group {
	return mib.Group{
		Entry: ipGroup.Append(ipForward, 4, 1),
		Columns: []uint32{
			ipCidrRouteDest, ipCidrRouteMask, ipCidrRouteTos, ipCidrRouteNextHop, ipCidrRouteIfIndex, ipCidrRouteType,
			ipCidrRouteProto, ipCidrRouteAge, ipCidrRouteInfo, ipCidrRouteNextHopAS, ipCidrRouteMetric1, ipCidrRouteMetric2,
			ipCidrRouteMetric3, ipCidrRouteMetric4, ipCidrRouteMetric5, ipCidrRouteStatus,
		},
		Open: m.openCidrRoutes,
	}
}

func (m *MIB) openCidrRoutes(ctx context.Context, q *mib.Request) mib.Snapshot {
	list, err := m.ipv4Routes(ctx, q)
	if err != nil {
		return mib.Snapshot{}
	}
	return m.cidrRoutes.of(q, list, cidrRouteTable).snapshot(ipCidrRouteCell)
}

// cidrRouteTable makes the table of a list in which the lowest metric comes first. Routes by an IPv6 gateway have no place in it.
func cidrRouteTable(list []machine.Route) *table[machine.Route] {
	at := make([]int32, 0, len(list))
	p := newPacker(len(list), 13)
	for i := range list {
		r := &list[i]
		if !r.Dst.Addr().Is4() || r.NextHop.IsValid() && !r.NextHop.Is4() {
			continue
		}
		p.address(r.Dst.Addr())
		p.address(netMask(r.Dst.Bits()).Addr())
		p.number(uint32(r.TOS))
		p.address(gateway(r))
		p.end()
		at = append(at, int32(i))
	}
	return newTableOf(p, list, at)
}

// gateway returns ipCidrRouteNextHop: 0.0.0.0 where there is no gateway.
func gateway(r *machine.Route) netip.Addr {
	if r.NextHop.IsValid() {
		return r.NextHop
	}
	return netip.IPv4Unspecified()
}

func ipCidrRouteCell(r *machine.Route, column uint32) (snmp.Value, bool) {
	switch column {
	case ipCidrRouteDest:
		return snmp.IPAddress(r.Dst.Addr()), true
	case ipCidrRouteMask:
		return netMask(r.Dst.Bits()), true
	case ipCidrRouteTos:
		return snmp.Integer(int32(r.TOS)), true
	case ipCidrRouteNextHop:
		return snmp.IPAddress(gateway(r)), true
	case ipCidrRouteIfIndex:
		return snmp.Integer(int32(r.Link)), true // 0 if it leads nowhere
	case ipCidrRouteType:
		return snmp.Integer(cidrRouteType(r)), true
	case ipCidrRouteProto:
		return snmp.Integer(cidrRouteProto(r.Protocol)), true
	case ipCidrRouteInfo:
		return zeroDotZero, true
	case ipCidrRouteNextHopAS:
		return snmp.Integer(0), true // unknown or not relevant
	case ipCidrRouteMetric1:
		return snmp.Integer(int32(min(r.Metric, math.MaxInt32))), true
	case ipCidrRouteMetric2, ipCidrRouteMetric3, ipCidrRouteMetric4, ipCidrRouteMetric5:
		return snmp.Integer(-1), true // not used
	case ipCidrRouteStatus:
		return snmp.Integer(1), true // active
	}
	return snmp.Value{}, false
}

// cidrRouteType returns ipCidrRouteType, which unlike ipRouteType knows reject(2).
func cidrRouteType(r *machine.Route) int32 {
	switch r.Type {
	case machine.RouteBlackhole, machine.RouteUnreachable, machine.RouteProhibit:
		return 2
	default:
		return routeType(r)
	}
}

// cidrRouteProto returns ipCidrRouteProto, which unlike ipRouteProto has netmgmt(3) for static routes, and ciscoEigrp(16).
func cidrRouteProto(p machine.RouteProtocol) int32 {
	switch p {
	case machine.ProtocolBoot, machine.ProtocolStatic:
		return 3
	case machine.ProtocolEIGRP:
		return 16
	default:
		return routeProto(p)
	}
}
