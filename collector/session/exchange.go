package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"walkabout/snmp"
)

// exchange is requests of one client that are under way, from the first that is put until the last is answered. The socket's reader takes the
// answers and puts the next requests itself, so that no goroutine has to be woken for each; the one that called run waits for the end,
// and sends again what was lost.
//
// Exchanges are used again, for any client of the same Sockets.
type exchange struct {
	single single
	done   chan error  // of capacity 1: how it ended
	timer  *time.Timer // stopped but while run waits

	mu       sync.Mutex
	c        *client
	requests Requests
	slots    [Depth]slot
	depth    int
	tokens   int       // of the window, that are held
	heard    time.Time // when the last answer came, or run began
	over     bool
	sealing  sealing
	out      []byte
}

// slot holds a request that is under way. remote, anySource and stats do not change while it is in a socket's pending.
type slot struct {
	x         *exchange
	number    int
	remote    netip.AddrPort
	anySource bool // the answer may come from another address
	stats     *Stats

	id      int32
	busy    bool
	request Request
	list    []byte        // its variable bindings
	tries   int           // that were sent
	again   int           // that were sent because of errAgain
	first   time.Time     // when the request was sent first
	waited  time.Duration // for an answer to that
	expires time.Time     // when it is sent again
}

func newExchange() *exchange {
	x := &exchange{done: make(chan error, 1), timer: time.NewTimer(0)}
	if !x.timer.Stop() {
		<-x.timer.C
	}
	for i := range x.slots {
		x.slots[i].x, x.slots[i].number = x, i
	}
	return x
}

// run puts the requests of r, depth at a time at the most, until all are answered or one cannot be.
func (x *exchange) run(ctx context.Context, c *client, r Requests, depth int) error {
	select {
	case c.sockets.window <- struct{}{}:
	case <-ctx.Done():
		return c.over(ctx)
	}
	tokens := 1
	for tokens < depth && c.sockets.more() {
		tokens++
	}
	x.begin(c, r, tokens)
	err := x.wait(ctx)
	x.end()
	return err
}

// patience is how long a request that is not answered counts as under way. Answers that come so late do not come all at once, and a thousand hosts
// that are down must not hold up those that are not.
const patience = 500 * time.Millisecond

// releaseLocked gives back the tokens.
func (x *exchange) releaseLocked() {
	for ; x.tokens > 0; x.tokens-- {
		<-x.c.sockets.window
	}
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

func (x *exchange) begin(c *client, r Requests, depth int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.c, x.requests, x.depth, x.tokens, x.heard, x.over = c, r, depth, depth, time.Now(), false
	for i := range x.slots {
		s := &x.slots[i]
		s.remote, s.anySource, s.stats = c.remote, c.options.AnySource, c.options.Stats
	}
	x.fillLocked(time.Now(), c.socket.conn)
}

// end ends what is under way. What comes for it from now on is stray.
func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for i := range x.slots {
		if s := &x.slots[i]; s.busy {
			x.c.socket.remove(s)
			s.busy = false
		}
	}
	x.releaseLocked()
	x.c, x.requests = nil, nil
	select {
	case <-x.done: //nolint:errcheck // it came after the end
	default:
	}
}

// wait returns when all is answered, or something never will be.
func (x *exchange) wait(ctx context.Context) error {
	c := x.c
	for {
		x.mu.Lock()
		next := x.expiresLocked()
		x.mu.Unlock()
		x.timer.Reset(time.Until(next))
		select {
		case err := <-x.done:
			x.timer.Stop()
			return err
		case <-ctx.Done():
			x.timer.Stop()
			return c.over(ctx)
		case <-c.closed:
			x.timer.Stop()
			return fmt.Errorf("session: %w", net.ErrClosed)
		case <-x.timer.C:
			if err := x.again(time.Now()); err != nil {
				return err
			}
		}
	}
}

// expiresLocked returns when the first of the requests is to be sent again, or tokens are to be given back.
func (x *exchange) expiresLocked() time.Time {
	next := time.Now().Add(x.c.options.Timeout)
	if x.tokens > 0 {
		next = x.heard.Add(patience)
	}
	for i := range x.slots {
		if s := &x.slots[i]; s.busy && s.expires.Before(next) {
			next = s.expires
		}
	}
	return next
}

// again sends what was not answered in time, and gives back the tokens if nothing was for long.
func (x *exchange) again(now time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now.Sub(x.heard) >= patience {
		x.releaseLocked()
	}
	for i := range x.slots {
		s := &x.slots[i]
		if !s.busy || s.expires.After(now) {
			continue
		}
		if s.tries > x.c.options.Retries {
			return x.c.silence()
		}
		x.c.options.Stats.Retries.Add(1)
		if err := x.sendLocked(s, now, x.c.socket.conn); err != nil {
			return err
		}
	}
	return nil
}

// sender sends datagrams; a socket's own connection is one.
type sender interface {
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// fillLocked puts requests until there are no more, or enough are under way. Where none is, all is over.
func (x *exchange) fillLocked(now time.Time, w sender) {
	c := x.c
	busy := 0
	for i := range x.slots[:x.depth] {
		s := &x.slots[i]
		if !s.busy {
			var ok bool
			if s.request, s.list, ok = x.requests.Next(i, s.list[:0]); !ok {
				continue
			}
			c.options.Stats.Requests.Add(1)
			s.busy, s.tries, s.again, s.first = true, 0, 0, now
			c.socket.add(s)
			if err := x.sendLocked(s, now, w); err != nil {
				x.endLocked(err)
				return
			}
		}
		busy++
	}
	if busy == 0 {
		x.endLocked(nil)
	}
}

func (x *exchange) sendLocked(s *slot, now time.Time, w sender) error {
	c := x.c
	wait := c.trip.timeout(s.tries, c.options.Timeout)
	if s.tries == 0 {
		s.waited = wait
	}
	if s.tries >= c.options.Retries {
		wait = c.options.Timeout // nothing is gained by giving up early
	}
	s.tries, s.expires = s.tries+1, now.Add(wait)
	x.out = c.wire.seal(x.out[:0], &x.sealing, s.request.head(s.id), s.list, now)
	_, err := w.WriteToUDPAddrPort(x.out, s.remote)
	if isRefusal(err) { // the system tells here what became of another datagram, and has not sent this one
		_, err = w.WriteToUDPAddrPort(x.out, s.remote)
	}
	if err != nil {
		return fmt.Errorf("cannot send to %v: %w", s.remote, err)
	}
	return nil
}

func (x *exchange) endLocked(err error) {
	x.over = true
	select {
	case x.done <- err:
	default: // it has ended already
	}
}

// take takes the message b, of h, that may answer s, and puts the next request by w.
func (s *slot) take(b []byte, h header, at arrival, w sender) {
	x := s.x
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || !s.busy || s.id != h.id {
		return // it waited for the lock until nobody asked any more
	}
	a, err := x.c.wire.open(b, h, at.came)
	switch {
	case errors.Is(err, errStray):
		s.stats.Dropped.Add(1)
		return
	case errors.Is(err, errAgain) && s.again < mostAgain:
		s.again++
		s.tries = max(s.tries-1, 0) // it was answered: the agent is there
		if err = x.sendLocked(s, at.read, w); err == nil {
			return
		}
	}
	x.c.socket.remove(s)
	s.busy = false
	if x.heard = at.read; x.tokens == 0 && x.c.sockets.more() {
		x.tokens = 1
	}
	switch {
	case s.tries > 1: // Karn's rule: it is unknown which was answered
		x.c.trip.backOff(s.waited, s.tries-1, x.c.options.Timeout)
	case s.again == 0:
		x.c.trip.sample(at.came.Sub(s.first))
		s.stats.RoundTrip.Store(int64(x.c.trip.smoothed))
	}
	switch {
	case errors.Is(err, snmp.ErrParse):
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	case err != nil:
	case a.ErrorStatus != snmp.NoError:
		err = &ResponseError{Status: a.ErrorStatus, Index: int(a.ErrorIndex)}
	default:
		if err = x.requests.Answer(s.number, &a, len(b), s.first, at.came); errors.Is(err, snmp.ErrParse) {
			err = fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	if err != nil {
		x.endLocked(err)
		return
	}
	x.fillLocked(at.read, w)
}

// mostAgain bounds how often a request is sent again because the agent told something of its engine.
const mostAgain = 3

// fail tells s of err, which ends its exchange, unless it is ErrUnreachable and a transmission is left.
func (s *slot) fail(id int32, err error) {
	x := s.x
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || !s.busy || s.id != id {
		return
	}
	if errors.Is(err, ErrUnreachable) && s.tries <= x.c.options.Retries {
		x.c.options.Stats.Retries.Add(1)
		if failed := x.sendLocked(s, time.Now(), x.c.socket.conn); failed == nil {
			return
		}
	}
	x.endLocked(err)
}

// over says that ctx is.
func (c *client) over(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if err := c.wire.silence(); err != nil {
		return err
	}
	return fmt.Errorf("%w from %v before the poll's time was over", ErrTimeout, c.remote)
}

func (c *client) silence() error {
	if err := c.wire.silence(); err != nil {
		return err
	}
	hint := ""
	if c.options.Credential.Version != snmp.V3 {
		hint = " (neither does an agent answer a community that is wrong, or that it does not accept from here)"
	}
	return fmt.Errorf("%w from %v to %d requests, up to %v each%s", ErrTimeout, c.remote, c.options.Retries+1, c.options.Timeout, hint)
}
