package secure_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"

	"walkabout/agent"
	"walkabout/agent/secure"
	"walkabout/internal/packetnet"
	"walkabout/snmp"
	"walkabout/snmp/tlstm"
)

// record is one of DTLS 1.2.
func record(kind byte, epoch uint16, sequence uint32, content ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{kind, 254, 253}, epoch)
	b = binary.BigEndian.AppendUint32(append(b, 0, 0), sequence)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(content))), content...)
}

// forgeries are datagrams that anybody can send in the name of a session's other end; n makes them differ.
func forgeries(n uint32) map[string][]byte {
	finished := append([]byte{20, 0, 0, 12, 0, byte(n), 0, 0, 0, 0, 0, 12}, make([]byte, 12)...)
	sealed := record(23, 1, 1<<20+n, make([]byte, 40)...)
	out := map[string][]byte{
		"data in plain text":             record(23, 0, 100+n, 'x'),
		"an unknown content":             record(99, 0, 200+n, 'x'),
		"a heartbeat":                    record(24, 0, 300+n, 1, 0, 0),
		"changed keys":                   record(20, 0, 400+n, 1),
		"a fatal alert":                  record(21, 0, 500+n, 2, 40),
		"an end":                         record(21, 0, 600+n, 1, 0),
		"a message of a handshake":       record(22, 0, 700+n, finished...),
		"a message that is endless":      record(22, 0, 800+n, 11, 255, 255, 255, 0, byte(n), 0, 0, 0, 0, 0, 1, 0),
		"another handshake":              record(22, 1, 1<<20+n, finished...),
		"an epoch that is not yet there": record(23, 2, n, make([]byte, 40)...),
		"data that is not sealed":        sealed,
		"an end that is not sealed":      record(21, 1, 1<<20+n, make([]byte, 26)...),
		"plain text behind sealed":       append(append([]byte{}, sealed...), record(23, 0, 900+n, 'x')...),
		"a version of TLS":               {23, 3, 3, 0, 1, 'x'},
	}
	for i := range sealed {
		out["cut short"+string(rune('0'+i))] = sealed[:i]
	}
	return out
}

// TestForgedRecords: what is sent in the name of a session's other end neither ends the session at either end nor has anything sent there.
func TestForgedRecords(t *testing.T) {
	for what := range forgeries(0) {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newOfflineStation(t)
				network := packetnet.New(1, packetnet.Faults{})
				agentSocket := s.listenOn(t, network)
				victim := netip.MustParseAddrPort("192.0.2.9:2")
				joe := s.dialIn(t, network, victim.String())
				if _, _, err := ask(joe, question()); err != nil {
					t.Fatal(err)
				}
				liar, err := network.Dial(netip.MustParseAddr("198.51.100.200"), agentAddr)
				if err != nil {
					t.Fatal(err)
				}
				agentSocket.forge(liar.LocalAddr(), victim)
				sent := func() int {
					agentSocket.mu.Lock()
					defer agentSocket.mu.Unlock()
					return agentSocket.sent[victim]
				}
				before := sent()
				for n := range uint32(20) {
					if _, err := liar.Write(forgeries(n)[what]); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				if n := sent() - before; n != 0 {
					t.Errorf("the other end was sent %d octets", n)
				}
				if _, p, err := ask(joe, question()); err != nil || p.ErrorStatus != snmp.NoError {
					t.Errorf("the session: %v, %v", p.ErrorStatus, err)
				}
			})
		})
	}
}

// TestForgedRecordsToClient: a session that the agent has opened bears the same.
func TestForgedRecordsToClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		network := packetnet.New(1, packetnet.Faults{})
		s.config.Mappings = append(s.config.Mappings, tlstm.Mapping{ID: 1, Fingerprint: s.ca.fingerprint(), Type: tlstm.CommonName})
		s.model.SetConfig(s.config)
		s.listenOn(t, network)
		var below *forgeable
		conn, err := s.model.OpenDTLS(t.Context(), func(context.Context) (net.Conn, error) {
			c, err := network.Dial(netip.MustParseAddr("192.0.2.9"), agentAddr)
			below = &forgeable{Conn: c}
			return below, err
		}, secure.Client{Identity: "agent"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for n := range uint32(3) {
			for what, b := range forgeries(n) {
				below.forge(b)
				if _, _, err := ask(conn, question()); err != nil {
					t.Fatalf("after %s: %v", what, err)
				}
			}
		}
	})
}

// forgeable is a connection on which datagrams can be put in.
type forgeable struct {
	net.Conn
	mu   sync.Mutex
	next []byte
}

func (f *forgeable) forge(b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = b
}

// Read implements net.Conn: what was forged comes before what is read next.
func (f *forgeable) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil || err != nil {
		return n, err
	}
	out := f.next
	f.next = nil
	f.Conn = &replay{Conn: f.Conn, first: append([]byte{}, b[:n]...)}
	return copy(b, out), nil
}

// replay gives first before what Conn does.
type replay struct {
	net.Conn
	first []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if r.first == nil {
		return r.Conn.Read(b)
	}
	n := copy(b, r.first)
	r.first = nil
	return n, nil
}

// TestHalfHandshakesByDTLS: who has proven its address and says no more is limited by source, and forgotten after 10 seconds.
func TestHalfHandshakesByDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		network := packetnet.New(1, packetnet.Faults{})
		agentSocket := s.listenOn(t, network)
		sent := func(port uint16) int {
			agentSocket.mu.Lock()
			defer agentSocket.mu.Unlock()
			return agentSocket.sent[netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), port)]
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for port := range uint16(9) {
			c, err := network.Listen(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), port+1))
			if err != nil {
				t.Fatal(err)
			}
			d, err := dtls.ClientWithOptions(&half{PacketConn: c}, net.UDPAddrFromAddrPort(agentAddr), dtls.WithInsecureSkipVerify(true))
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { _ = d.HandshakeContext(ctx); _ = d.Close() })
			synctest.Wait()
			if got, full := sent(port+1), port < 8; (got > 200) != full {
				t.Errorf("the %d. was sent %d octets", port+1, got)
			}
		}
		cancel()
		running.Wait()
		joe := s.dialIn(t, network, "192.0.2.7:99")
		time.Sleep(10 * time.Second)
		if _, p, err := ask(joe, question()); err != nil || p.ErrorStatus != snmp.NoError {
			t.Errorf("after their time: %v, %v", p.ErrorStatus, err)
		}
	})
}

// half is a client that sends two datagrams and no more: a ClientHello, and that with its cookie.
type half struct {
	net.PacketConn
	sent int
}

func (h *half) WriteTo(b []byte, to net.Addr) (int, error) {
	if h.sent++; h.sent > 2 {
		return len(b), nil
	}
	return h.PacketConn.WriteTo(b, to)
}

// TestHostileSessions: memory, goroutines and descriptors are level after a thousand sessions that do all that they should not.
func TestHostileSessions(t *testing.T) {
	s := newStation(t)
	s.server.SetStreamLimits(agent.StreamLimits{Idle: 200 * time.Millisecond, Request: 200 * time.Millisecond})
	joe, stranger := s.ca.client("joe"), newAuthority(t, "the authority").client("joe")
	hello := clientHello(t, s)
	session := func(transport string, cert tls.Certificate, then func(c net.Conn)) func() {
		return func() {
			if c, err := s.dial(transport, cert); err == nil {
				then(c)
				c.Close()
			}
		}
	}
	write := func(b []byte) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := c.Write(b); err == nil {
				_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				_, _ = io.Copy(io.Discard, c)
			}
		}
	}
	raw := func(network, address string, b []byte) func() {
		return func() {
			if c, err := net.Dial(network, address); err == nil {
				_, _ = c.Write(b)
				c.Close()
			}
		}
	}
	kinds := []func(){
		raw("tcp", s.tls.String(), nil), raw("tcp", s.tls.String(), []byte("GET / HTTP/1.0\r\n\r\n")), raw("tcp", s.tls.String(), []byte{22, 3, 1, 255, 255, 1}),
		raw("udp", s.dtls.String(), hello), raw("udp", s.dtls.String(), hello[:len(hello)-1]), raw("udp", s.dtls.String(), question()),
	}
	for _, transport := range transports {
		kinds = append(kinds,
			session(transport, stranger, write(question())), session(transport, tls.Certificate{}, write(question())),
			session(transport, joe, func(net.Conn) {}), session(transport, joe, write([]byte("garbage"))), session(transport, joe, write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})),
			session(transport, joe, write(question()[:20])), session(transport, joe, write(question())))
	}
	kinds = append(kinds, func() { // a session that vanishes
		c, err := net.Dial("udp", s.dtls.String())
		if err != nil {
			return
		}
		d, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(c), c.RemoteAddr(), dtls.WithInsecureSkipVerify(true), dtls.WithCertificates(joe))
		if err == nil {
			_ = d.Handshake()
		}
		c.Close()
		_ = d.Close()
	})
	flood := func(n int) {
		var running sync.WaitGroup
		for worker := range 4 {
			running.Go(func() {
				for i := worker; i < n; i += 4 {
					kinds[i%len(kinds)]()
				}
			})
		}
		running.Wait()
	}
	flood(3 * len(kinds))
	settled := level(t, s)
	flood(1000)
	var after levels
	eventually(t, "level", func() bool {
		after = level(t, s)
		return after.goroutines <= settled.goroutines && after.descriptors <= settled.descriptors && after.heap < settled.heap+4<<20
	})
	t.Logf("before %+v, after %+v", settled, after)
	s.server.SetStreamLimits(agent.StreamLimits{})
	for _, transport := range transports {
		if ok, err := s.served(transport, joe); !ok {
			t.Errorf("%s afterwards: %v", transport, err)
		}
	}
}

// levels is what a process has in use.
type levels struct {
	goroutines, descriptors int
	heap                    uint64
}

// level waits until no session of s is left, and measures.
func level(t *testing.T, s *station) levels {
	t.Helper()
	eventually(t, "no session", func() bool {
		return s.model.Stats().Accepts.Load() <= s.model.Stats().ServerCloses.Load()
	})
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd") // where there is none, none are counted
	if err != nil {
		open = nil
	}
	return levels{runtime.NumGoroutine(), len(open), m.HeapAlloc}
}
