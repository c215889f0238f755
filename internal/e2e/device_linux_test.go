//go:build interop

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/sim"
)

// age is for how long simulated devices have been up when a test begins.
const age = time.Hour

// device is a simulated switch on the loopback interface.
type device struct {
	*sim.Device
	address string
}

func newDevice(t *testing.T, name string, narrow bool, ports ...sim.Port) *device {
	t.Helper()
	d := &device{Device: sim.New(sim.Options{Name: name, Boot: time.Now().Add(-age), Narrow: narrow, Ports: ports})}
	d.serve(t, "127.0.0.1:0")
	return d
}

var ports atomic.Int32

// ownAddress returns one of the loopback interface that nobody else takes, even while nobody listens there: its port is none of those that the kernel gives.
func ownAddress() string { return fmt.Sprintf("127.0.0.1:%d", 20_000+ports.Add(1)) }

// serve lets the device answer at the address, or at one of its own if that has port 0, until stop is called or the test ends.
func (d *device) serve(t *testing.T, address string) (stop func()) {
	t.Helper()
	if strings.HasSuffix(address, ":0") {
		address = ownAddress()
	}
	s, err := d.Server(secret.New("public"), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var u *agent.UDP
	// A program that another test is just starting holds a socket that was closed here until it runs.
	eventually(t, "a socket at "+address, func() bool {
		u, err = agent.ListenUDP(t.Context(), "udp4", netip.MustParseAddrPort(address))
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
		return err == nil
	})
	d.address = u.LocalAddr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.ServeDatagrams(ctx, u); err != nil {
			t.Error(err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// set changes the port of this name.
func (d *device) set(t *testing.T, name string, change func(p *sim.Port)) {
	t.Helper()
	ports := d.Ports()
	for i := range ports {
		if ports[i].Name == name {
			change(&ports[i])
			d.SetPorts(ports)
			return
		}
	}
	t.Fatalf("no port is called %s", name)
}

// before returns the base of a counter of this many octets a second that passes 2^32 so long after the test begins.
func before(wrap time.Duration, perSecond float64) uint64 {
	counted := perSecond * (age + wrap).Seconds()
	return -uint64(counted) & (1<<32 - 1)
}
