package snmpdconf

import (
	"fmt"
	"strings"

	"walkabout/internal/nearest"
)

// unserved is the directives of Net-SNMP's agent (snmpd -H) and of reading files (snmp_config(5)) that this one does not act on, with why,
// and what to do instead. They are warnings, and told from misspelt ones.
var unserved = []struct{ why, names string }{
	{"SMUX is not served; it is obsolete since AgentX", "smuxpeer smuxsocket"},
	{"no code is loaded into this agent", "dlmod injectHandler perl perlInitFile"},
	{"no shell is run: write exec or extend, with the whole path of a program", "extend-sh sh"},
	{"nothing is run by SET", "execfix extendfix procfix"},
	{"requests are not passed on: let the manager ask that agent itself", "proxy"},
	{"the agent does not watch itself (DISMAN-EVENT-MIB): let a collector do so, such as snmpcollect with its alerts",
		"defaultMonitors iqueryLevel iquerySecLevel iqueryVersion monitor notificationEvent setEvent strictDisman"},
	{"nothing is SET by the clock (DISMAN-SCHEDULE-MIB): let cron or a systemd timer run snmpset", "at cron repeat"},
	{"the sizes of files and what is in logs are not served: let a program that reads logs do so", "file logmatch"},
	{"MTA-MIB is not served", "sendmail_config sendmail_index sendmail_queue sendmail_queue_t sendmail_stats sendmail_stats_t"},
	{"TLS 1.2 and later serve with the algorithms of Go's library, of which none is known to be weak", "tlsAlgorithms"},
	{"every interface is shown as the kernel has it; override replaces single objects, a view hides some",
		"ifmib_max_num_ifaces include_ifmib_iface_prefix interface interface_fadeout interface_replace_old"},
	{"hrSystemProcesses counts what hrSWRunTable shows", "count_kthreads"},
	{"no tables but those of MIBs are served", "add_row table"},
	{"answers are built in one go, and need no guess at their size; maxGetbulkResponses bounds them", "avgBulkVarbindSize"},
	{"no statistics of single requests are kept; -D logs what is refused", "pduStatsMax pduStatsThreshold"},
	{"the system's own sizes serve for the sockets that notifications leave by", "clientRecvBuf clientSendBuf"},
	{"it is of snmp.conf, for programs that ask; trapsess takes all that a receiver needs", "defDomain defTarget"},
	{"includeFile and includeDir read files", "includeSearch"},
	{"snmpd check reads the files, says what is wrong, and ends", "quit"},
	{"it belongs into Net-SNMP's persistent file, which is read at the first start (docs/persistent.md)", "oldEngineID psyscontact psyslocation psysname setserialno usmUser"},
	{"the agent pings no master, for it is the master", "agentXPingInterval"},
	{"objects are not sent unasked: let a collector poll them", "deliverByNotify deliverByNotifyFrequencyOid deliverByNotifyMaxMessageNumberOid deliverByNotifyMaxPacketSize deliverByNotifyMessageNumberOid deliverByNotifyOid"},
	{"it is of snmp.conf, which this agent does not read", snmpConf},
}

// snmpConf is the directives of Net-SNMP's library and its programs (snmp.conf(5)) but for those that this agent has as well.
const snmpConf = "16bitIDs alias clientaddr clientaddrUsesPort commentToEOL debugLogLevel debugTokens defAuthLocalizedKey defAuthMasterKey defAuthPassphrase " +
	"defAuthType defCommunity defContext defPassphrase defPrivLocalizedKey defPrivMasterKey defPrivPassphrase defPrivType defSecurityLevel " +
	"defSecurityModel defSecurityName defVersion defaultPort doDebugging dontBreakdownOids dontLoadHostConfig " +
	"dontPrintUnits dumpPacket escapeQuotes extendedIndex hexOutputLength logOption logTimestamp mibAllowUnderline " +
	"mibReplaceWithLatest mibWarningLevel mibdirs mibfile mibs noContextEngineIDDiscovery noDisplayHint noPersistentLoad noPersistentSave noRangeCheck " +
	"noTokenWarnings numericTimeticks oidOutputFormat outputPrecision peerCert printHexText printNumericEnums printNumericOids printValueOnly " +
	"quickPrinting retries reverseEncodeBER sendMessageMaxSize showMibErrors strictCommentTerm suffixPrinting tempFilePattern timeout"

// Directives returns the names of the directives that this agent acts on.
func Directives() []string {
	names := []string{"includeFile", "includeDir"}
	for i := range directives {
		names = append(names, directives[i].name)
	}
	return names
}

// Unserved returns the names of the directives that Net-SNMP's agent acts on and this one does not, by why.
func Unserved() map[string][]string {
	out := make(map[string][]string, len(unserved))
	for _, u := range unserved {
		out[u.why] = strings.Fields(u.names)
	}
	return out
}

// tellUnserved remarks on a directive that is not acted on, at the first of its lines; false if it is none.
func (p *parser) tellUnserved(name string) bool {
	for _, u := range unserved {
		for known := range strings.FieldsSeq(u.names) {
			if !strings.EqualFold(known, name) {
				continue
			}
			if first, ok := p.ignored[known]; ok {
				first.more++
				return true
			}
			if !p.full {
				p.ignored[known] = &ignored{at: len(p.diagnostics)}
				p.warnf("%s has no effect: %s", known, u.why)
			}
			return true
		}
	}
	return false
}

// ignored counts the lines of a directive that is not acted on.
type ignored struct {
	at   int // of the remark on the first in parser.diagnostics
	more int // lines after it
}

// countIgnored adds the other lines to the remarks on the first ones.
func (p *parser) countIgnored() {
	for _, i := range p.ignored {
		if d := &p.diagnostics[i.at]; i.more > 0 {
			d.Message += fmt.Sprintf(" (%d lines)", i.more+1)
		}
	}
}

// suggest returns the known directive that is most like name, "" if none is much like it.
func suggest(name string) string {
	names := Directives()
	for _, u := range unserved {
		names = append(names, strings.Fields(u.names)...)
	}
	return nearest.Word(name, names)
}
