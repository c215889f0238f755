package agentx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
)

// session is a sub-agent's connection to a master.
type session struct {
	conn    net.Conn
	handler mib.Handler
	id      atomic.Uint32 // 0 until it is open

	writing sync.Mutex
	out     []byte

	mu      sync.Mutex
	packet  uint32
	waiting map[uint32]chan PDU // by packetID; of capacity 1
	ended   chan struct{}       // closed when nothing is read any more

	set transaction // of serve's goroutine
}

func newSession(conn net.Conn, h mib.Handler) *session {
	return &session{conn: conn, handler: h, waiting: map[uint32]chan PDU{}, ended: make(chan struct{})}
}

// serve answers until the connection ends, and says why it did. It closes the connection, and returns when no goroutine of it is left.
func (s *session) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var reads sync.WaitGroup
	free := make(chan struct{}, maxConcurrent)
	defer reads.Wait()
	defer cancel()
	defer s.conn.Close()
	defer s.set.close()
	defer close(s.ended)
	in := NewReader(s.conn)
	for {
		var p PDU
		err := in.Next(&p)
		var bad *PayloadError
		switch {
		case errors.As(err, &bad) && p.Type != Response:
			err = s.respond(&p, nil, ParseError, 0)
		case err != nil:
		case p.Type == Response:
			s.deliver(p)
		case p.Type == Close:
			err = fmt.Errorf("the master closes the session: %v", p.Reason)
		case p.Session != s.id.Load():
			err = s.respond(&p, nil, NotOpen, 0)
		case p.Type == Get, p.Type == GetNext, p.Type == GetBulk:
			free <- struct{}{}
			reads.Go(func() {
				_ = s.read(ctx, &p) // reading finds the end of the connection as well
				<-free
			})
		default: // one SET at a time, in order
			err = s.write(ctx, &p)
		}
		if err != nil {
			return err
		}
	}
}

// ask sends a request of our own and waits for its answer. An Error is the master's.
func (s *session) ask(ctx context.Context, p *PDU) (PDU, error) {
	answer := make(chan PDU, 1)
	s.mu.Lock()
	s.packet++
	p.Packet, p.Session = s.packet, s.id.Load()
	s.waiting[p.Packet] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiting, p.Packet)
	}()
	if err := s.send(p); err != nil {
		return PDU{}, err
	}
	timeout := time.NewTimer(answerTimeout)
	defer timeout.Stop()
	select {
	case r := <-answer:
		if r.Error != NoError {
			return r, r.Error
		}
		return r, nil
	case <-s.ended:
		return PDU{}, ErrNotConnected
	case <-ctx.Done():
		return PDU{}, ctx.Err()
	case <-timeout.C:
		return PDU{}, fmt.Errorf("%v: the master does not answer", p.Type)
	}
}

func (s *session) deliver(p PDU) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to, ok := s.waiting[p.Packet]; ok {
		delete(s.waiting, p.Packet)
		to <- p
	}
}

func (s *session) send(p *PDU) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	p.Flags |= NetworkByteOrder
	s.out = p.Append(s.out[:0])
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.conn.Write(s.out); err != nil {
		_ = s.conn.Close()
		return err
	}
	return nil
}

func (s *session) respond(p *PDU, vbs []snmp.VarBind, e Error, index int) error {
	return s.send(&PDU{Type: Response, Session: p.Session, Transaction: p.Transaction, Packet: p.Packet, Error: e, Index: uint16(index), VarBinds: vbs})
}

// fail answers with an error of the Handler's; other is that of one which blames no variable binding.
func (s *session) fail(p *PDU, err error, other snmp.ErrorStatus) error {
	var blamed *mib.VarError
	if errors.As(err, &blamed) {
		return s.respond(p, p.VarBinds, Error(blamed.Status), blamed.Index+1)
	}
	return s.respond(p, p.VarBinds, Error(other), 0)
}
