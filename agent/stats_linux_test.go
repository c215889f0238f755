package agent_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"walkabout/agent"
	"walkabout/snmp"
)

// What a socket's buffer has no room for is counted, after the socket's end too.
func TestSocketDrops(t *testing.T) {
	u, err := agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := u.SetReadBuffer(8192); err != nil || got < 2000 {
		t.Fatalf("a buffer of %d octets, %v", got, err)
	}
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(u.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const sent = 200
	for range sent {
		if _, err := conn.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	counters := new(snmp.Counters)
	s := agent.New(agent.Config{Counters: counters, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.ServeDatagrams(ctx, u) }()
	for s.Stats().SocketDrops+counters.Load(snmp.InPkts) < sent { // loopback delivers or drops at once: what is left is to be read
		runtime.Gosched()
	}
	dropped := s.Stats().SocketDrops
	if read := counters.Load(snmp.InPkts); dropped == 0 || read == 0 || dropped+read != sent {
		t.Errorf("%d dropped and %d read of %d", dropped, read, sent)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := s.Stats().SocketDrops; got != dropped {
		t.Errorf("%d dropped after the end, %d before", got, dropped)
	}
}
