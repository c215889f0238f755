package simulated_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
)

var here = netip.MustParseAddr("192.0.2.100")

// network is a session.Network in memory.
type network struct{ *packetnet.Network }

func (n network) Listen(context.Context, netip.Addr) (session.PacketConn, error) {
	c, err := n.Network.Listen(netip.AddrPortFrom(here, 0))
	return client{c}, err
}

func (network) Lookup(_ context.Context, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

type client struct{ *packetnet.Conn }

func (c client) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	return c.ReadFromAddrPort(b)
}

func (c client) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.WriteToAddrPort(b, to)
}

// server is a socket as agent.Datagrams, which counts the requests.
type server struct {
	*packetnet.Conn
	lab *lab
}

func (s server) ReadPacket(b []byte) (int, agent.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	s.lab.mu.Lock()
	s.lab.requests++
	s.lab.mu.Unlock()
	return n, agent.Peer{Remote: from}, err
}

func (s server) WritePacket(b []byte, to agent.Peer) error {
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

// lab is a network with devices, and a collector that polls them every 30 s. It lives in a synctest bubble.
type lab struct {
	t       *testing.T
	network network
	log     bytes.Buffer

	mu       sync.Mutex
	requests int
	polls    map[string][]collector.Poll
}

func newLab(t *testing.T) *lab {
	return &lab{t: t, network: network{packetnet.New(1, packetnet.Faults{Delay: 5 * time.Millisecond})}, polls: map[string][]collector.Poll{}}
}

// Poll implements collector.Sink.
func (l *lab) Poll(_ context.Context, p collector.Poll) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polls[p.Device] = append(l.polls[p.Device], p.Clone())
}

// next returns the next poll of a device, and how many requests reached devices since the one before.
func (l *lab) next(device string) (collector.Poll, int) {
	l.t.Helper()
	l.mu.Lock()
	n := len(l.polls[device])
	l.requests = 0
	l.mu.Unlock()
	for range 7000 {
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		l.mu.Lock()
		polls, requests := l.polls[device], l.requests
		l.mu.Unlock()
		if len(polls) > n {
			return polls[n], requests
		}
	}
	l.t.Fatalf("no poll of %s in 70 s", device)
	return collector.Poll{}, 0
}

// ports is a switch whose n-th port receives n × 10,000 octets a second.
func ports(n int) []sim.Port {
	var list []sim.Port
	for i := range n {
		list = append(list, sim.Port{Index: uint32(i + 1), Name: fmt.Sprintf("Gi1/0/%d", i+1), Alias: "room", Speed: 1e9, InRate: float64(10_000 * (i + 1)), OutRate: 5000})
	}
	return list
}

// device is played at an address until the test ends; wrap may add a fault.
func (l *lab) device(address, name string, count int, wrap func(agent.Datagrams) agent.Datagrams) (*sim.Device, collector.Target) {
	l.t.Helper()
	d := sim.New(sim.Options{Name: name, Ports: ports(count), Boot: time.Now().Add(-24 * time.Hour)})
	s, err := d.Server(secret.New("public"), slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	s.SetMaxMessageSize(1472)
	conn, err := l.network.Network.Listen(netip.MustParseAddrPort(address))
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error)
	go func() { done <- s.ServeDatagrams(ctx, wrap(server{conn, l})) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
	})
	t := collector.DefaultTarget()
	t.Name, t.Address, t.Collect = name, address, []string{"interfaces"}
	t.Credential = session.Credential{Version: snmp.V2c, Community: secret.New("public")}
	return d, t
}

func well(d agent.Datagrams) agent.Datagrams { return d }

// collect polls the targets until the test ends.
func (l *lab) collect(targets ...collector.Target) *collector.Collector {
	l.t.Helper()
	sockets := session.NewSocketsOn(l.network)
	c, err := collector.New(collector.Options{
		Targets: targets, Sinks: []collector.Sink{l}, Dial: sockets.Open, Logger: slog.New(slog.NewTextHandler(&l.log, nil)),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			l.t.Error(err)
		}
		if err := sockets.Close(); err != nil {
			l.t.Error(err)
		}
	})
	return c
}

// numbers returns how many rates p has; each must be what the port's counter runs at.
func (l *lab) numbers(p collector.Poll) int {
	l.t.Helper()
	count := 0
	for _, s := range p.Samples {
		index, _ := s.Field("ifIndex")
		for _, f := range s.Fields {
			if !f.Verdict.HasRate() {
				continue
			}
			count++
			want := map[string]float64{"ifInOctets": 10_000 * float64(index.Num), "ifHCInOctets": 10_000 * float64(index.Num), "ifOutOctets": 5000, "ifHCOutOctets": 5000}
			if w, ok := want[f.Name]; ok && math.Abs(f.Rate-w) > w/100 {
				l.t.Errorf("%s of %s: %v, want %v", f.Name, s.Tag("ifName"), f.Rate, w)
			}
		}
	}
	return count
}
