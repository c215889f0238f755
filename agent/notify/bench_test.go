package notify_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"walkabout/agent/notify"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// taken is a socket that tells of each datagram.
type taken struct {
	net.Conn
	sent chan struct{}
}

func (c *taken) Write(b []byte) (int, error)    { c.sent <- struct{}{}; return len(b), nil }
func (*taken) SetWriteDeadline(time.Time) error { return nil }
func (*taken) LocalAddr() net.Addr              { return &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)} }
func (*taken) Close() error                     { return nil }

// BenchmarkNotify is a linkDown on its way from Notify to the socket.
func BenchmarkNotify(b *testing.B) {
	engine, err := usm.NewEngine(ownID, 1, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	user, err := alice(usm.SHA, usm.AES)(ownID)
	if err != nil {
		b.Fatal(err)
	}
	linkDown := notify.Notification{TrapOID: notify.LinkDown, Enterprise: oid.MustParse("1.3.6.1.4.1.8072.3.2.10"), VarBinds: []snmp.VarBind{
		{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.1.2"), Value: snmp.Integer(2)}, {Name: oid.MustParse("1.3.6.1.2.1.2.2.1.7.2"), Value: snmp.Integer(1)},
		{Name: oid.MustParse("1.3.6.1.2.1.2.2.1.8.2"), Value: snmp.Integer(2)}, {Name: oid.MustParse("1.3.6.1.2.1.2.2.1.2.2"), Value: snmp.OctetString("eth0")}}}
	for _, version := range []snmp.Version{snmp.V1, snmp.V2c, snmp.V3} {
		b.Run("v"+version.String(), func(b *testing.B) {
			c := &taken{sent: make(chan struct{})}
			s := notify.New(notify.Config{Start: time.Now(), Engine: engine, Dial: func(context.Context, string, string, netip.AddrPort) (net.Conn, error) { return c, nil }})
			t := notify.Target{Name: "r", Network: "udp4", Version: version, Level: snmp.AuthPriv, Community: secret.New("public"), View: vacm.All(),
				User: func(string) (usm.User, error) { return user, nil }}
			if err := s.SetTargets([]notify.Target{t}); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Notify(linkDown)
				<-c.sent
			}
			s.Close(context.Background())
		})
	}
}
