//go:build interop

package ping_test

import (
	"net/netip"
	"testing"

	"walkabout/collector/ping"
)

// TestLoopback pings this machine, over both families, by what socket the system grants: interop tests run as root, so there is one.
func TestLoopback(t *testing.T) {
	p := ping.New(ping.Options{})
	for _, host := range []string{"127.0.0.1", "::1"} {
		r, err := p.Ping(t.Context(), netip.MustParseAddr(host), 3, false)
		if err != nil || r.Received != 3 || r.Min <= 0 || r.Min > r.Avg || r.Avg > r.Max {
			t.Errorf("%s: %+v, %v", host, r, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
