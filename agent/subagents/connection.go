package subagents

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"walkabout/agentx"
	"walkabout/internal/lograte"
	"walkabout/snmp"
)

// connection is a peer, which may have several sessions.
type connection struct {
	master *Master
	id     uint32
	conn   net.Conn
	from   string
	opened time.Time
	in     *agentx.Reader

	sessions map[uint32]*session // under the master's mu
	subtrees int                 // that are registered; under the master's mu

	// Of the connection's goroutine.
	budget                                     budget // of notifications
	dropped                                    uint64 // notifications
	changes                                    budget // of Register and Unregister
	droppedTold, badTold, manyTold, fencedTold lograte.Kind

	writing chan struct{} // of capacity 1: who has put in one writes
	out     []byte

	mu      sync.Mutex
	packet  uint32
	waiting map[uint32]chan agentx.PDU // by packetID; of capacity 1
	closed  bool
	turn    turn
}

func newConnection(m *Master, conn net.Conn, id uint32) *connection {
	from := conn.RemoteAddr().String()
	if from == "" || from == "@" {
		from = conn.LocalAddr().String() // the path of the unix socket
	}
	c := &connection{
		master: m, id: id, conn: conn, from: from, opened: time.Now(), in: agentx.NewReader(conn),
		sessions: map[uint32]*session{}, waiting: map[uint32]chan agentx.PDU{},
		writing: make(chan struct{}, 1),
	}
	c.turn.mine = make(chan struct{}, 1)
	c.turn.quiet = time.AfterFunc(quietTime, c.ownIfNobody)
	return c
}

// serve reads until the peer is gone, or sends what nothing can be made of.
func (c *connection) serve() {
	defer c.turn.quiet.Stop()
	for {
		p, err := c.next()
		if err = c.take(&p, err); err != nil {
			c.shut(c.farewell(err))
			c.master.disconnect(c)
			return
		}
		c.yield(p.Type)
	}
}

// take carries out what was read: a PDU, or an error. An error that it returns ends the connection.
func (c *connection) take(p *agentx.PDU, err error) error {
	var bad *agentx.PayloadError
	switch {
	case err == nil && p.Type == agentx.Response:
		c.deliver(*p)
		return nil
	case err == nil:
		return c.handle(p)
	case !errors.As(err, &bad):
		return err
	}
	if c.badTold.Due() {
		c.master.options.Log.Warn("a sub-agent sent what cannot be parsed; more of it is not told for a minute", "from", c.from, "err", err)
	}
	if p.Type != agentx.Response {
		return c.respond(p, agentx.ParseError, 0, nil)
	}
	p.Error = agentx.Error(snmp.GenErr)
	c.deliver(*p)
	return nil
}

// farewell logs why a connection ends.
func (c *connection) farewell(err error) agentx.Reason {
	switch {
	case errors.Is(err, agentx.ErrMalformed):
		c.master.options.Log.Warn("a sub-agent does not speak AgentX", "from", c.from, "err", err)
		return agentx.ReasonParseError
	case !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed):
		c.master.options.Log.Info("a sub-agent's connection ended", "from", c.from, "err", err)
	}
	return agentx.ReasonOther
}

// shut ends all sessions and the connection.
func (c *connection) shut(reason agentx.Reason) {
	c.mu.Lock()
	was := c.closed
	c.closed = true
	if c.turn.reader == nobody {
		c.toOwnLocked()
	}
	c.mu.Unlock()
	if was {
		return
	}
	m := c.master
	m.mu.Lock()
	var list []*session
	for _, s := range c.sessions {
		list = append(list, s)
	}
	m.mu.Unlock()
	for _, s := range list {
		if reason == agentx.ReasonShutdown {
			_ = c.write(&agentx.PDU{Type: agentx.Close, Flags: s.flags, Session: s.id, Reason: reason})
		}
		m.end(s, reason)
	}
	_ = c.conn.Close()
}

// write sends p. A peer that does not read is cut off.
func (c *connection) write(p *agentx.PDU) error { return c.writeBy(p, time.Now().Add(writeTimeout)) }

func (c *connection) writeBy(p *agentx.PDU, deadline time.Time) error {
	select {
	case c.writing <- struct{}{}:
	default: // the peer may not read what others write
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		select {
		case c.writing <- struct{}{}:
		case <-timer.C:
			return errTimeout
		}
	}
	defer func() { <-c.writing }()
	c.out = p.Append(c.out[:0])
	_ = c.conn.SetWriteDeadline(deadline)
	if _, err := c.conn.Write(c.out); err != nil {
		_ = c.conn.Close()
		return err
	}
	return nil
}

// respond answers p.
func (c *connection) respond(p *agentx.PDU, e agentx.Error, index uint16, out *agentx.PDU) error {
	r := agentx.PDU{Type: agentx.Response, Session: p.Session, Transaction: p.Transaction, Packet: p.Packet, UpTime: c.master.upTime(), Error: e, Index: index}
	r.Flags = p.Flags & agentx.NetworkByteOrder
	r.VarBinds = p.VarBinds // of the requests that have some, the response has them too
	if out != nil {
		r.Session, r.VarBinds = out.Session, out.VarBinds
	}
	return c.write(&r)
}

// deliver gives a response to whoever waits for it; one that comes too late is dropped.
func (c *connection) deliver(p agentx.PDU) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to, ok := c.waiting[p.Packet]; ok {
		delete(c.waiting, p.Packet)
		to <- p
	}
}

var (
	errEnded   = errors.New("the sub-agent is gone")
	errTimeout = errors.New("the sub-agent does not answer in time")
	errBusy    = errors.New("too many requests wait for the sub-agent already")
	errSlow    = errors.New("the sub-agent needs too many requests, and is slow")
)

// call sends p and waits for its response, which it reads itself if nobody reads.
func (c *connection) call(ctx context.Context, s *session, p *agentx.PDU, timeout time.Duration) (agentx.PDU, error) {
	answer := make(chan agentx.PDU, 1)
	c.mu.Lock()
	c.packet++
	p.Packet = c.packet
	c.waiting[p.Packet] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, p.Packet)
	}()
	deadline := time.Now().Add(timeout)
	if err := c.writeBy(p, deadline); errors.Is(err, errTimeout) {
		return agentx.PDU{}, err
	} else if err != nil {
		return agentx.PDU{}, errors.Join(errEnded, err)
	}
	if r, ok := c.readAnswer(p.Packet, deadline); ok {
		return r, nil
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case r := <-answer:
		return r, nil
	case <-s.ended:
		return agentx.PDU{}, errEnded
	case <-ctx.Done():
		return agentx.PDU{}, ctx.Err()
	case <-timer.C:
		return agentx.PDU{}, errTimeout
	}
}
