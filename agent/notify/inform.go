package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"walkabout/snmp"
)

// verdict is what a datagram means to an inform that waits for its acknowledgement.
type verdict uint8

const (
	irrelevant   verdict = iota // garbage, a lie, or late
	acknowledged                // by a Response with its request-id
	again                       // it told what is needed to ask rightly
)

// conversation is how an inform of one version is sent.
type conversation interface {
	// request appends the next datagram to send.
	request(dst []byte, now time.Time) ([]byte, error)
	// judge judges a datagram that came from the target.
	judge(b []byte, now time.Time) (verdict, error)
}

// maxAgain bounds how often an inform is sent at once because of what its receiver says, however it lies: to ask for its engine ID, to
// learn its time, and the same once more if it restarted meanwhile.
const maxAgain = 4

// maxStrange bounds the datagrams and errors that are looked at while an inform waits for its time-out.
const maxStrange = 100

// inform sends m until it is acknowledged. The error wraps errRefused if that has an error-status.
func (w *worker) inform(ctx context.Context, m *message) error {
	c, err := w.conversation(m)
	if err != nil {
		return err
	}
	var reason error // the last that the receiver gave
	repeats := 0
	for try := 0; try <= max(w.current.Retries, 0); {
		v, why, err := w.exchange(ctx, c)
		if err != nil {
			return err
		}
		if why != nil {
			reason = why
		}
		switch {
		case v == acknowledged:
			w.sender.Stats.Acknowledged.Add(1)
			return why
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", errUnacknowledged, ctx.Err())
		case v == again && repeats < maxAgain:
			repeats++
		default:
			try++
		}
	}
	if reason != nil {
		return fmt.Errorf("%w: %w", errUnacknowledged, reason)
	}
	return errUnacknowledged
}

// exchange sends what is to be sent next, and awaits what comes back. The error means that nothing was sent; why is await's.
func (w *worker) exchange(ctx context.Context, c conversation) (v verdict, why, err error) {
	if w.conn == nil {
		if w.target.Load() != w.current {
			return irrelevant, nil, &unsentError{errors.New("the target was changed")}
		}
		if err := w.dial(ctx); err != nil {
			return irrelevant, nil, &unsentError{err}
		}
	}
	conn := w.conn // which w may have closed by then
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer stop()
	if w.out, err = c.request(w.out[:0], time.Now()); err != nil {
		return irrelevant, nil, err
	}
	if err := w.write(); err != nil {
		return irrelevant, nil, err
	}
	if !w.left {
		w.left = true
		w.sender.Stats.Sent.Add(1)
	}
	v, why = w.await(ctx, c)
	return v, why, nil
}

func (w *worker) conversation(m *message) (conversation, error) {
	switch {
	case w.current.TSM:
		return &informTSM{w: w, message: m, requestID: newID(), firstID: newID()}, nil
	case w.current.Version == snmp.V3:
		return w.newInformV3(m)
	default:
		return &informV2c{w: w, message: m, requestID: newID()}, nil
	}
}

// await reads until a datagram means something to c or the target's time-out passes. The error is the last reason that something gave
// for being of no use.
func (w *worker) await(ctx context.Context, c conversation) (verdict, error) {
	if w.in == nil {
		w.in = make([]byte, snmp.MaxMessageSize)
	}
	counters := w.sender.config.Counters
	deadline := time.Now().Add(w.current.Timeout)
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return irrelevant, err
	}
	var reason error
	for range maxStrange {
		if ctx.Err() != nil { // it may have ended before the deadline was set
			return irrelevant, reason
		}
		n, err := w.conn.Read(w.in)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return irrelevant, reason
		case err != nil && w.current.stream(): // nothing more comes by this connection
			w.pause(ctx, time.Until(deadline))
			w.hangUp()
			return irrelevant, err
		case err != nil: // such as that nobody listens there; somebody may before the time is up
			reason = err
			continue
		}
		counters.Add(snmp.InPkts, 1)
		v, why := c.judge(w.in[:n], time.Now())
		if v != irrelevant {
			return v, why
		}
		if why != nil {
			reason = why
		}
	}
	w.pause(ctx, time.Until(deadline)) // a flood must not make us send more
	return irrelevant, reason
}

func (w *worker) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// informV2c is the conversation of SNMPv2c: the same datagram until a Response has its request-id.
type informV2c struct {
	w         *worker
	message   *message
	requestID int32
	answer    snmp.Message
}

func (c *informV2c) request(dst []byte, _ time.Time) ([]byte, error) {
	m := snmp.Message{Version: snmp.V2c, Community: c.w.current.Community.Reveal(), PDU: c.message.pdu(snmp.InformRequest, c.requestID)}
	return m.Append(dst), nil
}

func (c *informV2c) judge(b []byte, _ time.Time) (verdict, error) {
	if err := c.w.decoder.Decode(b, &c.answer); err != nil {
		return irrelevant, nil
	}
	if c.answer.Version != snmp.V2c {
		return irrelevant, nil
	}
	return judgeResponse(c.w, &c.answer.PDU, c.requestID)
}

// judgeResponse says whether p acknowledges the inform of that request-id. The error is what the receiver complains about.
func judgeResponse(w *worker, p *snmp.PDU, requestID int32) (verdict, error) {
	if p.Type != snmp.Response || p.RequestID != requestID {
		return irrelevant, nil
	}
	w.sender.config.Counters.Add(snmp.InGetResponses, 1)
	if p.ErrorStatus != snmp.NoError {
		return acknowledged, fmt.Errorf("%w: %v", errRefused, p.ErrorStatus)
	}
	return acknowledged, nil
}
