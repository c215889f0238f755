package packetnet_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/internal/packetnet"
)

var a, b = netip.MustParseAddrPort("192.0.2.1:161"), netip.MustParseAddrPort("192.0.2.2:0")

func pair(t *testing.T, f packetnet.Faults) (x, y *packetnet.Conn) {
	t.Helper()
	n := packetnet.New(1, f)
	x, err := n.Listen(a)
	if err != nil {
		t.Fatal(err)
	}
	if y, err = n.Listen(b); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(a); err == nil {
		t.Error("an address was given twice")
	}
	return x, y
}

func TestDelayAndDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := pair(t, packetnet.Faults{Delay: 30 * time.Millisecond})
		defer x.Close()
		start := time.Now()
		if _, err := y.WriteToAddrPort([]byte("hello"), a); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		n, from, err := x.ReadFromAddrPort(buf)
		if err != nil || string(buf[:n]) != "hel" || from != y.AddrPort() || time.Since(start) != 30*time.Millisecond {
			t.Errorf("%q from %v after %v, %v", buf[:n], from, time.Since(start), err)
		}
		if err := x.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("past the deadline: %v", err)
		}
		if err := y.Close(); err != nil {
			t.Error(err)
		}
		if _, _, err := y.ReadFrom(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := pair(t, packetnet.Faults{Loss: 0.2, Duplicate: 0.2, Delay: time.Millisecond, Jitter: 10 * time.Millisecond})
		defer x.Close()
		defer y.Close()
		for i := range byte(200) {
			if _, err := y.WriteTo([]byte{i}, net.UDPAddrFromAddrPort(a)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		seen, reordered, last := map[byte]int{}, 0, byte(0)
		if err := x.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		total := 0
		for buf := make([]byte, 1); ; total++ {
			if _, _, err := x.ReadFromAddrPort(buf); err != nil {
				break
			}
			seen[buf[0]]++
			if buf[0] < last {
				reordered++
			}
			last = buf[0]
		}
		if len(seen) == 200 || len(seen) < 130 || total <= len(seen) || reordered == 0 {
			t.Errorf("of 200: %d arrived, %d with duplicates, %d out of order", len(seen), total, reordered)
		}
	})
}

// A connected socket hears its peer alone, and a deadline wakes a read that waits already.
func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := packetnet.New(1, packetnet.Faults{Delay: time.Millisecond})
		a, b := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2")
		peer, err := n.Listen(a)
		if err != nil {
			t.Fatal(err)
		}
		stranger, err := n.Listen(b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := n.Dial(netip.MustParseAddr("192.0.2.3"), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		_, from, err := peer.ReadFromAddrPort(buf)
		if err != nil || c.RemoteAddr().String() != a.String() {
			t.Fatal(err, c.RemoteAddr())
		}
		for _, s := range []*packetnet.Conn{stranger, peer} {
			if _, err := s.WriteToAddrPort([]byte(s.AddrPort().String()), from); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		k, err := c.Read(make([]byte, 100))
		if err != nil || k != len(a.String()) {
			t.Errorf("%d octets, %v", k, err)
		}
		time.AfterFunc(time.Second, func() { _ = c.SetReadDeadline(time.Now()) })
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		c.Close()
		peer.Close()
		stranger.Close()
	})
}
