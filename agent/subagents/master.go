// Package subagents is the master of RFC 2741: other programs register subtrees of objects that they serve. To the agent each is one more
// mib.Handler.
package subagents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agentx"
	"walkabout/internal/lograte"
	"walkabout/mib"
	"walkabout/snmp/oid"
)

// Options are what a Master works with. The first three are needed.
type Options struct {
	Register func(h mib.Handler, regs ...agent.Registration) (unregister func(), err error) // agent.Server's
	Notify   func(n notify.Notification)                                                    // sends to all receivers; never blocks
	Start    time.Time                                                                      // when sysUpTime was 0
	// AddModule makes a module a row of sysORTable until remove is called; nil if there is no such table.
	AddModule func(m mib.Module) (remove func())
	// Allowed are the subtrees in which sub-agents may register; nil is everywhere.
	Allowed []oid.OID
	// Timeout is how long a sub-agent may take to answer that has not said itself; 0 is DefaultTimeout.
	Timeout time.Duration
	// Retries is how many requests in a row may go unanswered before a session is closed, besides the first; negative is none.
	Retries int
	Log     *slog.Logger // nil is nobody
}

// What holds where Options do not say it, as in Net-SNMP's agent, and the bounds of what one peer can make the master hold.
const (
	DefaultTimeout = time.Second
	DefaultRetries = 5

	maxConnections      = 64
	maxSessions         = 64   // of a connection
	maxRegistrations    = 2000 // of a connection, each subtree of a range counted
	maxAllRegistrations = 10000
	maxCaps             = 100   // of a session
	maxIndexes          = 10000 // index objects, and values of all of them
	maxIndexSize        = 128   // octets of a string: more do not fit into a name (RFC 2578 section 3.5)
	maxText             = 255   // octets of a description (DisplayString) or context (SnmpAdminString)
	maxAsked            = 32    // requests that may wait for one session; those beyond would hold up requests to others
	maxWaits            = 5     // time-outs that a request may begin to wait for one sub-agent
	maxTimeout          = 60 * time.Second
	openTimeout         = 5 * time.Second // after which a connection without a session may have to go
	writeTimeout        = 5 * time.Second
)

// Master takes sub-agents in. It is safe for concurrent use.
type Master struct {
	options Options

	mu            sync.Mutex
	sessions      map[uint32]*session
	connections   map[*connection]bool
	registrations map[registrationKey]*registration
	indexes       map[indexKey]*indexes
	indexValues   int    // of all indexes, those that are taken
	budget        budget // of all notifications
	subtrees      int    // that are registered
	refusedTold   lograte.Kind
	lastSession   uint32
	lastConn      uint32
	changed       struct{ connections, sessions, registrations time.Time }
}

// registrationKey is what there can be one of (RFC 2741 section 7.1.4).
type registrationKey struct {
	context  string
	subtree  oid.OID
	rangeSub uint8
	upper    uint32
	priority uint8
}

// New returns a Master without sub-agents.
func New(o Options) (*Master, error) {
	if o.Register == nil || o.Notify == nil || o.Start.IsZero() {
		return nil, errors.New("subagents: an option is missing")
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Master{
		options: o, sessions: map[uint32]*session{}, connections: map[*connection]bool{}, registrations: map[registrationKey]*registration{},
		indexes: map[indexKey]*indexes{},
	}, nil
}

// Serve takes connections in until ctx ends or l fails, closes l and them, and returns when no goroutine of it is left. The end of ctx is
// no error.
func (m *Master) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var peers sync.WaitGroup
	defer peers.Wait()
	defer cancel()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); _ = l.Close() })
	defer func() {
		if stop() {
			_ = l.Close()
			return
		}
		<-closed
	}()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("subagents: %w", err)
		case err != nil: // no descriptors, say: those that are open live on
			m.options.Log.Warn("taking a sub-agent in", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		if conn, err = direct(conn); err != nil {
			m.options.Log.Warn("taking a sub-agent in", "err", err)
			continue
		}
		c := m.connect(conn)
		if c == nil {
			_ = conn.Close()
			continue
		}
		peers.Go(func() {
			said := make(chan struct{})
			stop := context.AfterFunc(ctx, func() { defer close(said); c.shut(agentx.ReasonShutdown) })
			c.serve()
			if !stop() {
				<-said
			}
		})
	}
}

// connect makes a connection; nil if there are too many. One that has had no session for a while makes room: who connects and says nothing keeps no
// sub-agent out.
func (m *Master) connect(conn net.Conn) *connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.connections) >= maxConnections {
		idle := m.idleLocked()
		if idle == nil {
			if m.refusedTold.Due() {
				m.options.Log.Warn("refused a sub-agent: there are too many connections; more are not told for a minute", "connections", len(m.connections))
			}
			return nil
		}
		delete(m.connections, idle)
		_ = idle.conn.Close()
	}
	m.lastConn++
	c := newConnection(m, conn, m.lastConn)
	m.connections[c] = true
	m.changed.connections = c.opened
	return c
}

// idleLocked returns the oldest of the connections that have no session and had the time to open one; nil if there is none.
func (m *Master) idleLocked() *connection {
	var oldest *connection
	for c := range m.connections {
		if len(c.sessions) == 0 && time.Since(c.opened) > openTimeout && (oldest == nil || c.opened.Before(oldest.opened)) {
			oldest = c
		}
	}
	return oldest
}

func (m *Master) disconnect(c *connection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.connections, c)
	m.changed.connections = time.Now()
}

// open makes a session of an Open-PDU.
func (m *Master) open(c *connection, p *agentx.PDU) (*session, agentx.Error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(c.sessions) >= maxSessions {
		return nil, agentx.OpenFailed
	}
	for {
		if m.lastSession++; m.lastSession != 0 && m.sessions[m.lastSession] == nil {
			break
		}
	}
	s := newSession(c, m.lastSession, p)
	m.sessions[s.id], c.sessions[s.id] = s, s
	m.changed.sessions = s.opened
	return s, agentx.NoError
}

// end closes a session: its objects are no longer served, and who waits for it gets an error.
func (m *Master) end(s *session, reason agentx.Reason) {
	m.mu.Lock()
	if m.sessions[s.id] != s {
		m.mu.Unlock()
		return
	}
	delete(m.sessions, s.id)
	delete(s.conn.sessions, s.id)
	m.changed.sessions = time.Now()
	var undo []func()
	for key, r := range m.registrations {
		if r.session == s {
			delete(m.registrations, key)
			m.countLocked(r, -1)
			undo = append(undo, r.unregister)
			m.changed.registrations = m.changed.sessions
		}
	}
	for _, remove := range s.caps {
		undo = append(undo, remove)
	}
	m.releaseIndexesLocked(s)
	m.mu.Unlock()
	for _, f := range undo {
		f()
	}
	close(s.ended)
	m.options.Log.Info("a sub-agent is gone", "session", s.id, "descr", s.descr, "from", s.conn.from, "reason", reason)
}

// session returns an open session of a connection.
func (m *Master) session(c *connection, id uint32) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return c.sessions[id]
}

// upTime returns sysUpTime.
func (m *Master) upTime() uint32 {
	return uint32(time.Since(m.options.Start) / (10 * time.Millisecond))
}
