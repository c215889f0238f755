package secure

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"golang.org/x/net/idna"

	"walkabout/snmp/tlstm"
)

// Client says with whose certificate this agent opens a session, and whose it expects at the other end.
type Client struct {
	Own    tlstm.Fingerprint // of one of the agent's (snmpTlstmParamsClientFingerprint); "" is Config.Certificate
	Server tlstm.Fingerprint // of the other end's certificate (snmpTlstmAddrServerFingerprint), which is enough; "" to go by Identity
	// Identity is the name of a host or the IP address that the other end's certificate is for, by a path to an authority that is held
	// (snmpTlstmAddrServerIdentity).
	Identity string
	Trust    []*x509.Certificate // more that such a path may end at
}

// Why a session is not opened. The first two count what the receiver presented.
var (
	ErrServerUnknown = errors.New("the receiver's certificate is not trusted")
	ErrServerInvalid = errors.New("the receiver's certificate is not valid")
	ErrNoOwn         = errors.New("the agent has no certificate with a key of this fingerprint, that is valid now")
)

// Opener opens the connection of TCP, or the socket of UDP, that a session is made of.
type Opener func(ctx context.Context) (net.Conn, error)

// OpenTLS opens a session of TLS 1.2 or later, within the time of ctx. It has a method Shutdown. An error wraps ErrServerUnknown, ErrServerInvalid, ErrNoOwn
// or another's.
func (m *Model) OpenTLS(ctx context.Context, below Opener, c Client) (net.Conn, error) {
	return m.open(ctx, below, func(conn net.Conn, o *opening) (net.Conn, error) {
		t := tls.Client(conn, &tls.Config{
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &o.own, nil }, // whatever authorities are asked for
			InsecureSkipVerify:   true,                                                                               // VerifyConnection does it
			VerifyConnection:     func(s tls.ConnectionState) error { return o.verify(s.PeerCertificates) },
			MinVersion:           tls.VersionTLS12,
			ServerName:           o.serverName(),
		})
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return &tlsOutgoing{outgoing{Conn: t, model: m}, t}, nil
	}, c)
}

// OpenDTLS opens a session of DTLS 1.2, each of whose Reads returns one record, within the time of ctx. Errors are those of OpenTLS.
func (m *Model) OpenDTLS(ctx context.Context, below Opener, c Client) (net.Conn, error) {
	return m.open(ctx, below, func(conn net.Conn, o *opening) (net.Conn, error) {
		options := []dtls.ClientOption{
			dtls.WithGetClientCertificate(func(*dtls.CertificateRequestInfo) (*tls.Certificate, error) { return &o.own, nil }),
			dtls.WithInsecureSkipVerify(true), // the next one does it
			dtls.WithVerifyConnection(func(s *dtls.State) error {
				chain, err := chainOf(s.PeerCertificates)
				if err != nil {
					return fmt.Errorf("%w: %w", ErrServerInvalid, err)
				}
				return o.verify(chain)
			}),
			cipherSuites,
			dtls.WithLoggerFactory(quiet{}),
		}
		if name := o.serverName(); name != "" {
			options = append(options, dtls.WithServerName(name))
		}
		below := &filtered{PacketConn: dtlsnet.PacketConnFromConn(conn)}
		d, err := dtls.ClientWithOptions(below, conn.RemoteAddr(), options...)
		if err != nil {
			return nil, err
		}
		if err := d.HandshakeContext(ctx); err != nil {
			_ = d.Close()
			return nil, err
		}
		below.established.Store(true)
		return &outgoing{Conn: dtlsOutgoing{dtlsConn{d}}, model: m}, nil
	}, c)
}

// open counts what becomes of a session (RFC 6353 section 5.3).
func (m *Model) open(ctx context.Context, below Opener, handshake func(net.Conn, *opening) (net.Conn, error), c Client) (net.Conn, error) {
	m.stats.Opens.Add(1)
	fail := func(err error) (net.Conn, error) {
		m.stats.OpenErrors.Add(1)
		return nil, err
	}
	o, err := m.judge.Load().opening(c, time.Now())
	if err != nil {
		return fail(err)
	}
	conn, err := below(ctx)
	if err != nil {
		return fail(err)
	}
	s, err := handshake(conn, o)
	if err == nil {
		return s, nil
	}
	_ = conn.Close()
	if o.refused != nil { // whatever the handshake made of it
		err = o.refused
	}
	switch {
	case errors.Is(err, ErrServerUnknown):
		m.stats.UnknownServerCertificate.Add(1)
	case errors.Is(err, ErrServerInvalid):
		m.stats.InvalidServerCertificates.Add(1)
	}
	return fail(err)
}

// opening is a session that is being opened.
type opening struct {
	judge   *judge
	client  Client
	own     tls.Certificate
	refused error // why the other end's certificate is
}

// opening returns that of c, with the agent's certificate for it.
func (j *judge) opening(c Client, now time.Time) (*opening, error) {
	if ascii, err := idna.Lookup.ToASCII(c.Identity); err == nil { // RFC 5280 section 7.2
		c.Identity = ascii
	}
	o := &opening{judge: j, client: c}
	candidates := []tls.Certificate{j.Certificate}
	if c.Own != "" {
		candidates = append(candidates, j.Others...)
	}
	for _, own := range candidates {
		if len(own.Certificate) == 0 || own.Leaf == nil || c.Own != "" && !c.Own.Is(own.Leaf.Raw) {
			continue
		}
		if now.Before(own.Leaf.NotBefore) || now.After(own.Leaf.NotAfter) { // RFC 9456, snmpTlstmParamsEntry
			return nil, fmt.Errorf("%w: that of %v is valid from %v to %v", ErrNoOwn, own.Leaf.Subject, own.Leaf.NotBefore, own.Leaf.NotAfter)
		}
		o.own = own
		o.own.Certificate = j.withAuthorities(own)
		return o, nil
	}
	if c.Own == "" {
		return nil, errNoConfig
	}
	return nil, fmt.Errorf("%w: %v", ErrNoOwn, c.Own)
}

// withAuthorities returns the chain of one of the agent's certificates to the last authority that is held. Others may do without the authorities that they trust;
// Net-SNMP's programs know by whose row of certSecName to go from the chain that is presented alone.
func (j *judge) withAuthorities(own tls.Certificate) [][]byte {
	chain := slices.Clone(own.Certificate)
	last, err := x509.ParseCertificate(chain[len(chain)-1])
	for err == nil && len(chain) < maxChain && !bytes.Equal(last.RawIssuer, last.RawSubject) {
		i := slices.IndexFunc(j.Held, func(c *x509.Certificate) bool {
			return c.IsCA && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		last = j.Held[i]
		chain = append(chain, last.Raw)
	}
	return chain
}

// serverName returns what the other end is told that it is expected to be (RFC 6066 section 3), which no address is.
func (o *opening) serverName() string {
	if _, err := netip.ParseAddr(o.client.Identity); err == nil {
		return ""
	}
	return strings.TrimSuffix(o.client.Identity, ".")
}

// verify judges the other end's chain, its own certificate first (RFC 9456, snmpTlstmAddrTable).
func (o *opening) verify(chain []*x509.Certificate) error {
	o.refused = o.judge.server(chain, &o.client, time.Now())
	return o.refused
}

func (j *judge) server(chain []*x509.Certificate, c *Client, now time.Time) error {
	if len(chain) == 0 {
		return fmt.Errorf("%w: there is none", ErrServerUnknown)
	}
	if len(chain) > maxChain {
		return fmt.Errorf("%w: %w: %d", ErrServerInvalid, ErrChain, len(chain))
	}
	leaf := chain[0]
	known := c.Server.Is(leaf.Raw)
	var err error
	if !known && c.Server == "" {
		known, err = j.leadsToAuthority(chain, c.Trust, now)
	}
	switch {
	case !known && err != nil:
		return err
	case !known:
		return fmt.Errorf("%w: it is %s", ErrServerUnknown, describe(leaf))
	case now.Before(leaf.NotBefore) || now.After(leaf.NotAfter):
		return fmt.Errorf("%w now, but from %v to %v: %s", ErrServerInvalid, leaf.NotBefore, leaf.NotAfter, describe(leaf))
	case j.isRevoked(leaf):
		return fmt.Errorf("%w: it is revoked: %s", ErrServerInvalid, describe(leaf))
	case c.Server == "" && !isFor(leaf, c.Identity):
		return fmt.Errorf("%w for %q: it is %s", ErrServerInvalid, c.Identity, describe(leaf))
	}
	return nil
}

func describe(c *x509.Certificate) string {
	return fmt.Sprintf("%v by %v, names %q, fingerprint %v", c.Subject, c.Issuer, c.DNSNames, tlstm.Of(tlstm.SHA256, c.Raw))
}

// leadsToAuthority reports whether a chain is one of a server that ends at an authority that is held, or at one of trust (RFC 5280 section 6). The error wraps
// ErrServerInvalid where the chain leads there and is not valid.
func (j *judge) leadsToAuthority(chain, trust []*x509.Certificate, now time.Time) (bool, error) {
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, c := range j.Held {
		if c.IsCA {
			o.Roots.AddCert(c)
		}
	}
	for _, c := range trust {
		o.Roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	paths, err := chain[0].Verify(o)
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w: %s", ErrServerInvalid, err, describe(chain[0]))
	}
	for _, p := range paths {
		if !slices.ContainsFunc(p, j.isRevoked) {
			return true, nil
		}
	}
	return false, fmt.Errorf("%w: it, or its authority, is revoked: %s", ErrServerInvalid, describe(chain[0]))
}

// isFor reports whether a certificate is for a host: by its subjectAltName; by its subject's commonName if it has none.
func isFor(c *x509.Certificate, host string) bool {
	if host == "" {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.WithZone("").String()
	}
	if len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) > 0 {
		return c.VerifyHostname(host) == nil
	}
	named := x509.Certificate{DNSNames: []string{c.Subject.CommonName}}
	_, err := netip.ParseAddr(host)
	return err != nil && named.VerifyHostname(host) == nil
}

// outgoing is a session that this agent has opened.
type outgoing struct {
	net.Conn
	model  *Model
	heard  atomic.Bool
	closed sync.Once
}

// Read implements net.Conn. With TLS 1.3 a session that the other end refuses is open for this end until it reads.
func (s *outgoing) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if (n > 0 || isAlert(err)) && s.heard.CompareAndSwap(false, true) && n == 0 {
		s.model.stats.OpenErrors.Add(1)
	}
	return n, err
}

// isAlert reports whether err is what the other end says by an alert of TLS.
func isAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}

// Close implements net.Conn.
func (s *outgoing) Close() error {
	s.closed.Do(func() { s.model.stats.ClientCloses.Add(1) })
	return s.Conn.Close()
}

// filtered passes on what may belong to a session.
type filtered struct {
	net.PacketConn
	established atomic.Bool // what is after the handshake
}

// ReadFrom implements net.PacketConn.
func (f *filtered) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := f.PacketConn.ReadFrom(b)
		if err != nil || mayPass(b[:n], f.established.Load()) {
			return n, from, err
		}
	}
}

// maxPlaintext is the most octets that one record carries (RFC 5246 section 6.2.1), and so a message by DTLS.
const maxPlaintext = 1 << 14

type dtlsOutgoing struct{ dtlsConn }

// Write implements net.Conn. The error is EMSGSIZE where b does not fit one record.
func (c dtlsOutgoing) Write(b []byte) (int, error) {
	if len(b) > maxPlaintext {
		return 0, syscall.EMSGSIZE
	}
	return c.dtlsConn.Write(b)
}

type tlsOutgoing struct {
	outgoing
	tls *tls.Conn
}

// shutdownTime is how long the other end may take to end a session whose end it was told.
const shutdownTime = 2 * time.Second

// Shutdown ends the session as Close does, but waits until the other end has taken what was written, for two seconds or until ctx ends. The
// error is an alert, by which the other end refuses the session. To close a connection on which something came that nobody read, such as TLS 1.3's
// tickets, would reset it, and take from the other end what it has not read either.
func (s *tlsOutgoing) Shutdown(ctx context.Context) error {
	defer s.Close()
	if err := s.tls.CloseWrite(); err != nil {
		return err
	}
	if err := s.tls.SetReadDeadline(time.Now().Add(shutdownTime)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.tls.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := io.Copy(io.Discard, s); isAlert(err) {
		return err
	}
	return nil
}
