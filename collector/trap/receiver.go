package trap

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// Peer is who sent a datagram, and the own address that it came to, from which an answer leaves; the zero Addr leaves that to the system.
type Peer struct {
	Remote netip.AddrPort
	Local  netip.Addr
	Zone   int
}

// Datagrams is a socket. Closing it ends a ReadPacket that waits, with an error that is net.ErrClosed.
type Datagrams interface {
	ReadPacket(b []byte) (int, Peer, error)
	WritePacket(b []byte, to Peer) error
	Close() error
}

// Config is whose notifications are taken. The zero Config takes none.
type Config struct {
	Credentials []Credential
	Targets     []Target
	// Forwarders are where notifications come from that others have sent: they are of the target that agent-addr or snmpTrapAddress.0 names.
	Forwarders []netip.Prefix
	// Unknown hands on what is of no target, but well secured.
	Unknown bool
}

// Credential is a community, of versions 1 and 2c alike, or a user of version 3.
type Credential struct {
	session.Credential
	EngineID string // the only engine that the user sends from; "" is any
}

// Options of a Receiver.
type Options struct {
	Config Config
	State  State // of the last run, with Boots counted up and stored already
	// Handle takes one notification after another. What comes meanwhile waits; it should not be long.
	Handle func(Notification)
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error) // nil: the system's
	Log    *slog.Logger                                                 // nil: nothing is logged
}

// Receiver receives notifications. Its methods may be called by any goroutine.
type Receiver struct {
	handle  func(Notification)
	log     *slog.Logger
	engine  *usm.Engine // ours, authoritative for informs
	sleep   *sleep      // of which its clock knows
	senders *usm.Senders
	people  *people
	queue   *queue
	stats   stats
	refused refusals

	communities atomic.Pointer[[]secret.String]
	users       atomic.Bool // there is one, at least

	mu      sync.Mutex
	last    time.Time // At of the last notification
	informs informs
}

// New returns a Receiver, which sends and hears nothing before Serve; an error says which credential is wrong.
func New(o Options) (*Receiver, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	engine, err := usm.NewEngine(o.State.EngineID, o.State.Boots, time.Now())
	if err != nil {
		return nil, err
	}
	senders, err := usm.NewSenders(o.State.Senders)
	if err != nil {
		return nil, err
	}
	r := &Receiver{handle: o.Handle, log: o.Log, engine: engine, sleep: newSleep(), senders: senders, people: newPeople(o.Lookup), queue: newQueue(), refused: refusals{log: o.Log}}
	return r, r.Configure(o.Config)
}

// Configure replaces whose notifications are taken; after an error nothing has changed. A password takes some milliseconds.
func (r *Receiver) Configure(c Config) error {
	var communities []secret.String
	var accounts []*usm.Account
	var users []usm.User
	for _, credential := range c.Credentials {
		if credential.Version != snmp.V3 {
			communities = append(communities, credential.Community)
			continue
		}
		a, err := account(credential)
		if err != nil {
			return err
		}
		accounts = append(accounts, a)
		if credential.EngineID == "" || credential.EngineID == r.engine.ID() {
			users = append(users, a.User(r.engine.ID()))
		}
	}
	if err := r.senders.SetAccounts(accounts); err != nil {
		return err
	}
	if err := r.engine.SetUsers(users); err != nil {
		return err
	}
	r.communities.Store(&communities)
	r.users.Store(len(accounts) > 0)
	r.people.configure(c)
	return nil
}

// account returns a user of version 3 as the protocol's package has it.
func account(c Credential) (*usm.Account, error) {
	o := usm.AccountOptions{Name: c.User, EngineID: c.EngineID, AuthPassword: c.AuthPassword.Reveal(), PrivPassword: c.PrivPassword.Reveal()}
	var err error
	if c.Auth != "" {
		if o.Auth, err = usm.ParseAuthProtocol(string(c.Auth)); err != nil {
			return nil, err
		}
	}
	if c.Priv != "" {
		if o.Priv, err = usm.ParsePrivProtocol(string(c.Priv)); err != nil {
			return nil, err
		}
	}
	return usm.NewAccount(o)
}

// Serve receives on the sockets until ctx ends or one of them fails, hands everything that was taken to Handle, and closes the sockets. No
// goroutine of it is left then. A Receiver serves once.
func (r *Receiver) Serve(ctx context.Context, sockets ...Datagrams) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	failed := make(chan error, len(sockets))
	for _, d := range sockets {
		running.Go(func() {
			failed <- r.listen(ctx, d)
			cancel()
		})
	}
	running.Go(func() { r.people.run(ctx, r.log) })
	running.Go(func() { r.deliver(ctx) })
	<-ctx.Done()
	var errs []error
	for _, d := range sockets {
		errs = append(errs, d.Close())
	}
	for range sockets {
		errs = append(errs, <-failed)
	}
	running.Wait()
	for _, i := range r.queue.drain() { // what the sockets took while deliver ended
		r.handle(i.n)
	}
	return errors.Join(errs...)
}

// deliver hands on what waits until ctx ends.
func (r *Receiver) deliver(ctx context.Context) {
	for {
		all := r.queue.take(ctx)
		if len(all) == 0 {
			return
		}
		for _, i := range all {
			r.handle(i.n)
		}
	}
}

// reading is one socket's goroutine and its memory.
type reading struct {
	r       *Receiver
	d       Datagrams
	decoder snmp.Decoder
	message snmp.Message
	scoped  snmp.ScopedPDU
	sealer  usm.Sealer
	out     []byte
}

// pause is how long a socket rests after a read failed for a reason that is not its end.
const pause = 100 * time.Millisecond

// listen reads until ctx ends or the socket is of no more use.
func (r *Receiver) listen(ctx context.Context, d Datagrams) error {
	s := &reading{r: r, d: d, decoder: snmp.Decoder{Lenient: true}}
	buffer := make([]byte, snmp.MaxMessageSize+1)
	for failures := 0; ; {
		n, from, err := d.ReadPacket(buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			failures = 0
			s.receive(buffer[:n:n], from, time.Now())
			continue
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("receiving notifications: %w", err)
		}
		if failures++; failures > 100 {
			return fmt.Errorf("receiving notifications: %w", err)
		}
		t := time.NewTimer(pause) // such as an ICMP error for an answer that was sent
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
}

// receive deals with one datagram.
func (s *reading) receive(b []byte, from Peer, now time.Time) {
	result, err := s.open(b, from, now)
	s.r.stats[result].Add(1)
	s.r.refused.note(result, err, from, now)
}

func (s *reading) open(b []byte, from Peer, now time.Time) (outcome, error) {
	version, err := snmp.PeekVersion(b)
	switch {
	case err != nil:
		return malformed, err
	case version == snmp.V3 && s.r.users.Load():
		return s.openV3(b, from, now)
	case version == snmp.V3:
		return unsupportedVersion, errors.New("version 3, and no credential of version 3 is configured")
	}
	if err := s.decoder.Decode(b, &s.message); err != nil {
		if errors.Is(err, snmp.ErrVersion) {
			return unsupportedVersion, err
		}
		return malformed, err
	}
	m := &s.message
	if !s.r.known(m.Community) {
		return wrongCommunity, nil
	}
	if v1 := m.PDU.Type == snmp.TrapV1; v1 != (m.Version == snmp.V1) || !v1 && m.PDU.Type != snmp.TrapV2 && m.PDU.Type != snmp.InformRequest {
		return wrongPDU, fmt.Errorf("a %v of version %v", m.PDU.Type, m.Version)
	}
	n := Notification{Source: from.Remote, Version: m.Version}
	result, err := s.r.take(n, &m.PDU, len(b), now)
	if m.PDU.Type == snmp.InformRequest && result.acknowledged() {
		answer := snmp.Message{Version: m.Version, Community: m.Community, PDU: acknowledgement(&m.PDU)}
		s.out = answer.Append(s.out[:0])
		s.write(from)
	}
	return result, err
}

// known reports whether the community is configured; it takes the same time whichever it is like.
func (r *Receiver) known(community string) bool {
	found := 0
	for _, c := range *r.communities.Load() {
		found |= subtle.ConstantTimeCompare([]byte(c.Reveal()), []byte(community))
	}
	return found == 1
}

// acknowledged reports whether an inform that came to this is acknowledged (RFC 3416 section 4.2.7). One that could not be kept is not: its
// sender will try again.
func (o outcome) acknowledged() bool { return o == accepted || o == repeated || o == unknownSender }

// acknowledgement returns the Response to an inform.
func acknowledgement(p *snmp.PDU) snmp.PDU {
	return snmp.PDU{Type: snmp.Response, RequestID: p.RequestID, VarBinds: p.VarBinds}
}

// write sends what is in s.out. An answer that cannot be sent is asked for again, or not needed.
func (s *reading) write(to Peer) {
	if err := s.d.WritePacket(s.out, to); err != nil {
		s.r.log.Debug("answering a notification", "to", to.Remote, "err", err)
	}
}

// take queues the notification that p, well secured, is.
func (r *Receiver) take(n Notification, p *snmp.PDU, octets int, now time.Time) (outcome, error) {
	if !n.fromPDU(p) {
		return malformed, fmt.Errorf("a %v whose snmpTrapOID.0 is missing or no OBJECT IDENTIFIER", p.Type)
	}
	known, handOn := r.people.find(&n)
	r.mu.Lock()
	defer r.mu.Unlock() // the order of the queue is that of At
	key := informKey{n.Source, p.RequestID, n.TrapOID}
	switch {
	case n.Inform && r.informs.has(key, now):
		return repeated, nil
	case handOn:
		n.At = now
		if !n.At.After(r.last) {
			n.At = r.last.Add(time.Nanosecond)
		}
		if !r.queue.push(n, octets) {
			return queueFull, nil
		}
		r.last = n.At
	}
	if n.Inform {
		r.informs.add(key, now)
	}
	if !known {
		return unknownSender, nil
	}
	return accepted, nil
}
