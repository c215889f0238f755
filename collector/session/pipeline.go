package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"walkabout/snmp"
)

// Depth is how many requests of a Pipeline may be under way at a time.
const Depth = 2

// Pipeline is a Client that asks what does not depend on earlier answers without waiting for them.
type Pipeline interface {
	Client

	// Ask puts the requests of r until it has no more, Depth at a time, each again if nothing comes. It returns when all are answered, or at
	// the first that is not: with an error like those of Client, or r's own. Then r is not called any more.
	Ask(ctx context.Context, r Requests) error
}

// Requests are GETBULKs. Their methods are called one at a time, by any goroutine, and must not block: other sessions' answers wait.
type Requests interface {
	// Next appends the next request's variable bindings to list (see snmp.AppendName); false says that there is none at present.
	Next(slot int, list []byte) (request Request, _ []byte, ok bool)
	// Answer takes the answer to the request of the slot, which has no error-status. It must keep nothing of b. came is when it was read, and sent
	// when its request first was.
	Answer(slot int, b *snmp.Answer, size int, sent, came time.Time) error
}

// Request is what a GETBULK says beside its names.
type Request struct{ NonRepeaters, Repetitions int }

// pipeline is the state of one Ask. The socket's reader takes the answers and puts the next requests itself, so that no goroutine has to
// be woken for each; the one that called Ask waits for the end, and sends again what was lost.
type pipeline struct {
	c        *community
	requests Requests

	mu    sync.Mutex
	slots [Depth]slot
	depth int
	over  bool
	done  chan error // of capacity 1
}

// slot holds a request that is under way.
type slot struct {
	request request
	busy    bool
	tries   int       // that were sent
	first   time.Time // when the request was sent first
	expires time.Time // when it is sent again
	out     []byte
}

// Ask implements Pipeline.
func (c *community) Ask(ctx context.Context, r Requests) error {
	select {
	case c.sockets.window <- struct{}{}:
	case <-ctx.Done():
		return c.over(ctx)
	}
	depth := 1
	for depth < Depth && c.sockets.more() {
		depth++
	}
	defer func() {
		for range depth {
			<-c.sockets.window
		}
	}()
	p := &c.pipeline
	p.begin(c, r, depth)
	err := p.wait(ctx)
	p.end()
	return err
}

func (p *pipeline) begin(c *community, r Requests, depth int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.c, p.requests, p.depth, p.over = c, r, depth, false
	if p.done == nil {
		p.done = make(chan error, 1)
		for i := range p.slots {
			s := &p.slots[i]
			s.request = c.request
			s.request.result = p.done
			s.request.take = func(b []byte, came time.Time) { p.take(i, b, came) }
		}
	}
	p.fillLocked(time.Now())
}

// end ends what is under way. What comes for it from now on is stray.
func (p *pipeline) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.requests = true, nil
	for i := range p.slots {
		if s := &p.slots[i]; s.busy {
			p.c.socket.remove(&s.request)
			s.busy = false
		}
	}
	p.slots[0].request.forget()
}

// more takes one more token of the window, if there is one.
func (s *Sockets) more() bool {
	select {
	case s.window <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait returns when all is answered, or something never will be.
func (p *pipeline) wait(ctx context.Context) error {
	c := p.c
	for {
		p.mu.Lock()
		next := p.expiresLocked()
		p.mu.Unlock()
		c.timer.Reset(time.Until(next))
		select {
		case err := <-p.done:
			c.timer.Stop()
			return err
		case <-ctx.Done():
			c.timer.Stop()
			return c.over(ctx)
		case <-c.closed:
			c.timer.Stop()
			c.closed <- struct{}{} // for whoever asks next
			return fmt.Errorf("session: %w", net.ErrClosed)
		case <-c.timer.C:
			if err := p.again(time.Now()); err != nil {
				return err
			}
		}
	}
}

// expiresLocked returns when the first of the requests is to be sent again.
func (p *pipeline) expiresLocked() time.Time {
	next := time.Now().Add(p.c.options.Timeout)
	for i := range p.slots {
		if s := &p.slots[i]; s.busy && s.expires.Before(next) {
			next = s.expires
		}
	}
	return next
}

// again sends what was not answered in time.
func (p *pipeline) again(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.slots {
		s := &p.slots[i]
		if !s.busy || s.expires.After(now) {
			continue
		}
		if s.tries > p.c.options.Retries {
			return p.c.silence()
		}
		p.c.options.Stats.Retries.Add(1)
		if err := p.sendLocked(s, now); err != nil {
			return err
		}
	}
	return nil
}

// fillLocked puts requests until there are no more, or enough are under way. Where none is, all is over.
func (p *pipeline) fillLocked(now time.Time) {
	c := p.c
	busy := 0
	for i := range p.slots[:p.depth] {
		s := &p.slots[i]
		if !s.busy {
			var ok bool
			var r Request
			if r, c.list, ok = p.requests.Next(i, c.list[:0]); !ok {
				continue
			}
			c.options.Stats.Requests.Add(1)
			s.busy, s.tries, s.first = true, 0, now
			c.socket.add(&s.request)
			s.out = snmp.AppendGetBulk(s.out[:0], c.message.Community, s.request.id, int32(r.NonRepeaters), int32(r.Repetitions), c.list)
			if err := p.sendLocked(s, now); err != nil {
				p.endLocked(err)
				return
			}
		}
		busy++
	}
	if busy == 0 {
		p.endLocked(nil)
	}
}

func (p *pipeline) sendLocked(s *slot, now time.Time) error {
	c := p.c
	wait := c.trip.timeout(s.tries, c.options.Timeout)
	if s.tries == c.options.Retries {
		wait = c.options.Timeout // nothing is gained by giving up early
	}
	s.tries, s.expires = s.tries+1, now.Add(wait)
	return c.send(s.out)
}

func (p *pipeline) endLocked(err error) {
	p.over = true
	select {
	case p.done <- err:
	default: // it has ended already
	}
}

// take takes the answer b to the request of a slot, which is not pending any more, and puts the next.
func (p *pipeline) take(i int, b []byte, came time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.slots[i]
	a, err := snmp.ReadAnswer(b)
	if p.over || !s.busy || err == nil && a.RequestID != s.request.id {
		return // it waited for the lock until nobody asked any more
	}
	s.busy = false
	if s.tries == 1 { // Karn's rule: else it is unknown which was answered
		p.c.trip.sample(came.Sub(s.first))
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	case a.ErrorStatus != snmp.NoError:
		err = &ResponseError{Status: a.ErrorStatus, Index: int(a.ErrorIndex)}
	default:
		if err = p.requests.Answer(i, &a, len(b), s.first, came); errors.Is(err, snmp.ErrParse) {
			err = fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	if err != nil {
		p.endLocked(err)
		return
	}
	p.fillLocked(came)
}
