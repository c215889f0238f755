package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Writer changes this machine, or rather what the kernel keeps of it: nothing here outlives a restart of the system. A method returns
// when the kernel has acknowledged the change and tells it when asked, and then with what takes it back; after an error the machine is
// as it was. One that lacks the right wraps fs.ErrPermission, and an unknown link is fs.ErrNotExist.
//
// One caller at a time: what takes a change back is good only until somebody else makes one.
type Writer interface {
	// SetLinkUp makes a link administratively up or down (IFF_UP). Taking it down makes the kernel forget the link's routes, which
	// Undo does not bring back.
	SetLinkUp(ctx context.Context, index uint32, up bool) (Undo, error)
	// SetLinkAlias names a link for people (IFLA_IFALIAS): up to 255 octets without NUL, none to remove the name.
	SetLinkAlias(ctx context.Context, index uint32, alias string) (Undo, error)
	// SetIPv4Forwarding switches forwarding for all links (ip_forward of ip-sysctl), which overrides what each of them was set to
	// and turns accept_redirects the other way.
	SetIPv4Forwarding(ctx context.Context, on bool) (Undo, error)
	// SetIPv4DefaultTTL sets the TTL of what this machine sends, 1 to 255 (ip_default_ttl of ip-sysctl).
	SetIPv4DefaultTTL(ctx context.Context, hops uint8) (Undo, error)
}

// Undo takes a change back.
type Undo func(ctx context.Context) error

// writerSource is a source of a system that can be changed.
type writerSource interface{ writer() Writer }

// writer is a Writer after which no Reading from before a change is used again.
type writer struct {
	m  *Machine
	to Writer
}

func (w *writer) SetLinkUp(ctx context.Context, index uint32, up bool) (Undo, error) {
	return w.wrap(w.to.SetLinkUp(ctx, index, up))
}

func (w *writer) SetLinkAlias(ctx context.Context, index uint32, alias string) (Undo, error) {
	return w.wrap(w.to.SetLinkAlias(ctx, index, alias))
}

func (w *writer) SetIPv4Forwarding(ctx context.Context, on bool) (Undo, error) {
	return w.wrap(w.to.SetIPv4Forwarding(ctx, on))
}

func (w *writer) SetIPv4DefaultTTL(ctx context.Context, hops uint8) (Undo, error) {
	return w.wrap(w.to.SetIPv4DefaultTTL(ctx, hops))
}

func (w *writer) wrap(undo Undo, err error) (Undo, error) {
	w.m.forget()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer w.m.forget()
		return undo(ctx)
	}, nil
}

// writeError says what could not be changed and, if that is it, which right is missing.
func writeError(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: it takes the capability CAP_NET_ADMIN in this network namespace", what, err)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}
