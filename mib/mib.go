// Package mib is the contract between the agent and what it serves. A Handler answers for one or several registered
// subtrees; the agent asks it for one View a request.
package mib

import (
	"context"
	"fmt"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Request is one SNMP message: who asks, and the moment that every answer is of. Handlers must not keep it.
type Request struct {
	Context   string // contextName; "" is the default context
	Principal string // securityName; for a community-based message the name that the configuration gives the community
	Level     snmp.SecurityLevel
	Version   snmp.Version
	// SecurityModel is who vouches for Principal (SnmpSecurityModel, RFC 3411): 1 SNMPv1, 2 SNMPv2c, 3 USM, 4 TSM.
	SecurityModel int32
	At            time.Time
	// Fresh says that sysUpTime is asked together with other objects: the asker computes rates, so that figures must be read
	// now and not come from the window in which readings are shared.
	Fresh bool
	// OnSlow is called by Slow; nil if nobody wants to know.
	OnSlow func()

	shared []shared
}

// Slow says that what the Handler does next may take longer than a millisecond, so that requests which wait behind this one need not. It may be
// called more than once.
func (q *Request) Slow() {
	if q.OnSlow != nil {
		q.OnSlow()
	}
}

type shared struct{ key, value any }

// Shared returns what an earlier call with the same key returned within this request, else makes it. It is how several
// handlers of one request take their figures from one reading. Keys are compared with ==; use a pointer that is the source's own.
func (q *Request) Shared(key any, make func() any) any {
	for _, s := range q.shared {
		if s.key == key {
			return s.value
		}
	}
	v := make()
	q.shared = append(q.shared, shared{key, v})
	return v
}

// Reset makes q ready for another message; what was shared is forgotten.
func (q *Request) Reset() {
	clear(q.shared)
	*q = Request{shared: q.shared[:0]}
}

// Handler serves one or several registered subtrees. It is called by many requests at a time and must be comparable: a
// pointer. View is called at most once a request, so that every variable binding of an answer, and every repetition of a
// GetBulk, sees one state.
type Handler interface {
	View(ctx context.Context, q *Request) (View, error)
}

// View is a Handler's state as one request sees it; it is used by one goroutine.
//
// An error of Get or Next is a *VarError where one name or range is to blame, and answered genErr otherwise. A local source
// that cannot be read is no error: its objects are noSuchInstance, and Next goes past them.
type View interface {
	// Get appends the value of each name, in order: the object's, NoSuchInstance if the object exists without that instance,
	// else NoSuchObject.
	Get(ctx context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error)
	// Next appends, for each range in turn, up to max successors in ascending order, followed by one VarBind with the value
	// EndOfMibView (of any name) if there are fewer than max.
	Next(ctx context.Context, dst []snmp.VarBind, ranges []Range, max int) ([]snmp.VarBind, error)
}

// Range asks for what stands after Start (or at it, if Include) and before End; an empty End is no end. It is AgentX'
// SearchRange (RFC 2741 section 5.2).
type Range struct {
	Start   oid.OID
	Include bool
	End     oid.OID
}

// Contains reports whether o lies in r.
func (r Range) Contains(o oid.OID) bool {
	if c := o.Compare(r.Start); c < 0 || c == 0 && !r.Include {
		return false
	}
	return r.End.IsEmpty() || o.Less(r.End)
}

// VarError blames one name or range, counted from 0 in the call that failed.
type VarError struct {
	Index  int
	Status snmp.ErrorStatus
	Err    error
}

func (e *VarError) Error() string {
	return fmt.Sprintf("variable %d: %v: %v", e.Index, e.Status, e.Err)
}

func (e *VarError) Unwrap() error { return e.Err }
