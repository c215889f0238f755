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
	"walkabout/snmp/oid"
)

// inetLists reads a list of IPv4 and one of IPv6; what of them can be read. It is false if neither can.
func inetLists[E any](ctx context.Context, v4, v6 func(context.Context) ([]E, error)) (a, b []E, ok bool) {
	a, err4 := v4(ctx)
	b, err6 := v6(ctx)
	return a, b, err4 == nil || err6 == nil
}

const (
	ipAddressIfIndex     = 3
	ipAddressType        = 4
	ipAddressPrefix      = 5
	ipAddressOrigin      = 6
	ipAddressStatus      = 7
	ipAddressCreated     = 8
	ipAddressLastChanged = 9
	ipAddressRowStatus   = 10
	ipAddressStorageType = 11
)

// addressRow is a row of ipAddressTable: an address of a link, or the broadcast address that is set with it.
type addressRow struct {
	machine.Address
	broadcast bool
	prefix    oid.OID // its row of ipAddressPrefixTable
}

func (m *MIB) ipAddressTable() mib.Group {
	return mib.Group{
		Entry: ipGroup.Append(34, 1),
		Columns: []uint32{
			ipAddressIfIndex, ipAddressType, ipAddressPrefix, ipAddressOrigin, ipAddressStatus, ipAddressCreated, ipAddressLastChanged,
			ipAddressRowStatus, ipAddressStorageType,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			a, b, ok := inetLists(ctx, r.IPv4Addresses, r.IPv6Addresses)
			if !ok {
				return mib.Snapshot{}
			}
			return m.inetAddresses.of(q, a, b, inetAddressTable).snapshot(func(a *addressRow, column uint32) (snmp.Value, bool) {
				if column == ipAddressStatus {
					var link *machine.Link
					if links, err := r.Links(ctx); err == nil {
						link, _ = links.ByIndex(a.Link)
					}
					return snmp.Integer(addressStatus(a.Flags, link)), true
				}
				return m.ipAddressCell(a, column)
			})
		},
	}
}

// inetAddressTable makes the table of a list in order. An address on several links stands once, on the first; a link-local one has its
// link in its index.
func inetAddressTable(list []machine.Address) *table[addressRow] {
	rows := make([]addressRow, 0, len(list))
	p := newPacker(len(list), 18)
	add := func(row addressRow, a netip.Addr) {
		prefixes := newPacker(1, 20)
		prefixes.prefix(row.Prefix, row.Link)
		row.prefix = ipAddressPrefixEntry.Append(ipAddressPrefixOrigin).Join(prefixes.index()[0])
		p.inetAddress(a, row.Link)
		p.end()
		rows = append(rows, row)
	}
	for _, a := range list {
		add(addressRow{Address: a}, a.Prefix.Addr())
	}
	for _, a := range list {
		if a.Broadcast.IsValid() {
			add(addressRow{Address: a, broadcast: true}, a.Broadcast)
		}
	}
	return newTable(p, rows)
}

func (m *MIB) ipAddressCell(a *addressRow, column uint32) (snmp.Value, bool) {
	const unicast, broadcast = 1, 3
	switch column {
	case ipAddressIfIndex:
		return snmp.Integer(int32(a.Link)), true
	case ipAddressType:
		if a.broadcast {
			return snmp.Integer(broadcast), true
		}
		return snmp.Integer(unicast), true
	case ipAddressPrefix:
		return snmp.ObjectID(a.prefix), true
	case ipAddressOrigin:
		return snmp.Integer(addressOrigin(&a.Address)), true
	case ipAddressCreated:
		return m.ticks(a.Created), !a.Created.IsZero()
	case ipAddressLastChanged:
		return m.ticks(a.Changed), !a.Changed.IsZero()
	case ipAddressRowStatus:
		return snmp.Integer(1), true // active
	case ipAddressStorageType:
		return snmp.Integer(2), true // volatile: the kernel forgets
	}
	return snmp.Value{}, false
}

// operates reports whether a link is not known to be of no use now.
func operates(l *machine.Link) bool {
	switch ifOperStatusOf(l) {
	case statusDown, statusNotPresent, statusLowerLayerDown:
		return false
	default:
		return true
	}
}

// addressOrigin returns an IpAddressOriginTC. Who set an address for a time only is not told: of IPv4 it is a DHCP client, of IPv6 too
// if the address is all of its prefix.
func addressOrigin(a *machine.Address) int32 {
	const manual, dhcp, linklayer, random = 2, 4, 5, 6
	switch {
	case a.Prefix.Addr().Is6() && a.Flags&machine.AddressStablePrivacy != 0,
		a.Prefix.Addr().Is6() && a.Flags&machine.AddressTemporary != 0:
		return random
	case a.Protocol == machine.AddressRA, a.Prefix.Addr().Is6() && a.Prefix.Addr().IsLinkLocalUnicast():
		return linklayer
	case a.Valid.IsZero():
		return manual
	case a.Prefix.Addr().Is4() || a.Prefix.Bits() == 128:
		return dhcp
	default:
		return linklayer
	}
}

// addressStatus returns an IpAddressStatusTC of an address on link, which is nil if it is not known.
func addressStatus(f machine.AddressFlags, link *machine.Link) int32 {
	const preferred, deprecated, inaccessible, tentative, duplicate, optimistic = 1, 2, 4, 6, 7, 8
	switch {
	case link != nil && !operates(link):
		return inaccessible
	case f&machine.AddressDADFailed != 0:
		return duplicate
	case f&machine.AddressOptimistic != 0:
		return optimistic
	case f&machine.AddressTentative != 0:
		return tentative
	case f&machine.AddressDeprecated != 0:
		return deprecated
	default:
		return preferred
	}
}

const (
	ipAddressPrefixOrigin               = 5
	ipAddressPrefixOnLinkFlag           = 6
	ipAddressPrefixAutonomousFlag       = 7
	ipAddressPrefixAdvPreferredLifetime = 8
	ipAddressPrefixAdvValidLifetime     = 9
)

var ipAddressPrefixEntry = ipGroup.Append(32, 1)

// prefix appends the index of ipAddressPrefixTable: the link, and a network.
func (p *packer) prefix(network netip.Prefix, link uint32) {
	p.number(link)
	p.inetAddress(network.Masked().Addr(), 0)
	p.number(uint32(network.Bits()))
	p.end()
}

// ipAddressPrefixTable has the networks that addresses are of.
func (m *MIB) ipAddressPrefixTable() mib.Group {
	return mib.Group{
		Entry: ipAddressPrefixEntry,
		Columns: []uint32{
			ipAddressPrefixOrigin, ipAddressPrefixOnLinkFlag, ipAddressPrefixAutonomousFlag, ipAddressPrefixAdvPreferredLifetime,
			ipAddressPrefixAdvValidLifetime,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			r := m.reading(q)
			a, b, ok := inetLists(ctx, r.IPv4Addresses, r.IPv6Addresses)
			if !ok {
				return mib.Snapshot{}
			}
			return m.prefixes.of(q, a, b, prefixTable).snapshot(func(a *machine.Address, column uint32) (snmp.Value, bool) {
				return prefixCell(a, column, q.At)
			})
		},
	}
}

// prefixTable makes the table of a list. Of the addresses of one network that of the latest end stands for it.
func prefixTable(list []machine.Address) *table[machine.Address] {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b machine.Address) int {
		switch {
		case a.Valid.IsZero() == b.Valid.IsZero():
			return b.Valid.Compare(a.Valid)
		case a.Valid.IsZero():
			return -1
		default:
			return 1
		}
	})
	p := newPacker(len(list), 20)
	for i := range list {
		p.prefix(list[i].Prefix, list[i].Link)
	}
	return newTable(p, list)
}

func prefixCell(a *machine.Address, column uint32, at time.Time) (snmp.Value, bool) {
	origin := prefixOrigin(a)
	const routeradv = 5
	switch column {
	case ipAddressPrefixOrigin:
		return snmp.Integer(origin), true
	case ipAddressPrefixOnLinkFlag:
		return truthValue(a.Flags&machine.AddressNoPrefixRoute == 0)
	case ipAddressPrefixAutonomousFlag:
		return truthValue(origin == routeradv)
	case ipAddressPrefixAdvPreferredLifetime:
		return lifetime(a.Preferred, at), true
	case ipAddressPrefixAdvValidLifetime:
		return lifetime(a.Valid, at), true
	}
	return snmp.Value{}, false
}

// prefixOrigin returns an IpAddressPrefixOriginTC.
func prefixOrigin(a *machine.Address) int32 {
	const manual, wellknown, dhcp, routeradv = 2, 3, 4, 5
	if a.Prefix.Addr().Is6() && a.Prefix.Addr().IsLinkLocalUnicast() {
		return wellknown
	}
	switch addressOrigin(a) {
	case 2:
		return manual
	case 4:
		return dhcp
	default:
		return routeradv
	}
}

// lifetime returns the seconds until end; the largest number for ever.
func lifetime(end, at time.Time) snmp.Value {
	if end.IsZero() {
		return snmp.Gauge32(math.MaxUint32)
	}
	return snmp.Gauge32(uint32(min(max(end.Sub(at)/time.Second, 0), math.MaxUint32-1)))
}
