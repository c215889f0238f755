package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"walkabout/snmp"
)

const (
	// dialTime bounds the opening of a socket, the looking up of a name included.
	dialTime = 10 * time.Second
	// firstPause and longestPause are how long to wait before another try to send what the system would not send: without a route, say,
	// or the address of a name, as they are missing while a machine starts.
	firstPause   = time.Second
	longestPause = time.Minute
	// maxAge is how old a notification may get that way.
	maxAge = time.Hour
	// tellEvery is how often at most a target's failures are logged.
	tellEvery = time.Minute
)

// errUnacknowledged means an inform that was sent as often as it may be.
var errUnacknowledged = errors.New("no acknowledgement")

// errRefused means an inform whose acknowledgement has an error-status: it was received, and its receiver will not have it.
var errRefused = errors.New("the receiver refused it")

// unsentError means that the system would not send.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// worker sends to one target. All but name, queue, target, overflow and refused belong to its goroutine.
type worker struct {
	sender   *Sender
	name     string
	queue    *queue
	target   atomic.Pointer[Target]
	overflow atomic.Uint64 // dropped since the last line in the log
	refused  atomic.Bool   // the receiver's certificate was, when it was last seen
	cancel   context.CancelFunc
	log      *slog.Logger

	left    bool     // the inform that deliver is at was sent once, at least
	conn    net.Conn // while there is something to send
	current *Target  // that conn and v3 belong to
	v3      *sessionV3
	out, in []byte
	decoder snmp.Decoder

	told      time.Time // of failures
	failed    uint64    // since then
	refusedAt time.Time // when the others were told of the receiver's certificate
}

// retire lets w end when its queue is empty, and makes it end after d.
func (w *worker) retire(d time.Duration) {
	w.queue.end()
	time.AfterFunc(d, w.cancel)
}

func (w *worker) run(ctx context.Context) {
	defer w.hangUp()
	for {
		m, ok := w.queue.take(ctx)
		if !ok {
			return
		}
		err := w.deliver(ctx, m)
		if w.queue.len() == 0 {
			if end := w.finish(ctx); err == nil {
				err = end
			}
		}
		w.tell(m, err)
	}
}

// deliver sends m, again and again if the system will not have it yet.
func (w *worker) deliver(ctx context.Context, m *message) error {
	stats := &w.sender.Stats
	w.left = false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := w.send(ctx, m)
		var unsent *unsentError
		switch {
		case err == nil, errors.Is(err, errRefused):
			return err
		case errors.Is(err, errUnacknowledged):
			stats.Unacknowledged.Add(1)
			if w.current.secure() { // the receiver may have forgotten the session
				w.hangUp()
			}
			return err
		case !errors.As(err, &unsent) || ctx.Err() != nil || time.Since(m.at) > maxAge, w.refused.Load() && aboutCertificates(m.trapOID):
			stats.Dropped.Add(1)
			return err
		}
		w.hangUp()
		if time.Since(w.told) >= tellEvery {
			w.told = time.Now()
			w.log.Warn("a notification cannot be sent yet; trying on", "address", w.current.Address, "notification", m.trapOID, "waiting", w.queue.len()+1, "err", err)
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
			continue
		case <-w.queue.ending:
		case <-ctx.Done():
		}
		t.Stop()
		stats.Dropped.Add(1)
		return err
	}
}

// send sends m once; an inform, until it is acknowledged or given up.
func (w *worker) send(ctx context.Context, m *message) error {
	if err := w.dial(ctx); err != nil {
		return &unsentError{err}
	}
	if w.current.Inform {
		return w.inform(ctx, m)
	}
	var err error
	w.out, err = w.trap(w.out[:0], m)
	if err != nil {
		return err
	}
	if err := w.write(); err != nil {
		return err
	}
	w.sender.Stats.Sent.Add(1)
	return nil
}

// dial opens the socket, unless it is open, to what the target is now.
func (w *worker) dial(ctx context.Context) error {
	t := w.target.Load()
	if t != w.current {
		w.hangUp()
		w.current, w.v3 = t, nil
	}
	if w.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	open := w.sender.config.Dial
	if t.Dial != nil {
		open = t.Dial
	}
	conn, err := open(ctx, t.Network, t.Address, t.Source)
	w.tellCertificate(err)
	if err != nil {
		return err
	}
	if w.conn = conn; t.stream() {
		w.conn = &messages{Conn: conn}
	}
	return nil
}

func (w *worker) hangUp() {
	if w.conn == nil {
		return
	}
	w.conn.Close()
	w.conn = nil
}

// write sends w.out. That nobody listens there (an ICMP message that an earlier datagram met with, which the system reports in place of
// sending the next one) is no reason not to send.
func (w *worker) write() error {
	c := w.sender.config.Counters
	err := w.writeOnce()
	for range 3 {
		if !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		err = w.writeOnce()
	}
	switch {
	case errors.Is(err, syscall.EMSGSIZE):
		return err
	case err != nil && !errors.Is(err, syscall.ECONNREFUSED):
		return &unsentError{err}
	}
	c.Add(snmp.OutPkts, 1)
	if !w.current.Inform {
		c.Add(snmp.OutTraps, 1)
	}
	return nil
}

func (w *worker) writeOnce() error {
	if err := w.conn.SetWriteDeadline(time.Now().Add(dialTime)); err != nil {
		return err
	}
	_, err := w.conn.Write(w.out)
	return err
}

// trap appends the message that carries m unconfirmed.
func (w *worker) trap(dst []byte, m *message) ([]byte, error) {
	t := w.current
	switch {
	case t.Version == snmp.V1:
		p, err := trapV1(m, w.agentAddr())
		if err != nil {
			return dst, err
		}
		v1 := snmp.Message{Version: snmp.V1, Community: t.Community.Reveal(), PDU: p}
		return v1.Append(dst), nil
	case t.Version == snmp.V2c:
		v2 := snmp.Message{Version: snmp.V2c, Community: t.Community.Reveal(), PDU: m.pdu(snmp.TrapV2, newID())}
		return v2.Append(dst), nil
	case t.TSM:
		return w.messageTSM(dst, m, snmp.TrapV2, newID(), newID(), 0)
	default:
		return w.trapV3(dst, m)
	}
}

// agentAddr returns the agent-addr of a v1 trap: 0.0.0.0 if it leaves by IPv6 (RFC 3584 section 3.2).
func (w *worker) agentAddr() netip.Addr {
	if a := w.current.AgentAddr; a.IsValid() {
		return a
	}
	if local, err := netip.ParseAddrPort(w.conn.LocalAddr().String()); err == nil && local.Addr().Unmap().Is4() {
		return local.Addr().Unmap()
	}
	return netip.IPv4Unspecified()
}

// pdu returns m as a PDU of SNMPv2.
func (m *message) pdu(kind snmp.PDUType, requestID int32) snmp.PDU {
	return snmp.PDU{Type: kind, RequestID: requestID, VarBinds: m.varBinds}
}

// newID returns a request-id or msgID that nobody else can guess.
func newID() int32 { return rand.Int32() }

// tell logs failures, of a target one a minute at most, and that they are over.
func (w *worker) tell(m *message, err error) {
	overflow := w.overflow.Load()
	if err == nil && overflow == 0 {
		if w.failed > 0 || !w.told.IsZero() {
			w.log.Info("notifications get through again", "failed", w.failed)
			w.failed, w.told = 0, time.Time{}
		}
		return
	}
	if err != nil {
		w.failed++
	}
	if time.Since(w.told) < tellEvery {
		return
	}
	w.told = time.Now()
	w.overflow.Add(-overflow)
	if err == nil {
		err = fmt.Errorf("more than %d waited", queueLen)
	}
	w.log.Warn("notifications are lost; more are not told for a minute", "address", w.current.Address, "notification", m.trapOID, "failed", w.failed, "dropped", overflow, "err", err)
}
