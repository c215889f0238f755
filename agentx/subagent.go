package agentx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Options are what a SubAgent works with. Address, Handler and Subtrees are needed.
type Options struct {
	Network  string                                                               // "unix" or "tcp"; "unix" if empty
	Address  string                                                               // of the master: "/var/agentx/master", or "127.0.0.1:705"
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // nil is net.Dialer's
	ID       oid.OID                                                              // names the sub-agent to the master (agentxSessionObjectID); may be empty
	Descr    string                                                               // tells a person what it is (agentxSessionDescr)
	Timeout  time.Duration                                                        // how long the master shall wait for an answer, in whole seconds up to 255; 0 is the master's choice
	Handler  mib.Handler                                                          // what serves the subtrees; if it is a mib.Setter it may be written
	Subtrees []Subtree
	Modules  []mib.Module // rows of the agent's sysORTable
	Log      *slog.Logger // nil is slog.Default
}

// Subtree is what a sub-agent registers (RFC 2741 section 6.2.3).
type Subtree struct {
	Context  string // "" is the default context
	Root     oid.OID
	RangeSub uint8         // which sub-identifier of Root, from 1, is the first of a range that ends with Upper; 0 is none
	Upper    uint32        //
	Priority uint8         // the lower goes first; 0 is 127, the default
	Timeout  time.Duration // as Options have it, for this subtree
	Instance bool          // Root is the full name of an instance
}

const (
	dialTimeout   = 5 * time.Second
	writeTimeout  = 5 * time.Second
	answerTimeout = 5 * time.Second // of what a sub-agent asks the master
	minBackoff    = time.Second
	maxBackoff    = 15 * time.Second
	maxConcurrent = 16 // reads that a Handler is asked at a time
)

// SubAgent keeps a session with a master and serves a Handler's objects through it. Make one with New. It is safe for concurrent use.
type SubAgent struct {
	options Options

	mu      sync.Mutex
	session *session // nil while there is none
}

// New checks o.
func New(o Options) (*SubAgent, error) {
	if o.Network == "" {
		o.Network = "unix"
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	switch {
	case o.Address == "":
		return nil, errors.New("agentx: the master's address is missing, such as /var/agentx/master")
	case o.Handler == nil:
		return nil, errors.New("agentx: there is no handler")
	case len(o.Subtrees) == 0:
		return nil, errors.New("agentx: there is no subtree to register")
	}
	return &SubAgent{options: o}, nil
}

// Run serves until ctx ends, which is no error, and connects again whenever the master has gone. What it cannot register is logged, and the rest is
// served. It is called once.
func (a *SubAgent) Run(ctx context.Context) error {
	backoff := minBackoff
	for {
		began := time.Now()
		err := a.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > maxBackoff {
			backoff = minBackoff
		}
		a.options.Log.Warn("the AgentX master is away", "address", a.options.Address, "err", err, "again", backoff)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// ErrNotConnected is what Notify returns while there is no session.
var ErrNotConnected = errors.New("agentx: no session with the master")

// Notify sends a notification to the agent's receivers (RFC 2741 section 6.2.10). An Error is the master's refusal; it has taken the notification
// when the error is nil, and says nothing of the receivers.
func (a *SubAgent) Notify(ctx context.Context, trap oid.OID, vbs ...snmp.VarBind) error {
	a.mu.Lock()
	s := a.session
	a.mu.Unlock()
	if s == nil {
		return ErrNotConnected
	}
	p := PDU{Type: Notify, VarBinds: append([]snmp.VarBind{{Name: snmpTrapOID0, Value: snmp.ObjectID(trap)}}, vbs...)}
	_, err := s.ask(ctx, &p)
	return err
}

var snmpTrapOID0 = oid.New(1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)

// once is one connection, from dialling to its end.
func (a *SubAgent) once(ctx context.Context) error {
	conn, err := a.options.Dial(ctx, a.options.Network, a.options.Address)
	if err != nil {
		return err
	}
	s := newSession(conn, a.options.Handler)
	ended := make(chan error, 1)
	go func() { ended <- s.serve(context.WithoutCancel(ctx)) }() // until the connection ends, so that the master hears of it
	if err := a.open(ctx, s); err != nil {
		return errors.Join(err, conn.Close(), <-ended)
	}
	a.set(s)
	defer a.set(nil)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = s.ask(bye, &PDU{Type: Close, Reason: ReasonShutdown}) // a master that does not answer sees the end of the connection
		_ = conn.Close()
		return errors.Join(ctx.Err(), <-ended)
	}
}

func (a *SubAgent) set(s *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.session = s
}

// open opens the session and registers.
func (a *SubAgent) open(ctx context.Context, s *session) error {
	r, err := s.ask(ctx, &PDU{Type: Open, ID: a.options.ID, Descr: a.options.Descr, Timeout: seconds(a.options.Timeout)})
	if err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	s.id.Store(r.Session)
	for _, t := range a.options.Subtrees {
		p := PDU{Type: Register, Context: t.Context, ID: t.Root, RangeSub: t.RangeSub, Upper: t.Upper, Priority: t.Priority, Timeout: seconds(t.Timeout)}
		if p.Priority == 0 {
			p.Priority = 127
		}
		if t.Instance {
			p.Flags = InstanceRegistration
		}
		if err := a.tell(ctx, s, &p); err != nil {
			return err
		}
	}
	for _, m := range a.options.Modules {
		if err := a.tell(ctx, s, &PDU{Type: AddAgentCaps, ID: m.ID, Descr: m.Descr}); err != nil {
			return err
		}
	}
	return nil
}

// tell asks the master, and logs a refusal. An error is of the connection.
func (a *SubAgent) tell(ctx context.Context, s *session, p *PDU) error {
	_, err := s.ask(ctx, p)
	var refused Error
	if errors.As(err, &refused) {
		a.options.Log.Error("the AgentX master refuses", "request", p.Type, "id", p.ID, "context", p.Context, "err", refused)
		return nil
	}
	return err
}

// seconds is d as a PDU has it.
func seconds(d time.Duration) uint8 { return uint8(min(max((d+time.Second-1)/time.Second, 0), 255)) }
