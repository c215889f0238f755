package snmpdconf

import "strings"

// notServed is the directives of Net-SNMP's agent (snmpd -H) and of reading files (snmp_config(5)) that this one does not act on, so that
// they are told from misspelt ones.
var notServed = []string{
	"access", "add_row", "agentgroup", "agentSecName", "agentuser", "agentXPerms", "agentXRetries", "agentXSocket", "agentXTimeout", "at",
	"authaccess", "authcommunity", "authgroup", "authtrapenable", "authuser", "avgBulkVarbindSize", "certSecName", "com2sec", "com2sec6",
	"com2secunix", "count_kthreads", "createUser", "cron", "defaultMonitors", "defDomain", "defTarget", "disablePerl", "disk", "diskio",
	"diskio_exclude_fd", "diskio_exclude_loop", "diskio_exclude_ram", "dlmod", "doNotRetainNotificationLogs", "dontLogTCPWrappersConnects",
	"dontRetainLogs", "engineID", "engineIDNic", "engineIDType", "exec", "extend", "extend-sh", "extendfix", "file", "group", "ifmib_max_num_ifaces", "ignoredisk",
	"include_ifmib_iface_prefix", "includeAllDisks", "includeDir", "includeFile", "includeSearch", "informsink", "injectHandler", "interface",
	"interface_fadeout", "interface_replace_old", "iqueryLevel", "iquerySecLevel", "iquerySecName", "iqueryVersion", "leave_pidfile",
	"linkUpDownNotifications", "load", "logmatch", "master", "maxGetbulkRepeats", "maxGetbulkResponses", "monitor", "notificationEvent",
	"oldEngineID", "override", "pass", "pass_persist", "pduStatsMax", "pduStatsThreshold", "perl", "perlInitFile", "proc", "procfix", "proxy",
	"psyscontact", "psyslocation", "psysname", "quit", "realStorageUnits", "repeat", "rouser", "rwuser", "sendmail_config", "sendmail_index",
	"sendmail_queue", "sendmail_queue_t", "sendmail_stats", "sendmail_stats_t", "setaccess", "setEvent", "setserialno", "sh", "skipNFSInHostResources",
	"smuxpeer", "smuxsocket", "snmpTlstmAddr", "snmpTlstmParams", "sourceFilterAddress", "sourceFilterType", "storageUseNFS", "strictDisman",
	"swap", "table", "trap2sink", "trapcommunity", "trapsess", "trapsink", "usmUser", "v1trapaddress", "view",
}

// nearest returns the known directive that is most like name, "" if none is much like it.
func nearest(name string) string {
	name = strings.ToLower(name)
	if len(name) > 40 { // longer than any: not worth the time
		return ""
	}
	best, most := "", max(1, len(name)/3)+1
	consider := func(known string) {
		if d := distance(name, strings.ToLower(known)); d < most {
			best, most = known, d
		}
	}
	for i := range directives {
		consider(directives[i].name)
	}
	for _, known := range notServed {
		consider(known)
	}
	return best
}

// distance returns how many octets must be inserted, removed or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
