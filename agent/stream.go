package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"walkabout/snmp"
	"walkabout/snmp/ber"
)

// StreamLimits bounds what connections may take. A field that is zero is its default.
type StreamLimits struct {
	Connections int           // of all listeners together; 256
	PerSource   int           // of them from one IPv4 address or IPv6 /64, or by unix sockets; 32
	Idle        time.Duration // from one answer to the first octet of the next request; 5 minutes
	Request     time.Duration // from a request's first octet to its last; 30 seconds
	Answer      time.Duration // what the other side may take to accept an answer; 30 seconds
}

func (l StreamLimits) orDefault() StreamLimits {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if l.Connections <= 0 {
		l.Connections = 256
	}
	if l.PerSource <= 0 {
		l.PerSource = 32
	}
	def(&l.Idle, 5*time.Minute)
	def(&l.Request, 30*time.Second)
	def(&l.Answer, 30*time.Second)
	return l
}

// SetStreamLimits replaces the limits. Connections that are open keep their times, and stay if they are too many now.
func (s *Server) SetStreamLimits(l StreamLimits) {
	l = l.orDefault()
	s.streamLimits.Store(&l)
}

// streams counts connections that are open.
type streams struct {
	mu      sync.Mutex
	total   int
	sources map[netip.Addr]int
}

// enter reports whether one more connection from source is within limits, and counts it then.
func (t *streams) enter(source netip.Addr, limits *StreamLimits) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= limits.Connections || t.sources[source] >= limits.PerSource {
		return false
	}
	if t.sources == nil {
		t.sources = make(map[netip.Addr]int)
	}
	t.total++
	t.sources[source]++
	return true
}

func (t *streams) leave(source netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.sources[source]--; t.sources[source] == 0 {
		delete(t.sources, source)
	}
}

// ServeStreams answers what comes by the connections that l accepts (RFC 3430, and the same over unix sockets), until ctx ends or l
// fails; then it closes l and its connections, and returns when no goroutine of them is left. The end of ctx is no error.
//
// The requests of one connection are answered in their order. A connection is closed when what it carries is no message, for nothing
// tells where the next one would begin.
func (s *Server) ServeStreams(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Add(1)
	context.AfterFunc(ctx, func() {
		defer running.Done()
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.Warn("closing a socket", "err", err)
		}
	})
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			running.Go(func() { s.serveStream(ctx, conn, streamOrigin(l, conn)) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting connections: %w", err)
		default: // no descriptor left, most likely
			if s.refusals.Due(netip.Addr{}) {
				s.log.Warn("accepting a connection", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(transientPause):
			}
		}
	}
}

// serveStream serves one connection, and closes it.
func (s *Server) serveStream(ctx context.Context, conn net.Conn, from origin) {
	defer conn.Close()
	source, limits := from.source(), s.streamLimits.Load()
	if !s.streams.enter(source, limits) {
		n := s.stats.connectionsRefused.Add(1)
		if s.refusals.Due(source) {
			s.log.Warn("refused a connection: too many are open; more from there are not told for a minute", "from", from, "refused", n)
		}
		return
	}
	defer s.streams.leave(source)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	err := s.answerStream(ctx, conn, from, limits)
	if errors.Is(err, errSlow) {
		s.stats.connectionsTimedOut.Add(1)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Debug("closing a connection", "from", from, "err", err)
	}
}

// errSlow says that the other side was too slow within a message.
var errSlow = errors.New("too slow")

// keptMemory is how many octets a connection that waits keeps for its next message or answer, which seldom are larger.
const keptMemory = 16 << 10

// answerStream returns nil when the other side closes the connection between two messages.
func (s *Server) answerStream(ctx context.Context, conn net.Conn, from origin, limits *StreamLimits) error {
	in := messagesOf(conn, from, limits)
	w := &worker{server: s}
	for {
		message, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if errors.Is(err, errFrame) {
				s.counters.Add(snmp.InPkts, 1)
				s.counters.Add(snmp.InASNParseErrs, 1)
			}
			return err
		}
		answer := w.answer(ctx, message, from)
		switch {
		case w.garbled:
			return errFrame
		case answer == nil:
			continue
		}
		if err := conn.SetWriteDeadline(time.Now().Add(limits.Answer)); err != nil {
			return err
		}
		if _, err := conn.Write(answer); err != nil {
			s.counters.Add(snmp.SilentDrops, 1)
			return timedOut(err)
		}
		s.counters.Add(snmp.OutPkts, 1)
		if cap(w.out) > keptMemory || w.swollen() {
			w = &worker{server: s}
		}
	}
}

// timedOut makes an end of time errSlow.
func timedOut(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errSlow
	}
	return err
}

// errFrame says that no message begins where one should, or that it is longer than any may be.
var errFrame = errors.New("no SNMP message")

// framer cuts a connection into messages, which follow each other without anything between (RFC 3430 section 2.1). Its memory grows by
// what has arrived, not by the length that a message claims.
type framer struct {
	conn       net.Conn
	limits     *StreamLimits
	buf        []byte
	begin, end int // what was read and not returned yet
}

const leastMemory = 512

// next returns the next message, valid until the next call. It is io.EOF when the connection ends between two messages, errFrame when
// there is none, errSlow when it takes too long, and os.ErrDeadlineExceeded when none begins for too long.
func (f *framer) next() ([]byte, error) {
	f.end = copy(f.buf, f.buf[f.begin:f.end])
	f.begin = 0
	wait := f.limits.Request
	if f.end == 0 {
		wait = f.limits.Idle
		if len(f.buf) > keptMemory {
			f.buf = nil
		}
	}
	begun := f.end > 0
	if err := f.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	for {
		n, err := frame(f.buf[:f.end])
		if err != nil {
			return nil, err
		}
		if n > 0 {
			f.begin = n
			return f.buf[:n], nil
		}
		if f.end > 0 && !begun {
			begun = true
			if err := f.conn.SetReadDeadline(time.Now().Add(f.limits.Request)); err != nil {
				return nil, err
			}
		}
		if f.end == len(f.buf) {
			f.buf = append(f.buf, make([]byte, max(leastMemory, len(f.buf)))...)
		}
		read, err := f.conn.Read(f.buf[f.end:])
		f.end += read
		switch {
		case read > 0 || err == nil: // an error will come again
		case !begun:
			return nil, err
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("within a message: %w", io.ErrUnexpectedEOF)
		default:
			return nil, timedOut(err)
		}
	}
}

// frame returns the octets of the message that b begins with, 0 if b does not hold all of it yet.
func frame(b []byte) (int, error) {
	tag, n, err := ber.Size(b)
	switch {
	case len(b) > 0 && tag != ber.TagSequence:
		return 0, errFrame
	case errors.Is(err, ber.ErrTruncated):
		return 0, nil
	case err != nil || n > snmp.MaxMessageSize:
		return 0, errFrame
	case n > len(b):
		return 0, nil
	}
	return n, nil
}
