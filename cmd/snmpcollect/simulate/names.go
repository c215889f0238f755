package simulate

import (
	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// names is what the usual MIB modules say, as sim.Names.
type names struct{ *smi.Names }

// OID implements sim.Names.
func (n names) OID(name string) (oid.OID, error) {
	o, _, err := smi.ParseName(n.Names, name)
	return o, err
}

var kinds = map[smi.Base]snmp.Kind{
	smi.Integer: snmp.KindInteger, smi.Unsigned: snmp.KindGauge32, smi.Counter32: snmp.KindCounter32, smi.Counter64: snmp.KindCounter64,
	smi.TimeTicks: snmp.KindTimeTicks, smi.OctetString: snmp.KindOctetString, smi.Bits: snmp.KindOctetString, smi.ObjectIdentifier: snmp.KindOID,
	smi.IPAddress: snmp.KindIPAddress, smi.Opaque: snmp.KindOpaque,
}

// Kind implements sim.Names.
func (n names) Kind(o oid.OID) snmp.Kind {
	object, ok := n.Find(o)
	if ok && !object.HasValue() && o.Len() > 1 { // DISMAN-EVENT-MIB has a name for the instance sysUpTime.0
		object, ok = n.Find(o.Slice(0, o.Len()-1))
	}
	if !ok || !object.HasValue() {
		return 0
	}
	return kinds[object.Syntax.Base]
}

// Label implements sim.Names.
func (n names) Label(o oid.OID, label string) (int32, bool) {
	object, ok := n.Find(o)
	if !ok {
		return 0, false
	}
	number, ok := object.Syntax.Number(label)
	return int32(number), ok
}
