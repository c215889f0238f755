package dns_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	pb "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"
	"google.golang.org/protobuf/proto"

	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
)

// tapFrame is a message as a server sends it; kind is a query's, and that of responses is one more.
func tapFrame(t testing.TB, kind pb.Message_Type, transport pb.SocketProtocol, from string, m *mdns.Msg) []byte {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	message := &pb.Message{Type: &kind, SocketProtocol: &transport, QueryAddress: netip.MustParseAddr(from).AsSlice(), ResponseAddress: []byte{198, 51, 100, 1}}
	if m.Response {
		message.ResponseMessage = wire
	} else {
		message.QueryMessage = wire
	}
	b, err := proto.Marshal(&pb.Dnstap{Type: pb.Dnstap_MESSAGE.Enum(), Message: message})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serveTap has a Tap listen, and returns where; at the end of the test it must leave nothing running.
func serveTap(t *testing.T, tap *dns.Tap) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tap.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := tap.Stats().Connections; n != 0 {
			t.Errorf("%d connections are open at the end", n)
		}
	})
	return l.Addr().String()
}

// send sends frames as a server does, and waits until they were read.
func send(t *testing.T, address string, frames ...[]byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w, err := framestream.NewWriter(conn, &framestream.WriterOptions{ContentTypes: [][]byte{pb.FSContentType}, Bidirectional: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if _, err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil { // it waits for the answer to the last frame
		t.Fatal(err)
	}
}

func newTap(friends ...string) (*dns.Tap, *bytes.Buffer) {
	var log bytes.Buffer
	o := dns.TapOptions{Name: "test", Log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, f := range friends {
		o.Friends = append(o.Friends, netip.MustParsePrefix(f))
	}
	return dns.NewTap(o), &log
}

func record(text string) mdns.RR {
	r, err := mdns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return r
}

// exchange is a query and the answer to it.
func exchange(t *testing.T, from, name string, kind uint16, transport pb.SocketProtocol, rcode int, authoritative bool, answer, authority string) [][]byte {
	t.Helper()
	q := new(mdns.Msg).SetQuestion(name, kind)
	a := new(mdns.Msg).SetRcode(q, rcode)
	a.Authoritative = authoritative
	if answer != "" {
		a.Answer = []mdns.RR{record(answer)}
	}
	if authority != "" {
		a.Ns = []mdns.RR{record(authority)}
	}
	query, response := pb.Message_AUTH_QUERY, pb.Message_AUTH_RESPONSE
	if !authoritative {
		query, response = pb.Message_CLIENT_QUERY, pb.Message_CLIENT_RESPONSE
	}
	return [][]byte{tapFrame(t, query, transport, from, q), tapFrame(t, response, transport, from, a)}
}

func TestTap(t *testing.T) {
	f := everything()
	f.rules = []dns.Rule{{Object: "dnsServCounterAuthAns", Plus: []string{"dnsServCounterAuthAns"}}}
	tap, _ := newTap("192.0.2.0/24", "2001:db8::/32")
	m, err := dns.New(dns.Options{Name: "test", Backend: f, Tap: tap})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	before := names(walk(t, m), "dnsServCounter")
	if len(before) != 1 {
		t.Errorf("before the first frame: %v", before)
	}
	const soa, ns, udp, tcp = "example. 1 SOA a. b. 1 2 3 4 5", "sub.example. 1 NS ns.sub.example.", pb.SocketProtocol_UDP, pb.SocketProtocol_TCP
	var frames [][]byte
	add := func(list [][]byte) { frames = append(frames, list...) }
	add(exchange(t, "127.0.0.1", "a.example.", mdns.TypeA, udp, 0, true, "a.example. 1 A 192.0.2.1", ns))
	add(exchange(t, "192.0.2.7", "b.example.", mdns.TypeA, tcp, mdns.RcodeNameError, true, "", soa))
	add(exchange(t, "2001:db8::7", "a.example.", mdns.TypeMX, udp, 0, true, "", soa))
	add(exchange(t, "203.0.113.1", "a.sub.example.", mdns.TypeA, udp, 0, false, "", ns))
	add(exchange(t, "203.0.113.1", "cached.example.", mdns.TypeA, udp, 0, false, "cached.example. 1 A 192.0.2.1", ""))
	add(exchange(t, "203.0.113.1", "cached.example.", mdns.TypeMX, pb.SocketProtocol_DOT, 0, false, "", soa))
	add(exchange(t, "198.51.100.1", "wpad.", mdns.TypeA, udp, mdns.RcodeRefused, false, "", ""))
	add(exchange(t, "203.0.113.1", ".", mdns.TypeNS, udp, mdns.RcodeServerFailure, false, "", ""))
	add(exchange(t, "192.0.2.7", "x.", mdns.TypeNone, udp, mdns.RcodeFormatError, false, "", ""))
	add(exchange(t, "203.0.113.1", "gone.example.", mdns.TypeA, udp, mdns.RcodeNameError, false, "", ""))
	frames = append(frames, tapFrame(t, pb.Message_RESOLVER_QUERY, udp, "203.0.113.1", new(mdns.Msg).SetQuestion("up.example.", mdns.TypeA)))
	send(t, serveTap(t, tap), frames...)
	all := walk(t, m)
	mibtest.Conform(t, all, holes)
	want := map[string]string{
		"dnsServCounterAuthAns.0":   before["dnsServCounterAuthAns.0"], // the server's own
		"dnsServCounterAuthNoNames": "1", "dnsServCounterAuthNoDataResps": "1", "dnsServCounterNonAuthDatas": "1", "dnsServCounterNonAuthNoDatas": "1",
		"dnsServCounterReferrals": "1", "dnsServCounterErrors": "3", "dnsServCounterRelNames": "2", "dnsServCounterReqRefusals": "1", "dnsServCounterReqUnparses": "1",
		"dnsServCounterOtherErrors": "1",
	}
	for row, n := range map[string]string{
		"0.1.1.1": "5", "0.1.1.2": "1", "0.1.15.1": "1", "0.1.15.3": "1", "0.1.2.1": "1", "0.1.0.1": "1",
	} {
		want["dnsServCounterRequests."+row], want["dnsServCounterResponses."+row] = n, n
	}
	for name, n := range want {
		if !strings.Contains(name, ".") {
			delete(want, name)
			want[name+".0"] = n
		}
	}
	if diff := cmp.Diff(want, names(all, "dnsServCounter")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	optional := names(all, "dnsServOptCounter")
	if len(optional) != 22 {
		t.Errorf("%d optional counters", len(optional))
	}
	for name, n := range optional {
		want := map[string]string{
			"SelfAuthAns": "1", "SelfErrors": "1", "SelfRelNames": "1", "SelfReqRefusals": "1",
			"FriendsAuthNoNames": "1", "FriendsAuthNoDataResps": "1", "FriendsErrors": "1", "FriendsRelNames": "1", "FriendsReqUnparses": "1",
		}[strings.TrimSuffix(strings.TrimPrefix(name, "dnsServOptCounter"), ".0")]
		if want == "" {
			want = "0"
		}
		if n != want {
			t.Errorf("%s is %s, want %s", name, n, want)
		}
	}
	mibtest.Test(t, m, dns.Roots()...)
}

// TestTapWithoutFriends: who is a friend is the administrator's to say.
func TestTapWithoutFriends(t *testing.T) {
	tap, _ := newTap()
	m, err := dns.New(dns.Options{Name: "test", Backend: everything(), Tap: tap})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	send(t, serveTap(t, tap), exchange(t, "192.0.2.7", "a.example.", mdns.TypeA, pb.SocketProtocol_UDP, 0, true, "a.example. 1 A 192.0.2.1", "")...)
	if got := names(walk(t, m), "dnsServOptCounterFriends"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := names(walk(t, m), "dnsServOptCounterSelf"); len(got) != 11 {
		t.Errorf("%v", got)
	}
}

// TestTapHostile: whatever connects is counted, bounded and harms nobody.
func TestTapHostile(t *testing.T) {
	tap, log := newTap()
	address := serveTap(t, tap)
	good := exchange(t, "192.0.2.7", "a.example.", mdns.TypeA, pb.SocketProtocol_UDP, 0, true, "a.example. 1 A 192.0.2.1", "")
	short := &pb.Message{Type: pb.Message_AUTH_QUERY.Enum(), QueryMessage: []byte{1, 2, 3}}
	b, err := proto.Marshal(&pb.Dnstap{Type: pb.Dnstap_MESSAGE.Enum(), Message: short})
	if err != nil {
		t.Fatal(err)
	}
	send(t, address, []byte("no protobuf"), make([]byte, 1<<18), b, good[0], good[1])
	if s := tap.Stats(); s.Frames != 2 || s.Malformed != 3 {
		t.Errorf("%+v", s)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines:\n%s", n, log)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0}, 1<<31)); err != nil { // a control frame of 2 GB
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("it is not hung up: %v", err)
	}
	var frames [][]byte
	for kind := range uint16(3000) { // of types that somebody makes up
		frames = append(frames, tapFrame(t, pb.Message_AUTH_QUERY, pb.SocketProtocol_UDP, "203.0.113.1", new(mdns.Msg).SetQuestion("a.example.", kind)))
	}
	send(t, address, frames...)
	if s := tap.Stats(); s.RowsLeftOut != 3000-2048 {
		t.Errorf("%+v", s)
	}
	var open []net.Conn
	for range 64 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	one, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if err := one.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Read(make([]byte, 1)); err == nil || len(open) != 64 {
		t.Errorf("one connection too many: %v", err)
	}
}

// FuzzTap gives a Tap frames.
func FuzzTap(f *testing.F) {
	q := new(mdns.Msg).SetQuestion("a.example.", mdns.TypeA)
	a := new(mdns.Msg).SetReply(q)
	a.Ns = []mdns.RR{record("sub.example. 1 NS ns.sub.example.")}
	f.Add(tapFrame(f, pb.Message_AUTH_QUERY, pb.SocketProtocol_UDP, "192.0.2.1", q))
	f.Add(tapFrame(f, pb.Message_CLIENT_RESPONSE, pb.SocketProtocol_TCP, "2001:db8::1", a))
	tap, _ := newTap("192.0.2.0/24")
	f.Fuzz(func(t *testing.T, b []byte) {
		before := tap.Stats()
		tap.Frame(b)
		after := tap.Stats()
		if after.Frames+after.Malformed != before.Frames+before.Malformed+1 {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}
