package sim_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/agent"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var flap = sim.Flap{Offset: 20 * time.Second, Every: time.Minute, For: 15 * time.Second}

// Octets are what the rate brings while the port is up, and never fall.
func TestTraffic(t *testing.T) {
	steady := sim.Port{InRate: 1000, OutRate: 2000, InBase: 5, Flap: flap}
	for _, tt := range []struct {
		age  time.Duration
		want uint64
	}{{0, 5}, {20 * time.Second, 20_005}, {30 * time.Second, 20_005}, {35 * time.Second, 20_005}, {80 * time.Second, 65_005}, {95 * time.Second, 65_005}, {100 * time.Second, 70_005}} {
		if got := steady.InOctets(tt.age); got != tt.want {
			t.Errorf("after %v: %d octets, want %d", tt.age, got, tt.want)
		}
	}
	swinging := sim.Port{InRate: 1e6, Swing: 1, Period: time.Minute, Flap: flap}
	last := uint64(0)
	for age := time.Duration(0); age < 10*time.Minute; age += 100 * time.Millisecond {
		n := swinging.InOctets(age)
		if n < last {
			t.Fatalf("after %v the counter fell from %d to %d", age, last, n)
		}
		last = n
	}
	whole := sim.Port{InRate: 1e6, Swing: 0.5, Period: time.Minute}
	if got := whole.InOctets(10 * time.Minute); math.Abs(float64(got)-6e8) > 1 {
		t.Errorf("10 whole periods brought %d octets, want 600000000", got)
	}
}

// ask returns the values of names as the device serves them now.
type ask func(names ...string) []snmp.Value

// serve runs d on an in-memory network inside a synctest bubble.
func serve(t *testing.T, d *sim.Device) ask {
	t.Helper()
	network := packetnet.New(1, packetnet.Faults{})
	at, err := network.Listen(netip.MustParseAddrPort("192.0.2.1:161"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Listen(netip.MustParseAddrPort("192.0.2.2:0"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Server(secret.New("public"), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.ServeDatagrams(ctx, socket{at}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return func(names ...string) []snmp.Value {
		q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: snmp.GetRequest}}
		for _, n := range names {
			q.PDU.VarBinds = append(q.PDU.VarBinds, snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1." + n)})
		}
		if _, err := conn.WriteToAddrPort(q.Append(nil), at.AddrPort()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 65536)
		n, _, err := conn.ReadFromAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		var dec snmp.Decoder
		var a snmp.Message
		if err := dec.Decode(buf[:n], &a); err != nil {
			t.Fatal(err)
		}
		var out []snmp.Value
		for _, vb := range a.PDU.VarBinds {
			out = append(out, vb.Value)
		}
		return out
	}
}

type socket struct{ *packetnet.Conn }

func (s socket) ReadPacket(b []byte) (int, agent.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	return n, agent.Peer{Remote: from}, err
}

func (s socket) WritePacket(b []byte, to agent.Peer) error {
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

func expect(t *testing.T, what string, got []snmp.Value, want ...snmp.Value) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: value %d is %v, want %v", what, i+1, got[i], want[i])
		}
	}
}

func TestDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sim.New(sim.Options{Name: "switch1", Boot: time.Now(), Ports: []sim.Port{
			{Index: 2, Name: "ge-0/0/2", AdminDown: true},
			{Index: 1, Name: "ge-0/0/1", Speed: 1e9, InRate: 1e6, InBase: 1<<32 - 10e6, Flap: flap},
		}})
		get := serve(t, d)
		time.Sleep(10 * time.Second)
		expect(t, "at 10 s", get("1.3.0", "1.5.0", "2.1.0", "2.2.1.8.1", "2.2.1.10.1", "31.1.1.1.6.1", "2.2.1.7.2", "2.2.1.8.2", "2.2.1.5.1"),
			snmp.TimeTicks(1000), snmp.OctetString("switch1"), snmp.Integer(2), snmp.Integer(1), snmp.Counter32(0), snmp.Counter64(1<<32),
			snmp.Integer(2), snmp.Integer(2), snmp.Gauge32(1e9))
		time.Sleep(15 * time.Second)
		expect(t, "down at 25 s", get("2.2.1.7.1", "2.2.1.8.1", "2.2.1.9.1", "2.2.1.10.1"), snmp.Integer(1), snmp.Integer(2), snmp.TimeTicks(2000), snmp.Counter32(10e6))
		time.Sleep(15 * time.Second)
		expect(t, "up at 40 s", get("2.2.1.8.1", "2.2.1.9.1", "2.2.1.10.1"), snmp.Integer(1), snmp.TimeTicks(3500), snmp.Counter32(15e6))
		if err := d.Recreate(1, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		expect(t, "recreated", get("31.1.1.1.6.1", "31.1.1.1.19.1", "1.3.0"), snmp.Counter64(5e6), snmp.TimeTicks(4000), snmp.TimeTicks(4500))
		d.Reboot(time.Now())
		time.Sleep(time.Second)
		expect(t, "rebooted", get("31.1.1.1.6.1", "31.1.1.1.19.1", "1.3.0"), snmp.Counter64(1e6), snmp.TimeTicks(0), snmp.TimeTicks(100))
		ports := d.Ports()
		for i := range ports {
			ports[i].Index += 100
		}
		d.SetPorts(ports)
		expect(t, "renumbered", get("31.1.1.1.1.1", "31.1.1.1.1.101"), snmp.NoSuchInstance, snmp.OctetString("ge-0/0/1"))
		if err := d.Recreate(1, time.Now()); err == nil {
			t.Error("a port that is not there was recreated")
		}
	})
}

func TestNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		get := serve(t, sim.New(sim.Options{Boot: time.Now(), Narrow: true, Ports: []sim.Port{{Index: 1, Name: "e1"}}}))
		expect(t, "narrow", get("31.1.1.1.1.1", "31.1.1.1.6.1"), snmp.OctetString("e1"), snmp.NoSuchInstance)
	})
}
