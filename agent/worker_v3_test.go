package agent

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

const testEngineID = "\x80\x00\x1f\x88\x04test"

// newV3Worker is newWorker with an engine that knows one user, who may read and write everything.
func newV3Worker(tb testing.TB, auth usm.AuthProtocol, priv usm.PrivProtocol) (*worker, usm.User) {
	u := usm.User{Name: "user", Auth: auth, Priv: priv, AuthKey: bytes.Repeat([]byte{1}, auth.KeyLen()), PrivKey: bytes.Repeat([]byte{2}, priv.KeyLen())}
	e, err := usm.NewEngine(testEngineID, 7, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.SetUsers([]usm.User{u}); err != nil {
		tb.Fatal(err)
	}
	w := newWorker(tb)
	w.server.config.Engine = e
	a := CommunityAccess(Community{Name: secret.New("public"), Principal: "reader"})
	a.Policy = vacm.NewPolicy([]vacm.Member{{Model: vacm.USM, Name: u.Name, Group: "all"}, {Model: vacm.V2c, Name: "reader", Group: "all"}},
		[]vacm.Entry{{Group: "all", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: "all", vacm.Write: "all"}}},
		map[string][]vacm.Family{"all": {{}}})
	w.server.SetAccess(a)
	return w, u
}

// sealed returns a message of the user's to the engine of boots 7, whose ScopedPDU's content is content.
func sealed(tb testing.TB, u usm.User, flags snmp.Flags, content []byte) []byte {
	p := usm.Parameters{EngineID: []byte(testEngineID), Boots: 7, User: []byte(u.Name)}
	m := snmp.MessageV3{ID: 4711, MaxSize: snmp.MaxMessageSize, Flags: flags, SecurityModel: snmp.USMSecurityModel, Data: content}
	auth := usm.NoAuth
	if flags&snmp.AuthFlag != 0 {
		auth = u.Auth
	}
	if flags&snmp.PrivFlag != 0 {
		c, err := usm.NewCipher(u.Priv, u.PrivKey)
		if err != nil {
			tb.Fatal(err)
		}
		const salt = 1 << 40
		m.Encrypted, p.Priv = true, binary.BigEndian.AppendUint64(nil, salt)
		m.Data = c.Encrypt(nil, content, 7, 0, salt)
	}
	var digest int
	m.Security, digest = p.Append(nil, auth)
	out, security := m.Append(nil)
	if auth != usm.NoAuth {
		a, err := usm.NewAuthenticator(auth, u.AuthKey)
		if err != nil {
			tb.Fatal(err)
		}
		a.Sign(out, security+digest)
	}
	return out
}

func scopedPDU(p snmp.PDU) []byte {
	s := snmp.ScopedPDU{ContextEngineID: testEngineID, PDU: p}
	return s.Append(nil)
}

// BenchmarkV3 is the whole of a request of level authPriv: opening it, and the sealing of its answer.
func BenchmarkV3(b *testing.B) {
	get := snmp.PDU{Type: snmp.GetRequest, RequestID: 1 << 20}
	for i := range uint32(10) {
		get.VarBinds = append(get.VarBinds, snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.2.1").Append(10+i, 3)})
	}
	for _, bb := range []struct {
		name string
		auth usm.AuthProtocol
		priv usm.PrivProtocol
	}{{"SHA,AES", usm.SHA, usm.AES}, {"SHA-256,AES", usm.SHA256, usm.AES}, {"SHA-512,AES-256", usm.SHA512, usm.AES256}} {
		b.Run(bb.name, func(b *testing.B) {
			w, u := newV3Worker(b, bb.auth, bb.priv)
			whole := sealed(b, u, snmp.AuthFlag|snmp.PrivFlag, scopedPDU(get))
			in := make([]byte, len(whole))
			b.ReportAllocs()
			for b.Loop() {
				copy(in, whole) // it is decrypted in its place
				if w.answer(b.Context(), in, loopback) == nil {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// FuzzAnswerV3 sends what a user who has the keys may send: anything at all below the encryption, and around it flags of any kind. No
// panic; an answer is a message of the level that was asked with, or a report.
func FuzzAnswerV3(f *testing.F) {
	for _, p := range []snmp.PDU{
		{Type: snmp.GetRequest, RequestID: 1, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.10.7")}}},
		{Type: snmp.GetBulkRequest, RequestID: 2, ErrorIndex: 1 << 30, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3")}}},
		{Type: snmp.SetRequest, RequestID: 3, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.7.1"), Value: snmp.EndOfMibView}}},
		{Type: snmp.Response, RequestID: 4},
		{Type: snmp.Report, RequestID: 5},
	} {
		f.Add(byte(snmp.AuthFlag|snmp.PrivFlag|snmp.ReportableFlag), scopedPDU(p))
		f.Add(byte(snmp.AuthFlag), scopedPDU(p))
		f.Add(byte(0), scopedPDU(p))
	}
	w, u := newV3Worker(f, usm.SHA256, usm.AES)
	f.Fuzz(func(t *testing.T, flags byte, content []byte) {
		if len(content) > 1<<15 {
			return
		}
		w.server.config.Engine = mustEngine(t, u) // whose time has not gone on
		asked := snmp.Flags(flags)
		out := w.answer(t.Context(), sealed(t, u, asked, content), loopback)
		if out == nil {
			return
		}
		m, err := snmp.ParseV3(out)
		if err != nil || m.ID != 4711 || len(out) > snmp.MaxMessageSize {
			t.Fatalf("an answer of %d octets to message %d: %v", len(out), m.ID, err)
		}
		level, ok := m.Flags.Level()
		askedLevel, legal := asked.Level()
		switch {
		case !ok || !legal:
			t.Fatalf("flags %v are answered with %v", asked, m.Flags)
		case level > askedLevel:
			t.Fatalf("a message of level %v is answered with %v", askedLevel, level)
		}
	})
}

func mustEngine(tb testing.TB, u usm.User) *usm.Engine {
	e, err := usm.NewEngine(testEngineID, 7, time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.SetUsers([]usm.User{u}); err != nil {
		tb.Fatal(err)
	}
	return e
}
