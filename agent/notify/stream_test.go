package notify_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"walkabout/agent/notify"
	"walkabout/snmp"
)

// streams has k dial connections in memory, whose other ends it returns as they are opened.
func (k *kit) streams() <-chan net.Conn {
	opened := make(chan net.Conn, 10)
	config := k.config()
	config.Dial = func(_ context.Context, network, _ string, _ netip.AddrPort) (net.Conn, error) {
		if network != "tcp4" {
			k.t.Errorf("dialled by %s", network)
		}
		ours, theirs := net.Pipe()
		opened <- theirs
		return ours, nil
	}
	k.sender = notify.New(config)
	return opened
}

// next reads the next message of a connection whose other end writes one at a time.
func (k *kit) next(c net.Conn) (m snmp.Message, raw []byte) {
	k.t.Helper()
	raw = make([]byte, 1500)
	n, err := c.Read(raw)
	if err != nil {
		k.t.Fatal(err)
	}
	var d snmp.Decoder
	if err := d.Decode(raw[:n], &m); err != nil {
		k.t.Fatal(err)
	}
	return m, raw[:n]
}

func (k *kit) write(c net.Conn, b []byte) {
	k.t.Helper()
	if _, err := c.Write(b); err != nil {
		k.t.Fatal(err)
	}
}

func byTCP(inform bool) notify.Target {
	t := target("r", receiver, snmp.V2c, inform)
	t.Network = "tcp4"
	return t
}

// Traps that wait go over one connection, which is closed when no more do.
func TestTrapsByStream(t *testing.T) {
	run(t, func(k *kit) {
		opened := k.streams()
		k.targets(byTCP(false))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		k.sender.Notify(notify.Notification{TrapOID: notify.WarmStart})
		c := <-opened
		for range 2 {
			if m, _ := k.next(c); m.PDU.Type != snmp.TrapV2 {
				t.Errorf("%v", m.PDU.Type)
			}
		}
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets more", n)
		}
		k.stats(2, 0, 0, 0)
	})
}

// An acknowledgement comes in pieces, behind something that is none.
func TestInformByStream(t *testing.T) {
	run(t, func(k *kit) {
		opened := k.streams()
		k.targets(byTCP(true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		c := <-opened
		m, _ := k.next(c)
		m.PDU.Type = snmp.Response
		late := m
		late.PDU.RequestID ^= 1
		both := m.Append(late.Append(nil))
		k.write(c, both[:len(both)-20])
		k.write(c, both[len(both)-20:len(both)-1])
		time.Sleep(notify.DefaultTimeout / 2)
		k.write(c, both[len(both)-1:])
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets more", n)
		}
		k.stats(1, 1, 0, 0)
	})
}

// What is cut short by the time-out is not lost: the rest of the acknowledgement counts after the inform was sent again.
func TestInformByStreamAcrossTimeouts(t *testing.T) {
	run(t, func(k *kit) {
		opened := k.streams()
		k.targets(byTCP(true))
		k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
		c := <-opened
		m, _ := k.next(c)
		m.PDU.Type = snmp.Response
		ack := m.Append(nil)
		k.write(c, ack[:10])
		k.next(c)
		k.write(c, ack[10:])
		if n, err := c.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d octets more", n)
		}
		k.stats(1, 1, 0, 0)
	})
}

// A receiver that breaks off, or answers with something else than messages, is tried again by a new connection.
func TestInformByStreamsThatBreak(t *testing.T) {
	for name, trouble := range map[string]func(k *kit, c net.Conn){
		"closed": func(_ *kit, c net.Conn) { c.Close() },
		"no message": func(k *kit, c net.Conn) {
			k.write(c, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			if n, err := c.Read(make([]byte, 1)); err == nil {
				k.t.Errorf("%d octets more", n)
			}
		},
		"too long": func(k *kit, c net.Conn) {
			k.write(c, []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(k *kit) {
				opened := k.streams()
				k.targets(byTCP(true))
				k.sender.Notify(notify.Notification{TrapOID: notify.ColdStart})
				c := <-opened
				k.next(c)
				trouble(k, c)
				c = <-opened
				m, _ := k.next(c)
				m.PDU.Type = snmp.Response
				k.write(c, m.Append(nil))
				if n, err := c.Read(make([]byte, 1)); err == nil {
					t.Errorf("%d octets more", n)
				}
				k.stats(1, 1, 0, 0)
			})
		})
	}
}
