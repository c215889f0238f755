// Package trap receives notifications (RFC 3413 section 3.4): traps of SNMPv1, SNMPv2c and SNMPv3, and informs of the latter two.
//
// Nothing is taken that no configured community or user is behind. A trap of SNMPv3 must be within the time window of the engine that sent it, and
// is taken once; our own engine is authoritative for informs. Whatever else arrives is counted, by the reason, and gets no answer but the reports
// that SNMPv3 needs to find engines and clocks.
package trap

import (
	"math"
	"net/netip"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var snmpTraps = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 5)

// The notifications of RFC 3418 and RFC 2863 that the state of a device is known by.
var (
	ColdStart = snmpTraps.Append(1)
	WarmStart = snmpTraps.Append(2)
	LinkDown  = snmpTraps.Append(3)
	LinkUp    = snmpTraps.Append(4)
)

// The objects that say what a notification is and who it is of (RFC 3416 section 4.2.6, RFC 3584 section 3.1).
var (
	sysUpTime          = oid.New(1, 3, 6, 1, 2, 1, 1, 3)
	snmpTrapOID        = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 1)
	snmpTrapEnterprise = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 3)
	snmpTrapAddress    = oid.New(1, 3, 6, 1, 6, 3, 18, 1, 3)
	snmpTrapCommunity  = oid.New(1, 3, 6, 1, 6, 3, 18, 1, 4)
)

// Notification is one that was received and is to be believed as far as its version allows. One of SNMPv1 is translated as RFC 3584 section 3.1
// has it.
type Notification struct {
	At      time.Time      // when it came; no two have the same
	Source  netip.AddrPort // where the datagram came from
	Version snmp.Version
	Inform  bool

	// Of version 3.
	User     string
	EngineID string // the sender's for a trap, ours for an inform
	Context  string // contextName

	TrapOID   oid.OID // snmpTrapOID.0
	UpTime    uint32  // sysUpTime.0, in hundredths of a second
	HasUpTime bool
	// AgentAddr is the address of the device as the notification has it: agent-addr of version 1, snmpTrapAddress.0; the zero Addr if it has
	// none. Anyone can write anything there.
	AgentAddr netip.Addr
	VarBinds  []snmp.VarBind // all others, as they came, without the community

	Target Target // who it is of; without a Name if nobody is known by that address
}

// The conceptual rows of IF-MIB (RFC 2863) whose index is ifIndex alone.
var (
	ifEntry  = oid.MustParse("1.3.6.1.2.1.2.2.1")
	ifXEntry = oid.MustParse("1.3.6.1.2.1.31.1.1.1")
	ifIndex  = ifEntry.Append(1)
)

// Interface returns the ifIndex of the interface that n tells of: the value of ifIndex, or the instance of another object of ifTable or ifXTable; false if there
// is none.
func (n *Notification) Interface() (index uint32, ok bool) {
	for _, vb := range n.VarBinds {
		if vb.Name.HasPrefix(ifIndex) && vb.Value.IsNumber() && vb.Value.Int() > 0 && vb.Value.Int() <= math.MaxInt32 {
			return uint32(vb.Value.Int()), true // whatever the instance is: there are agents that leave it out
		}
		for _, entry := range []oid.OID{ifEntry, ifXEntry} {
			if vb.Name.Len() == entry.Len()+2 && vb.Name.HasPrefix(entry) && vb.Name.Last() > 0 {
				return vb.Name.Last(), true
			}
		}
	}
	return 0, false
}

// Agent returns the address of the device: what the forwarder says if it is believed, or where the datagram came from.
func (n *Notification) Agent() netip.Addr { return n.agent(n.Target.forwarded) }

func (n *Notification) agent(forwarded bool) netip.Addr {
	if forwarded && n.AgentAddr.IsValid() {
		return n.AgentAddr
	}
	return n.Source.Addr().Unmap()
}

// Target is somebody whose notifications are expected.
type Target struct {
	Name   string
	Host   string       // name or address
	More   []netip.Addr // more addresses that its notifications come from
	Labels map[string]string

	forwarded bool // it was found by the address that a forwarder told
}

// fromPDU reads what p says; false if it is no notification.
func (n *Notification) fromPDU(p *snmp.PDU) bool {
	switch p.Type {
	case snmp.TrapV1:
		n.fromV1(p)
		return true
	case snmp.TrapV2, snmp.InformRequest:
		n.Inform = p.Type == snmp.InformRequest
		return n.fromV2(p)
	}
	return false
}

// generic-trap of an enterprise's own traps (RFC 1157 section 4.1.6).
const enterpriseSpecific = 6

func (n *Notification) fromV1(p *snmp.PDU) {
	t := &p.Trap
	if t.GenericTrap >= 0 && t.GenericTrap < enterpriseSpecific {
		n.TrapOID = snmpTraps.Append(uint32(t.GenericTrap) + 1)
	} else if enterprise := t.Enterprise; enterprise.Len() <= oid.MaxLen-2 {
		n.TrapOID = enterprise.Append(0, uint32(t.SpecificTrap))
	} else {
		n.TrapOID = enterprise
	}
	n.UpTime, n.HasUpTime = t.Timestamp, true
	if !t.AgentAddr.IsUnspecified() {
		n.AgentAddr = t.AgentAddr
	}
	enterprise := false
	for _, vb := range p.VarBinds {
		enterprise = enterprise || vb.Name.HasPrefix(snmpTrapEnterprise)
		n.take(vb)
	}
	if !enterprise {
		n.VarBinds = append(n.VarBinds, snmp.VarBind{Name: snmpTrapEnterprise.Append(0), Value: snmp.ObjectID(t.Enterprise)})
	}
}

// fromV2 is false where snmpTrapOID.0 is missing or no OBJECT IDENTIFIER. A missing sysUpTime.0 is borne.
func (n *Notification) fromV2(p *snmp.PDU) bool {
	for _, vb := range p.VarBinds {
		switch {
		case !n.HasUpTime && vb.Name.HasPrefix(sysUpTime) && vb.Value.Kind() == snmp.KindTimeTicks:
			n.UpTime, n.HasUpTime = uint32(vb.Value.Uint()), true
		case n.TrapOID.IsEmpty() && vb.Name.HasPrefix(snmpTrapOID):
			n.TrapOID = vb.Value.OID()
		default:
			n.take(vb)
		}
	}
	return !n.TrapOID.IsEmpty()
}

// take keeps a variable binding. The community that a proxy has put in is a secret, of use to nobody else.
func (n *Notification) take(vb snmp.VarBind) {
	switch {
	case vb.Name.HasPrefix(snmpTrapCommunity):
		return
	case vb.Name.HasPrefix(snmpTrapAddress) && vb.Value.Addr().IsValid():
		n.AgentAddr = vb.Value.Addr()
	}
	n.VarBinds = append(n.VarBinds, vb)
}
