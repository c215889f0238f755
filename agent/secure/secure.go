// Package secure accepts sessions of TLS and DTLS for the agent (RFC 6353, RFC 9456): the TLS Transport Model. Every session's other end has
// presented a certificate that snmpTlstmCertToTSNTable gives a security name.
//
// Handshakes are limited in number, in time and in octets, and whoever is slow at one, or hostile, holds up nobody else.
package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/agent"
	"walkabout/internal/lograte"
	"walkabout/snmp"
	"walkabout/snmp/tlstm"
)

// Limits of handshakes. Sessions are limited as connections are, by agent.StreamLimits.
const (
	handshakeTime      = 10 * time.Second
	handshakes         = 64 // at a time, of one listener
	handshakesOfSource = 8  // of them, of one IPv4 address or IPv6 /64
)

// Model is what the listeners of one agent share. It is for any number of goroutines.
type Model struct {
	log    *slog.Logger
	stats  snmp.TLSTMStats
	judge  atomic.Pointer[judge]
	logged lograte.Sources

	mu       sync.Mutex
	sessions map[*session]bool
}

// New returns a Model that lets nobody in. A nil log is slog.Default.
func New(log *slog.Logger) *Model {
	if log == nil {
		log = slog.Default()
	}
	m := &Model{log: log, sessions: map[*session]bool{}}
	m.judge.Store(newJudge(Config{}))
	return m
}

// Stats returns the counters of sessions, which go on.
func (m *Model) Stats() *snmp.TLSTMStats { return &m.stats }

// SetConfig replaces who the agent is and whom it lets in. Sessions whose certificates do not stand for the same names by now are closed.
func (m *Model) SetConfig(c Config) {
	j := newJudge(c)
	m.judge.Store(j)
	m.mu.Lock()
	var ended []*session
	for s := range m.sessions {
		if name, err := j.identify(s.chain, time.Now()); err != nil || name != s.state.SecurityName {
			ended = append(ended, s)
		}
	}
	m.mu.Unlock()
	for _, s := range ended {
		m.log.Info("closing a session: its certificate does not stand for this name any more", "from", s.RemoteAddr(), "securityName", s.state.SecurityName)
		s.abort() // which waits for nobody; the session's reader sees the end, and closes it
	}
}

// errNoConfig says that the agent has no certificate.
var errNoConfig = errors.New("the agent has no certificate of its own")

// identify judges who presented a chain.
func (m *Model) identify(chain []*x509.Certificate) (string, error) {
	name, err := m.judge.Load().identify(chain, time.Now())
	if err != nil {
		return "", &certificateError{chain, err}
	}
	return name, nil
}

// certificateError says which certificate was refused.
type certificateError struct {
	chain []*x509.Certificate
	err   error
}

func (e *certificateError) Error() string { return "client certificate: " + e.err.Error() }
func (e *certificateError) Unwrap() error { return e.err }

// failed tells of a handshake that did not come to its end.
func (m *Model) failed(from net.Addr, err error) {
	var refused *certificateError
	if !errors.As(err, &refused) {
		m.log.Debug("a handshake failed", "from", from, "err", err)
		return
	}
	m.stats.InvalidClientCertificates.Add(1)
	if !m.logged.Due(sourceOf(from)) {
		return
	}
	attrs := []any{"from", from, "why", refused.err}
	if len(refused.chain) > 0 {
		leaf := refused.chain[0]
		attrs = append(attrs, "subject", leaf.Subject.String(), "issuer", leaf.Issuer.String(), "fingerprint", tlstm.Of(tlstm.SHA256, leaf.Raw))
	}
	m.log.Warn("refused a session; more from there are not told for a minute", attrs...)
}

// session is one whose other end has a name.
type session struct {
	net.Conn
	model *Model
	chain []*x509.Certificate
	state agent.TransportState
	abort func() // closes it without waiting for the other end

	heard  atomic.Bool
	closed sync.Once
}

// add makes a session of conn, whose other end presented chain; abort's Close waits for nobody. It judges that once more, for the configuration may have changed since.
func (m *Model) add(conn net.Conn, chain []*x509.Certificate, state agent.TransportState, abort io.Closer) (*session, error) {
	m.mu.Lock() // before SetConfig looks at the sessions, or after it
	defer m.mu.Unlock()
	var err error
	if state.SecurityName, err = m.identify(chain); err != nil {
		return nil, err
	}
	state.Level = snmp.AuthPriv
	s := &session{Conn: conn, model: m, chain: chain, state: state, abort: func() { _ = abort.Close() }}
	m.sessions[s] = true
	return s, nil
}

// TransportState implements agent.SecureConn.
func (s *session) TransportState() *agent.TransportState { return &s.state }

// Read implements net.Conn.
func (s *session) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if n > 0 && !s.heard.Load() && s.heard.CompareAndSwap(false, true) {
		s.model.stats.Accepts.Add(1)
	}
	return n, err
}

// Close implements net.Conn.
func (s *session) Close() error {
	s.closed.Do(func() {
		s.model.stats.ServerCloses.Add(1)
		s.model.mu.Lock()
		delete(s.model.sessions, s)
		s.model.mu.Unlock()
	})
	return s.Conn.Close()
}

// listener hands out sessions whose handshakes have succeeded.
type listener struct {
	model  *Model
	addr   net.Addr
	ctx    context.Context // ends with the listener
	cancel context.CancelFunc
	close  func() error // of what is below; it ends serve

	ready   chan accepted
	running sync.WaitGroup
}

type accepted struct {
	conn net.Conn
	err  error
}

func (m *Model) newListener(addr net.Addr, closeBelow func() error) *listener {
	l := &listener{model: m, addr: addr, close: closeBelow, ready: make(chan accepted)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case a := <-l.ready:
		return a.conn, a.err
	case <-l.ctx.Done():
		return nil, fmt.Errorf("accepting sessions: %w", net.ErrClosed)
	}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// Close implements net.Listener: no goroutine of it is left, and no handshake. Sessions that were accepted stay.
func (l *listener) Close() error {
	l.cancel()
	err := l.close()
	l.running.Wait()
	return err
}

// hand gives a to Accept; false if the listener ends first.
func (l *listener) hand(a accepted) bool {
	select {
	case l.ready <- a:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// Address returns the address and port of a; not valid if it has none.
func addressOf(a net.Addr) netip.AddrPort {
	if ip, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return ip.AddrPort()
	}
	return netip.AddrPort{}
}

// sourceOf returns what stands for a where something is limited by source: an IPv4 address, or the /64 of one of IPv6.
func sourceOf(a net.Addr) netip.Addr {
	ip := addressOf(a).Addr().Unmap().WithZone("")
	if p, err := ip.Prefix(64); ip.Is6() && err == nil {
		return p.Addr()
	}
	return ip
}

// gate counts handshakes that are under way.
type gate struct {
	mu      sync.Mutex
	total   int
	sources map[netip.Addr]int
}

func (g *gate) enter(source netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total >= handshakes || g.sources[source] >= handshakesOfSource {
		return false
	}
	if g.sources == nil {
		g.sources = map[netip.Addr]int{}
	}
	g.total++
	g.sources[source]++
	return true
}

func (g *gate) leave(source netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.sources[source]--; g.sources[source] == 0 {
		delete(g.sources, source)
	}
}

// serverConfig is TLS' configuration of one handshake.
func (m *Model) serverConfig() (*tls.Config, error) {
	j := m.judge.Load()
	if len(j.Certificate.Certificate) == 0 {
		return nil, errNoConfig
	}
	return &tls.Config{
		Certificates: []tls.Certificate{j.Certificate},
		MinVersion:   tls.VersionTLS12,
		// The certificate is asked for, and its absence refused, by VerifyConnection, which says why.
		ClientAuth:             tls.RequestClientCert,
		VerifyConnection:       func(s tls.ConnectionState) error { _, err := m.identify(s.PeerCertificates); return err },
		SessionTicketsDisabled: true, // who comes again is judged again
	}, nil
}
