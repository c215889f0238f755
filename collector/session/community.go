package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// community is a Client of SNMPv1 or v2c on our own codec and shared sockets.
type community struct {
	sockets *Sockets
	socket  *socket
	options Options
	request request
	trip    roundTrip
	timer   *time.Timer // stopped but while a request waits
	closed  chan struct{}

	message snmp.Message // that is asked
	out     []byte
	decoder snmp.Decoder
	answer  snmp.Message

	pipeline pipeline
	list     []byte // scratch of it
}

func newCommunity(s *Sockets, k *socket, remote netip.AddrPort, o Options) *community {
	c := &community{sockets: s, socket: k, options: o, closed: make(chan struct{}, 1), timer: time.NewTimer(0)}
	if !c.timer.Stop() {
		<-c.timer.C
	}
	c.decoder.Lenient = true
	c.request = request{remote: remote, anySource: o.AnySource, version: o.Credential.Version, community: []byte(o.Credential.Community.Reveal()),
		stats: o.Stats, result: make(chan error, 1)}
	c.message = snmp.Message{Version: o.Credential.Version, Community: o.Credential.Community.Reveal()}
	return c
}

// Format keeps the community out of whatever prints a session.
func (c *community) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "session with %v", c.request.remote)
}

// Close ends a request that waits.
func (c *community) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return nil
}

func (c *community) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	return each(dst, names, snmp.NoSuchObject, func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
		return c.ask(ctx, dst, snmp.PDU{Type: snmp.GetRequest}, names)
	})
}

func (c *community) Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error) {
	if c.options.NoBulk || c.options.Credential.Version == snmp.V1 {
		return each(dst, names, snmp.EndOfMibView, func(dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
			return c.ask(ctx, dst, snmp.PDU{Type: snmp.GetNextRequest}, names)
		})
	}
	start := len(dst)
	dst, err := c.ask(ctx, dst, snmp.NewGetBulk(0, int32(nonRepeaters), int32(max)), names)
	if err == nil {
		err = repeated(len(dst)-start, nonRepeaters, len(names), max)
	}
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// ask sends p with names, again if need be, and appends what a Response without an error-status says.
func (c *community) ask(ctx context.Context, dst []snmp.VarBind, p snmp.PDU, names []oid.OID) ([]snmp.VarBind, error) {
	vbs := c.message.PDU.VarBinds[:0]
	for _, n := range names {
		if n.Len() < 2 || n.Len() > oid.MaxLen {
			return dst, fmt.Errorf("%w: name %v", errNothing, n)
		}
		vbs = append(vbs, snmp.VarBind{Name: n})
	}
	p.VarBinds = vbs
	c.message.PDU = p
	if err := c.exchange(ctx); err != nil {
		return dst, err
	}
	err := c.decoder.Decode(c.request.answer, &c.answer)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c.options.Stats.Odd.Add(uint64(c.decoder.Odd))
	if a := &c.answer.PDU; a.ErrorStatus != snmp.NoError {
		return dst, &ResponseError{Status: a.ErrorStatus, Index: int(a.ErrorIndex)}
	}
	return append(dst, c.answer.PDU.VarBinds...), nil
}

// exchange sends the message until it is answered, and leaves the answer in c.request.
func (c *community) exchange(ctx context.Context) error {
	r := &c.request
	select { // not more at a time than the sockets can take
	case c.sockets.window <- struct{}{}:
		defer func() { <-c.sockets.window }()
	case <-ctx.Done():
		return c.over(ctx)
	}
	c.options.Stats.Requests.Add(1)
	c.socket.add(r)
	defer c.withdraw()
	c.message.PDU.RequestID = r.id
	c.out = c.message.Append(c.out[:0])
	var last error
	for n := 0; n <= c.options.Retries; n++ {
		if n > 0 {
			c.options.Stats.Retries.Add(1)
		}
		wait := c.trip.timeout(n, c.options.Timeout)
		if n == c.options.Retries {
			wait = c.options.Timeout // nothing is gained by giving up early
		}
		sent := time.Now()
		if last = c.send(c.out); last == nil {
			last = c.wait(ctx, wait)
		}
		switch {
		case last == nil:
			if n == 0 {
				c.trip.sample(time.Since(sent))
			}
			return nil
		case !errors.Is(last, ErrTimeout) && !errors.Is(last, ErrUnreachable), ctx.Err() != nil:
			return last
		}
	}
	return last
}

// withdraw ends the request: what comes for it from now on is stray.
func (c *community) withdraw() {
	c.socket.remove(&c.request)
	c.request.forget()
}

func (c *community) send(b []byte) error {
	_, err := c.socket.conn.WriteToUDPAddrPort(b, c.request.remote)
	if isRefusal(err) { // the system tells here what became of another datagram, and has not sent this one
		_, err = c.socket.conn.WriteToUDPAddrPort(b, c.request.remote)
	}
	if err != nil {
		return fmt.Errorf("cannot send to %v: %w", c.request.remote, err)
	}
	return nil
}

// wait returns nil when the answer is there.
func (c *community) wait(ctx context.Context, most time.Duration) error {
	c.timer.Reset(most)
	defer c.timer.Stop()
	select {
	case err := <-c.request.result:
		return err
	case <-ctx.Done():
		return c.over(ctx)
	case <-c.closed:
		c.closed <- struct{}{} // for whoever asks next
		return fmt.Errorf("session: %w", net.ErrClosed)
	case <-c.timer.C:
		return c.silence()
	}
}

// over says that ctx is.
func (c *community) over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return fmt.Errorf("%w from %v before the poll's time was over", ErrTimeout, c.request.remote)
}

func (c *community) silence() error {
	return fmt.Errorf("%w from %v to %d requests, up to %v each (neither does an agent answer a community that is wrong, or that it does not accept from here)",
		ErrTimeout, c.request.remote, c.options.Retries+1, c.options.Timeout)
}
