package session_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/ber"
	"walkabout/snmp/oid"
)

// responder is an agent on a loopback port that answers by a function: with any datagrams, which it is handed a way to send.
type responder struct {
	t     *testing.T
	conn  *net.UDPConn
	done  chan struct{}
	reply func(q snmp.Message, send func([]byte))
}

func respond(t *testing.T, reply func(q snmp.Message, send func([]byte))) *responder {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &responder{t: t, conn: conn, done: make(chan struct{}), reply: reply}
	go r.serve()
	t.Cleanup(func() {
		_ = conn.Close()
		<-r.done
	})
	return r
}

func (r *responder) serve() {
	defer close(r.done)
	b := make([]byte, 65536)
	var d snmp.Decoder
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		var q snmp.Message
		if err := d.Decode(b[:n], &q); err != nil {
			r.t.Errorf("the request cannot be read: %v", err)
			continue
		}
		r.reply(q, func(b []byte) { _, _ = r.conn.WriteToUDPAddrPort(b, from) })
	}
}

func (r *responder) port() uint16 { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// answer is a Response to q with the same names, each with value.
func answer(q snmp.Message, value snmp.Value) snmp.Message {
	q.PDU.Type, q.PDU.ErrorStatus, q.PDU.ErrorIndex = snmp.Response, 0, 0
	vbs := make([]snmp.VarBind, len(q.PDU.VarBinds))
	for i, vb := range q.PDU.VarBinds {
		vbs[i] = snmp.VarBind{Name: vb.Name, Value: value}
	}
	q.PDU.VarBinds = vbs
	return q
}

func open(t *testing.T, o session.Options) (session.Client, *session.Stats) {
	t.Helper()
	o.Stats = &session.Stats{}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Credential.User == "" {
		o.Credential.Community = secret.New("public")
	}
	c, err := sockets(t).Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, o.Stats
}

// sockets are the system's until the test ends.
func sockets(t *testing.T) *session.Sockets {
	t.Helper()
	s := session.NewSockets()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var (
	v1  = session.Credential{Version: snmp.V1}
	v2c = session.Credential{Version: snmp.V2c}
	x   = oid.MustParse("1.3.6.1.4.1.1")
)

func TestEveryType(t *testing.T) {
	values := []snmp.Value{
		snmp.Null, snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView,
		snmp.Integer(0), snmp.Integer(-1 << 31), snmp.Integer(1<<31 - 1), snmp.Integer(-1),
		snmp.OctetString(""), snmp.OctetString("a\x00\xff"), snmp.OctetString(strings.Repeat("x", 300)),
		snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.4294967295.0")), snmp.IPAddress(netip.AddrFrom4([4]byte{255, 0, 2, 1})),
		snmp.Counter32(0), snmp.Counter32(1<<32 - 1), snmp.Gauge32(1<<32 - 1), snmp.TimeTicks(1<<32 - 1),
		snmp.Counter64(0), snmp.Counter64(1<<64 - 1), snmp.Opaque("plain"), session.OpaqueFloat(1.5), session.OpaqueDouble(-2.25),
	}
	var want []snmp.VarBind
	var names []oid.OID
	for i, v := range values {
		want = append(want, snmp.VarBind{Name: x.Append(uint32(i)), Value: v})
		names = append(names, want[i].Name)
	}
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		m := answer(q, snmp.Null)
		m.PDU.VarBinds = want
		send(m.Append(nil))
	})
	c, stats := open(t, session.Options{Port: r.port(), Credential: v2c})
	before := []snmp.VarBind{{Name: x}}
	got, err := c.Get(t.Context(), before, names)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b snmp.VarBind) bool { return a == b })
	if diff := cmp.Diff(append(before, want...), got, same); diff != "" {
		t.Error(diff)
	}
	for i, want := range map[int]float64{20: 1.5, 21: -2.25} {
		if f, ok := session.Float(got[i+1].Value); !ok || f != want {
			t.Errorf("Float(%v) = %v, %v", got[i+1].Value, f, ok)
		}
	}
	if _, ok := session.Float(snmp.Opaque("plain")); ok || stats.Odd.Load() != 1 || stats.Requests.Load() != 1 {
		t.Errorf("plain Opaque is a float: %v; %d odd values; %d requests", ok, stats.Odd.Load(), stats.Requests.Load())
	}
}

// TestForeignAnswers holds that only the Response to the present request, with its community and version, is taken.
func TestForeignAnswers(t *testing.T) {
	var last int32
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		wrong := func(change func(m *snmp.Message)) {
			m := answer(q, snmp.Integer(666))
			change(&m)
			send(m.Append(nil))
		}
		wrong(func(m *snmp.Message) { m.PDU.RequestID = last }) // a late reply to the request before
		wrong(func(m *snmp.Message) { m.PDU.RequestID = 0 })    // gosnmp alone would take it
		wrong(func(m *snmp.Message) { m.PDU.RequestID++ })
		wrong(func(m *snmp.Message) { m.Community = "private" })
		wrong(func(m *snmp.Message) { m.Version = snmp.V1 })
		wrong(func(m *snmp.Message) { m.PDU.Type = snmp.GetRequest })
		last = q.PDU.RequestID
		m := answer(q, snmp.Integer(1))
		send(m.Append(nil))
	})
	c, stats := open(t, session.Options{Port: r.port(), Credential: v2c})
	for range 3 {
		got, err := c.Get(t.Context(), nil, []oid.OID{x})
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Value != snmp.Integer(1) {
			t.Fatalf("took %v", got[0].Value)
		}
	}
	if n := stats.Dropped.Load(); n != 18 {
		t.Errorf("%d datagrams dropped, want 18", n)
	}
}

func TestLateRepliesAfterATimeout(t *testing.T) {
	var mu sync.Mutex
	var held [][]byte
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		mu.Lock()
		defer mu.Unlock()
		m := answer(q, snmp.Integer(int32(len(held))))
		held = append(held, m.Append(nil))
		if len(held) < 3 {
			return // twice silent
		}
		for _, b := range held {
			send(b)
		}
	})
	c, stats := open(t, session.Options{Port: r.port(), Credential: v2c, Timeout: 30 * time.Millisecond, Retries: 1})
	_, err := c.Get(t.Context(), nil, []oid.OID{x})
	if !errors.Is(err, session.ErrTimeout) || session.Reason(err) != "timeout" {
		t.Errorf("silence: %v", err)
	}
	got, err := c.Get(t.Context(), nil, []oid.OID{x})
	if err != nil || got[0].Value != snmp.Integer(2) {
		t.Errorf("%v, %v; want the answer to this request", got, err)
	}
	if stats.Retries.Load() != 1 || stats.Dropped.Load() != 2 {
		t.Errorf("%d retries, %d dropped", stats.Retries.Load(), stats.Dropped.Load())
	}
}

func TestErrorsOfTheAgent(t *testing.T) {
	for status, reason := range map[snmp.ErrorStatus]string{snmp.TooBig: "tooBig", snmp.GenErr: "genErr", snmp.NoAccess: "noAccess", snmp.InconsistentName: "inconsistentName",
		4711: "unknown_status", -1: "unknown_status"} {
		r := respond(t, func(q snmp.Message, send func([]byte)) {
			m := answer(q, snmp.Null)
			m.PDU.ErrorStatus, m.PDU.ErrorIndex = status, 2
			send(m.Append(nil))
		})
		c, _ := open(t, session.Options{Port: r.port(), Credential: v2c})
		_, err := c.Bulk(t.Context(), nil, 1, []oid.OID{x, x}, 10)
		var re *session.ResponseError
		if !errors.As(err, &re) || re.Status != status || re.Index != 2 || session.Reason(err) != reason {
			t.Errorf("%v: %v (%s)", status, err, session.Reason(err))
		}
	}
}

func TestMalformedAnswers(t *testing.T) {
	tests := map[string]func(q snmp.Message) []byte{
		"garbage":   func(snmp.Message) []byte { return []byte("\x30\x84\xff\xff\xff\xff") },
		"truncated": func(q snmp.Message) []byte { m := answer(q, snmp.Integer(5)); b := m.Append(nil); return b[:len(b)-3] },
		"too few": func(q snmp.Message) []byte {
			m := answer(q, snmp.Null)
			m.PDU.VarBinds = m.PDU.VarBinds[:1]
			return m.Append(nil)
		},
		"empty": func(q snmp.Message) []byte { m := answer(q, snmp.Null); m.PDU.VarBinds = nil; return m.Append(nil) },
	}
	for name, reply := range tests {
		r := respond(t, func(q snmp.Message, send func([]byte)) { send(reply(q)) })
		c, _ := open(t, session.Options{Port: r.port(), Credential: v2c, Timeout: 100 * time.Millisecond})
		got, err := c.Get(t.Context(), nil, []oid.OID{x, x.Append(1)})
		if !errors.Is(err, session.ErrMalformed) || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestOddValues holds that a value that is wrong in itself is NULL, counted, and costs no other.
func TestOddValues(t *testing.T) {
	values := [][]byte{
		{0x41, 5, 1, 0xff, 0xff, 0xff, 0xff}, // a Counter32 of 33 bits
		{0x42, 5, 1, 0, 0, 0, 0},             // a Gauge32 of 33 bits
		{0x02, 5, 1, 0, 0, 0, 0},             // an INTEGER of 33 bits
		{0x40, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		{0x40, 0},           // an IpAddress of nothing
		{0x45, 2, 1, 2},     // NsapAddress, which is gone since SMIv2
		{0x99, 1, 1},        // unknown
		{0x47, 1, 5},        // UInteger32, which is Unsigned32 and good
		{0x02, 2, 0, 1},     // with a leading zero, and good
		{0x04, 0x81, 1, 65}, // a longer form of a length, and good
	}
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		var list []byte
		for i, value := range values {
			vb := append(ber.AppendOID(nil, ber.TagOID, x.Append(uint32(i))), value...)
			list = append(ber.AppendHeader(list, ber.TagSequence, len(vb)), vb...)
		}
		pdu := ber.AppendInt(nil, ber.TagInteger, int64(q.PDU.RequestID))
		pdu = ber.AppendInt(ber.AppendInt(pdu, ber.TagInteger, 0), ber.TagInteger, 0)
		pdu = append(ber.AppendHeader(pdu, ber.TagSequence, len(list)), list...)
		m := ber.AppendString(ber.AppendInt(nil, ber.TagInteger, int64(q.Version)), ber.TagOctetString, q.Community)
		m = append(ber.AppendHeader(m, byte(snmp.Response), len(pdu)), pdu...)
		send(append(ber.AppendHeader(nil, ber.TagSequence, len(m)), m...))
	})
	c, stats := open(t, session.Options{Port: r.port(), Credential: v2c, Timeout: 200 * time.Millisecond})
	names := make([]oid.OID, len(values))
	for i := range names {
		names[i] = x.Append(uint32(i))
	}
	got, err := c.Get(t.Context(), nil, names)
	if err != nil {
		t.Fatal(err)
	}
	for i, vb := range got {
		want := snmp.Null
		switch i {
		case 7:
			want = snmp.Gauge32(5)
		case 8:
			want = snmp.Integer(1)
		case 9:
			want = snmp.OctetString("A")
		}
		if vb.Name != x.Append(uint32(i)) || vb.Value != want {
			t.Errorf("% x: %v %v, want %v", values[i], vb.Name, vb.Value, want)
		}
	}
	if n := stats.Odd.Load(); n != 7 {
		t.Errorf("%d odd values were counted, want 7", n)
	}
}

func TestTooManyRepetitions(t *testing.T) {
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		m := answer(q, snmp.Integer(1))
		for range 5 {
			m.PDU.VarBinds = append(m.PDU.VarBinds, m.PDU.VarBinds...)
		}
		send(m.Append(nil))
	})
	c, _ := open(t, session.Options{Port: r.port(), Credential: v2c})
	if _, err := c.Bulk(t.Context(), nil, 1, []oid.OID{x, x}, 10); !errors.Is(err, session.ErrMalformed) {
		t.Errorf("64 variables for 11: %v", err)
	}
}

// TestV1 holds that a v1 agent looks like any other: what it lacks is an exception, and a walk goes on with GETNEXT.
func TestV1(t *testing.T) {
	asked := make(chan snmp.PDUType, 10)
	r := respond(t, func(q snmp.Message, send func([]byte)) {
		asked <- q.PDU.Type
		m := answer(q, snmp.Integer(7))
		for i, vb := range q.PDU.VarBinds {
			if vb.Name.Last()%2 == 1 { // it has the even ones only
				m.PDU.ErrorStatus, m.PDU.ErrorIndex = snmp.NoSuchName, int32(i+1)
				break
			}
		}
		send(m.Append(nil))
	})
	c, _ := open(t, session.Options{Port: r.port(), Credential: v1})
	names := []oid.OID{x.Append(1), x.Append(2), x.Append(3), x.Append(4)}
	for kind, missing := range map[snmp.PDUType]snmp.Value{snmp.GetRequest: snmp.NoSuchObject, snmp.GetNextRequest: snmp.EndOfMibView} {
		var got []snmp.VarBind
		var err error
		if kind == snmp.GetRequest {
			got, err = c.Get(t.Context(), nil, names)
		} else {
			got, err = c.Bulk(t.Context(), nil, 1, names, 25)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []snmp.Value{missing, snmp.Integer(7), missing, snmp.Integer(7)} {
			if got[i].Name != names[i] || got[i].Value != want {
				t.Errorf("%v: %v, want %v", kind, got[i], want)
			}
		}
		for range 3 { // once for each name that is missing, and once for the rest
			if k := <-asked; k != kind {
				t.Errorf("it was sent %v, want %v", k, kind)
			}
		}
	}
	none, err := c.Get(t.Context(), nil, names[:1])
	if err != nil || none[0].Value != snmp.NoSuchObject {
		t.Errorf("nothing at all: %v, %v", none, err)
	}
}

func TestANameThatCannotBeAsked(t *testing.T) {
	r := respond(t, func(snmp.Message, func([]byte)) { t.Error("something was sent") })
	c, _ := open(t, session.Options{Port: r.port(), Credential: v2c})
	if _, err := c.Get(t.Context(), nil, []oid.OID{{}}); session.Reason(err) != "other" {
		t.Errorf("%v: %s", err, session.Reason(err))
	}
}

func TestNobodyThere(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	_ = conn.Close()
	c, _ := open(t, session.Options{Port: port, Credential: v2c, Timeout: 100 * time.Millisecond})
	_, err = c.Get(t.Context(), nil, []oid.OID{x})
	want := "timeout"
	if runtime.GOOS == "linux" { // which tells of ICMP
		want = "unreachable"
	}
	if reason := session.Reason(err); reason != want {
		t.Errorf("%v: %s, want %s", err, reason, want)
	}
}

func TestCancelling(t *testing.T) {
	asked := make(chan struct{}, 10)
	r := respond(t, func(snmp.Message, func([]byte)) { asked <- struct{}{} })
	c, _ := open(t, session.Options{Port: r.port(), Credential: v2c, Timeout: time.Hour, Retries: 5})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.Get(ctx, nil, []oid.OID{x}); !errors.Is(err, context.Canceled) || session.Reason(err) != "canceled" {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, nil, []oid.OID{x}); !errors.Is(err, session.ErrTimeout) {
		t.Errorf("deadline: %v", err)
	}
	closed := make(chan error)
	for len(asked) > 0 {
		<-asked
	}
	go func() { <-asked; closed <- c.Close() }()
	if _, err := c.Get(t.Context(), nil, []oid.OID{x}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed while waiting: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	const word = "hunter2-72d1"
	r := respond(t, func(q snmp.Message, send func([]byte)) { send([]byte("\x30\x03\x02\x01\x01")) })
	stats := &session.Stats{}
	c, err := sockets(t).Open(t.Context(), session.Options{
		Host: "127.0.0.1", Port: r.port(), Timeout: 50 * time.Millisecond, Stats: stats,
		Credential: session.Credential{Version: snmp.V2c, Community: secret.New(word)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, err = c.Get(t.Context(), nil, []oid.OID{x})
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, c), word) {
		t.Errorf("%v shows the community", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	stats := &session.Stats{}
	_, err := sockets(t).Open(t.Context(), session.Options{Host: "127.0.0.1", Port: 161, Credential: v2c, Stats: stats})
	if err == nil || !strings.Contains(err.Error(), "community") {
		t.Errorf("no community: %v", err)
	}
	cred := session.Credential{Version: snmp.V2c, Community: secret.New("public")}
	_, err = sockets(t).Open(t.Context(), session.Options{Host: "no such host.invalid", Port: 161, Credential: cred, Stats: stats, Timeout: time.Second})
	if session.Reason(err) != "resolve" {
		t.Errorf("no such host: %v: %s", err, session.Reason(err))
	}
}

func TestParseProtocols(t *testing.T) {
	for in, want := range map[string]session.AuthProtocol{"sha256": session.SHA256, "SHA-512": session.SHA512, "Sha": session.SHA, "sha-1": session.SHA, "md5": session.MD5, "": ""} {
		if got, err := session.ParseAuthProtocol(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]session.PrivProtocol{"aes": session.AES, "AES-128": session.AES, "aes256c": session.AES256C, "AES-192": session.AES192, "des": session.DES} {
		if got, err := session.ParsePrivProtocol(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if _, err := session.ParseAuthProtocol("sha3"); err == nil {
		t.Error("sha3 is known")
	}
	if _, err := session.ParsePrivProtocol("3des"); err == nil {
		t.Error("3des is known")
	}
}
