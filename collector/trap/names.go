package trap

import (
	"walkabout/snmp/oid"
)

// Name is what a MIB module calls an OID, or the first Len sub-identifiers of it.
type Name struct {
	Module string // "IF-MIB"
	Object string // "ifOperStatus"
	Len    int
}

// Names finds the name of an OID, or of the longest beginning of it that has one.
type Names func(o oid.OID) (Name, bool)

// lookup asks more first, if there is any.
func lookup(more Names, o oid.OID) (Name, bool) {
	if more != nil {
		if n, ok := more(o); ok {
			return n, true
		}
	}
	for n := o.Len(); n > 0; n-- {
		if name, ok := wellKnown[o.Slice(0, n)]; ok {
			name.Len = n
			return name, true
		}
	}
	return Name{}, false
}

// wellKnown are the notifications that devices of every make send, and the objects that come with them.
var wellKnown = func() map[oid.OID]Name {
	all := map[oid.OID]Name{}
	for module, objects := range map[string]map[string]string{
		"SNMPv2-MIB": {
			"coldStart": "1.3.6.1.6.3.1.1.5.1", "warmStart": "1.3.6.1.6.3.1.1.5.2", "authenticationFailure": "1.3.6.1.6.3.1.1.5.5",
			"snmpTrapEnterprise": "1.3.6.1.6.3.1.1.4.3",
			"sysDescr":           "1.3.6.1.2.1.1.1", "sysObjectID": "1.3.6.1.2.1.1.2", "sysName": "1.3.6.1.2.1.1.5", "sysLocation": "1.3.6.1.2.1.1.6",
		},
		"RFC1213-MIB": {"egpNeighborLoss": "1.3.6.1.6.3.1.1.5.6"},
		"IF-MIB": {
			"linkDown": "1.3.6.1.6.3.1.1.5.3", "linkUp": "1.3.6.1.6.3.1.1.5.4",
			"ifIndex": "1.3.6.1.2.1.2.2.1.1", "ifDescr": "1.3.6.1.2.1.2.2.1.2", "ifType": "1.3.6.1.2.1.2.2.1.3",
			"ifAdminStatus": "1.3.6.1.2.1.2.2.1.7", "ifOperStatus": "1.3.6.1.2.1.2.2.1.8", "ifName": "1.3.6.1.2.1.31.1.1.1.1",
			"ifAlias": "1.3.6.1.2.1.31.1.1.1.18",
		},
		"SNMP-COMMUNITY-MIB": {"snmpTrapAddress": "1.3.6.1.6.3.18.1.3"},
		"BGP4-MIB": {
			"bgpEstablishedNotification": "1.3.6.1.2.1.15.0.1", "bgpBackwardTransNotification": "1.3.6.1.2.1.15.0.2",
			"bgpEstablished": "1.3.6.1.2.1.15.7.1", "bgpBackwardTransition": "1.3.6.1.2.1.15.7.2",
			"bgpPeerState": "1.3.6.1.2.1.15.3.1.2", "bgpPeerRemoteAddr": "1.3.6.1.2.1.15.3.1.7", "bgpPeerLastError": "1.3.6.1.2.1.15.3.1.14",
		},
		"BRIDGE-MIB": {"newRoot": "1.3.6.1.2.1.17.0.1", "topologyChange": "1.3.6.1.2.1.17.0.2"},
		"ENTITY-MIB": {"entConfigChange": "1.3.6.1.2.1.47.2.0.1"},
		"LLDP-MIB":   {"lldpRemTablesChange": "1.0.8802.1.1.2.0.0.1"},
		"RMON-MIB":   {"risingAlarm": "1.3.6.1.2.1.16.0.1", "fallingAlarm": "1.3.6.1.2.1.16.0.2"},
		"UPS-MIB": {
			"upsTrapOnBattery": "1.3.6.1.2.1.33.2.1", "upsTrapTestCompleted": "1.3.6.1.2.1.33.2.2",
			"upsTrapAlarmEntryAdded": "1.3.6.1.2.1.33.2.3", "upsTrapAlarmEntryRemoved": "1.3.6.1.2.1.33.2.4",
		},
		"VRRP-MIB": {"vrrpTrapNewMaster": "1.3.6.1.2.1.68.0.1", "vrrpTrapAuthFailure": "1.3.6.1.2.1.68.0.2"},
		"DISMAN-EVENT-MIB": {
			"mteTriggerFired": "1.3.6.1.2.1.88.2.0.1", "mteTriggerRising": "1.3.6.1.2.1.88.2.0.2", "mteTriggerFalling": "1.3.6.1.2.1.88.2.0.3",
		},
		"NET-SNMP-AGENT-MIB": {
			"nsNotifyStart": "1.3.6.1.4.1.8072.4.0.1", "nsNotifyShutdown": "1.3.6.1.4.1.8072.4.0.2", "nsNotifyRestart": "1.3.6.1.4.1.8072.4.0.3",
		},
	} {
		for object, o := range objects {
			all[oid.MustParse(o)] = Name{Module: module, Object: object}
		}
	}
	return all
}()
