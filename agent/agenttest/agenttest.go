// Package agenttest runs an agent for the length of a test.
package agenttest

import (
	"context"
	"net/netip"
	"testing"

	"walkabout/agent"
)

// Server is an agent.Server, or what has one.
type Server interface {
	ServeDatagrams(ctx context.Context, d agent.Datagrams) error
}

// ServeUDP lets s answer on a free port of loopback until the test ends, and returns where. The test fails if serving does.
func ServeUDP(t testing.TB, s Server) netip.AddrPort {
	t.Helper()
	socket, err := agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.ServeDatagrams(ctx, socket) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket.LocalAddr()
}
