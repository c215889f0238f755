package mib2

import (
	"walkabout/machine"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// LinkTrap is a linkDown or linkUp notification (RFC 2863 section 3.1.15) without its sysUpTime and snmpTrapOID.
type LinkTrap struct {
	Up       bool
	VarBinds []snmp.VarBind // ifIndex, ifAdminStatus, ifOperStatus; then, which helps a reader, ifDescr and, if it is set, ifAlias
}

// LinkTrapOf returns the notification that e calls for: linkDown if ifOperStatus became down, linkUp if it was down and is no more; not to
// and from notPresent, not for a link that appeared or is gone, and not where ifLinkUpDownTrapEnable is disabled.
func (m *MIB) LinkTrapOf(e machine.LinkEvent) (LinkTrap, bool) {
	if e.Before == nil || e.After == nil {
		return LinkTrap{}, false
	}
	before, after := linkStatus(e.Before), linkStatus(e.After)
	if (before == statusDown) == (after == statusDown) || before == statusNotPresent || after == statusNotPresent || !m.LinkTraps(e.Links, e.After) {
		return LinkTrap{}, false
	}
	ifEntry, ifXEntry := interfacesGroup.Append(2, 1), ifMIBObjects.Append(1, 1)
	vb := func(entry oid.OID, column uint32, v snmp.Value) snmp.VarBind {
		return snmp.VarBind{Name: entry.Append(column, e.After.Index), Value: v}
	}
	t := LinkTrap{Up: before == statusDown, VarBinds: []snmp.VarBind{
		vb(ifEntry, ifIndex, snmp.Integer(int32(e.After.Index))),
		vb(ifEntry, ifAdminStatus, snmp.Integer(ifAdminStatusOf(e.After))),
		vb(ifEntry, ifOperStatus, snmp.Integer(ifOperStatusOf(e.After))),
		vb(ifEntry, ifDescr, snmp.OctetString(e.After.Name)),
	}}
	if e.After.Alias != "" {
		t.VarBinds = append(t.VarBinds, vb(ifXEntry, ifAlias, snmp.OctetString(cut(e.After.Alias, maxAlias))))
	}
	return t, true
}

// linkStatus is ifOperStatus, but for a link whose peer is down: the kernel says lowerLayerDown of it, and a peer is the other end of the cable
// and no lower layer, of which a trap of its own would tell.
func linkStatus(l *machine.Link) int32 {
	status := ifOperStatusOf(l)
	if status == statusLowerLayerDown && (l.Kind == "veth" || l.Kind == "netkit") {
		return statusDown
	}
	return status
}

// ObjectID returns sysObjectID.
func (m *MIB) ObjectID() oid.OID { return m.system.Load().ObjectID }
