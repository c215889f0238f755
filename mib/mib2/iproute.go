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
	ipRouteDest    = 1
	ipRouteIfIndex = 2
	ipRouteMetric1 = 3
	ipRouteMetric2 = 4
	ipRouteMetric3 = 5
	ipRouteMetric4 = 6
	ipRouteNextHop = 7
	ipRouteType    = 8
	ipRouteProto   = 9
	ipRouteAge     = 10
	ipRouteMask    = 11
	ipRouteMetric5 = 12
	ipRouteInfo    = 13
)

func (m *MIB) ipRouteTable() mib.Group {
	return mib.Group{
		Entry: ipGroup.Append(21, 1),
		Columns: []uint32{
			ipRouteDest, ipRouteIfIndex, ipRouteMetric1, ipRouteMetric2, ipRouteMetric3, ipRouteMetric4, ipRouteNextHop,
			ipRouteType, ipRouteProto, ipRouteAge, ipRouteMask, ipRouteMetric5, ipRouteInfo,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			list, err := m.ipv4Routes(ctx, q)
			if err != nil {
				return mib.Snapshot{}
			}
			return m.routes.of(q, list, routeTable).snapshot(ipRouteCell)
		},
	}
}

// routeTable makes the table of a list in order. The index has room for one route a destination address: the first, which is the
// one of the longest mask, then of the lowest metric.
func routeTable(list []machine.Route) *table[machine.Route] {
	at := make([]int32, 0, len(list))
	p := newPacker(len(list), 4)
	for i := range list {
		dst := list[i].Dst.Addr()
		if last := len(at) - 1; !dst.Is4() || last >= 0 && list[at[last]].Dst.Addr() == dst {
			continue
		}
		p.address(dst)
		p.end()
		at = append(at, int32(i))
	}
	return &table[machine.Route]{index: p.index(), rows: list, at: at}
}

func ipRouteCell(r *machine.Route, column uint32) (snmp.Value, bool) {
	switch column {
	case ipRouteDest:
		return snmp.IPAddress(r.Dst.Addr()), true
	case ipRouteIfIndex:
		return snmp.Integer(int32(r.Link)), true // 0 if it leads nowhere
	case ipRouteMetric1:
		return snmp.Integer(int32(min(r.Metric, math.MaxInt32))), true
	case ipRouteMetric2, ipRouteMetric3, ipRouteMetric4, ipRouteMetric5:
		return snmp.Integer(-1), true // not used
	case ipRouteNextHop:
		return nextHop(r)
	case ipRouteType:
		return snmp.Integer(routeType(r)), true
	case ipRouteProto:
		return snmp.Integer(routeProto(r.Protocol)), true
	case ipRouteMask:
		return netMask(r.Dst.Bits()), true
	case ipRouteInfo:
		return zeroDotZero, true
	}
	return snmp.Value{}, false
}

// nextHop returns ipRouteNextHop. That of a connected network is this host's own address there (RFC 1213), 0.0.0.0 where the
// route names none. An IPv6 gateway cannot be told.
func nextHop(r *machine.Route) (snmp.Value, bool) {
	switch {
	case r.NextHop.IsValid():
		return snmp.IPAddress(r.NextHop), r.NextHop.Is4()
	case r.Source.Is4():
		return snmp.IPAddress(r.Source), true
	default:
		return snmp.IPAddress(netip.IPv4Unspecified()), true
	}
}

// routeType returns ipRouteType; routes that lead nowhere are other(1).
func routeType(r *machine.Route) int32 {
	const other, direct, indirect = 1, 3, 4
	switch r.Type {
	case machine.RouteUnicast:
		if r.NextHop.IsValid() {
			return indirect
		}
		return direct
	case machine.RouteLocal, machine.RouteBroadcast, machine.RouteAnycast:
		return direct
	default:
		return other
	}
}

// routeProto returns ipRouteProto. What came from no routing protocol (the kernel itself, a person, a script) is local(2).
func routeProto(p machine.RouteProtocol) int32 {
	switch p {
	case machine.ProtocolKernel, machine.ProtocolBoot, machine.ProtocolStatic:
		return 2
	case machine.ProtocolRedirect:
		return 4 // icmp
	case machine.ProtocolRIP:
		return 8
	case machine.ProtocolISIS:
		return 9
	case machine.ProtocolOSPF:
		return 13
	case machine.ProtocolBGP:
		return 14
	default:
		return 1 // other
	}
}
