package discover

import (
	"context"
	"net/netip"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Protocol is a way in which devices know their neighbours.
type Protocol string

// The protocols.
const (
	LLDP Protocol = "lldp" // lldpRemManAddrTable, LLDP-MIB (IEEE 802.1AB)
	CDP  Protocol = "cdp"  // cdpCacheTable, CISCO-CDP-MIB
	ARP  Protocol = "arp"  // ipNetToPhysicalTable (RFC 4293), ipNetToMediaTable (RFC 1213)
)

// Protocols returns those that Options.Neighbours may have.
func Protocols() []Protocol { return []Protocol{LLDP, CDP, ARP} }

// table is where a protocol's neighbours are found.
type table struct {
	protocol Protocol
	column   oid.OID
	address  func(index oid.OID, v snmp.Value) (netip.Addr, bool)
}

var tables = []table{
	{LLDP, oid.MustParse("1.0.8802.1.1.2.1.4.2.1.3"), lldpAddress},     // lldpRemManAddrIfSubtype
	{CDP, oid.MustParse("1.3.6.1.4.1.9.9.23.1.2.1.1.4"), cdpAddress},   // cdpCacheAddress
	{ARP, oid.MustParse("1.3.6.1.2.1.4.35.1.4"), netToPhysicalAddress}, // ipNetToPhysicalPhysAddress
	{ARP, oid.MustParse("1.3.6.1.2.1.4.22.1.2"), netToMediaAddress},    // ipNetToMediaPhysAddress
}

// Bounds of reading one table of one device.
const (
	maxRows     = 10_000
	repetitions = 20
)

// neighbours returns the addresses that the device's tables name, each once. What cannot be read is left out: the device is found all the same.
func neighbours(ctx context.Context, c session.Client, protocols []Protocol) []netip.Addr {
	var found []netip.Addr
	seen := map[netip.Addr]bool{}
	for _, t := range tables {
		for _, p := range protocols {
			if p != t.protocol {
				continue
			}
			walk(ctx, c, t.column, func(index oid.OID, v snmp.Value) {
				a, ok := t.address(index, v)
				if a = a.Unmap(); ok && usable(a) && !seen[a] {
					seen[a] = true
					found = append(found, a)
				}
			})
		}
	}
	return found
}

// usable reports whether a can be another device's.
func usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// walk reads a column to its end, or until something is wrong.
func walk(ctx context.Context, c session.Client, column oid.OID, row func(index oid.OID, v snmp.Value)) {
	at := column
	var vbs []snmp.VarBind
	for rows := 0; rows < maxRows; {
		var err error
		vbs, err = c.Bulk(ctx, vbs[:0], 0, []oid.OID{at}, repetitions)
		if err != nil || len(vbs) == 0 {
			return
		}
		for _, vb := range vbs {
			if vb.Value.IsException() || !vb.Name.HasPrefix(column) || !at.Less(vb.Name) {
				return
			}
			at = vb.Name
			rows++
			row(vb.Name.From(column.Len()), vb.Value)
		}
	}
}

// lldpAddress reads the index of lldpRemManAddrTable: time mark, local port, remote index, the address' family (IANA's AddressFamilyNumbers)
// and the address with its length.
func lldpAddress(index oid.OID, _ snmp.Value) (netip.Addr, bool) {
	if index.Len() < 5 {
		return netip.Addr{}, false
	}
	return sizedAddress(index.From(4))
}

// sizedAddress reads an address that its length stands before.
func sizedAddress(index oid.OID) (netip.Addr, bool) {
	if index.Len() < 1 || int(index.Arc(0)) != index.Len()-1 {
		return netip.Addr{}, false
	}
	return arcsAddress(index.From(1))
}

// arcsAddress reads an address of 4 or 16 octets, one an arc.
func arcsAddress(index oid.OID) (netip.Addr, bool) {
	octets := make([]byte, 0, 16)
	for i := range index.Len() {
		if index.Arc(i) > 255 || i == 16 {
			return netip.Addr{}, false
		}
		octets = append(octets, byte(index.Arc(i)))
	}
	return netip.AddrFromSlice(octets)
}

// cdpAddress reads a value of cdpCacheAddress: the octets of an address.
func cdpAddress(_ oid.OID, v snmp.Value) (netip.Addr, bool) {
	return netip.AddrFromSlice([]byte(v.Octets()))
}

// netToPhysicalAddress reads the index of ipNetToPhysicalTable: ifIndex, InetAddressType, InetAddress.
func netToPhysicalAddress(index oid.OID, _ snmp.Value) (netip.Addr, bool) {
	if index.Len() < 3 {
		return netip.Addr{}, false
	}
	return sizedAddress(index.From(2))
}

// netToMediaAddress reads the index of ipNetToMediaTable: ifIndex and an IPv4 address.
func netToMediaAddress(index oid.OID, _ snmp.Value) (netip.Addr, bool) {
	if index.Len() != 5 {
		return netip.Addr{}, false
	}
	return arcsAddress(index.From(1))
}
