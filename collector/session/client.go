package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// errNothing says that a request cannot be put.
var errNothing = errors.New("the request cannot be encoded")

// client is a Client, and a Pipeline, of any version on a shared socket. What only a request needs it takes from the Sockets while one is
// under way.
type client struct {
	sockets *Sockets
	socket  *socket
	remote  netip.AddrPort
	options Options
	wire    wire
	trip    roundTrip

	close  sync.Once
	closed chan struct{}
}

func newClient(s *Sockets, k *socket, remote netip.AddrPort, o Options) *client {
	c := &client{sockets: s, socket: k, remote: remote, options: o, closed: make(chan struct{})}
	if o.Credential.Version == snmp.V3 {
		c.wire = newUser(o.Credential, &s.keys)
	} else {
		c.wire = &community{version: o.Credential.Version, name: o.Credential.Community.Reveal()}
	}
	return c
}

// Format keeps secrets out of whatever prints a session.
func (c *client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "session with %v", c.remote) }

// Close ends a request that waits.
func (c *client) Close() error {
	c.close.Do(func() { close(c.closed) })
	return nil
}

func (c *client) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	return each(dst, names, snmp.NoSuchObject, func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
		return c.ask(ctx, dst, Request{Type: snmp.GetRequest}, names)
	})
}

func (c *client) Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error) {
	if c.options.NoBulk || c.options.Credential.Version == snmp.V1 {
		return each(dst, names, snmp.EndOfMibView, func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
			return c.ask(ctx, dst, Request{Type: snmp.GetNextRequest}, names)
		})
	}
	start := len(dst)
	dst, err := c.ask(ctx, dst, Request{Type: snmp.GetBulkRequest, NonRepeaters: nonRepeaters, Repetitions: max}, names)
	if err == nil {
		err = repeated(len(dst)-start, nonRepeaters, len(names), max)
	}
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// EngineID implements Engined.
func (c *client) EngineID() string {
	if u, ok := c.wire.(*user); ok && u.remote != nil {
		return u.remote.ID()
	}
	return ""
}

// Ask implements Pipeline.
func (c *client) Ask(ctx context.Context, r Requests) error {
	x := c.sockets.exchanges.Get().(*exchange)
	defer c.sockets.exchanges.Put(x)
	return x.run(ctx, c, r, Depth)
}

// ask puts one request and appends what a Response without an error-status says.
func (c *client) ask(ctx context.Context, dst []snmp.VarBind, q Request, names []oid.OID) ([]snmp.VarBind, error) {
	for _, n := range names {
		if n.Len() < 2 || n.Len() > oid.MaxLen {
			return dst, fmt.Errorf("%w: name %v", errNothing, n)
		}
	}
	x := c.sockets.exchanges.Get().(*exchange)
	defer c.sockets.exchanges.Put(x)
	s := &x.single
	s.request, s.names, s.asked, s.dst, s.decoder.Lenient = q, names, false, dst, true
	err := x.run(ctx, c, s, 1)
	out := s.dst
	s.names, s.dst = nil, nil
	if err != nil {
		return dst, err
	}
	for i := len(dst); i < len(out); i++ {
		if out[i].Value.Kind() == snmp.KindNull { // which no object is, so the agent or the decoder made it of one
			c.options.Stats.Odd.Add(1)
		}
	}
	return out, nil
}

// single is Requests of one request, whose answer it decodes.
type single struct {
	request Request
	names   []oid.OID
	asked   bool
	dst     []snmp.VarBind
	decoder snmp.Decoder
	name    []byte // scratch
}

// Next implements Requests.
func (s *single) Next(_ int, list []byte) (Request, []byte, bool) {
	if s.asked {
		return Request{}, list, false
	}
	s.asked = true
	for _, n := range s.names {
		s.name = ber.AppendOIDContent(s.name[:0], n)
		list = snmp.AppendName(list, s.name, nil)
	}
	return s.request, list, true
}

// Answer implements Requests.
func (s *single) Answer(_ int, b *snmp.Answer, _ int, _, _ time.Time) error {
	dst, err := s.decoder.AppendVarBinds(s.dst, b)
	if err == nil {
		s.dst = dst
	}
	return err
}
