// Package mib2 serves MIB-II (RFC 1213) of the machine that the agent runs on, with what its successors added to the same
// groups: SNMPv2-MIB (RFC 3418), IF-MIB (RFC 2863), IP-MIB (RFC 4293), IP-FORWARD-MIB (RFC 4292), TCP-MIB (RFC 4022), UDP-MIB
// (RFC 4113) and SCTP-MIB (RFC 3873).
//
// An object that the system does not tell is noSuchInstance; no value stands in for it. Those of Linux are:
//
//   - ifOutQLen, ifInUnknownProtos, and the broadcast and outgoing multicast packets of ifXTable, which the kernel does
//     not count;
//   - ifSpeed and ifHighSpeed of a link whose speed the kernel does not know, such as an Ethernet port without a link.
//     Loopback and tunnels have no speed of their own and are 0, as RFC 2863 wants it;
//   - ifConnectorPresent where only the driver would know;
//   - ipAdEntBcastAddr of an address without a broadcast address, ipRouteAge, ipCidrRouteAge, inetCidrRouteAge, ipRoutingDiscards;
//   - ipIfStatsTable's rows of IPv4, which the kernel does not count by link, and the broadcast packets of IPv6, which has none;
//   - the rows of ipv6RouterAdvertTable: the daemon that advertises keeps them to itself.
//
// The kernel counts outgoing packets without regard to their destination. ifOutUcastPkts is all of them, and so nothing is
// left for ifOutNUcastPkts, which is 0: tools that add the two up get the true sum, and some (snmpstatus) take a row for the
// end of the table if it lacks one of them.
//
// Counters are of one reading a request. A Counter32 is the low half of the Counter64 of the same thing.
package mib2

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The groups of MIB-II, and the objects of IF-MIB.
var (
	mib2Root        = oid.New(1, 3, 6, 1, 2, 1)
	systemGroup     = mib2Root.Append(1)
	interfacesGroup = mib2Root.Append(2)
	atGroup         = mib2Root.Append(3)
	ipGroup         = mib2Root.Append(4)
	icmpGroup       = mib2Root.Append(5)
	tcpGroup        = mib2Root.Append(6)
	udpGroup        = mib2Root.Append(7)
	dot3StatsRoot   = mib2Root.Append(10, 7, 2)
	snmpGroup       = mib2Root.Append(11)
	ifMIBObjects    = mib2Root.Append(31, 1)
	ifEntry         = interfacesGroup.Append(2, 1)
	ifXEntry        = ifMIBObjects.Append(1, 1)

	zeroDotZero = snmp.ObjectID(oid.New(0, 0)) // a pointer to nothing (RFC 2578 section 3.5)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID {
	return []oid.OID{
		systemGroup, interfacesGroup, atGroup, ipGroup, icmpGroup, tcpGroup, udpGroup, dot3StatsRoot, snmpGroup, ifMIBObjects, ifInvertedStack, sctpObjects,
	}
}

// Options are what a MIB serves.
type Options struct {
	Machine  *machine.Machine
	Counters *snmp.Counters // the snmp group; of the agent that serves this MIB
	Start    time.Time      // when sysUpTime was 0
	System   System         // DefaultSystem and what the administrator says
	Modules  []mib.Module   // sysORTable; Modules() and what else the agent serves
}

// MIB is a mib.Handler for the subtrees of Roots. It is a mib.Setter and a mib.Keeper as well; docs/writable.md lists what can be SET.
type MIB struct {
	tree     *mib.Tree
	machine  *machine.Machine
	counters *snmp.Counters
	start    time.Time
	built    []mib.Module // of Options
	modules  atomic.Pointer[modules]
	system   atomic.Pointer[System]
	kept     atomic.Pointer[kept]

	interfaces     interfaces
	dot3           mib.Derived[*machine.Link, mib.Table[*machine.Link]]
	atRows         derived[machine.Neighbour, table[machine.Neighbour]]
	addresses      derived[machine.Address, table[machine.Address]]
	routes         derived[machine.Route, table[machine.Route]]
	netToMediaRows derived[machine.Neighbour, table[machine.Neighbour]]
	cidrRoutes     derived[machine.Route, table[machine.Route]]
	inetRoutes     derivedPair[machine.Route, table[machine.Route]]
	defaultRouters derivedPair[machine.Route, table[machine.Route]]
	inetAddresses  derivedPair[machine.Address, table[addressRow]]
	prefixes       derivedPair[machine.Address, table[machine.Address]]
	inetNeighbours derivedPair[machine.Neighbour, table[machine.Neighbour]]
	ipv4Links      derived[machine.IPv4Link, table[machine.IPv4Link]]
	ipv6Links      derived[machine.IPv6Link, table[machine.IPv6Link]]
	ipIfStats      derived[machine.IPv6Link, table[machine.IPv6Link]]
	tcp            derived[machine.TCPSocket, table[connection]]
	connections    derived[machine.TCPSocket, table[machine.TCPSocket]]
	listeners      derived[machine.TCPSocket, table[machine.TCPSocket]]
	udp            derived[machine.UDPSocket, table[endpoint]]
	endpoints      derived[machine.UDPSocket, table[machine.UDPSocket]]
	sctp           sctpTables
}

// New returns the MIB of o; an error if o.System is not valid or something is missing.
func New(o Options) (*MIB, error) {
	if o.Machine == nil || o.Counters == nil || o.Start.IsZero() {
		return nil, errors.New("mib2: machine, counters and start time are needed")
	}
	m := &MIB{machine: o.Machine, counters: o.Counters, start: o.Start, built: o.Modules}
	m.kept.Store(&kept{})
	m.SetModules(nil, time.Time{})
	if err := m.SetSystem(o.System); err != nil {
		return nil, err
	}
	var err error
	m.tree, err = mib.NewTree(append(m.sctpLookupTables(),
		m.systemScalars(), m.sysORTable(),
		m.ifScalars(), m.ifTable(), m.ifXTable(), m.ifStackTable(), m.ifRcvAddressTable(), m.ifMIBScalars(), m.ifInvStackTable(),
		m.atTable(),
		m.ipScalars(), m.ipAddrTable(), m.ipRouteTable(), m.ipNetToMediaTable(),
		m.ipForwardScalars(), m.ipCidrRouteTable(),
		m.inetCidrRouteTable(),
		m.ipMIBScalars(), m.ipv4InterfaceTable(), m.ipv6InterfaceTable(), m.ipSystemStatsTable(), m.ipIfStatsScalars(), m.ipIfStatsTable(),
		m.ipAddressPrefixTable(), m.ipAddressTable(), m.ipNetToPhysicalTable(), m.ipv6ScopeZoneIndexTable(), m.ipDefaultRouterTable(),
		m.icmpScalars(), m.icmpStatsTable(), m.icmpMsgStatsTable(),
		m.tcpScalars(), m.tcpConnTable(), m.tcpConnectionTable(), m.tcpListenerTable(),
		m.udpScalars(), m.udpTable(), m.udpEndpointTable(),
		m.dot3StatsTable(),
		m.snmpScalars(),
		m.sctpStats(), m.sctpParams(), m.sctpAssocTable(), m.sctpAssocLocalAddrTable(), m.sctpAssocRemAddrTable(),
	)...)
	if err != nil {
		return nil, fmt.Errorf("mib2: %w", err)
	}
	return m, nil
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// SetSystem replaces what the administrator says about this machine; an error, and no change, if s is not valid. Requests
// may be under way. What s sets hides what was SET, which shows again once s sets it no more.
func (m *MIB) SetSystem(s System) error {
	if err := s.Validate(); err != nil {
		return err
	}
	m.system.Store(&s)
	return nil
}

// reading returns the request's reading of this machine, which all handlers of the request share.
func (m *MIB) reading(q *mib.Request) *machine.Reading {
	return q.Shared(m.machine, func() any { return m.machine.Reading(q.At, q.Fresh) }).(*machine.Reading)
}

// ticks returns sysUpTime at the moment t: a TimeStamp (RFC 2579), 0 for what was before the start and for the zero Time. It
// wraps after 497 days.
func (m *MIB) ticks(t time.Time) snmp.Value {
	if t.IsZero() || t.Before(m.start) {
		return snmp.TimeTicks(0)
	}
	return snmp.TimeTicks(uint32(t.Sub(m.start) / (10 * time.Millisecond)))
}

// truthValue returns a TruthValue (RFC 2579).
func truthValue(b bool) (snmp.Value, bool) {
	if b {
		return snmp.Integer(1), true
	}
	return snmp.Integer(2), true
}

// counter returns a counter of a reading as the given column type; false if it is not known, or if 64 bits are asked of a
// counter that has only 32.
func counter(kind snmp.Kind, wide bool, n uint64, known bool) (snmp.Value, bool) {
	switch {
	case !known:
		return snmp.Value{}, false
	case kind == snmp.KindCounter64:
		return snmp.Counter64(n), wide
	default:
		return snmp.Counter32(uint32(n)), true
	}
}

// cut returns the first octets of s, at most size, without parting a UTF-8 sequence.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	end := size
	for end > size-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	if !utf8.RuneStart(s[end]) { // not UTF-8
		end = size
	}
	return s[:end]
}
