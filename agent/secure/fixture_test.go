package secure_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"walkabout/agent"
	"walkabout/agent/secure"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// authority makes certificates.
type authority struct {
	t      testing.TB
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{t: t}
	pair := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign})
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue makes a certificate of a template, which says itself what it is if a has none yet.
func (a *authority) issue(c *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.serial++
	c.SerialNumber = big.NewInt(a.serial)
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// client makes one of a client, for a name of a host.
func (a *authority) client(name string) tls.Certificate {
	return a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (a *authority) revoke(certs ...tls.Certificate) *x509.RevocationList {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range certs {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: c.Leaf.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	if list, err = x509.ParseRevocationList(der); err != nil {
		a.t.Fatal(err)
	}
	return list
}

func (a *authority) fingerprint() tlstm.Fingerprint { return tlstm.Of(tlstm.SHA256, a.cert.Raw) }

const engineID = "\x80\x00\x1f\x88\x04secure"

var upTime = oid.New(1, 3, 6, 1, 2, 1, 1, 3, 0)

// system serves sysUpTime.
type system struct{ *mib.Tree }

// station is an agent that listens by TLS and DTLS, and knows one client of its authority.
type station struct {
	t       testing.TB
	ca      *authority
	config  secure.Config
	model   *secure.Model
	server  *agent.Server
	log     lockedBuffer
	tls     net.Addr
	dtls    net.Addr
	stop    context.CancelFunc
	serving sync.WaitGroup
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newStation(t testing.TB) *station {
	t.Helper()
	s := newOfflineStation(t)
	s.listen()
	return s
}

// newOfflineStation is one that does not listen.
func newOfflineStation(t testing.TB) *station {
	t.Helper()
	s := &station{t: t, ca: newAuthority(t, "the authority")}
	engine, err := usm.NewEngine(engineID, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	s.server = agent.New(agent.Config{Engine: engine, Log: log})
	tree, err := mib.NewTree(mib.Group{Entry: upTime.Slice(0, 7), Columns: []uint32{3}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.TimeTicks(7), true })
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.server.Register(system{tree}, agent.Registration{Root: upTime.Slice(0, 7)}); err != nil {
		t.Fatal(err)
	}
	entry := vacm.Entry{Group: "g", Exact: true, Model: vacm.TSM, Level: snmp.AuthPriv, Views: [3]string{"all", "all", "all"}}
	s.server.SetAccess(agent.Access{
		Communities: agent.CommunityAccess(agent.Community{}).Communities,
		Policy: vacm.NewPolicy([]vacm.Member{{Model: vacm.TSM, Name: "joe", Group: "g"}, {Model: vacm.TSM, Name: "tls:joe", Group: "g"}, {Model: vacm.TSM, Name: "dtls:joe", Group: "g"}},
			[]vacm.Entry{entry}, map[string][]vacm.Family{"all": {{}}}),
	})
	s.model = secure.New(log)
	s.config = secure.Config{
		Certificate: s.ca.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "agent"}, DNSNames: []string{"agent"}}),
		Held:        []*x509.Certificate{s.ca.cert},
		Mappings:    []tlstm.Mapping{{ID: 10, Fingerprint: s.ca.fingerprint(), Type: tlstm.DNSName}},
	}
	s.model.SetConfig(s.config)
	return s
}

func (s *station) listen() {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	s.stop = stop
	local := netip.MustParseAddrPort("127.0.0.1:0")
	below, err := agent.Socket{}.ListenTCP(ctx, "tcp4", local)
	if err != nil {
		s.t.Fatal(err)
	}
	udp, err := agent.ListenUDP(ctx, "udp4", local)
	if err != nil {
		s.t.Fatal(err)
	}
	listeners := []net.Listener{s.model.ListenTLS(below), s.model.ListenDTLS(udp, net.UDPAddrFromAddrPort(udp.LocalAddr()))}
	s.tls, s.dtls = listeners[0].Addr(), listeners[1].Addr()
	for _, l := range listeners {
		s.serving.Go(func() {
			if err := s.server.ServeStreams(ctx, l); err != nil {
				s.t.Error(err)
			}
		})
	}
	s.t.Cleanup(s.close)
}

func (s *station) close() {
	s.stop()
	s.serving.Wait()
}

// dial opens a session by one of the transports, without certificates of its own if there are none.
func (s *station) dial(transport string, certs ...tls.Certificate) (net.Conn, error) {
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	if transport == secure.TLSPrefix {
		d := tls.Dialer{Config: &tls.Config{Certificates: certs, RootCAs: roots, ServerName: "agent"}}
		return d.DialContext(s.t.Context(), "tcp", s.tls.String())
	}
	opts := []dtls.ClientOption{dtls.WithRootCAs(roots), dtls.WithServerName("agent")}
	if len(certs) > 0 {
		opts = append(opts, dtls.WithCertificates(certs...))
	}
	conn, err := dtls.DialWithOptions("udp", s.dtls.(*net.UDPAddr), opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// question is a GetRequest for sysUpTime by TSM.
func question() []byte {
	scoped := snmp.ScopedPDU{ContextEngineID: engineID, PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 5, VarBinds: []snmp.VarBind{{Name: upTime}}}}
	m := snmp.MessageV3{ID: 9, MaxSize: 65507, Flags: snmp.AuthFlag | snmp.PrivFlag | snmp.ReportableFlag, SecurityModel: snmp.TSMSecurityModel, Data: scoped.AppendContent(nil)}
	b, _ := m.Append(nil)
	return b
}

// ask sends b and returns what the answer says; an error if there is none within half a minute.
func ask(conn net.Conn, b []byte) (snmp.MessageV3, snmp.PDU, error) {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return snmp.MessageV3{}, snmp.PDU{}, err
	}
	if _, err := conn.Write(b); err != nil {
		return snmp.MessageV3{}, snmp.PDU{}, err
	}
	in := make([]byte, 65536)
	n, err := conn.Read(in)
	if err != nil {
		return snmp.MessageV3{}, snmp.PDU{}, err
	}
	m, err := snmp.ParseV3(in[:n])
	if err != nil {
		return m, snmp.PDU{}, err
	}
	var scoped snmp.ScopedPDU
	err = new(snmp.Decoder).DecodeScoped(m.Data, &scoped)
	return m, scoped.PDU, err
}

// served reports whether who has these certificates is told sysUpTime.
func (s *station) served(transport string, certs ...tls.Certificate) (bool, error) {
	conn, err := s.dial(transport, certs...)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	_, p, err := ask(conn, question())
	return err == nil && p.ErrorStatus == snmp.NoError && len(p.VarBinds) == 1 && p.VarBinds[0].Value == snmp.TimeTicks(7), err
}

func writePEM(t testing.TB, file string, mode os.FileMode, kind string, blocks ...[]byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, der := range blocks {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	if err := os.WriteFile(file, out, mode); err != nil {
		t.Fatal(err)
	}
	return file
}
