package secure

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"walkabout/agent"
)

// TLSPrefix is that of security names by TLS over TCP (snmpTLSTCPDomain).
const TLSPrefix = "tls"

// ListenTLS returns the sessions of TLS, of version 1.2 and later, over the connections that below accepts, which it closes with itself. A
// session is an agent.SecureConn.
func (m *Model) ListenTLS(below net.Listener) net.Listener {
	l := m.newListener(below.Addr(), below.Close)
	l.running.Go(func() { l.serveTLS(below) })
	return l
}

func (l *listener) serveTLS(below net.Listener) {
	var g gate
	for {
		conn, err := below.Accept()
		if err != nil {
			if !l.hand(accepted{err: err}) || errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		source := sourceOf(conn.RemoteAddr())
		if !g.enter(source) {
			l.model.log.Debug("refused a connection: too many handshakes are under way", "from", conn.RemoteAddr())
			_ = conn.Close()
			continue
		}
		l.running.Go(func() {
			defer g.leave(source)
			s, err := l.handshakeTLS(conn)
			if err != nil {
				l.model.failed(conn.RemoteAddr(), err)
				_ = conn.Close()
				return
			}
			if !l.hand(accepted{conn: s}) {
				_ = s.Close()
			}
		})
	}
}

func (l *listener) handshakeTLS(conn net.Conn) (*session, error) {
	config, err := l.model.serverConfig()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(l.ctx, handshakeTime)
	defer cancel()
	t := tls.Server(conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return l.model.add(t, t.ConnectionState().PeerCertificates, agent.TransportState{Prefix: TLSPrefix}, conn)
}
