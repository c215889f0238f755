// Package agentx is the protocol between an agent and its sub-agents, which are other programs that serve a part of its objects (RFC 2741): its
// PDUs, and SubAgent, with which a program of Go becomes one. The master, which takes sub-agents in, is agent/subagents.
package agentx

import (
	"errors"
	"fmt"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Type is the type of a PDU (RFC 2741 section 6.1).
type Type uint8

const (
	Open            Type = 1
	Close           Type = 2
	Register        Type = 3
	Unregister      Type = 4
	Get             Type = 5
	GetNext         Type = 6
	GetBulk         Type = 7
	TestSet         Type = 8
	CommitSet       Type = 9
	UndoSet         Type = 10
	CleanupSet      Type = 11
	Notify          Type = 12
	Ping            Type = 13
	IndexAllocate   Type = 14
	IndexDeallocate Type = 15
	AddAgentCaps    Type = 16
	RemoveAgentCaps Type = 17
	Response        Type = 18
)

var typeNames = [...]string{
	"", "Open", "Close", "Register", "Unregister", "Get", "GetNext", "GetBulk", "TestSet", "CommitSet", "UndoSet", "CleanupSet", "Notify", "Ping",
	"IndexAllocate", "IndexDeallocate", "AddAgentCaps", "RemoveAgentCaps", "Response",
}

func (t Type) String() string {
	if t >= Open && t <= Response {
		return "agentx-" + typeNames[t] + "-PDU"
	}
	return fmt.Sprintf("PDU of type %d", uint8(t))
}

// Flags of a PDU's header (RFC 2741 section 6.1).
const (
	InstanceRegistration = 0x01
	NewIndex             = 0x02
	AnyIndex             = 0x04
	NonDefaultContext    = 0x08
	NetworkByteOrder     = 0x10
)

// Error is the res.error of a Response (RFC 2741 section 6.2.16): an error-status of SNMP, or one of AgentX' own.
type Error uint16

const (
	NoError               Error = 0
	OpenFailed            Error = 256
	NotOpen               Error = 257
	IndexWrongType        Error = 258
	IndexAlreadyAllocated Error = 259
	IndexNoneAvailable    Error = 260
	IndexNotAllocated     Error = 261
	UnsupportedContext    Error = 262
	DuplicateRegistration Error = 263
	UnknownRegistration   Error = 264
	UnknownAgentCaps      Error = 265
	ParseError            Error = 266
	RequestDenied         Error = 267
	ProcessingError       Error = 268
)

var errorNames = map[Error]string{
	OpenFailed: "openFailed", NotOpen: "notOpen", IndexWrongType: "indexWrongType", IndexAlreadyAllocated: "indexAlreadyAllocated",
	IndexNoneAvailable: "indexNoneAvailable", IndexNotAllocated: "indexNotAllocated", UnsupportedContext: "unsupportedContext",
	DuplicateRegistration: "duplicateRegistration", UnknownRegistration: "unknownRegistration", UnknownAgentCaps: "unknownAgentCaps",
	ParseError: "parseError", RequestDenied: "requestDenied", ProcessingError: "processingError",
}

func (e Error) Error() string {
	if name, ok := errorNames[e]; ok {
		return name
	}
	return snmp.ErrorStatus(e).String()
}

// Reason is the c.reason of a Close (RFC 2741 section 6.2.2).
type Reason uint8

const (
	ReasonOther         Reason = 1
	ReasonParseError    Reason = 2
	ReasonProtocolError Reason = 3
	ReasonTimeouts      Reason = 4
	ReasonShutdown      Reason = 5
	ReasonByManager     Reason = 6
)

func (r Reason) String() string {
	names := [...]string{ReasonOther: "other", ReasonParseError: "parse error", ReasonProtocolError: "protocol error", ReasonTimeouts: "time-outs",
		ReasonShutdown: "shutdown", ReasonByManager: "by a manager"}
	if r >= ReasonOther && r <= ReasonByManager {
		return names[r]
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

const (
	// HeaderSize is the octets of a PDU's header.
	HeaderSize = 20
	// MaxPayload is the most octets that may follow a header: more than any answer of SNMP can tell.
	MaxPayload = 1 << 20
)

// PDU is one of any type; what belongs to other types is zero.
type PDU struct {
	Type        Type
	Flags       uint8
	Session     uint32
	Transaction uint32
	Packet      uint32

	Context string // "" is the default context

	Timeout  uint8          // Open, Register: seconds; 0 is the master's choice
	ID       oid.OID        // Open, AddAgentCaps, RemoveAgentCaps; Register, Unregister: the subtree
	Descr    string         // Open, AddAgentCaps
	Reason   Reason         // Close
	Priority uint8          // Register, Unregister
	RangeSub uint8          // Register, Unregister: which sub-identifier of ID is a range, from 1; 0 is none
	Upper    uint32         // Register, Unregister: the end of the range
	NonRep   uint16         // GetBulk
	MaxRep   uint16         // GetBulk
	Ranges   []mib.Range    // Get, GetNext, GetBulk
	VarBinds []snmp.VarBind // TestSet, Notify, IndexAllocate, IndexDeallocate, Response

	UpTime uint32 // Response: hundredths of seconds
	Error  Error  // Response
	Index  uint16 // Response: which variable binding Error is about, from 1
}

// ErrMalformed is wrapped by the errors of Decode.
var ErrMalformed = errors.New("malformed AgentX PDU")
