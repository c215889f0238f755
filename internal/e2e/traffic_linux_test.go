//go:build interop

package e2e

import (
	"net"
	"testing"
	"time"
)

// send sends datagrams of so many octets to a port of the address that nobody answers from.
func send(t *testing.T, from *box, to string, count, size int) {
	t.Helper()
	c := from.dial(t, to)
	defer c.Close()
	for range count {
		if _, err := c.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
}

const discard = 9 // the port of RFC 863

// dial returns a socket of the box that sends to the discard port. It is not connected to the errors that ICMP tells of.
func (b *box) dial(t *testing.T, to string) *sender {
	t.Helper()
	s := &sender{to: &net.UDPAddr{IP: net.ParseIP(to), Port: discard}}
	b.Do(t, func() {
		var err error
		if s.conn, err = net.ListenUDP("udp4", nil); err != nil {
			t.Fatal(err)
		}
	})
	return s
}

type sender struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (s *sender) Write(b []byte) (int, error) { return s.conn.WriteToUDP(b, s.to) }

func (s *sender) Close() { s.conn.Close() }

// sink takes what comes to the discard port of the box, as far as a socket that is never read does.
func (b *box) sink(t *testing.T) {
	t.Helper()
	b.Do(t, func() {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: discard})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	})
}

// flood sends octets at a steady pace, in datagrams of 1,000, until stop is called or the test ends.
func flood(t *testing.T, from *box, to string, perSecond float64) (stop func()) {
	t.Helper()
	s := from.dial(t, to)
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer s.Close()
		s.pace(perSecond, stopped)
	}()
	stop = func() {
		select {
		case <-stopped:
		default:
			close(stopped)
		}
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// pace sends what is due by the time since its start, so that a late turn is made up for by the next.
func (s *sender) pace(perSecond float64, stopped <-chan struct{}) {
	payload := make([]byte, 1000)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	start, sent := time.Now(), 0.0
	for {
		select {
		case <-stopped:
			return
		case <-tick.C:
		}
		for due := time.Since(start).Seconds() * perSecond; sent < due; sent += float64(len(payload)) {
			_, _ = s.Write(payload) // a link that is down or gone takes nothing, and so counts nothing
		}
	}
}
