package secure_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"walkabout/agent/secure"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
)

var transports = []string{secure.TLSPrefix, secure.DTLSPrefix}

// eventually waits for what other goroutines do.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not so", what)
		}
	}
}

// TestWhoIsLetIn: a certificate and the rows decide, and who is refused is told so within the handshake, counted and logged.
func TestWhoIsLetIn(t *testing.T) {
	joe := pkix.Name{CommonName: "joe"}
	usage := func(u ...x509.ExtKeyUsage) *x509.Certificate {
		return &x509.Certificate{Subject: joe, DNSNames: []string{"joe"}, ExtKeyUsage: u}
	}
	for what, tt := range map[string]struct {
		cert   func(s *station) []tls.Certificate
		config func(s *station, own *x509.Certificate)
		log    string // "" if it is let in
	}{
		"by the authority":           {cert: func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.client("joe")} }},
		"for no usage in particular": {cert: func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.issue(usage())} }},
		"by its own fingerprint": {
			cert: func(s *station) []tls.Certificate { return []tls.Certificate{newAuthority(s.t, "other").client("x")} },
			config: func(s *station, own *x509.Certificate) {
				s.config.Mappings = []tlstm.Mapping{{ID: 1, Fingerprint: tlstm.Of(tlstm.SHA1, own.Raw), Type: tlstm.Specified, Data: "joe"}}
			},
		},
		"by a later row": {
			cert: func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.client("joe")} },
			config: func(s *station, own *x509.Certificate) {
				s.config.Mappings = append(s.config.Mappings, tlstm.Mapping{ID: 9, Fingerprint: s.ca.fingerprint(), Type: tlstm.IPAddress},
					tlstm.Mapping{ID: 8, Fingerprint: tlstm.Of(tlstm.SHA256, []byte("another")), Type: tlstm.Specified, Data: "no"})
			},
		},
		"by an authority between": {cert: func(s *station) []tls.Certificate {
			between := s.ca.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "between"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
			c := authorityOf(s.t, between).client("joe")
			c.Certificate = append(c.Certificate, between.Certificate[0])
			return []tls.Certificate{c}
		}},
		"a chain that is too long": {cert: func(s *station) []tls.Certificate {
			c := s.ca.client("joe")
			for range 10 {
				c.Certificate = append(c.Certificate, s.ca.client("another").Certificate[0])
			}
			return []tls.Certificate{c}
		}, log: "more certificates were presented"},
		"none": {cert: func(*station) []tls.Certificate { return nil }, log: "no certificate was presented"},
		"expired": {cert: func(s *station) []tls.Certificate {
			return []tls.Certificate{s.ca.issue(&x509.Certificate{Subject: joe, DNSNames: []string{"joe"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute)})}
		}, log: "not valid now"},
		"not yet valid, by its fingerprint": {
			cert: func(s *station) []tls.Certificate {
				return []tls.Certificate{s.ca.issue(&x509.Certificate{Subject: joe, NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)})}
			},
			config: func(s *station, own *x509.Certificate) {
				s.config.Mappings = []tlstm.Mapping{{ID: 1, Fingerprint: tlstm.Of(tlstm.SHA256, own.Raw), Type: tlstm.Specified, Data: "joe"}}
			},
			log: "not valid now",
		},
		"by another authority of that name": {
			cert: func(s *station) []tls.Certificate {
				return []tls.Certificate{newAuthority(s.t, "the authority").client("joe")}
			}, log: "no certSecName",
		},
		"by the authority, which is not held": {
			cert:   func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.client("joe")} },
			config: func(s *station, own *x509.Certificate) { s.config.Held = nil },
			log:    "no certSecName",
		},
		"by an authority that no row names": {
			cert: func(s *station) []tls.Certificate {
				other := newAuthority(s.t, "other")
				s.config.Held = append(s.config.Held, other.cert)
				return []tls.Certificate{other.client("joe")}
			},
			config: func(*station, *x509.Certificate) {},
			log:    "no certSecName",
		},
		"for servers only": {
			cert: func(s *station) []tls.Certificate {
				return []tls.Certificate{s.ca.issue(usage(x509.ExtKeyUsageServerAuth))}
			}, log: "no certSecName",
		},
		"by a client's certificate": {cert: func(s *station) []tls.Certificate {
			c := authorityOf(s.t, s.ca.client("jack")).client("joe")
			return []tls.Certificate{c}
		}, log: "no certSecName"},
		"without a name of that kind": {
			cert: func(s *station) []tls.Certificate {
				return []tls.Certificate{s.ca.issue(&x509.Certificate{Subject: joe})}
			}, log: "gives it a security name",
		},
		"a name that is too long": {
			cert: func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.client(strings.Repeat("n", 33))} }, log: "gives it a security name",
		},
		"revoked": {
			cert: func(s *station) []tls.Certificate { return []tls.Certificate{s.ca.client("joe")} },
			config: func(s *station, own *x509.Certificate) {
				s.config.Revoked = []*x509.RevocationList{s.ca.revoke(tls.Certificate{Leaf: own})}
			},
			log: "revoked",
		},
	} {
		for _, transport := range transports {
			t.Run(what+" "+transport, func(t *testing.T) {
				s := newStation(t)
				certs := tt.cert(s)
				if tt.config != nil {
					tt.config(s, certs[0].Leaf)
					s.model.SetConfig(s.config)
				}
				ok, err := s.served(transport, certs...)
				if ok != (tt.log == "") {
					t.Fatalf("let in: %t, %v\n%s", ok, err, s.log.String())
				}
				if tt.log == "" {
					if n := s.model.Stats().InvalidClientCertificates.Load(); n != 0 || s.model.Stats().Accepts.Load() != 1 {
						t.Errorf("%d certificates counted, %d sessions", n, s.model.Stats().Accepts.Load())
					}
					return
				}
				eventually(t, "counted and logged", func() bool {
					return s.model.Stats().InvalidClientCertificates.Load() > 0 && strings.Contains(s.log.String(), tt.log)
				})
				if n := s.model.Stats().Accepts.Load(); n != 0 {
					t.Errorf("%d sessions", n)
				}
			})
		}
	}
}

func authorityOf(t testing.TB, pair tls.Certificate) *authority {
	a := newAuthority(t, "x")
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// TestMessages: what is heard within a session.
func TestMessages(t *testing.T) {
	scoped := snmp.ScopedPDU{ContextEngineID: engineID, PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{Name: upTime}}}}
	make := func(change func(m *snmp.MessageV3)) []byte {
		m := snmp.MessageV3{ID: 8, MaxSize: 65507, Flags: snmp.AuthFlag | snmp.PrivFlag | snmp.ReportableFlag, SecurityModel: snmp.TSMSecurityModel, Data: scoped.AppendContent(nil)}
		change(&m)
		b, _ := m.Append(nil)
		return b
	}
	v2c := snmp.Message{Version: snmp.V2c, Community: "public", PDU: scoped.PDU}
	for what, tt := range map[string]struct {
		message []byte
		answer  snmp.PDUType // 0 is silence
		id      int32
	}{
		"a request":                {question(), snmp.Response, 9},
		"at the least level":       {make(func(m *snmp.MessageV3) { m.Flags = snmp.ReportableFlag }), snmp.Response, 8},
		"with security parameters": {make(func(m *snmp.MessageV3) { m.Security = []byte("x") }), 0, 0},
		"encrypted as USM's":       {make(func(m *snmp.MessageV3) { m.Encrypted = true }), 0, 0},
		"of USM, to find the engine": {make(func(m *snmp.MessageV3) {
			m.SecurityModel, m.Flags = snmp.USMSecurityModel, snmp.ReportableFlag
			m.Security = []byte{0x30, 14, 4, 0, 2, 1, 0, 2, 1, 0, 4, 0, 4, 0, 4, 0}
		}), snmp.Report, 8},
		"of another engine": {make(func(m *snmp.MessageV3) {
			other := scoped
			other.ContextEngineID = "\x80\x00\x1f\x88\x04else"
			m.Data = other.AppendContent(nil)
		}), snmp.Report, 8},
		"for the engine ID, which no view holds": {make(func(m *snmp.MessageV3) {
			probe := snmp.ScopedPDU{ContextEngineID: "\x80\x00\x00\x00\x06", PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.6.3.10.2.1.1.0")}}}}
			m.Flags, m.Data = snmp.ReportableFlag, probe.AppendContent(nil)
		}), snmp.Response, 8},
		"of an unknown context": {make(func(m *snmp.MessageV3) {
			other := scoped
			other.ContextName = "elsewhere"
			m.Data = other.AppendContent(nil)
		}), snmp.Report, 8},
		"with privacy and no authentication": {make(func(m *snmp.MessageV3) { m.Flags = snmp.PrivFlag | snmp.ReportableFlag }), 0, 0},
		"of a security model that is none":   {make(func(m *snmp.MessageV3) { m.SecurityModel = 5 }), 0, 0},
		"a response to nothing": {make(func(m *snmp.MessageV3) {
			other := scoped
			other.PDU.Type = snmp.Response
			m.Data = other.AppendContent(nil)
		}), 0, 0},
		"of a community": {v2c.Append(nil), 0, 0},
	} {
		for _, transport := range transports {
			t.Run(what+" "+transport, func(t *testing.T) {
				s := newStation(t)
				conn, err := s.dial(transport, s.ca.client("joe"))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if tt.answer == 0 { // the next one is answered, and it was not
					if _, err := conn.Write(tt.message); err != nil {
						t.Fatal(err)
					}
					tt.message, tt.answer, tt.id = question(), snmp.Response, 9
				}
				m, p, err := ask(conn, tt.message)
				if err != nil || p.Type != tt.answer || m.ID != tt.id {
					t.Fatalf("%v to %d, %v", p.Type, m.ID, err)
				}
				if strings.HasPrefix(what, "for the engine ID") && (len(p.VarBinds) != 1 || p.VarBinds[0].Value != snmp.OctetString(engineID)) {
					t.Errorf("%+v", p)
				}
				if err == nil && m.SecurityModel == snmp.TSMSecurityModel && (len(m.Security) != 0 || m.Encrypted) {
					t.Errorf("an answer with security of its own: %+v", m)
				}
			})
		}
	}
}

// TestTransportPrefix: the names have the transport's prefix.
func TestTransportPrefix(t *testing.T) {
	s := newStation(t)
	joe := s.ca.client("joe")
	s.server.SetTransportPrefix(true)
	for _, transport := range transports {
		if ok, err := s.served(transport, joe); !ok {
			t.Errorf("%s: %v", transport, err)
		}
	}
	jack := s.ca.client("tls:joe")
	if ok, _ := s.served(secure.TLSPrefix, jack); ok {
		t.Error("a certificate says a prefix itself")
	}
}

// TestSetConfig: sessions end when their certificate loses its name, and others stay.
func TestSetConfig(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			s := newStation(t)
			joe, jack := s.ca.client("joe"), s.ca.client("jack")
			var conns [2]net.Conn
			for i, c := range []tls.Certificate{joe, jack} {
				var err error
				if conns[i], err = s.dial(transport, c); err != nil {
					t.Fatal(err)
				}
				defer conns[i].Close()
				if _, _, err := ask(conns[i], question()); err != nil {
					t.Fatal(err)
				}
			}
			s.config.Revoked = []*x509.RevocationList{s.ca.revoke(jack)}
			s.model.SetConfig(s.config)
			if _, _, err := ask(conns[1], question()); err == nil {
				t.Error("who is revoked is still answered")
			}
			if _, p, err := ask(conns[0], question()); err != nil || p.ErrorStatus != snmp.NoError {
				t.Errorf("the other one: %v, %v", p.ErrorStatus, err)
			}
			s.model.SetConfig(secure.Config{})
			if transport != secure.TLSPrefix { // where a client asks again and again
				return
			}
			if _, err := s.dial(transport, joe); err == nil {
				t.Error("a session without a certificate of the agent")
			}
		})
	}
}

// TestClose: the end closes sessions, and leaves no goroutine.
func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newStation(t)
	for _, transport := range transports {
		conn, err := s.dial(transport, s.ca.client("joe"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, _, err := ask(conn, question()); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := io.ReadAll(conn); err != nil {
				t.Errorf("the other end is not told: %v", err)
			}
		}()
	}
	half, err := net.Dial("tcp", s.tls.String())
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	s.close()
	if a, b := s.model.Stats().Accepts.Load(), s.model.Stats().ServerCloses.Load(); a != 2 || b != 2 {
		t.Errorf("%d sessions, %d closed", a, b)
	}
	eventually(t, "only the clients' goroutines are left", func() bool { return runtime.NumGoroutine() <= before+8 })
}
