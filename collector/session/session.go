// Package session is how an agent is spoken to: one Client for one agent, whatever the version.
package session

import (
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

// Options of a session.
type Options struct {
	Host       string // address or name
	Port       uint16
	Credential Credential
	Timeout    time.Duration // for one answer, at the most; v1 and v2c send again sooner to an agent that is known to answer faster
	Retries    int           // how often a request is sent again
	NoBulk     bool          // walk with GETNEXT; v1 always does
	Source     netip.Addr    // requests leave from it; the zero Addr leaves the choice to the system
	AnySource  bool          // v1 and v2c: an answer may come from another address than was asked
	Stats      *Stats        // counts what happens; must not be nil
}

// Stats counts what sessions do. Several sessions may share one; the zero value is ready.
type Stats struct {
	Requests atomic.Uint64 // requests that were asked, without those sent again
	Retries  atomic.Uint64 // requests sent again
	Dropped  atomic.Uint64 // datagrams that answered no request of the moment: late, doubled, or of another version or community
	Foreign  atomic.Uint64 // answers that came from another address than was asked, and were refused
	Odd      atomic.Uint64 // values of no known type or outside their type's range, which became NULL
	Panics   atomic.Uint64 // panics of the decoder, which became errors
}
