//go:build interop

package e2e

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"walkabout/collector"
	"walkabout/internal/interop"
)

// TestCounterGroups walks our agent with Net-SNMP's tool, and polls it, while traffic moves counters of every group, and holds them against the
// kernel's own figures.
func TestCounterGroups(t *testing.T) {
	t.Parallel()
	near, far := newBox(t), newBox(t)
	c := near.connect(t, far, "wan0", 10)
	near.agent(t)
	near.sink(t)
	record := near.record(t)
	traffic := newTraffic(t, c)
	flood(t, far, c.aAddress, 1e6)
	d := newInfluxDB(t)
	profiles := []string{"interfaces", "ip", "icmp", "tcp", "udp"}
	p := collect(t, (&collection{targets: []target{{name: near.name, address: near.address, collect: strings.Join(profiles, ", ")}}, db: d}).write(t))

	objects := counterObjects(profiles...)
	inBefore, outBefore := near.octets(t, "wan0")
	var walks []walk
	for range 5 {
		traffic.burst(t)
		walks = append(walks, near.walk(t, "wan0", objects))
		p.awaitPolls(t, near.name, 1)
	}
	inAfter, outAfter := near.octets(t, "wan0")
	p.awaitPolls(t, near.name, 1)
	end(t, p.Process)
	record.end()

	held := map[string]int{}
	for _, w := range walks {
		for object, value := range w.values {
			link := ""
			if strings.HasPrefix(object, "if") {
				link = "wan0"
			}
			if record.fits(t, link, object, value, w.began.Add(-reuse), w.ended) {
				held[object]++
			}
		}
	}
	last, first := walks[len(walks)-1].values, walks[0].values
	if n := last["ifHCInOctets"]; n < inBefore || n > inAfter {
		t.Errorf("ifHCInOctets is %d; ip -s link said %d before and %d after", n, inBefore, inAfter)
	}
	if n := last["ifHCOutOctets"]; n < outBefore || n > outAfter {
		t.Errorf("ifHCOutOctets is %d; ip -s link said %d before and %d after", n, outBefore, outAfter)
	}
	for _, object := range moving {
		if last[object] <= first[object] || kernelHas(object) && held[object] < len(walks)-1 {
			t.Errorf("%s went from %d to %d, and %d of %d values could be held against the kernel's", object, first[object], last[object], held[object], len(walks))
		}
	}
	t.Logf("%d objects held against the kernel's figures in %d walks", len(held), len(walks))
	testPolled(t, d, record, near.name)
}

// moving are objects that the traffic moves, on the side of the agent.
var moving = []string{
	"ifInOctets", "ifInUcastPkts", "ifOutOctets", "ifOutUcastPkts", "ifHCInOctets", "ifHCInUcastPkts", "ifHCOutOctets", "ifHCOutUcastPkts",
	"ipInReceives", "ipInDelivers", "ipOutRequests", "ipReasmReqds", "ipReasmOKs", "ipFragOKs", "ipFragCreates",
	"icmpInMsgs", "icmpInEchos", "icmpInTimestamps", "icmpInDestUnreachs", "icmpOutMsgs", "icmpOutEchoReps", "icmpOutDestUnreachs",
	"tcpActiveOpens", "tcpPassiveOpens", "tcpAttemptFails", "tcpEstabResets", "tcpInSegs", "tcpOutSegs", "tcpOutRsts", "tcpHCInSegs", "tcpHCOutSegs",
	"udpInDatagrams", "udpNoPorts", "udpInErrors", "udpOutDatagrams", "udpHCInDatagrams", "udpHCOutDatagrams",
}

// kernelHas reports whether the files that a recorder reads have the object itself; the packets of links are parted differently there.
func kernelHas(object string) bool {
	return !strings.Contains(object, "InUcastPkts")
}

// testPolled checks what reached InfluxDB of the same.
func testPolled(t *testing.T, d *database, record *recorder, device string) {
	t.Helper()
	for _, m := range []string{"ip", "icmp", "tcp", "udp"} {
		all := read(t, d, m, device)
		if len(all) != 1 {
			t.Errorf("%s: %d series", m, len(all))
			continue
		}
		all[0].audit(t)
		record.hold(t, all[0], reuse)
	}
	s := interfaceSeries(t, d, device, "wan0")
	s.audit(t)
	record.hold(t, s, reuse)
}

// counterObjects returns the counters of the profiles, by OID as the tools print it.
func counterObjects(profiles ...string) map[string]string {
	out := map[string]string{}
	add := func(objects []collector.Object) {
		for _, o := range objects {
			if o.Type == collector.TypeCounter32 || o.Type == collector.TypeCounter64 {
				out["."+o.OID.String()] = o.Name
			}
		}
	}
	for _, name := range profiles {
		p := collector.BuiltIn()[name]
		for _, s := range p.Scalars {
			add(s.Objects)
		}
		for _, table := range p.Tables {
			add(table.Columns)
		}
	}
	return out
}

// walk is what a walk of the agent said of some objects.
type walk struct {
	began, ended time.Time
	values       map[string]uint64
}

// walk asks for MIB-II; of tables it keeps the row of the link.
func (b *box) walk(t *testing.T, link string, objects map[string]string) walk {
	t.Helper()
	w := walk{began: time.Now(), values: map[string]uint64{}}
	r := interop.NetSNMP(t, "snmpbulkwalk", "-v2c", "-c", "public", "-Onq", "-Cr50", b.address, ".1.3.6.1.2.1")
	w.ended = time.Now()
	if r.Code != 0 {
		t.Fatalf("snmpbulkwalk: %+v", r)
	}
	index := ""
	var lines [][2]string
	for line := range strings.Lines(r.Out) {
		// A line that does not begin with an OID goes on with the value of the one before: a program may have newlines in its arguments.
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || !strings.HasPrefix(name, ".1.3.6.1.2.1.") {
			continue
		}
		lines = append(lines, [2]string{name, value})
		if row, ok := strings.CutPrefix(name, ".1.3.6.1.2.1.31.1.1.1.1."); ok && strings.Trim(value, `"`) == link {
			index = row
		}
	}
	for _, l := range lines {
		dot := strings.LastIndex(l[0], ".")
		object, ok := objects[l[0][:dot]]
		if row := l[0][dot+1:]; !ok || row != "0" && row != index {
			continue
		}
		n, err := strconv.ParseUint(l[1], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		w.values[object] = n
	}
	return w
}

// traffic is a cable's, of every protocol.
type traffic struct {
	*cable
	listener, echo net.Listener // at the ends a and b
	raw            net.PacketConn
}

const (
	tcpPort    = 7007
	closedPort = 7008
)

// newTraffic starts a stream over the cable and is ready for bursts.
func newTraffic(t *testing.T, c *cable) *traffic {
	t.Helper()
	x := &traffic{cable: c}
	x.listener, x.echo = c.a.listen(t), c.b.listen(t)
	c.b.Do(t, func() {
		var err error
		if x.raw, err = net.ListenPacket("ip4:icmp", c.bAddress); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { x.raw.Close() })
	conn := x.dialTCP(t, c.b, c.aAddress, tcpPort)
	go stream(conn)
	t.Cleanup(func() { conn.Close() })
	return x
}

// listen accepts connections, and reads all that comes over them.
func (b *box) listen(t *testing.T) net.Listener {
	t.Helper()
	var l net.Listener
	b.Do(t, func() {
		var err error
		if l, err = net.ListenTCP("tcp4", &net.TCPAddr{Port: tcpPort}); err != nil {
			t.Fatal(err)
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c) // to be reset is what some are for
			}()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return l
}

// stream writes until the connection is closed.
func stream(c net.Conn) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := c.Write(make([]byte, 500)); err != nil {
			return
		}
	}
}

func (x *traffic) dialTCP(t *testing.T, from *box, to string, port int) (c *net.TCPConn) {
	t.Helper()
	from.Do(t, func() {
		var err error
		if c, err = net.DialTCP("tcp4", nil, &net.TCPAddr{IP: net.ParseIP(to), Port: port}); err != nil && port != closedPort {
			t.Fatal(err)
		}
	})
	return c
}

// burst moves the counters that a steady flow does not.
func (x *traffic) burst(t *testing.T) {
	t.Helper()
	for _, way := range []struct {
		from *box
		to   string
	}{{x.b, x.aAddress}, {x.a, x.bAddress}} {
		c := x.dialTCP(t, way.from, way.to, tcpPort)
		if err := c.SetLinger(0); err != nil { // a reset in place of an end
			t.Fatal(err)
		}
		c.Close()
		if c := x.dialTCP(t, way.from, way.to, closedPort); c != nil {
			t.Errorf("port %d is open", closedPort)
		}
		s := way.from.dial(t, way.to)
		for _, size := range []int{100, 4000} { // the latter in fragments
			if _, err := s.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		s.to.Port = closedPort
		if _, err := s.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	for _, kind := range []byte{8, 13} { // echo, timestamp (which not every kernel answers)
		if _, err := x.raw.WriteTo(icmp(kind), &net.IPAddr{IP: net.ParseIP(x.aAddress)}); err != nil {
			t.Fatal(err)
		}
	}
}

// icmp returns a message of RFC 792 of 20 octets, which both an echo and a timestamp may have.
func icmp(kind byte) []byte {
	b := make([]byte, 20)
	b[0] = kind
	binary.BigEndian.PutUint16(b[4:], uint16(os.Getpid()))
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}
