package snmpdconf

import "walkabout/internal/nearest"

// notServed is the directives of Net-SNMP's agent (snmpd -H) and of reading files (snmp_config(5)) that this one does not act on, so that
// they are told from misspelt ones.
var notServed = []string{
	"add_row", "agentgroup", "agentuser", "agentXPerms", "agentXRetries", "agentXSocket", "agentXTimeout", "at",
	"avgBulkVarbindSize", "certSecName", "clientRecvBuf", "clientSendBuf",
	"count_kthreads", "cron", "defaultMonitors", "defDomain", "defTarget", "disablePerl",
	"dlmod", "doNotRetainNotificationLogs", "dontLogTCPWrappersConnects",
	"dontRetainLogs", "exec", "extend", "extend-sh", "extendfix", "file", "ifmib_max_num_ifaces",
	"include_ifmib_iface_prefix", "includeSearch", "injectHandler", "interface",
	"interface_fadeout", "interface_replace_old", "iqueryLevel", "iquerySecLevel", "iqueryVersion", "leave_pidfile",
	"logmatch", "master", "monitor", "notificationEvent",
	"oldEngineID", "override", "pass", "pass_persist", "pduStatsMax", "pduStatsThreshold", "perl", "perlInitFile", "procfix", "proxy",
	"psyscontact", "psyslocation", "psysname", "quit", "repeat", "sendmail_config", "sendmail_index",
	"sendmail_queue", "sendmail_queue_t", "sendmail_stats", "sendmail_stats_t", "setEvent", "setserialno", "sh",
	"smuxpeer", "smuxsocket", "snmpTlstmAddr", "snmpTlstmParams", "sourceFilterAddress", "sourceFilterType", "strictDisman",
	"table", "usmUser",
}

// Directives returns the names of the directives that Config holds.
func Directives() []string {
	names := []string{"includeFile", "includeDir"}
	for i := range directives {
		names = append(names, directives[i].name)
	}
	return names
}

// suggest returns the known directive that is most like name, "" if none is much like it.
func suggest(name string) string {
	return nearest.Word(name, append(Directives(), notServed...))
}
