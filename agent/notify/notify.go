// Package notify originates notifications (RFC 3413 section 3.3): traps of SNMPv1, SNMPv2c and SNMPv3, and informs of the latter two,
// each to every target that is to have it.
//
// A target has a queue and a goroutine of its own, so that one that is dead or slow holds up no other, and nobody who has something to
// tell waits. A queue that is full gives up its oldest notification: what is true now matters more than what was. Informs go out one at a
// time, which keeps them in order.
package notify

import (
	"net/netip"
	"sync/atomic"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

var snmpTraps = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 5)

// The notifications of RFC 3418 and RFC 2863 (values of snmpTrapOID), and those that Net-SNMP's agent adds (NET-SNMP-AGENT-MIB).
var (
	ColdStart             = snmpTraps.Append(1)
	WarmStart             = snmpTraps.Append(2)
	LinkDown              = snmpTraps.Append(3)
	LinkUp                = snmpTraps.Append(4)
	AuthenticationFailure = snmpTraps.Append(5)

	NSNotifyShutdown = oid.New(1, 3, 6, 1, 4, 1, 8072, 4, 0, 2)
	NSNotifyRestart  = oid.New(1, 3, 6, 1, 4, 1, 8072, 4, 0, 3)
)

// Notification is something to tell.
type Notification struct {
	TrapOID    oid.OID        // snmpTrapOID.0
	VarBinds   []snmp.VarBind // what follows sysUpTime.0 and snmpTrapOID.0; not modified afterwards
	Enterprise oid.OID        // snmpTrapEnterprise.0, which is put last: what a v1 trap names as its enterprise; empty for none
	Context    string         // contextName of version 3; "" is the Target's
	At         time.Time      // when it happened, which sysUpTime.0 tells; zero is now
}

// What holds where a Target does not say it, as in Net-SNMP's tools (snmpcmd(1)).
const (
	DefaultPort    = 162 // RFC 3417 section 3.1
	DefaultTimeout = time.Second
	DefaultRetries = 5
)

// Target is a place to send notifications to, and how: a row of snmpTargetAddrTable with its row of snmpTargetParamsTable.
type Target struct {
	Name    string // what logs call it; unique
	Network string // udp4, udp6, tcp4 or tcp6; tlstcp4, tlstcp6, dtlsudp4 or dtlsudp6; unix
	Address string // HOST:PORT; a name is looked up when there is something to send. Of unix the path of a socket of streams
	Source  netip.AddrPort
	Dial    DialFunc // opens the sessions of tlstcp and dtlsudp, with the certificates of this target; elsewhere nil is the Sender's
	Version snmp.Version
	Inform  bool          // not with version 1
	Timeout time.Duration // how long to wait for an inform's acknowledgement; 0 is DefaultTimeout
	Retries int           // how often to send it again; negative is none

	Community secret.String // of versions 1 and 2c
	AgentAddr netip.Addr    // agent-addr of version 1; if it is not valid, the address that the datagram leaves from
	Level     snmp.SecurityLevel
	Context   string // contextName of version 3

	// User returns the user of version 3 with keys localised to an engine: this one for traps, the receiver's for informs. It may take
	// some milliseconds.
	User func(engineID string) (usm.User, error)
	// EngineID is the receiver's snmpEngineID, for informs of version 3; if it is empty, the receiver is asked for it.
	EngineID string
	// TSM says that messages of version 3 are of the Transport Security Model (RFC 5591), by tlstcp and dtlsudp alone: the session says who sends
	// them, and there is no User.
	TSM bool
	// Misnamed says that the target's security name has not the prefix that snmpTsmConfigurationUsePrefix asks for: what it would be sent is
	// dropped and counted (RFC 5591 section 4.2.1).
	Misnamed bool

	Filter *Filter // what it wants to know; nil is all
	// View is what it may know: it must contain the notification's name and those of its variable bindings (RFC 3413 section 3.3, step
	// 2.2). Everybody says which: nil is nothing, vacm.All() everything.
	View *vacm.View
}

// Stats counts what became of notifications, over all targets.
type Stats struct {
	Sent           atomic.Uint64 // traps and informs that left, retries not counted
	Acknowledged   atomic.Uint64 // informs, those included that their receiver refused
	Unacknowledged atomic.Uint64 // informs that were given up
	Dropped        atomic.Uint64 // what could not be sent at all, or found its queue full
}

// message is a Notification as a queue holds it. It is immutable.
type message struct {
	trapOID  oid.OID
	varBinds []snmp.VarBind // sysUpTime.0 and snmpTrapOID.0 are the first two
	at       time.Time
	context  string // "" is the target's
}

var (
	sysUpTime          = oid.New(1, 3, 6, 1, 2, 1, 1, 3, 0)
	snmpTrapOID        = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
	snmpTrapEnterprise = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0)
)

// newMessage returns n as a message of an engine that started at start.
func newMessage(n Notification, start time.Time) *message {
	if n.At.IsZero() {
		n.At = time.Now()
	}
	m := &message{trapOID: n.TrapOID, at: n.At, context: n.Context, varBinds: make([]snmp.VarBind, 0, len(n.VarBinds)+3)}
	ticks := max(n.At.Sub(start), 0) / (10 * time.Millisecond)
	m.varBinds = append(m.varBinds, snmp.VarBind{Name: sysUpTime, Value: snmp.TimeTicks(uint32(ticks))},
		snmp.VarBind{Name: snmpTrapOID, Value: snmp.ObjectID(n.TrapOID)})
	m.varBinds = append(m.varBinds, n.VarBinds...)
	if !n.Enterprise.IsEmpty() {
		m.varBinds = append(m.varBinds, snmp.VarBind{Name: snmpTrapEnterprise, Value: snmp.ObjectID(n.Enterprise)})
	}
	return m
}

// objects returns the variable bindings that are not the notification's own: these are judged by views and filters.
func (m *message) objects() []snmp.VarBind {
	rest := m.varBinds[2:]
	if n := len(rest); n > 0 && rest[n-1].Name == snmpTrapEnterprise {
		return rest[:n-1]
	}
	return rest
}

// wanted reports whether m may go to t, and t wants it.
func (t *Target) wanted(m *message) bool {
	return t.View != nil && holds(t.View, t.View, m) && (t.Filter == nil || holds(t.Filter.names, t.Filter.objects, m))
}

func holds(names, objects *vacm.View, m *message) bool {
	if !names.Contains(m.trapOID) {
		return false
	}
	for _, vb := range m.objects() {
		if !objects.Contains(vb.Name) {
			return false
		}
	}
	return true
}
