package notify

import (
	"errors"
	"net/netip"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// errCounter64 means a notification that no SNMPv1 trap can carry.
var errCounter64 = errors.New("it holds a Counter64, which SNMPv1 has not")

const enterpriseSpecific = 6

// trapV1 returns m as a Trap-PDU (RFC 3584 section 3.2).
func trapV1(m *message, agent netip.Addr) (snmp.PDU, error) {
	p := snmp.PDU{Type: snmp.TrapV1, Trap: snmp.TrapV1Header{AgentAddr: agent, Timestamp: uint32(m.varBinds[0].Value.Uint())}}
	enterprise := snmpTraps
	for _, vb := range m.varBinds[2:] {
		switch {
		case vb.Value.Kind() == snmp.KindCounter64:
			return p, errCounter64
		case vb.Name == snmpTrapEnterprise: // it has a field of its own
			enterprise = vb.Value.OID()
			continue
		}
		p.VarBinds = append(p.VarBinds, vb)
	}
	if generic, ok := genericTrap(m.trapOID); ok {
		p.Trap.Enterprise, p.Trap.GenericTrap = enterprise, generic
		return p, nil
	}
	p.Trap.GenericTrap = enterpriseSpecific
	p.Trap.Enterprise, p.Trap.SpecificTrap = cutTrapOID(m.trapOID)
	return p, nil
}

// genericTrap returns the generic-trap of one of RFC 3418's notifications.
func genericTrap(trap oid.OID) (int32, bool) {
	n := snmpTraps.Len()
	if !trap.HasPrefix(snmpTraps) || trap.Len() != n+1 || trap.Arc(n) < 1 || trap.Arc(n) > enterpriseSpecific {
		return 0, false
	}
	return int32(trap.Arc(n)) - 1, true
}

// cutTrapOID returns the enterprise and the specific-trap of any other notification: the last sub-identifier, and what is before it
// without a 0 at its end.
func cutTrapOID(trap oid.OID) (enterprise oid.OID, specific int32) {
	n := trap.Len() - 1
	if n < 1 {
		return trap, 0
	}
	specific = int32(trap.Arc(n))
	if n > 1 && trap.Arc(n-1) == 0 {
		n--
	}
	return trap.Slice(0, n), specific
}
