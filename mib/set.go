package mib

import (
	"context"

	"walkabout/snmp"
)

// Setter is a Handler some of whose objects can be written. What a Handler without it serves is notWritable.
type Setter interface {
	Handler
	// Prepare checks the variable bindings of one SET that are this Handler's, as a whole, and returns the change that they
	// would make. Nothing is changed yet, and nothing that Prepare holds may be kept if Close alone is called. What can be found
	// wrong must be found here: an error is a *VarError with a status of RFC 3416 section 4.2.5, or genErr.
	Prepare(ctx context.Context, q *Request, vbs []snmp.VarBind) (Change, error)
}

// Independent is a Setter whose changes bear on no other Handler's, and that keeps nothing that the agent saves: SETs of others need not wait for its own.
type Independent interface {
	Setter
	Independent()
}

// Change is a SET's change to one Handler. All Handlers of a SET have prepared before the first Commit; one SET is carried out
// at a time, but for those to Handlers that are Independent.
type Change interface {
	// Commit makes the change. An error says that nothing of it remains, unless it is a *VarError of undoFailed; another *VarError
	// blames one of the variable bindings.
	Commit(ctx context.Context) error
	// Undo takes a committed change back.
	Undo(ctx context.Context) error
	// Close is called once, at the end, whatever happened.
	Close()
}
