package session

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCame holds that a datagram came when the kernel says, unless the clock by which it says so must have been set since.
func TestCame(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	to := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	p, err := inBatches(conn)
	if err != nil {
		t.Fatal(err)
	}
	c := p.(*batchConn)
	defer c.Close()
	if _, err := c.WriteToUDPAddrPort([]byte("x"), to); err != nil {
		t.Fatal(err)
	}
	for read := false; !read; {
		if err := c.ReadBatch(func([]byte, netip.AddrPort, arrival, sender) { read = true }); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, test := range []struct {
		name   string
		waited time.Duration
		want   time.Duration
	}{
		{"soon", 3 * time.Millisecond, 3 * time.Millisecond},
		{"after the clock was set back", -time.Hour, 0},
		{"after the clock was set forward", time.Hour, 0},
	} {
		at, err := unix.TimeToTimespec(now.Add(-test.waited))
		if err != nil {
			t.Fatal(err)
		}
		c.stamps[0].at = at // the kernel has written the rest
		if waited := now.Sub(c.came(0, now)); waited != test.want {
			t.Errorf("%s: it waited for %v; want %v", test.name, waited, test.want)
		}
	}
	c.in.headers[0].message.SetControllen(0)
	if came := c.came(0, now); came != now {
		t.Errorf("without a stamp it came at %v; want when it was read", came)
	}
}

// TestIsBusy holds that a reader gets busy with many datagrams, stays so with fewer, but not with what one target alone answers, nor when nothing came for
// long.
func TestIsBusy(t *testing.T) {
	alone := Depth * int(busyTime/gather+1)
	for _, test := range []struct {
		name   string
		was    bool
		n      int
		passed time.Duration
		want   bool
	}{
		{"many", false, busy, busyTime, true},
		{"too few to get busy", false, busy - 1, busyTime, false},
		{"enough to stay busy", true, stayBusy, busyTime, true},
		{"one target alone", true, alone, busyTime, false},
		{"many after a delay", true, 3 * stayBusy, 3 * busyTime, true},
		{"many after silence", false, busy, time.Minute, false},
		{"none", true, 0, busyTime, false},
	} {
		if got := isBusy(test.was, test.n, test.passed); got != test.want {
			t.Errorf("%s: %t; want %t", test.name, got, test.want)
		}
	}
}
