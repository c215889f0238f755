package agent_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/snmp"
)

// A socket bound to the wildcard answers from the address that was asked: a manager with a connected socket hears it.
func TestAnswersFromTheAddressAsked(t *testing.T) {
	tests := []struct{ network, listen, ask string }{
		{"udp4", "0.0.0.0:0", "127.0.0.1"},
		{"udp4", "0.0.0.0:0", "127.0.0.53"}, // the kernel would choose 127.0.0.1
		{"udp4", "127.0.0.1:0", "127.0.0.1"},
		{"udp6", "[::]:0", "::1"},
		{"udp6", "[::1]:0", "::1"},
	}
	for _, tt := range tests {
		s := agent.New(agent.Config{})
		s.SetCommunities([]agent.Community{{Name: secret.New("public"), Principal: "reader"}})
		u, err := agent.ListenUDP(t.Context(), tt.network, netip.MustParseAddrPort(tt.listen))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.ServeDatagrams(ctx, u) }()
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(tt.ask), u.LocalAddr().Port())))
		if err != nil {
			t.Fatal(err)
		}
		q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3")}}
		if _, err := conn.Write(q.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1500)); err != nil {
			t.Errorf("bound to %s, asked at %s: %v", tt.listen, tt.ask, err)
		}
		_ = conn.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ServeDatagrams: %v", err)
		}
	}
}

func TestListenErrors(t *testing.T) {
	if _, err := agent.ListenUDP(t.Context(), "tcp", netip.MustParseAddrPort("127.0.0.1:0")); err == nil {
		t.Error("network tcp")
	}
	u, err := agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := agent.ListenUDP(t.Context(), "udp4", u.LocalAddr()); err == nil {
		t.Error("a port in use")
	}
}
