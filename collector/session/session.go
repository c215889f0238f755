// Package session is how an agent is spoken to: one Client for one agent, whatever the version.
package session

import (
	"cmp"
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Client asks one agent. It is for one goroutine; Close may be called from another, and ends a request that waits.
//
// Both requests append to dst and return it; on an error they return dst as it was. What they append is the caller's. They
// send again when nothing comes, until the session's retries or ctx are at an end. An answer to an earlier request is never
// taken for one to this. Errors can be told apart with errors.Is and errors.As: ErrTimeout and the others of this package,
// *ResponseError, and ctx.Err() where ctx was cancelled. After an error that is no *ResponseError a new Client finds out more
// than this one would: the agent may have got another address or engine ID.
type Client interface {
	// Get asks for the instances names and appends one varbind for each, in their order. What the agent does not have is
	// noSuchObject or noSuchInstance, in v1 as well.
	Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error)

	// Bulk asks for the successors of names: one of each of the first nonRepeaters, and up to max of each other one. It
	// appends the former, and then the others by repetition: the first successor of each, the second of each, … The agent may
	// leave out repetitions, and a part of the last one. A name that has no successor gives endOfMibView, in v1 as well.
	// Without GETBULK there is one repetition, whatever max is.
	Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error)

	Close() error
}

// Engined is a Client of SNMPv3.
type Engined interface {
	// EngineID returns the agent's snmpEngineID, "" before it has told it. It is for the goroutine that asks.
	EngineID() string
}

// Depth is how many requests of a Pipeline may be under way at a time.
const Depth = 2

// Pipeline is a Client that asks what does not depend on earlier answers without waiting for them.
type Pipeline interface {
	Client

	// Ask puts the requests of r until it has no more, Depth at a time, each again if nothing comes. It returns when all are answered, or at
	// the first that is not: with an error like those of Client, or r's own. Then r is not called any more.
	Ask(ctx context.Context, r Requests) error
}

// Requests are what a Pipeline asks. Their methods are called one at a time, by any goroutine, and must not block: other sessions'
// answers wait.
type Requests interface {
	// Next appends the next request's variable bindings to list (see snmp.AppendName); false says that there is none at present.
	Next(slot int, list []byte) (request Request, _ []byte, ok bool)
	// Answer takes the answer to the request of the slot, which has no error-status and was size octets long. It must keep nothing of b. came is
	// when it was read, and sent when its request first was.
	Answer(slot int, b *snmp.Answer, size int, sent, came time.Time) error
}

// Request is what a request says beside its names.
type Request struct {
	Type                      snmp.PDUType // 0 is GetBulkRequest
	NonRepeaters, Repetitions int          // of a GetBulkRequest
}

func (r Request) head(id int32) snmp.RequestHead {
	return snmp.RequestHead{Type: cmp.Or(r.Type, snmp.GetBulkRequest), RequestID: id, NonRepeaters: int32(r.NonRepeaters), Repetitions: int32(r.Repetitions)}
}

// Options of a session.
type Options struct {
	Host       string // address or name
	Port       uint16
	Credential Credential
	Timeout    time.Duration // for one answer, at the most; an agent that is known to answer faster is asked again sooner
	Retries    int           // how often a request is sent again
	NoBulk     bool          // walk with GETNEXT; v1 always does
	Source     netip.Addr    // requests leave from it; the zero Addr leaves the choice to the system
	AnySource  bool          // an answer may come from another address than was asked
	Stats      *Stats        // counts what happens; must not be nil
}

// Stats counts what sessions do. Several sessions may share one; the zero value is ready.
type Stats struct {
	Requests atomic.Uint64 // requests that were asked, without those sent again
	Retries  atomic.Uint64 // requests sent again
	Dropped  atomic.Uint64 // datagrams that answered no request of the moment: late, doubled, or of another version or community
	Foreign  atomic.Uint64 // answers that came from another address than was asked, and were refused
	Odd      atomic.Uint64 // values that are NULL, or became so as they were of no known type or outside their type's range

	RoundTrip atomic.Int64 // the smoothed round trip (RFC 6298) in nanoseconds; 0 before the first answer
}
