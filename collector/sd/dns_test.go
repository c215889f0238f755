package sd_test

import (
	"context"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"walkabout/collector/sd"
)

// answerSRV answers every question for SRV records of _snmp._udp.example. on conn until it is closed, and that there is no other name.
func answerSRV(conn net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		q := m.Questions[0]
		if q.Name.String() != "_snmp._udp.example." {
			m.RCode = dnsmessage.RCodeNameError
		} else if q.Type == dnsmessage.TypeSRV {
			for port, name := range map[uint16]string{161: "sw1.example.", 1161: "sw2.example."} {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
					Body:   &dnsmessage.SRVResource{Target: dnsmessage.MustNewName(name), Port: port},
				})
			}
		}
		if out, err := m.Pack(); err == nil {
			_, _ = conn.WriteTo(out, from)
		}
	}
}

// TestDNSOverUDP asks a server through Go's own resolver, as the program does.
func TestDNSOverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); answerSRV(conn) }()
	defer func() { conn.Close(); <-done }()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
	d := &sd.DNS{Names: []string{"_snmp._udp.example."}, Type: "SRV", Resolver: resolver}
	got, err := d.Fetch(t.Context())
	want := []sd.Group{{Targets: []string{"sw1.example:161", "sw2.example:1161"}, Labels: map[string]string{"__meta_dns_name": "_snmp._udp.example."}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	d = &sd.DNS{Names: []string{"_none._udp.example."}, Type: "SRV", Resolver: resolver}
	if got, err := d.Fetch(t.Context()); got != nil || err == nil {
		t.Errorf("no such name: %v, %v", got, err)
	}
}
