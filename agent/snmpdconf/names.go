package snmpdconf

import (
	"strconv"
	"strings"

	"walkabout/snmp/oid"
)

// wellKnown is the names that files use for subtrees; no MIB files are read.
var wellKnown = map[string]string{
	"ccitt": "0", "iso": "1", "joint-iso-ccitt": "2", "org": "1.3", "dod": "1.3.6", "internet": "1.3.6.1", "directory": "1.3.6.1.1", "mgmt": "1.3.6.1.2", "experimental": "1.3.6.1.3",
	"private": "1.3.6.1.4", "enterprises": "1.3.6.1.4.1", "security": "1.3.6.1.5", "snmpV2": "1.3.6.1.6", "snmpModules": "1.3.6.1.6.3",
	"mib-2": "1.3.6.1.2.1", "system": "1.3.6.1.2.1.1", "interfaces": "1.3.6.1.2.1.2", "at": "1.3.6.1.2.1.3", "ip": "1.3.6.1.2.1.4",
	"icmp": "1.3.6.1.2.1.5", "tcp": "1.3.6.1.2.1.6", "udp": "1.3.6.1.2.1.7", "egp": "1.3.6.1.2.1.8", "transmission": "1.3.6.1.2.1.10",
	"snmp": "1.3.6.1.2.1.11", "ifMIB": "1.3.6.1.2.1.31", "host": "1.3.6.1.2.1.25", "hrSystem": "1.3.6.1.2.1.25.1",
	"hrStorage": "1.3.6.1.2.1.25.2", "hrDevice": "1.3.6.1.2.1.25.3", "hrSWRun": "1.3.6.1.2.1.25.4", "hrSWRunPerf": "1.3.6.1.2.1.25.5",
	"hrSWInstalled": "1.3.6.1.2.1.25.6", "ucdavis": "1.3.6.1.4.1.2021", "netSnmp": "1.3.6.1.4.1.8072",
	"snmpFrameworkMIB": "1.3.6.1.6.3.10", "snmpMPDMIB": "1.3.6.1.6.3.11", "snmpUsmMIB": "1.3.6.1.6.3.15", "snmpVacmMIB": "1.3.6.1.6.3.16",
	"usmUser": "1.3.6.1.6.3.15.1.2", "vacmMIBObjects": "1.3.6.1.6.3.16.1",
	"sysDescr": "1.3.6.1.2.1.1.1", "sysObjectID": "1.3.6.1.2.1.1.2", "sysUpTime": "1.3.6.1.2.1.1.3", "sysContact": "1.3.6.1.2.1.1.4",
	"sysName": "1.3.6.1.2.1.1.5", "sysLocation": "1.3.6.1.2.1.1.6", "sysServices": "1.3.6.1.2.1.1.7",
	"ifTable": "1.3.6.1.2.1.2.2", "ifDescr": "1.3.6.1.2.1.2.2.1.2", "ifType": "1.3.6.1.2.1.2.2.1.3", "ifMtu": "1.3.6.1.2.1.2.2.1.4",
	"ifSpeed": "1.3.6.1.2.1.2.2.1.5", "ifAdminStatus": "1.3.6.1.2.1.2.2.1.7", "ifOperStatus": "1.3.6.1.2.1.2.2.1.8",
	"ifXTable": "1.3.6.1.2.1.31.1.1", "ifName": "1.3.6.1.2.1.31.1.1.1.1", "ifHighSpeed": "1.3.6.1.2.1.31.1.1.1.15", "ifAlias": "1.3.6.1.2.1.31.1.1.1.18",
}

// parseOID reads .1.3.6.1.2.1.1, system, SNMPv2-MIB::system, .iso.org.dod and system.5: a well-known name, and after it numbers or the
// well-known names of children. Behind a dot at the front only the root's children stand.
func parseOID(s string) (oid.OID, bool) {
	if _, name, ok := strings.Cut(s, "::"); ok {
		s = name
	}
	rest, absolute := strings.CutPrefix(s, ".")
	path := ""
	for i, part := range strings.Split(rest, ".") {
		named := wellKnown[part]
		switch {
		case named == "":
			if _, err := strconv.ParseUint(part, 10, 32); err != nil {
				return oid.OID{}, false
			}
			path += "." + part
		case i == 0 && (!absolute || !strings.Contains(named, ".")):
			path = "." + named
		case i > 0 && "."+named[:max(0, strings.LastIndexByte(named, '.'))] == path:
			path = "." + named
		default:
			return oid.OID{}, false
		}
	}
	o, err := oid.Parse(path)
	return o, err == nil && !o.IsEmpty()
}
