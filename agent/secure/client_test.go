package secure_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/dtls/v3"

	"walkabout/agent/secure"
	"walkabout/snmp"
	"walkabout/snmp/tlstm"
)

// far is a receiver that takes sessions by one certificate, reads what comes by each, and answers «yes».
type far struct {
	net.Listener
	got chan string // what each session has brought, to its end
}

// newFar is a receiver of a transport; refuse is why it refuses sessions.
func newFar(t *testing.T, transport string, cert tls.Certificate, refuse error) *far {
	t.Helper()
	f := &far{got: make(chan string, 10)}
	var err error
	if transport == secure.TLSPrefix {
		f.Listener, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: func(tls.ConnectionState) error { return refuse },
		})
	} else {
		f.Listener, err = dtls.ListenWithOptions("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, dtls.WithCertificates(cert), dtls.WithClientAuth(dtls.RequireAnyClientCert),
			dtls.WithVerifyConnection(func(*dtls.State) error { return refuse }))
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := f.Accept()
			if err != nil {
				return
			}
			f.serve(c)
		}
	}()
	t.Cleanup(func() { f.Close(); <-done })
	return f
}

func (f *far) serve(c net.Conn) {
	defer c.Close()
	if d, ok := c.(*dtls.Conn); ok {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if d.HandshakeContext(ctx) != nil {
			return
		}
	}
	text, b := "", make([]byte, 100)
	for {
		n, err := c.Read(b)
		if err != nil {
			break
		}
		text += string(b[:n])
		if strings.HasSuffix(text, "?") {
			if _, err := c.Write([]byte("yes")); err != nil {
				break
			}
		}
	}
	f.got <- text
}

// open opens a session to f.
func (s *station) open(f *far, transport string, c secure.Client) (net.Conn, error) {
	open, network := s.model.OpenDTLS, "udp"
	if transport == secure.TLSPrefix {
		open, network = s.model.OpenTLS, "tcp"
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	var d net.Dialer
	return open(ctx, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, f.Addr().String()) }, c)
}

// TestWhoIsToldTo: the receiver's certificate decides, by its fingerprint or by its name and authority (RFC 9456, snmpTlstmAddrTable), and each outcome has its counter.
func TestWhoIsToldTo(t *testing.T) {
	named := func(names ...string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: "r"}, DNSNames: names}
	}
	late := func(c *x509.Certificate) *x509.Certificate {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		return c
	}
	by := func(c *x509.Certificate) func(*station) tls.Certificate {
		return func(s *station) tls.Certificate { return s.ca.issue(c) }
	}
	stranger := func(s *station) tls.Certificate { return newAuthority(s.t, "the authority").issue(named("r.example")) }
	host := secure.Client{Identity: "r.example"}
	for what, tt := range map[string]struct {
		cert   func(s *station) tls.Certificate
		client secure.Client
		change func(s *station, cert tls.Certificate, c *secure.Client)
		want   error
	}{
		"by its name":           {cert: by(named("other", "r.example")), client: host},
		"in other letters":      {cert: by(named("r.example")), client: secure.Client{Identity: "R.Example."}},
		"by a wildcard":         {cert: by(named("*.example")), client: host},
		"by its address":        {cert: by(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}), client: secure.Client{Identity: "192.0.2.1"}},
		"by its subject":        {cert: by(&x509.Certificate{Subject: pkix.Name{CommonName: "r.example"}}), client: host},
		"for servers":           {cert: by(&x509.Certificate{DNSNames: []string{"r.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}), client: host},
		"an international name": {cert: by(named("xn--bcher-kva.example")), client: secure.Client{Identity: "bücher.example"}},
		"by its fingerprint": {cert: stranger, change: func(_ *station, cert tls.Certificate, c *secure.Client) {
			c.Server = tlstm.Of(tlstm.SHA384, cert.Leaf.Raw)
		}},
		"by a fingerprint alone": {cert: by(named("another")), client: host, change: func(_ *station, cert tls.Certificate, c *secure.Client) {
			c.Server = tlstm.Of(tlstm.SHA1, cert.Leaf.Raw)
		}},
		"by one that is trusted":  {cert: stranger, client: host, change: func(_ *station, cert tls.Certificate, c *secure.Client) { c.Trust = []*x509.Certificate{cert.Leaf} }},
		"another fingerprint":     {cert: by(named("r.example")), client: secure.Client{Identity: "r.example", Server: tlstm.Of(tlstm.SHA256, []byte("x"))}, want: secure.ErrServerUnknown},
		"of an unknown authority": {cert: stranger, client: host, want: secure.ErrServerUnknown},
		"the authority, not held": {cert: by(named("r.example")), client: host, change: func(s *station, _ tls.Certificate, _ *secure.Client) { s.config.Held = nil }, want: secure.ErrServerUnknown},
		"held, and no authority": {cert: stranger, client: host, change: func(s *station, cert tls.Certificate, _ *secure.Client) {
			s.config.Held = append(s.config.Held, cert.Leaf)
		}, want: secure.ErrServerUnknown},
		"another name":            {cert: by(named("q.example")), client: host, want: secure.ErrServerInvalid},
		"a wildcard too wide":     {cert: by(named("*.example")), client: secure.Client{Identity: "a.r.example"}, want: secure.ErrServerInvalid},
		"a subject beside names":  {cert: by(&x509.Certificate{Subject: pkix.Name{CommonName: "r.example"}, DNSNames: []string{"q"}}), client: host, want: secure.ErrServerInvalid},
		"an address in a subject": {cert: by(&x509.Certificate{Subject: pkix.Name{CommonName: "192.0.2.1"}}), client: secure.Client{Identity: "192.0.2.1"}, want: secure.ErrServerInvalid},
		"no name to expect":       {cert: by(named("r.example")), want: secure.ErrServerInvalid},
		"anybody":                 {cert: by(named("r.example")), client: secure.Client{Identity: "*"}, want: secure.ErrServerInvalid},
		"for clients":             {cert: by(&x509.Certificate{DNSNames: []string{"r.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), client: host, want: secure.ErrServerInvalid},
		"expired":                 {cert: by(late(named("r.example"))), client: host, want: secure.ErrServerInvalid},
		"expired, and of its mark": {cert: by(late(named("r.example"))), change: func(_ *station, cert tls.Certificate, c *secure.Client) {
			c.Server = tlstm.Of(tlstm.SHA256, cert.Leaf.Raw)
		}, want: secure.ErrServerInvalid},
		"revoked": {cert: by(named("r.example")), client: host, change: func(s *station, cert tls.Certificate, _ *secure.Client) {
			s.config.Revoked = []*x509.RevocationList{s.ca.revoke(cert)}
		}, want: secure.ErrServerInvalid},
		"revoked, and of its mark": {cert: by(named("r.example")), change: func(s *station, cert tls.Certificate, c *secure.Client) {
			s.config.Revoked, c.Server = []*x509.RevocationList{s.ca.revoke(cert)}, tlstm.Of(tlstm.SHA256, cert.Leaf.Raw)
		}, want: secure.ErrServerInvalid},
	} {
		for _, transport := range transports {
			t.Run(what+" "+transport, func(t *testing.T) {
				s := newOfflineStation(t)
				cert, client := tt.cert(s), tt.client
				if tt.change != nil {
					tt.change(s, cert, &client)
					s.model.SetConfig(s.config)
				}
				f := newFar(t, transport, cert, nil)
				conn, err := s.open(f, transport, client)
				if !errors.Is(err, tt.want) {
					t.Fatalf("%v, want %v", err, tt.want)
				}
				want := map[string]uint64{"opens": 1}
				if err == nil {
					want["closes"] = 1
					if _, err := conn.Write([]byte("there?")); err != nil {
						t.Error(err)
					}
					b := make([]byte, 10)
					if n, err := conn.Read(b); string(b[:n]) != "yes" {
						t.Errorf("%q, %v", b[:n], err)
					}
					conn.Close()
					conn.Close()
					if got := <-f.got; got != "there?" {
						t.Errorf("it was told %q", got)
					}
				} else {
					want["errors"] = 1
					want[map[error]string{secure.ErrServerUnknown: "unknown", secure.ErrServerInvalid: "invalid"}[tt.want]] = 1
				}
				if diff := cmp.Diff(want, opened(s.model.Stats())); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// opened returns what of the counters of an opener is not 0.
func opened(s *snmp.TLSTMStats) map[string]uint64 {
	out := map[string]uint64{}
	for name, n := range map[string]uint64{
		"opens": s.Opens.Load(), "closes": s.ClientCloses.Load(), "errors": s.OpenErrors.Load(), "unknown": s.UnknownServerCertificate.Load(),
		"invalid": s.InvalidServerCertificates.Load(), "accepts": s.Accepts.Load(), "server closes": s.ServerCloses.Load(),
	} {
		if n != 0 {
			out[name] = n
		}
	}
	return out
}

// TestOwnCertificates: which of its certificates the agent presents, with the authorities that it holds.
func TestOwnCertificates(t *testing.T) {
	for what, tt := range map[string]struct {
		own  func(s *station) tlstm.Fingerprint
		want string // the subject at the other end, or an error
	}{
		"by default": {func(*station) tlstm.Fingerprint { return "" }, "CN=agent by CN=the authority"},
		"another":    {func(s *station) tlstm.Fingerprint { return tlstm.Of(tlstm.SHA512, s.config.Others[0].Leaf.Raw) }, "CN=second by CN=the authority"},
		"expired":    {func(s *station) tlstm.Fingerprint { return tlstm.Of(tlstm.SHA256, s.config.Others[1].Leaf.Raw) }, "that of CN=late is valid from"},
		"unknown":    {func(*station) tlstm.Fingerprint { return tlstm.Of(tlstm.SHA256, []byte("x")) }, secure.ErrNoOwn.Error()},
		"none": {func(s *station) tlstm.Fingerprint {
			s.config.Certificate = tls.Certificate{}
			return ""
		}, "no certificate of its own"},
	} {
		for _, transport := range transports {
			t.Run(what+" "+transport, func(t *testing.T) {
				s := newOfflineStation(t)
				late := &x509.Certificate{Subject: pkix.Name{CommonName: "late"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
				s.config.Others = []tls.Certificate{s.ca.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "second"}}), s.ca.issue(late)}
				client := secure.Client{Own: tt.own(s), Identity: "r"}
				s.model.SetConfig(s.config)
				seen := make(chan string, 1)
				receiver := s.ca.issue(&x509.Certificate{DNSNames: []string{"r"}})
				f := &far{got: make(chan string, 1)}
				if transport == secure.TLSPrefix {
					f.Listener, _ = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{receiver}, ClientAuth: tls.RequireAnyClientCert, VerifyConnection: func(c tls.ConnectionState) error {
						seen <- c.PeerCertificates[0].Subject.String() + " by " + c.PeerCertificates[len(c.PeerCertificates)-1].Subject.String()
						return nil
					}})
				} else {
					f.Listener, _ = dtls.ListenWithOptions("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, dtls.WithCertificates(receiver), dtls.WithClientAuth(dtls.RequireAnyClientCert), dtls.WithVerifyConnection(func(c *dtls.State) error {
						var names []string
						for _, der := range c.PeerCertificates {
							cert, err := x509.ParseCertificate(der)
							if err != nil {
								return err
							}
							names = append(names, cert.Subject.String())
						}
						seen <- names[0] + " by " + names[len(names)-1]
						return nil
					}))
				}
				accepting := make(chan struct{})
				go func() {
					defer close(accepting)
					if c, err := f.Accept(); err == nil {
						f.serve(c)
					}
				}()
				defer func() { f.Close(); <-accepting }()
				conn, err := s.open(f, transport, client)
				if err != nil {
					if !strings.Contains(err.Error(), tt.want) {
						t.Errorf("%v, want %s", err, tt.want)
					}
					if diff := cmp.Diff(map[string]uint64{"opens": 1, "errors": 1}, opened(s.model.Stats())); diff != "" {
						t.Error(diff)
					}
					return
				}
				conn.Close()
				if got := <-seen; got != tt.want {
					t.Errorf("%s, want %s", got, tt.want)
				}
			})
		}
	}
}

// TestRefusedByReceiver: a receiver that refuses our certificate is an error, which by TLS 1.3 is seen when the session ends.
func TestRefusedByReceiver(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			s := newOfflineStation(t)
			f := newFar(t, transport, s.ca.issue(&x509.Certificate{DNSNames: []string{"r"}}), errors.New("refused"))
			conn, err := s.open(f, transport, secure.Client{Identity: "r"})
			want := map[string]uint64{"opens": 1, "errors": 1}
			if err == nil {
				want["closes"] = 1
				err = conn.(interface{ Shutdown(context.Context) error }).Shutdown(t.Context())
			}
			if err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(want, opened(s.model.Stats())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestShutdown: what was written reaches a receiver that reads late, though it has sent something that nobody reads; and one that never reads is not waited for
// once ctx ends.
func TestShutdown(t *testing.T) {
	s := newOfflineStation(t)
	f := newFar(t, secure.TLSPrefix, s.ca.issue(&x509.Certificate{DNSNames: []string{"r"}}), nil)
	conn, err := s.open(f, secure.TLSPrefix, secure.Client{Identity: "r"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("trap?", 20000)
	if _, err := io.WriteString(conn, long); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ Shutdown(context.Context) error }).Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if got := <-f.got; got != long {
		t.Errorf("%d octets of %d", len(got), len(long))
	}
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer below.Close()
	conns := make(chan net.Conn, 1)
	go func() {
		c, err := below.Accept()
		if err != nil {
			close(conns)
			return
		}
		server := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.ca.issue(&x509.Certificate{DNSNames: []string{"r"}})}})
		_ = server.Handshake()
		conns <- server
	}()
	if conn, err = s.open(&far{Listener: below}, secure.TLSPrefix, secure.Client{Identity: "r"}); err != nil {
		t.Fatal(err)
	}
	defer (<-conns).Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := conn.(interface{ Shutdown(context.Context) error }).Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
