package secure

import (
	"container/list"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"

	"walkabout/agent"
)

// DTLSPrefix is that of security names by DTLS over UDP (snmpDTLSUDPDomain).
const DTLSPrefix = "dtls"

const (
	// maxDatagram is the most octets of a datagram that is read, and so of a message: what the library's buffer has.
	maxDatagram = 8192
	// overhead is the octets of a record of AES-GCM that are no message: header, nonce and tag (RFC 6347 section 4.1, RFC 5288).
	overhead = 13 + 8 + 16
	// unproven is how many sources of ClientHellos are remembered that have not yet sent back their cookie (RFC 6347 section 4.2.1). Whoever
	// forges sources pushes out the oldest of them, each of which takes about 40 KB, and nobody else.
	unproven = 512
)

var cipherSuites = dtls.WithCipherSuites(
	dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)

// demux gives the datagrams of one socket to the sessions that they belong to.
type demux struct {
	*listener
	socket agent.Datagrams
	gate   gate // of handshakes whose sources are proven

	mu       sync.Mutex
	peers    map[peerKey]*peer
	unproven list.List // of *peer, the oldest first
}

// peerKey tells sessions apart: both ends' addresses.
type peerKey struct {
	remote netip.AddrPort
	local  netip.Addr
}

// ListenDTLS returns the sessions of DTLS 1.2 over a socket, which it closes with itself and its sessions. A session is an
// agent.SecureConn, each of whose Reads returns one record.
func (m *Model) ListenDTLS(socket agent.Datagrams, addr net.Addr) net.Listener {
	d := &demux{socket: socket, peers: map[peerKey]*peer{}}
	d.listener = m.newListener(addr, d.closeSocket)
	d.running.Go(d.serve)
	return d
}

// closeSocket ends every session too, for none can go on, and tells their other ends.
func (d *demux) closeSocket() error {
	d.mu.Lock()
	var peers []*peer
	for _, p := range d.peers {
		if p.conn == nil {
			p.conn = p
		}
		peers = append(peers, p)
	}
	d.mu.Unlock()
	for _, p := range peers {
		_ = p.conn.Close()
		<-p.closed // for another Close, which may be first, says goodbye before that
	}
	return d.socket.Close()
}

// serve reads the socket until it is closed.
func (d *demux) serve() {
	buf := make([]byte, maxDatagram+1)
	for {
		n, from, err := d.socket.ReadPacket(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			d.hand(accepted{err: err})
			return
		case d.ctx.Err() != nil:
			return
		case err != nil: // of an earlier answer (ICMP)
			d.model.log.Debug("reading a datagram", "err", err)
		case n <= maxDatagram:
			d.deliver(buf[:n], from)
		}
	}
}

// deliver gives a datagram to its peer, which a ClientHello makes.
func (d *demux) deliver(b []byte, from agent.Peer) {
	key := peerKey{from.Remote, from.Local}
	d.mu.Lock()
	p := d.peers[key]
	if p == nil {
		if !isClientHello(b) {
			d.mu.Unlock()
			return
		}
		p = newPeer(d, key, from)
		d.addLocked(p)
	}
	d.mu.Unlock()
	p.deliver(b)
}

// addLocked remembers p, which is unproven, and starts its handshake.
func (d *demux) addLocked(p *peer) {
	if d.unproven.Len() >= unproven {
		oldest := d.unproven.Front()
		d.unproven.Remove(oldest)
		oldest.Value.(*peer).cancel() // its handshake ends, and it is forgotten
	}
	d.peers[p.key] = p
	p.place = d.unproven.PushBack(p)
	d.running.Go(func() {
		s, err := d.handshake(p)
		p.settle()
		if err != nil {
			d.model.failed(p.RemoteAddr(), err)
			_ = p.Close()
			return
		}
		if !d.hand(accepted{conn: s}) {
			_ = s.Close()
		}
	})
}

// prove takes p for what it says to be, once it has sent back its cookie; an error if its source has too many handshakes under way.
func (d *demux) prove(p *peer) error {
	d.mu.Lock()
	d.unproven.Remove(p.place)
	d.mu.Unlock()
	if !d.gate.enter(p.source) {
		return errors.New("too many handshakes are under way")
	}
	return nil
}

// forget removes a peer that is closed.
func (d *demux) forget(p *peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.peers[p.key] == p {
		delete(d.peers, p.key)
	}
	d.unproven.Remove(p.place)
}

func (d *demux) handshake(p *peer) (*session, error) {
	ctx, cancel := context.WithTimeout(p.ctx, handshakeTime)
	defer cancel()
	j := d.model.judge.Load()
	if len(j.Certificate.Certificate) == 0 {
		return nil, errNoConfig
	}
	conn, err := dtls.ServerWithOptions(p, p.RemoteAddr(),
		dtls.WithCertificates(j.Certificate),
		cipherSuites,
		// The certificate is asked for, and its absence refused, by the last option, which says why.
		dtls.WithClientAuth(dtls.RequestClientCert),
		dtls.WithLoggerFactory(quiet{}),
		dtls.WithVerifyConnection(func(s *dtls.State) error {
			chain, err := chainOf(s.PeerCertificates)
			if err == nil {
				_, err = d.model.identify(chain)
			}
			return err
		}))
	if err != nil {
		return nil, fmt.Errorf("DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	state, _ := conn.ConnectionState()
	chain, err := chainOf(state.PeerCertificates)
	var s *session
	if err == nil {
		s, err = d.model.add(dtlsIncoming{dtlsConn{conn}, p}, chain, agent.TransportState{Prefix: DTLSPrefix, MaxRecord: maxDatagram - overhead, Overhead: overhead}, conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	d.mu.Lock()
	if p.conn == nil { // else the socket is being closed
		p.conn = conn
	}
	d.mu.Unlock()
	return s, nil
}

func chainOf(raw [][]byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, der := range raw {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &certificateError{out, err}
		}
		out = append(out, c)
	}
	return out, nil
}

// dtlsConn has the errors of a net.Conn.
type dtlsConn struct{ *dtls.Conn }

// Read implements net.Conn. What cannot be a record of this session is passed over: anybody can send that under a forged address.
func (c dtlsConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, context.DeadlineExceeded):
			return 0, os.ErrDeadlineExceeded
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, dtls.ErrConnClosed):
			return 0, io.EOF
		}
	}
}

// dtlsIncoming tells its peer when a message has been read.
type dtlsIncoming struct {
	dtlsConn
	peer *peer
}

// Read implements net.Conn.
func (c dtlsIncoming) Read(b []byte) (int, error) {
	n, err := c.dtlsConn.Read(b)
	if err == nil {
		c.peer.heard()
	}
	return n, err
}

// isClientHello reports whether a datagram begins with the ClientHello that begins a handshake (RFC 6347 section 4.2.2): content type 22,
// version 254.x, epoch 0, handshake type 1, message_seq 0.
func isClientHello(b []byte) bool {
	return len(b) > 25 && b[0] == 22 && b[1] == 254 && b[3] == 0 && b[4] == 0 && b[13] == 1 && b[17] == 0 && b[18] == 0
}

// isHelloVerifyRequest reports whether a datagram is that alone, which is what sources that are not proven are sent.
func isHelloVerifyRequest(b []byte) bool { return len(b) > 13 && b[0] == 22 && b[13] == 3 }

// quiet is a logger factory whose loggers write nothing.
type quiet struct{}

func (quiet) NewLogger(scope string) logging.LeveledLogger {
	return logging.NewDefaultLeveledLoggerForScope(scope, logging.LogLevelDisabled, io.Discard)
}
