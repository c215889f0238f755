package secure_test

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/dtls/v3"

	"walkabout/agent"
	"walkabout/internal/packetnet"
	"walkabout/snmp"
)

// pipes is a listener of connections within the process.
type pipes struct{ *packetnet.Listener }

func newPipes() pipes {
	return pipes{packetnet.NewListener(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 10161})}
}

// dial opens a connection from an address.
func (p pipes) dial(from string) net.Conn {
	client, server := net.Pipe()
	p.Give(fromConn{server, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))})
	return client
}

type fromConn struct {
	net.Conn
	from net.Addr
}

func (c fromConn) RemoteAddr() net.Addr { return c.from }

// ended reports whether the other side has closed a connection by now.
func ended(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); errors.Is(err, io.ErrClosedPipe) {
		return true
	} else if err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestHalfHandshakes: connections that say nothing are counted by source, and closed after 10 seconds.
func TestHalfHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		below := newPipes()
		l := s.model.ListenTLS(below)
		defer l.Close()
		var conns []net.Conn
		for range 8 {
			conns = append(conns, below.dial("192.0.2.7:1"))
		}
		synctest.Wait()
		for i, from := range []string{"192.0.2.7:2", "192.0.2.8:1", "[2001:db8::1]:1"} {
			c := below.dial(from)
			defer c.Close()
			synctest.Wait()
			if got := ended(t, c); got != (i == 0) {
				t.Errorf("from %s, while 8 from 192.0.2.7 are under way: ended %t", from, got)
			}
		}
		for _, c := range conns {
			if ended(t, c) {
				t.Error("ended too early")
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, c := range conns {
			if !ended(t, c) {
				t.Error("it does not end")
			}
		}
		c := below.dial("192.0.2.7:3")
		defer c.Close()
		synctest.Wait()
		if ended(t, c) {
			t.Error("the source is not forgiven")
		}
	})
}

// socket is a packetnet.Conn as agent.Datagrams, which counts what leaves to each address.
type socket struct {
	*packetnet.Conn
	mu   sync.Mutex
	sent map[netip.AddrPort]int
	liar netip.AddrPort // whose datagrams have the address of as
	as   netip.AddrPort
}

func (s *socket) forge(liar net.Addr, as netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.liar, s.as = liar.(*net.UDPAddr).AddrPort(), as
}

func (s *socket) ReadPacket(b []byte) (int, agent.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if from == s.liar {
		from = s.as
	}
	return n, agent.Peer{Remote: from}, err
}

func (s *socket) WritePacket(b []byte, to agent.Peer) error {
	s.mu.Lock()
	s.sent[to.Remote] += len(b)
	s.mu.Unlock()
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

var agentAddr = netip.MustParseAddrPort("192.0.2.1:10161")

// listenOn serves DTLS in a network.
func (s *station) listenOn(t *testing.T, network *packetnet.Network) *socket {
	t.Helper()
	conn, err := network.Listen(agentAddr)
	if err != nil {
		t.Fatal(err)
	}
	out := &socket{Conn: conn, sent: map[netip.AddrPort]int{}}
	l := s.model.ListenDTLS(out, conn.LocalAddr())
	ctx, stop := context.WithCancel(t.Context())
	s.serving.Go(func() {
		if err := s.server.ServeStreams(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); s.serving.Wait() })
	return out
}

// dialIn opens a session of DTLS in a network.
func (s *station) dialIn(t *testing.T, network *packetnet.Network, from string) *dtls.Conn {
	t.Helper()
	conn, err := network.Listen(netip.MustParseAddrPort(from))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.cert)
	c, err := dtls.ClientWithOptions(conn, net.UDPAddrFromAddrPort(agentAddr), dtls.WithRootCAs(roots), dtls.WithServerName("agent"), dtls.WithCertificates(s.ca.client("joe")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// clientHello returns the first datagram of a handshake.
func clientHello(t *testing.T, s *station) []byte {
	t.Helper()
	network := packetnet.New(1, packetnet.Faults{})
	sink, err := network.Listen(agentAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	c := s.dialIn(t, network, "192.0.2.9:1")
	ctx, cancel := context.WithCancel(t.Context())
	var dialing sync.WaitGroup
	dialing.Go(func() { _ = c.HandshakeContext(ctx) })
	b := make([]byte, 2000)
	n, _, err := sink.ReadFromAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	dialing.Wait()
	return b[:n]
}

// TestForgedSources: a flood of ClientHellos under forged addresses gets less than it sends, and holds up neither a session nor a handshake.
func TestForgedSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		hello := clientHello(t, s)
		network := packetnet.New(1, packetnet.Faults{})
		agentSocket := s.listenOn(t, network)
		before := s.dialIn(t, network, "192.0.2.9:2")
		if _, _, err := ask(before, question()); err != nil {
			t.Fatal(err)
		}
		const forged = 1200
		for i := range forged {
			from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 1)
			c, err := network.Listen(from)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WriteToAddrPort(hello, agentAddr); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		after := s.dialIn(t, network, "192.0.2.9:3")
		for what, c := range map[string]net.Conn{"the session from before": before, "a new session": after} {
			if _, p, err := ask(c, question()); err != nil || p.ErrorStatus != snmp.NoError {
				t.Errorf("%s: %v, %v", what, p.ErrorStatus, err)
			}
		}
		time.Sleep(10 * time.Second)
		agentSocket.mu.Lock()
		defer agentSocket.mu.Unlock()
		answered := 0
		for to, n := range agentSocket.sent {
			if to.Port() != 1 {
				continue
			}
			answered++
			if n > len(hello) {
				t.Fatalf("%v was sent %d octets for %d", to, n, len(hello))
			}
		}
		if answered < forged/2 {
			t.Errorf("%d of %d were answered", answered, forged)
		}
	})
}

// TestHostileDatagrams: garbage, oversize and fragments without end reach nobody, and a session bears what is forged in its name.
func TestHostileDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		hello := clientHello(t, s)
		network := packetnet.New(1, packetnet.Faults{})
		agentSocket := s.listenOn(t, network)
		const session = "192.0.2.9:2"
		joe := s.dialIn(t, network, session)
		if _, _, err := ask(joe, question()); err != nil {
			t.Fatal(err)
		}
		liar, err := network.Dial(netip.MustParseAddr("198.51.100.200"), agentAddr)
		if err != nil {
			t.Fatal(err)
		}
		agentSocket.forge(liar.LocalAddr(), netip.MustParseAddrPort(session))
		fragment := append([]byte(nil), hello...) // of a message of 2^24-1 octets
		fragment[14], fragment[15], fragment[16] = 0xff, 0xff, 0xff
		alert := []byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}
		sealed := append([]byte{23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 99, 0, 40}, make([]byte, 40)...)
		garbage := [][]byte{{}, {22}, hello[:20], hello[:len(hello)-1], make([]byte, 9000), append(hello, make([]byte, 8192)...), fragment, alert, sealed, question()}
		for i, b := range garbage {
			from, err := network.Dial(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), agentAddr)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 300 {
				if len(b) > 25 && b[0] == 22 { // another record, and another piece of the message
					binary.BigEndian.PutUint16(b[9:], uint16(n))
				}
				if _, err := from.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			if err := from.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := liar.Write(b); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if _, p, err := ask(joe, question()); err != nil || p.ErrorStatus != snmp.NoError {
				t.Fatalf("after garbage %d: %v, %v", i, p.ErrorStatus, err)
			}
		}
		if n := s.model.Stats().Accepts.Load(); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestLoss: sessions come about, and serve, where every fifth datagram is lost and others come twice.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		network := packetnet.New(7, packetnet.Faults{Loss: 0.2, Duplicate: 0.1})
		s.listenOn(t, network)
		c := s.dialIn(t, network, "192.0.2.9:2")
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		if err := c.HandshakeContext(ctx); err != nil {
			t.Fatal(err)
		}
		answered := 0
		for range 50 {
			if _, p, err := ask(c, question()); err == nil && p.ErrorStatus == snmp.NoError {
				answered++
			}
		}
		if answered < 20 {
			t.Errorf("%d of 50 were answered", answered)
		}
	})
}

// TestIdle: a session that says nothing is closed, and its source may come again.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newOfflineStation(t)
		s.server.SetStreamLimits(agent.StreamLimits{Connections: 1, Idle: time.Minute})
		network := packetnet.New(1, packetnet.Faults{})
		s.listenOn(t, network)
		first := s.dialIn(t, network, "192.0.2.9:2")
		if _, _, err := ask(first, question()); err != nil {
			t.Fatal(err)
		}
		second := s.dialIn(t, network, "192.0.2.9:3")
		if _, _, err := ask(second, question()); err == nil {
			t.Error("more sessions than connections are allowed")
		}
		time.Sleep(2 * time.Minute)
		third := s.dialIn(t, network, "192.0.2.9:4")
		if _, _, err := ask(third, question()); err != nil {
			t.Errorf("after the first one's time: %v", err)
		}
		if n := s.model.Stats().ServerCloses.Load(); n != 2 {
			t.Errorf("%d closed", n)
		}
	})
}
