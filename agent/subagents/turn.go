package subagents

import (
	"errors"
	"os"
	"time"

	"walkabout/agentx"
)

// turn says whose it is to read a connection. Who asks a sub-agent reads the answer himself, which spares two switches between threads, more than
// all else that a request costs. When nobody has asked for a while the connection's goroutine reads, as a sub-agent may have something to tell.
// It is guarded by the connection's mu, but for mine.
type turn struct {
	reader reader
	mine   chan struct{} // of capacity 1: it is the connection's goroutine's
	quiet  *time.Timer
	read   *unread
}

type reader uint8

const (
	own    reader = iota // the connection's goroutine
	nobody               // who asks next may, or in quietTime the connection's goroutine
	asker
)

// unread is what an asker has read that is not for him to carry out.
type unread struct {
	pdu agentx.PDU
	err error
}

// quietTime is how long after an answer the connection's goroutine leaves the reading to those who ask.
const quietTime = 20 * time.Millisecond

// toOwnLocked makes it the turn of the connection's goroutine.
func (c *connection) toOwnLocked() {
	c.turn.reader = own
	select {
	case c.turn.mine <- struct{}{}:
	default:
	}
}

// ownIfNobody is what the timer calls.
func (c *connection) ownIfNobody() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn.reader == nobody {
		c.toOwnLocked()
	}
}

// next returns what the connection's goroutine is to carry out next, when it is its turn.
func (c *connection) next() (p agentx.PDU, err error) {
	for {
		c.mu.Lock()
		isMine, read := c.turn.reader == own, c.turn.read
		c.turn.read = nil
		c.mu.Unlock()
		switch {
		case read != nil:
			return read.pdu, read.err
		case isMine:
			_ = c.conn.SetReadDeadline(time.Time{})
			err = c.in.Next(&p)
			return p, err
		}
		<-c.turn.mine
	}
}

// yield leaves the reading to those who ask, after an answer that nobody else waits beside.
func (c *connection) yield(read agentx.Type) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if read == agentx.Response && len(c.waiting) == 0 {
		c.leaveLocked()
	}
}

func (c *connection) leaveLocked() {
	c.turn.reader = nobody
	c.turn.quiet.Reset(quietTime)
}

// readAnswer reads until the answer is there. False: it comes, if it does, by the channel that waits for it.
func (c *connection) readAnswer(packet uint32, deadline time.Time) (agentx.PDU, bool) {
	c.mu.Lock()
	_, waits := c.waiting[packet]
	if !waits || c.turn.reader != nobody || c.closed {
		c.mu.Unlock()
		return agentx.PDU{}, false
	}
	c.turn.reader = asker
	c.mu.Unlock()
	_ = c.conn.SetReadDeadline(deadline)
	for {
		var p agentx.PDU
		err := c.in.Next(&p)
		switch {
		case err == nil && p.Type == agentx.Response && p.Packet == packet:
			c.answered()
			return p, true
		case err == nil && p.Type == agentx.Response:
			c.deliver(p)
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.answered()
			return agentx.PDU{}, false
		default:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.turn.read = &unread{p, err}
			c.toOwnLocked()
			return agentx.PDU{}, false
		}
	}
}

// answered ends an asker's turn. Others who wait, for answers that come later, leave the reading to the connection's goroutine.
func (c *connection) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) > 1 || c.closed {
		c.toOwnLocked()
		return
	}
	c.leaveLocked()
}
