// Package snmpdconf reads snmpd.conf, the configuration file of Net-SNMP's agent (snmpd.conf(5), snmp_config(5)).
//
// What is malformed is an error, what this agent does not know or does not do is a warning; both carry file and line. A line that grants
// access under a restriction that this agent does not know (a version, a transport's security) is not read in part: it grants nothing.
package snmpdconf

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Limits of what is read.
const (
	MaxFileSize    = 1 << 20 // octets of one file
	MaxDiagnostics = 500     // then reading ends with an error, as Net-SNMP's does
	MaxCommunities = 1000    // of all files; each request is compared with every one
)

// DefaultPort is where an agent listens (RFC 3417 section 3.1).
const DefaultPort = 161

// DefaultSecurePort is where an agent listens by TLS and DTLS (RFC 6353 section 7).
const DefaultSecurePort = 10161

// ErrTooLarge is wrapped by ReadFiles where a file exceeds MaxFileSize.
var ErrTooLarge = errors.New("file too large")

// Config is what the files say.
type Config struct {
	Listen      []Address // in the order of the file; empty if agentAddress is not used: see DefaultListen
	Communities []Community
	Users       []User
	Members     []Member       // who is in which group (vacmSecurityToGroupTable)
	Entries     []Entry        // what a group may do
	Views       []View         // in the order in which they are first used
	Disabled    []snmp.Version // disableSNMPv1, disableSNMPv2c, disableSNMPv3: no request of them is heard
	Engine      Engine
	StateDir    string // persistentDir; "" if it is not set
	System      System
	Modules     []Module   // sysORID, up to MaxModules
	Overrides   []Override // override, in the order of the files
	KeepPIDFile bool       // leave_pidfile
	Sources     SourceFilter
	Host        Host
	Watch       Watch
	Extend      Extend
	NameServers []NameServer // in the order of the files
	DNSTaps     []DNSTap

	Notifications Notifications
	// MaxMessageSize is the most octets of an answer (maxMessageSize, a directive that Net-SNMP does not have); 0 if it is not set.
	MaxMessageSize int
	// MaxRepeats and MaxResponses bound the answers to GetBulk (maxGetbulkRepeats, maxGetbulkResponses); 0 is no bound.
	MaxRepeats, MaxResponses int
	Limits                   Limits
	AgentX                   AgentX
	TLS                      TLS

	Run Run

	Files   []string // that were read, in order: those of ReadFiles, and by includeFile and includeDir
	Folders []string // of includeDir
}

// System is the part of the system group (RFC 3418) that the files set. An empty text or OID is not set.
type System struct {
	Descr, Contact, Name, Location string  // up to 255 octets, as they stand in the file
	ObjectID                       oid.OID // sysObjectID
	Services                       int     // sysServices, 0 to 127; NoServices if it is not set
}

// Module is a row of sysORTable (RFC 3418) that the files add: what a script or a sub-agent serves.
type Module struct {
	ID    oid.OID // sysORID
	Descr string  // sysORDescr, up to 255 octets
}

// SourceFilter is from whom requests are looked at at all.
type SourceFilter struct {
	Type  string   // sourceFilterType: AcceptList, BlockList, or "" for none
	Hosts []string // sourceFilterAddress: addresses and names, up to MaxFiltered
	File  string   // of the last sourceFilterType
	Line  int
}

// The types of a SourceFilter: those of Hosts alone are heard; they alone are not.
const (
	AcceptList = "acceptlist"
	BlockList  = "blocklist"
)

// MaxFiltered bounds SourceFilter.Hosts.
const MaxFiltered = 10000

// MaxModules bounds Config.Modules.
const MaxModules = 1000

// NoServices is System.Services where the files have no sysServices.
const NoServices = -1

// DefaultListen is where to listen if no agentAddress says it: on loopback only. Net-SNMP listens on every IPv4 address then.
func DefaultListen() []Address {
	return []Address{{Network: "udp4", Host: "127.0.0.1", Port: DefaultPort}, {Network: "udp6", Host: "::1", Port: DefaultPort}}
}

// Community is a row of snmpCommunityTable as com2sec makes it, or rocommunity and its kin, which add the rows of Members, Entries and
// Views that belong to it.
type Community struct {
	Name         secret.String
	SecurityName string
	Context      string
	Source       Source
	File         string
	Line         int
}

// Source is where a community is accepted from. The directives without a 6 accept IPv4 only, those with it IPv6 only, and com2secunix alone
// unix sockets, as Net-SNMP's do.
type Source struct {
	Prefix netip.Prefix // valid unless Host or Socket is set; "default" is 0.0.0.0/0 or ::/0
	Host   string       // a name, all of whose addresses of the family are accepted
	IPv6   bool
	Refuse bool   // the community is not accepted from there (!SOURCE), whatever lines follow
	Socket string // of com2secunix: the path of a unix socket, or AnySocket
}

// AnySocket is Source.Socket where every unix socket is meant.
const AnySocket = "*"

// String returns s as an snmpd.conf would say it.
func (s Source) String() string {
	switch {
	case s.Refuse:
		s.Refuse = false
		return "!" + s.String()
	case s.Socket == AnySocket:
		return "any unix socket"
	case s.Socket != "":
		return "unix:" + s.Socket
	case s.Host != "":
		return s.Host
	case s.Prefix.Bits() == 0 && s.IPv6:
		return "default (IPv6)"
	case s.Prefix.Bits() == 0:
		return "default (IPv4)"
	default:
		return s.Prefix.String()
	}
}

// Severity is how much a Diagnostic matters.
type Severity int

// The severities. A file with an error must not be used.
const (
	Warning Severity = iota
	Error
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// Diagnostic is a remark on one line of a file. Its message never holds a secret.
type Diagnostic struct {
	File     string
	Line     int // counts from 1
	Severity Severity
	Message  string
}

// String returns d as compilers write theirs: FILE:LINE: error: MESSAGE.
func (d Diagnostic) String() string {
	return fmt.Sprintf("%s:%d: %v: %s", d.File, d.Line, d.Severity, d.Message)
}

// HasErrors reports whether one of list is an Error.
func HasErrors(list []Diagnostic) bool {
	for _, d := range list {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// ReadFiles reads files one after another as if they were one, and those that they include. The error is of a file that cannot be read, wraps the system's, and leaves no
// Config; what the files hold is judged by the Diagnostics.
func ReadFiles(files ...string) (*Config, []Diagnostic, error) { return Read(nil, files...) }

// Read is ReadFiles with lines that stand in no file, behind all others; the Diagnostics call them "command line".
func Read(lines []string, files ...string) (*Config, []Diagnostic, error) {
	p := newParser()
	p.sources = &sources{}
	for _, name := range files {
		if err := p.read(name); err != nil {
			return nil, nil, err
		}
	}
	p.section = ourSection
	p.parse("command line", []byte(strings.Join(lines, "\n")))
	config, diagnostics := p.finish()
	return config, diagnostics, nil
}

// Parse reads one file's text; name is what the Diagnostics call it. It includes no files.
func Parse(name string, text []byte) (*Config, []Diagnostic) {
	p := newParser()
	p.parse(name, text)
	return p.finish()
}
