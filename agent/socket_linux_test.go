package agent_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"walkabout/agent"
)

// The same address can be had once an interface; one that there is not is an error.
func TestDevice(t *testing.T) {
	lo, nowhere := agent.Socket{Device: "lo"}, agent.Socket{Device: "walkabout-none"}
	u, err := lo.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort("0.0.0.0:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := (agent.Socket{}).ListenUDP(t.Context(), "udp4", u.LocalAddr()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("beside a socket of lo: %v", err)
	}
	l, err := lo.ListenTCP(t.Context(), "tcp4", netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := nowhere.ListenUDP(t.Context(), "udp6", netip.AddrPort{}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("%v", err)
	}
	if _, err := nowhere.ListenTCP(t.Context(), "tcp6", netip.AddrPort{}); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("%v", err)
	}
}
