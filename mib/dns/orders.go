package dns

import (
	"context"
	"net/netip"
)

// Restore takes back what an order did.
type Restore func(context.Context) error

// Reloader is a Backend whose server can be told to reload.
type Reloader interface {
	Backend
	// Reload has the server read its configuration and zones again.
	Reload(ctx context.Context) error
}

// NewZone is a zone of the class IN that a server shall serve.
type NewZone struct {
	// Name is in lower case without a dot at the end. Its labels are of letters, digits, - and _ alone, so that it means nothing else in an order or a path.
	Name string
	// Sources are the IPv4 addresses that it is transferred from; none: what the server is told of such zones beforehand (Access.Pattern).
	Sources []netip.Addr
}

// ZoneWriter is a Backend whose server can be told to serve a zone, and to serve it no longer.
type ZoneWriter interface {
	Backend
	// CheckAdd says why AddZone cannot be; it asks nobody.
	CheckAdd(z NewZone) error
	// AddZone has the server serve a zone that it does not serve.
	AddZone(ctx context.Context, z NewZone) error
	// CheckRemove says why a zone must not be removed; it asks nobody.
	CheckRemove(z *Zone) error
	// RemoveZone has the server serve a zone no longer. Files of it stay where they are.
	RemoveZone(ctx context.Context, name string) (Restore, error)
}

// RecursionWriter is a Backend whose server can be told for whom it recurses.
type RecursionWriter interface {
	Backend
	SetRecursion(ctx context.Context, r Recursion) (Restore, error)
}

// TakesOrders reports whether anything of a server can be SET.
func TakesOrders(b Backend) bool {
	_, reloads := b.(Reloader)
	_, zones := b.(ZoneWriter)
	_, recursion := b.(RecursionWriter)
	return reloads || zones || recursion
}
