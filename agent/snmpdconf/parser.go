package snmpdconf

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// parser reads files into a Config.
type parser struct {
	config      Config
	diagnostics []Diagnostic

	file    string
	line    int
	section string           // whose directives follow, in small letters
	sources *sources         // nil if no file may be opened
	given   map[string]place // where a directive that holds one value was last used
	listen  place            // of the last agentAddress
	names   map[string][]int // the communities of a name, by their place in Config
	full    bool             // of diagnostics
	ignored map[string]*ignored

	trapCommunity secret.String // of the sinks that follow

	// Where in Config a row or a name is.
	members map[memberKey]int
	entries map[entryKey]int
	views   map[string]int
	users   map[string]int
	simple  int // communities that have their own group
}

type place struct {
	file string
	line int
}

func newParser() *parser {
	p := &parser{section: ourSection, given: map[string]place{}, names: map[string][]int{}, ignored: map[string]*ignored{}, members: map[memberKey]int{}, entries: map[entryKey]int{}, views: map[string]int{}, users: map[string]int{}}
	p.config.System.Services = NoServices
	p.config.AgentX.Retries = -1
	p.trapCommunity = secret.New(defaultTrapCommunity)
	return p
}

func (p *parser) warnf(format string, a ...any)  { p.report(Warning, fmt.Sprintf(format, a...)) }
func (p *parser) errorf(format string, a ...any) { p.report(Error, fmt.Sprintf(format, a...)) }

func (p *parser) report(s Severity, message string) {
	if p.full {
		return
	}
	if p.full = len(p.diagnostics) == MaxDiagnostics-1; p.full {
		s, message = Error, "too many errors and warnings; the rest is not read"
	}
	p.diagnostics = append(p.diagnostics, Diagnostic{p.file, p.line, s, message})
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func (p *parser) parse(file string, text []byte) {
	p.file, p.line = file, 0
	text = bytes.TrimPrefix(text, byteOrderMark)
	for line := range bytes.Lines(text) {
		p.line++
		if p.full {
			return
		}
		p.parseLine(string(line))
	}
}

func (p *parser) finish() (*Config, []Diagnostic) {
	if p.listen != (place{}) && len(p.config.Listen) == 0 {
		p.file, p.line = p.listen.file, p.listen.line
		p.errorf("agentAddress leaves no address to listen on: write one such as udp:127.0.0.1:161")
	}
	p.checkAccess()
	p.checkRefusals()
	p.checkSinks()
	p.checkTLS()
	p.checkSourceFilter()
	p.checkTaps()
	p.countIgnored()
	return &p.config, p.diagnostics
}

func (p *parser) parseLine(line string) {
	s := skipSpace(line)
	if s == "" {
		return
	}
	if strings.ContainsRune(s, 0) {
		p.errorf("the line holds a NUL octet")
		return
	}
	s = strings.TrimRight(s, " \t\n\v\f\r")
	name, rest, err := nextWord(s)
	if err != nil {
		p.errorf("%v", err)
		return
	}
	section := p.section
	if strings.HasPrefix(name, "[") {
		if section, name, rest = p.enterSection(name, rest); name == "" {
			return
		}
	}
	switch {
	case p.include(name, rest):
	case section == ourSection:
		p.directive(name, rest)
	case section == librarySection && ofLibrary(name):
		p.directive(name, rest)
	}
}

// The sections whose directives are read: this program's, and of the library's, those of snmp.conf, libraryDirectives.
const (
	ourSection     = "snmpd"
	librarySection = "snmp"
)

var libraryDirectives = []string{
	"disableSNMPv1", "disableSNMPv2c", "disableSNMPv3", "persistentDir", "serverRecvBuf", "serverSendBuf", "localCert", "serverCert", "trustCert", "x509CRLFile", "extraX509SubDir", "tsmUseTransportPrefix",
}

func ofLibrary(name string) bool {
	return slices.ContainsFunc(libraryDirectives, func(d string) bool { return strings.EqualFold(d, name) })
}

// enterSection handles [TYPE], which says whose directives follow: on this line if there are any, else to the next section (snmp_config(5),
// SWITCHING CONFIGURATION TYPES IN MID-FILE). It returns the section, and the directive of this line.
func (p *parser) enterSection(word, rest string) (section, name, value string) {
	kind, ok := strings.CutSuffix(word[1:], "]")
	if !ok {
		p.errorf("[ without ]")
		return "", "", ""
	}
	section = strings.ToLower(kind)
	if rest == "" {
		p.section = section
	}
	name, value, err := nextWord(rest)
	if err != nil {
		p.errorf("%v", err)
		return section, "", ""
	}
	switch {
	case section == ourSection || section == librarySection && ofLibrary(name):
	case section == librarySection:
		p.warnf("of section %s only %s are read", clip(kind), strings.Join(libraryDirectives, ", "))
	default:
		p.warnf("section %s holds other programs' directives; they are not read", clip(kind))
	}
	return section, name, value
}

// directives is what this agent acts on.
var directives = []struct {
	name  string
	apply func(p *parser, name, value string)
}{
	{"agentAddress", (*parser).agentAddress},
	{"rocommunity", func(p *parser, name, value string) { p.community(name, value, readOnly, false) }},
	{"rwcommunity", func(p *parser, name, value string) { p.community(name, value, readWrite, false) }},
	{"rocommunity6", func(p *parser, name, value string) { p.community(name, value, readOnly, true) }},
	{"rwcommunity6", func(p *parser, name, value string) { p.community(name, value, readWrite, true) }},
	{"authcommunity", (*parser).authCommunity},
	{"com2sec", func(p *parser, name, value string) { p.com2sec(name, value, network(false)) }},
	{"com2sec6", func(p *parser, name, value string) { p.com2sec(name, value, network(true)) }},
	{"com2secunix", func(p *parser, name, value string) { p.com2sec(name, value, parseSocket) }},
	{"createUser", (*parser).createUser},
	{"rouser", func(p *parser, name, value string) { p.user(name, value, readOnly) }},
	{"rwuser", func(p *parser, name, value string) { p.user(name, value, readWrite) }},
	{"authuser", (*parser).authUser},
	{"authgroup", (*parser).authGroup},
	{"authaccess", (*parser).authAccess},
	{"group", (*parser).group},
	{"view", (*parser).view},
	{"access", (*parser).access},
	{"setaccess", (*parser).setAccess},
	{"disableSNMPv1", func(p *parser, name, value string) { p.disable(name, value, snmp.V1) }},
	{"disableSNMPv2c", func(p *parser, name, value string) { p.disable(name, value, snmp.V2c) }},
	{"disableSNMPv3", func(p *parser, name, value string) { p.disable(name, value, snmp.V3) }},
	{"engineID", (*parser).engineID},
	{"exactEngineID", (*parser).exactEngineID},
	{"engineIDType", (*parser).engineIDType},
	{"engineIDNic", (*parser).engineIDNIC},
	{"persistentDir", (*parser).persistentDir},
	{"sysDescr", func(p *parser, name, value string) { p.text(name, value, &p.config.System.Descr) }},
	{"sysContact", func(p *parser, name, value string) { p.text(name, value, &p.config.System.Contact) }},
	{"sysName", func(p *parser, name, value string) { p.text(name, value, &p.config.System.Name) }},
	{"sysLocation", func(p *parser, name, value string) { p.text(name, value, &p.config.System.Location) }},
	{"sysObjectID", (*parser).sysObjectID},
	{"sysServices", (*parser).sysServices},
	{"sysORID", (*parser).sysORID},
	{"override", (*parser).override},
	{"ignoreDisk", (*parser).ignoreDisk},
	{"skipNFSInHostResources", func(p *parser, name, value string) { p.truth(name, value, &p.config.Host.SkipNetwork) }},
	{"storageUseNFS", (*parser).storageUseNFS},
	{"realStorageUnits", func(p *parser, name, value string) { p.truth(name, value, &p.config.Host.RealUnits) }},
	{"extend", func(p *parser, name, value string) { p.program(name, value, false) }},
	{"exec", func(p *parser, name, value string) { p.program(name, value, true) }},
	{"pass", func(p *parser, name, value string) { p.pass(name, value, false) }},
	{"pass_persist", func(p *parser, name, value string) { p.pass(name, value, true) }},
	{"allowedPrograms", (*parser).allowedPrograms},
	{"dnsServer", (*parser).dnsServer},
	{"dnstap", (*parser).dnstap},
	{"proc", (*parser).proc},
	{"disk", (*parser).disk},
	{"includeAllDisks", (*parser).includeAllDisks},
	{"load", (*parser).load},
	{"swap", (*parser).swap},
	{"diskio", (*parser).diskIO},
	{"diskio_exclude_fd", func(p *parser, name, value string) { p.truth(name, value, &p.config.Watch.DiskIO.ExcludeFloppy) }},
	{"diskio_exclude_loop", func(p *parser, name, value string) { p.truth(name, value, &p.config.Watch.DiskIO.ExcludeLoop) }},
	{"diskio_exclude_ram", func(p *parser, name, value string) { p.truth(name, value, &p.config.Watch.DiskIO.ExcludeRAM) }},
	{"maxMessageSize", func(p *parser, name, value string) {
		p.number(name, value, snmp.MinMaxSize, snmp.MaxMessageSize, &p.config.MaxMessageSize)
	}},
	{"maxGetbulkRepeats", func(p *parser, name, value string) { p.bulkLimit(name, value, &p.config.MaxRepeats) }},
	{"maxGetbulkResponses", func(p *parser, name, value string) { p.bulkLimit(name, value, &p.config.MaxResponses) }},
	{"maxUnauthenticatedSize", func(p *parser, name, value string) {
		p.number(name, value, snmp.MinMaxSize, snmp.MaxMessageSize, &p.config.Limits.MaxUnauthenticatedSize)
	}},
	{"maxRequestsPerSecond", (*parser).maxRequestsPerSecond},
	{"maxConnections", (*parser).maxConnections},
	{"connectionTimeout", (*parser).connectionTimeout},
	{"serverRecvBuf", func(p *parser, name, value string) {
		p.number(name, value, 1, maxBuffer, &p.config.Limits.ReceiveBuffer)
	}},
	{"serverSendBuf", func(p *parser, name, value string) { p.number(name, value, 1, maxBuffer, &p.config.Limits.SendBuffer) }},
	{"trapsink", func(p *parser, name, value string) { p.sink(name, value, snmp.V1, false) }},
	{"trap2sink", func(p *parser, name, value string) { p.sink(name, value, snmp.V2c, false) }},
	{"informsink", func(p *parser, name, value string) { p.sink(name, value, snmp.V2c, true) }},
	{"trapsess", (*parser).trapsess},
	{"trapcommunity", (*parser).setTrapCommunity},
	{"authtrapenable", (*parser).authTrapEnable},
	{"linkUpDownNotifications", (*parser).linkUpDownNotifications},
	{"v1trapaddress", (*parser).v1TrapAddress},
	{"notificationFilter", (*parser).notificationFilter},
	{"sourceFilterType", (*parser).sourceFilterType},
	{"sourceFilterAddress", (*parser).sourceFilterAddress},
	{"localCert", (*parser).localCert},
	{"serverCert", (*parser).localCert},
	{"trustCert", func(p *parser, name, value string) {
		p.certNames(name, value, "FINGERPRINT|CERTIFICATE", &p.config.TLS.Trusted)
	}},
	{"x509CRLFile", func(p *parser, name, value string) { p.certNames(name, value, "FILE", &p.config.TLS.CRLs) }},
	{"extraX509SubDir", (*parser).extraX509SubDir},
	{"tsmUseTransportPrefix", (*parser).tsmUseTransportPrefix},
	{"certSecName", (*parser).certSecName},
	{"snmpTlstmParams", (*parser).snmpTlstmParams},
	{"snmpTlstmAddr", (*parser).snmpTlstmAddr},
	{"leave_pidfile", func(p *parser, name, value string) { p.truth(name, value, &p.config.KeepPIDFile) }},
	{"master", (*parser).master},
	{"agentXSocket", (*parser).agentXSocket},
	{"agentXTimeout", (*parser).agentXTimeout},
	{"agentXRetries", func(p *parser, name, value string) { p.number(name, value, 0, 100, &p.config.AgentX.Retries) }},
	{"agentXPerms", (*parser).agentXPerms},
	{"agentXRegister", (*parser).agentXRegister},
	{"agentuser", func(p *parser, name, value string) { p.account(name, value, &p.config.Run.User) }},
	{"agentgroup", func(p *parser, name, value string) { p.account(name, value, &p.config.Run.Group) }},
	{"agentCapabilities", (*parser).agentCapabilities},
	{"fence", (*parser).fence},
	{"agentSecName", (*parser).notNeeded},
	{"iquerySecName", (*parser).notNeeded},
	{"disablePerl", (*parser).notNeeded},
	{"dontLogTCPWrappersConnects", (*parser).notNeeded},
	{"dontRetainLogs", (*parser).notNeeded},
	{"doNotRetainNotificationLogs", (*parser).notNeeded},
}

// directive carries out one line; names are case-insensitive.
func (p *parser) directive(name, value string) {
	for i := range directives {
		d := &directives[i]
		if !strings.EqualFold(d.name, name) {
			continue
		}
		if value == "" {
			p.errorf("%s has no value", d.name)
			return
		}
		d.apply(p, d.name, value)
		return
	}
	if p.tellUnserved(name) {
		return
	}
	if near := suggest(name); near != "" {
		p.warnf("unknown directive %s; did you mean %s? The line is ignored", clip(name), near)
		return
	}
	p.warnf("unknown directive %s; the line is ignored", clip(name))
}

// once remarks on a directive that replaces an earlier one's value.
func (p *parser) once(name string) {
	if before, ok := p.given[name]; ok {
		p.warnf("%s replaces that of %s:%d", name, before.file, before.line)
	}
	p.given[name] = place{p.file, p.line}
}

const maxDisplayString = 255 // RFC 2579, DisplayString

// text takes the rest of the line as it stands, as Net-SNMP does: quotes and # have no meaning here.
func (p *parser) text(name, value string, to *string) {
	if len(value) > maxDisplayString {
		p.errorf("%s is %d octets long; the most is %d", name, len(value), maxDisplayString)
		return
	}
	p.once(name)
	*to = value
	switch {
	case value[0] == '"' || value[0] == '\'':
		p.warnf("the quotes are a part of %s", name)
	case strings.Contains(value, " #") || strings.Contains(value, "\t#"):
		p.warnf("the text after # is a part of %s; a comment needs a line of its own", name)
	case strings.HasSuffix(value, `\`):
		p.warnf(`the \ is a part of %s; no line goes on in the next one`, name)
	}
}

// bare returns the one word of a value, which Net-SNMP reads without regard to quotes; false if there are more. A comment may follow.
func bare(value string) (string, bool) {
	f := strings.Fields(value)
	return f[0], len(f) == 1 || strings.HasPrefix(f[1], "#")
}

func (p *parser) sysObjectID(name, value string) {
	word, ok := bare(value)
	o, err := oid.Parse(word)
	switch {
	case !ok:
		p.errorf("%s has more than one value", name)
	case err != nil:
		p.errorf("%s: %s is no numeric OID, such as .1.3.6.1.4.1.8072.3.2.10", name, clip(word))
	case o.Len() < 2 || !o.IsEncodable():
		p.errorf("%s: %s is no OID that a message can hold", name, clip(word))
	default:
		p.once(name)
		p.config.System.ObjectID = o
	}
}

// sysORID reads OID DESCRIPTION, of which the second is the rest of the line. Net-SNMP has no such directive: there sub-agents alone add
// to the table.
func (p *parser) sysORID(name, value string) {
	word, descr, err := nextWord(value)
	o, ok := parseOID(word)
	switch {
	case err != nil || !ok || o.Len() < 2 || !o.IsEncodable():
		p.errorf("%s is written OID DESCRIPTION, with a numeric OID such as .1.3.6.1.4.1.8072.9999", name)
	case len(descr) > maxDisplayString:
		p.errorf("%s: the description is %d octets long; the most is %d", name, len(descr), maxDisplayString)
	case len(p.config.Modules) == MaxModules:
		p.errorf("%s: more than %d", name, MaxModules)
	default:
		p.config.Modules = append(p.config.Modules, Module{o, descr})
	}
}

func (p *parser) sysServices(name, value string) {
	word, ok := bare(value)
	n, err := strconv.ParseUint(word, 10, 7) // INTEGER (0..127)
	if err != nil || !ok {
		p.errorf("%s must be one number from 0 to 127", name)
		return
	}
	p.once(name)
	p.config.System.Services = int(n)
}

// clip quotes a word of the file for a message, and cuts it where it is absurdly long.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
