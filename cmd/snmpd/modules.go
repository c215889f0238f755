package main

import (
	"fmt"
	"slices"
	"strings"

	"walkabout/internal/nearest"
	"walkabout/snmp/oid"
)

// modules is what -I says: nothing, the only modules to serve, or those to leave out.
type modules struct {
	names []string // of moduleSubtrees
	only  bool
}

// setModules reads [-]MODULE[,MODULE].
func (o *options) setModules(list string) {
	list, leaveOut := strings.CutPrefix(list, "-")
	if o.modules.only == leaveOut {
		o.modules = modules{only: !leaveOut}
	}
	for _, name := range splitFiles(list) {
		subtrees, known := moduleSubtrees[name]
		switch {
		case !known:
			warning := fmt.Sprintf("flag -I: no module is called %s", name)
			if near := nearest.Word(name, moduleNames()); near != "" {
				warning += fmt.Sprintf("; did you mean %s?", near)
			}
			o.warnings = append(o.warnings, warning)
			continue
		case len(subtrees) == 0 && !leaveOut:
			o.warnings = append(o.warnings, fmt.Sprintf("flag -I: the module %s is not served", name))
		}
		o.modules.names = append(o.modules.names, name)
	}
}

func moduleNames() []string {
	var names []string
	for name := range moduleSubtrees {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// leftOut returns the subtrees that are not to be served.
func (m *modules) leftOut() []oid.OID {
	var out []oid.OID
	if !m.only {
		for _, name := range m.names {
			out = append(out, subtreesOf(name)...)
		}
		return out
	}
	var served []oid.OID
	for _, name := range m.names {
		served = append(served, subtreesOf(name)...)
	}
	for _, name := range moduleNames() {
		for _, o := range subtreesOf(name) {
			// One that has a served one in it has others beside that, which have names of their own.
			if !slices.ContainsFunc(served, func(s oid.OID) bool { return s.HasPrefix(o) || o.HasPrefix(s) }) {
				out = append(out, o)
			}
		}
	}
	return out
}

func subtreesOf(module string) []oid.OID {
	var out []oid.OID
	for _, s := range moduleSubtrees[module] {
		out = append(out, oid.MustParse(s))
	}
	return out
}

// Where most modules are.
const (
	mibII          = "1.3.6.1.2.1."
	hostMIB        = mibII + "25."
	snmpModulesMIB = "1.3.6.1.6.3."
	ucdavis        = "1.3.6.1.4.1.2021."
)

// moduleSubtrees is Net-SNMP's modules (snmpd -Dmib_init lists them) and what they serve. Those without a subtree serve nothing of their own,
// or nothing that this agent serves.
var moduleSubtrees = map[string][]string{
	"system_mib": {mibII + "1.1", mibII + "1.2", mibII + "1.3", mibII + "1.4", mibII + "1.5", mibII + "1.6", mibII + "1.7"},
	"sysORTable": {mibII + "1.8", mibII + "1.9"},
	"interface":  {mibII + "2"}, "interfaces": {mibII + "2"}, "ifTable": {mibII + "2.2"},
	"ifXTable": {mibII + "31.1", mibII + "77"}, // and what else is of IF-MIB, which Net-SNMP has not
	"at":       {mibII + "3"},
	"ip":       {mibII + "4"},
	"ip_scalars": {
		mibII + "4.1", mibII + "4.2", mibII + "4.3", mibII + "4.4", mibII + "4.5", mibII + "4.6", mibII + "4.7", mibII + "4.8", mibII + "4.9", mibII + "4.10",
		mibII + "4.11", mibII + "4.12", mibII + "4.13", mibII + "4.14", mibII + "4.15", mibII + "4.16", mibII + "4.17", mibII + "4.18", mibII + "4.19",
		mibII + "4.23", mibII + "4.25", mibII + "4.26",
	},
	"ipAddressTable": {mibII + "4.34"}, "ipAddressPrefixTable": {mibII + "4.32"}, "ipDefaultRouterTable": {mibII + "4.37"},
	"inetNetToMediaTable": {mibII + "4.35"}, "ipSystemStatsTable": {mibII + "4.31.1"}, "ipIfStatsTable": {mibII + "4.31.2", mibII + "4.31.3"},
	"ipv6ScopeZoneIndexTable": {mibII + "4.36"}, "ipCidrRouteTable": {mibII + "4.24.3", mibII + "4.24.4"},
	"inetCidrRouteTable": {mibII + "4.24.6", mibII + "4.24.7"}, "var_route": {mibII + "4.21"}, "ipv6": nil,
	"icmp": {mibII + "5"},
	"tcp":  {mibII + "6"}, "tcpTable": {mibII + "6.13"}, "tcpConnectionTable": {mibII + "6.19"}, "tcpListenerTable": {mibII + "6.20"},
	"udp": {mibII + "7"}, "udpTable": {mibII + "7.5"}, "udpEndpointTable": {mibII + "7.7"},
	"dot3StatsTable": {mibII + "10.7.2"},
	"snmp_mib":       {mibII + "11"},
	"mta_sendmail":   {mibII + "28"},

	"hr_system": {hostMIB + "1"}, "hrh_storage": {hostMIB + "2"}, "hr_storage": {hostMIB + "2"}, "hr_device": {hostMIB + "3.2"},
	"hr_proc": {hostMIB + "3.3"}, "hr_network": {hostMIB + "3.4"}, "hr_print": {hostMIB + "3.5"}, "hr_disk": {hostMIB + "3.6"},
	"hr_partition": {hostMIB + "3.7"}, "hrh_filesys": {hostMIB + "3.8"}, "hr_filesys": {hostMIB + "3.8"}, "hr_other": nil,
	"hrSWRunTable": {hostMIB + "4"}, "hr_swrun": {hostMIB + "4"}, "hrSWRunPerfTable": {hostMIB + "5"}, "hrSWInstalledTable": {hostMIB + "6"},
	"hr_swinst": {hostMIB + "6"},

	"snmpEngine": {snmpModulesMIB + "10.2.1"}, "snmpMPDStats": {snmpModulesMIB + "11.2.1"}, "usmStats": {snmpModulesMIB + "15.1.1"},
	"usmUser": {snmpModulesMIB + "15.1.2"}, "vacm_vars": {snmpModulesMIB + "16.1.2", snmpModulesMIB + "16.1.4", snmpModulesMIB + "16.1.5"},
	"vacm_context": {snmpModulesMIB + "16.1.1"}, "setSerialNo": {snmpModulesMIB + "1.1.6"}, "snmpNotifyTable": {snmpModulesMIB + "13.1.1"},
	"snmpNotifyFilterProfileTable": {snmpModulesMIB + "13.1.2"}, "snmpNotifyFilterTable": {snmpModulesMIB + "13.1.3"},
	"snmpTargetAddrEntry": {snmpModulesMIB + "12.1.2"}, "snmpTargetParamsEntry": {snmpModulesMIB + "12.1.3"},
	"target_counters": {snmpModulesMIB + "12.1.4", snmpModulesMIB + "12.1.5"},

	"proc": {ucdavis + "2"}, "memory": {ucdavis + "4"}, "extensible": {ucdavis + "8"}, "disk": {ucdavis + "9"}, "disk_hw": {ucdavis + "9"},
	"loadave": {ucdavis + "10"}, "vmstat": {ucdavis + "11"}, "diskio": {ucdavis + "13.15"}, "lmsensorsMib": {ucdavis + "13.16"},
	"file": {ucdavis + "15"}, "logmatch": {ucdavis + "16"}, "versioninfo": {ucdavis + "100"}, "errormib": {ucdavis + "101"},
	"extend": {"1.3.6.1.4.1.8072.1.3"}, "nsModuleTable": {"1.3.6.1.4.1.8072.1.2"}, "nsCache": {"1.3.6.1.4.1.8072.1.5"},

	"agentx": nil, "smux": nil, "usmConf": nil, "iquery": nil, "vacm_conf": nil, "dlmod": nil, "pass": nil, "pass_persist": nil, "proxy": nil, "override": nil,
	"nsTransactionTable": nil, "nsDebug": nil, "nsLogging": nil, "nsVacmAccessTable": nil, "notification_log": nil,
	"mteScalars": nil, "mteTrigger": nil, "mteTriggerTable": nil, "mteTriggerDeltaTable": nil, "mteTriggerExistenceTable": nil,
	"mteTriggerBooleanTable": nil, "mteTriggerThresholdTable": nil, "mteTriggerConf": nil, "mteEvent": nil, "mteEventTable": nil,
	"mteEventSetTable": nil, "mteEventNotificationTable": nil, "mteEventConf": nil, "mteObjects": nil, "mteObjectsTable": nil, "mteObjectsConf": nil,
	"schedCore": nil, "schedConf": nil, "schedTable": nil, "swinst": nil, "swrun": nil, "hw_sensors": nil, "hw_mem": nil, "hw_fsys": nil, "cpu": nil, "cpu_linux": nil,
}
