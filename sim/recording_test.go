package sim_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// names knows three objects.
type names struct{}

func (names) OID(name string) (oid.OID, error) {
	known := map[string]string{"IF-MIB::ifDescr[3]": "1.3.6.1.2.1.2.2.1.2.3", "IF-MIB::ifOperStatus[3]": "1.3.6.1.2.1.2.2.1.8.3", "IF-MIB::ifInOctets[3]": "1.3.6.1.2.1.2.2.1.10.3",
		`IP-MIB::ipAddressIfIndex[ipv4]["192.0.2.1"]`: "1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1", "SNMPv2-MIB::sysObjectID.0": "1.3.6.1.2.1.1.2.0"}
	if o, ok := known[name]; ok {
		return oid.MustParse(o), nil
	}
	return oid.OID{}, errors.New("unknown name")
}

func (names) Kind(o oid.OID) snmp.Kind {
	switch {
	case o.HasPrefix(oid.MustParse("1.3.6.1.2.1.2.2.1.10")):
		return snmp.KindCounter32
	case o.HasPrefix(oid.MustParse("1.3.6.1.2.1.2.2.1.8")):
		return snmp.KindInteger
	}
	return 0
}

func (names) Label(_ oid.OID, label string) (int32, bool) { return 2, label == "down" }

// objects returns what a recording plays: each object by a walk of it.
func objects(t *testing.T, r *sim.Recording) string {
	t.Helper()
	s, err := r.Server(sim.Playing{Boot: time.Now()}, secret.New("public"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for at := oid.New(0); ; {
		vbs := answer(t, s, snmp.GetNextRequest, at)
		if vbs[0].Value == snmp.EndOfMibView {
			return out.String()
		}
		value := vbs[0].Value.String()
		if k := vbs[0].Value.Kind(); k == snmp.KindOctetString || k == snmp.KindOpaque {
			value = fmt.Sprintf("%q", vbs[0].Value.Octets())
		}
		fmt.Fprintf(&out, "%v %v %s\n", vbs[0].Name, vbs[0].Value.Kind(), value)
		at = vbs[0].Name
	}
}

func answer(t *testing.T, s *agent.Server, kind snmp.PDUType, names ...oid.OID) []snmp.VarBind {
	t.Helper()
	q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: kind}}
	for _, n := range names {
		q.PDU.VarBinds = append(q.PDU.VarBinds, snmp.VarBind{Name: n})
	}
	var a agent.Answerer
	var m snmp.Message
	if err := new(snmp.Decoder).Decode(a.Answer(t.Context(), s, q.Append(nil), netip.MustParseAddr("192.0.2.9")), &m); err != nil {
		t.Fatal(err)
	}
	if m.PDU.ErrorStatus != 0 {
		t.Fatalf("%v: %v", names, m.PDU.ErrorStatus)
	}
	return m.PDU.VarBinds
}

func TestReadRecording(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"snmprec": {"# a switch\n1.3.6.1.2.1.1.5.0|4|core|1\n\n1.3.6.1.2.1.1.1.0|4x|436973636f0a\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9\n1.3.6.1.2.1.2.1.0|2|-3\n" +
			"1.3.6.1.2.1.4.1.0|64|192.0.2.1\n1.3.6.1.2.1.4.2.0|64x|c0000202\n1.3.6.1.2.1.4.3.0|65|4294967295\n1.3.6.1.2.1.4.4.0|66|7\n1.3.6.1.2.1.4.5.0|67|8\n" +
			"1.3.6.1.2.1.4.6.0|68x|9f7804\n1.3.6.1.2.1.4.7.0|70|18446744073709551615\n1.3.6.1.2.1.4.8.0|5|\n1.3.6.1.2.1.4.9.0|129|\n1.3.6.1.2.1.4.10.0|4|\n1.3.6.1.2.1.4.11.0|4e|a\\x00\\n\"b\"\r\n",
			`1.3.6.1.2.1.1.1.0 OCTET STRING "Cisco\n"
1.3.6.1.2.1.1.2.0 OBJECT IDENTIFIER 1.3.6.1.4.1.9
1.3.6.1.2.1.1.5.0 OCTET STRING "core|1"
1.3.6.1.2.1.2.1.0 INTEGER -3
1.3.6.1.2.1.4.1.0 IpAddress 192.0.2.1
1.3.6.1.2.1.4.2.0 IpAddress 192.0.2.2
1.3.6.1.2.1.4.3.0 Counter32 4294967295
1.3.6.1.2.1.4.4.0 Gauge32 7
1.3.6.1.2.1.4.5.0 TimeTicks 8
1.3.6.1.2.1.4.6.0 Opaque "\x9fx\x04"
1.3.6.1.2.1.4.7.0 Counter64 18446744073709551615
1.3.6.1.2.1.4.10.0 OCTET STRING ""
1.3.6.1.2.1.4.11.0 OCTET STRING "a\x00\n\"b\""
`},
		"snmpwalk -On": {`.1.3.6.1.2.1.1.1.0 = STRING: "Cisco \"IOS\"
.1.3.6 = no object
Copyright"
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.9
.1.3.6.1.2.1.1.3.0 = Timeticks: (12345) 0:02:03.45
.1.3.6.1.2.1.1.4.0 = ""
.1.3.6.1.2.1.1.5.0 = STRING: core1
.1.3.6.1.2.1.2.2.1.6.3 = Hex-STRING: 00 1B 2C 
3D 4E 5F 
.1.3.6.1.2.1.2.2.1.8.3 = INTEGER: down(2)
.1.3.6.1.2.1.2.2.1.10.3 = Counter32: 7
.1.3.6.1.2.1.4.1.0 = IpAddress: 192.0.2.1
.1.3.6.1.2.1.4.2.0 = Network Address: C0:00:02:02
.1.3.6.1.2.1.4.3.0 = Gauge32: 100 milliseconds
.1.3.6.1.2.1.4.4.0 = BITS: 80 02 other(0) 14 
.1.3.6.1.2.1.4.5.0 = Opaque: Float: 1.500000
.1.3.6.1.2.1.4.6.0 = NULL
.1.3.6.1.2.1.4.7.0 = No Such Instance currently exists at this OID
.1.3.6.1.2.1.4.8.0 = Wrong Type (should be INTEGER): Counter64: 5
.1.3.6.1.2.1.4.9.0 = STRING: 
iso.3.6.1.2.1.4.10.0 = INTEGER: -1
.1.3.6.1.2.1.4.11.0 = No more variables left in this MIB View (It is past the end of the MIB tree)
`, `1.3.6.1.2.1.1.1.0 OCTET STRING "Cisco \"IOS\"\n.1.3.6 = no object\nCopyright"
1.3.6.1.2.1.1.2.0 OBJECT IDENTIFIER 1.3.6.1.4.1.9
1.3.6.1.2.1.1.3.0 TimeTicks 12345
1.3.6.1.2.1.1.4.0 OCTET STRING ""
1.3.6.1.2.1.1.5.0 OCTET STRING "core1"
1.3.6.1.2.1.2.2.1.6.3 OCTET STRING "\x00\x1b,=N_"
1.3.6.1.2.1.2.2.1.8.3 INTEGER 2
1.3.6.1.2.1.2.2.1.10.3 Counter32 7
1.3.6.1.2.1.4.1.0 IpAddress 192.0.2.1
1.3.6.1.2.1.4.2.0 IpAddress 192.0.2.2
1.3.6.1.2.1.4.3.0 Gauge32 100
1.3.6.1.2.1.4.4.0 OCTET STRING "\x80\x02"
1.3.6.1.2.1.4.5.0 Opaque "\x9fx\x04?\xc0\x00\x00"
1.3.6.1.2.1.4.8.0 Counter64 5
1.3.6.1.2.1.4.9.0 OCTET STRING ""
1.3.6.1.2.1.4.10.0 INTEGER -1
`},
		"snmpwalk -Oqn": {`.1.3.6.1.2.1.1.1.0 "Cisco IOS"
.1.3.6.1.2.1.1.2.0 .1.3.6.1.4.1.9
.1.3.6.1.2.1.1.3.0 1:0:02:03.45
.1.3.6.1.2.1.2.2.1.6.3 "00 1B 2C 3D 4E 5F "
.1.3.6.1.2.1.2.2.1.8.3 down
.1.3.6.1.2.1.2.2.1.10.3 7
.1.3.6.1.2.1.4.1.0 192.0.2.1
.1.3.6.1.2.1.4.2.0 5
.1.3.6.1.2.1.4.3.0 4000000000
.1.3.6.1.2.1.4.4.0 
`, `1.3.6.1.2.1.1.1.0 OCTET STRING "Cisco IOS"
1.3.6.1.2.1.1.2.0 OBJECT IDENTIFIER 1.3.6.1.4.1.9
1.3.6.1.2.1.1.3.0 TimeTicks 8652345
1.3.6.1.2.1.2.2.1.6.3 OCTET STRING "\x00\x1b,=N_"
1.3.6.1.2.1.2.2.1.8.3 INTEGER 2
1.3.6.1.2.1.2.2.1.10.3 Counter32 7
1.3.6.1.2.1.4.1.0 IpAddress 192.0.2.1
1.3.6.1.2.1.4.2.0 INTEGER 5
1.3.6.1.2.1.4.3.0 Gauge32 4000000000
1.3.6.1.2.1.4.4.0 OCTET STRING ""
`},
		"snmpwalk -OX": {`SNMPv2-MIB::sysObjectID.0 = OID: IF-MIB::ifDescr[3]
IF-MIB::ifDescr[3] = STRING: ge-0/0/3: uplink
IF-MIB::ifOperStatus[3] = INTEGER: down(2)
IF-MIB::ifInOctets[3] = Counter32: 9
IP-MIB::ipAddressIfIndex[ipv4]["192.0.2.1"] = INTEGER: 3
`, `1.3.6.1.2.1.1.2.0 OBJECT IDENTIFIER 1.3.6.1.2.1.2.2.1.2.3
1.3.6.1.2.1.2.2.1.2.3 OCTET STRING "ge-0/0/3: uplink"
1.3.6.1.2.1.2.2.1.8.3 INTEGER 2
1.3.6.1.2.1.2.2.1.10.3 Counter32 9
1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1 INTEGER 3
`},
	}
	for name, tt := range tests {
		r, err := sim.ReadRecording(tt.text, names{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		synctest.Test(t, func(t *testing.T) { // sysUpTime stands still while nothing sleeps
			if diff := cmp.Diff(tt.want, objects(t, r)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

func TestRecordingMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "no object is recorded",
		"# nothing\n":                     "no object is recorded",
		"hello\n":                         `line 1: "hello" is no line of an .snmprec, nor of snmpwalk`,
		"1.3.7|4\n":                       "line 1: not of the form OID|TAG|VALUE",
		"1.3.6|4|a\n1.3.7|65:sql|x\n":     "line 2: ",
		"1.3.6|99|a\n":                    "line 1: unknown tag 99",
		"1.3.6|4z|a\n":                    `line 1: unknown tag "4z"`,
		"1.3.6|4x|zz\n":                   `line 1: "zz" is not hexadecimal`,
		"1.3.6|2|x\n":                     `line 1: "x" is no INTEGER`,
		"1.3.6|2x|01\n":                   "line 1: a INTEGER is written in digits",
		"1.3.6|65|4294967296\n":           `line 1: "4294967296" is no Counter32`,
		"1.3.6|64|2001:db8::1\n":          `is no IpAddress`,
		"1.3.6|65:sql|x\n":                `line 1: "sql": of snmpsim's variation modules there are numeric`,
		"IF-MIB::ifMtu[1] = INTEGER: 5\n": "unknown name",
		".1.3.6.1 = INTEGER: x\n":         `line 1: "x" is no INTEGER`,
		".1.3.6.1 = Hex-STRING: 0\n":      "is not hexadecimal",
		".1.3.6.1 = Timeticks: (x) 0\n":   `"x" is no TimeTicks`,
		".1.3.6.1 99999999999999999999\n": "is no number that SNMP has",
		".1.3.6.1.2 = Network Address: C0:00:02\n": "is no address",
	} {
		if _, err := sim.ReadRecording(text, names{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	var line *sim.LineError
	if _, err := sim.ReadRecording("IF-MIB::ifDescr.1 = STRING: lo\n", nil); !errors.As(err, &line) || !strings.Contains(err.Error(), "record with snmpwalk -On") {
		t.Errorf("a name without names: %v", err)
	}
}

// TestSkippedLines: values that were struck out of a recording cost it these objects only.
func TestSkippedLines(t *testing.T) {
	r, err := sim.ReadRecording("1.3.6.1.2.1.1.5.0|4|sw\n1.3.6.1.2.1.2.2.1.6.1|4x|0000XXYYZZ\nx|4|a\n1.3.6.1.2.1.2.2.1.10.1|65|<private>\n1.3.6.1.2.1.2.2.1.1.1|2|1\n", nil)
	if err != nil || r.Len() != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	var said []string
	for _, e := range r.Skipped() {
		said = append(said, e.Error())
	}
	want := []string{`line 2: "0000XXYYZZ" is not hexadecimal`, `line 3: "x" is no OID`, `line 4: "<private>" is no Counter32`}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// TestPlaying holds that time and counters go on, and what is not there is told as an agent would.
func TestPlaying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := sim.ReadRecording("1.3.6.1.2.1.1.3.0|67|4294967290\n1.3.6.1.2.1.1.5.0|4|recorded\n1.3.6.1.2.1.2.2.1.10.1|65|4294967000\n1.3.6.1.2.1.31.1.1.1.6.1|70|5\n1.3.6.1.2.1.2.2.1.5.1|66|9\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := r.Server(sim.Playing{Name: "sw7", Boot: time.Now(), Rate: 1000}, secret.New("public"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		var ask []oid.OID
		for _, n := range []string{"1.3.0", "1.5.0", "2.2.1.10.1", "31.1.1.1.6.1", "2.2.1.5.1", "2.2.1.10.2", "99.1.0"} {
			ask = append(ask, oid.MustParse("1.3.6.1.2.1."+n))
		}
		want := []snmp.Value{snmp.TimeTicks(994), snmp.OctetString("sw7"), snmp.Counter32(9704), snmp.Counter64(10005), snmp.Gauge32(9), snmp.NoSuchInstance, snmp.NoSuchObject}
		for i, vb := range answer(t, s, snmp.GetRequest, ask...) {
			if vb.Value != want[i] {
				t.Errorf("%v is %v, want %v", vb.Name, vb.Value, want[i])
			}
		}
	})
}

func FuzzReadRecording(f *testing.F) {
	for _, s := range []string{
		"1.3.6.1.2.1.1.5.0|4e|a\\x00\n", "1.3.6|64x|c0000202", ".1.3.6 = STRING: \"a\nb\"\n", ".1.3.6.1 = Hex-STRING: 00 11 \n22\n", ".1.3 = BITS: 80 a(0)", "IF-MIB::ifDescr[3] up",
		".1.3.6.1 1:2:3:4.5", ".1.3.6.1 = Opaque: Float: 1", ".1.3.6.1 = Wrong Type (should be X): INTEGER: up(1)", ".1.3.6.1 = STRING: \"\\", ".1.3.6.1 = INTEGER: )(",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := sim.ReadRecording(text, names{})
		if (err == nil) != (r != nil) {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	})
}

// TestDevices holds that the recordings at hand can be read.
func TestDevices(t *testing.T) {
	files, err := filepath.Glob("../collector/testdata/devices/*.snmprec")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := sim.ReadRecording(string(b), nil); err != nil || r.Len() < 10 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// wildcard is a socket that everybody's requests come by.
type wildcard struct {
	in     chan request
	out    chan request
	closed chan struct{}
}

type request struct {
	b    []byte
	peer agent.Peer
}

func (w *wildcard) ReadPacket(b []byte) (int, agent.Peer, error) {
	select {
	case r := <-w.in:
		return copy(b, r.b), r.peer, nil
	case <-w.closed:
		return 0, agent.Peer{}, net.ErrClosed
	}
}

func (w *wildcard) WritePacket(b []byte, to agent.Peer) error {
	w.out <- request{append([]byte(nil), b...), to}
	return nil
}

func (w *wildcard) Close() error { close(w.closed); return nil }

// TestFarm holds that a thousand devices on one socket answer each as itself, that a fault is one device's, and that nobody answers for others.
func TestFarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := sim.ReadRecording("1.3.6.1.2.1.1.5.0|4|x\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		var farm sim.Farm
		for i := range 1000 {
			s, err := r.Server(sim.Playing{Name: fmt.Sprint("sw", i), Boot: time.Now()}, secret.New("public"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			var through func(agent.Datagrams) agent.Datagrams
			if fault := map[int]sim.Fault{7: sim.RefusesBulk, 8: sim.Duplicate}[i]; fault != "" {
				through = func(d agent.Datagrams) agent.Datagrams { return sim.Faulty(d, fault) }
			}
			if err := farm.Add(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), s, through); err != nil {
				t.Fatal(err)
			}
		}
		if err := farm.Add(netip.MustParseAddr("127.1.0.0"), nil, nil); err == nil {
			t.Error("two devices at one address are taken")
		}
		w := &wildcard{in: make(chan request), out: make(chan request, 10), closed: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- farm.Serve(ctx, w) }()
		ask := func(kind snmp.PDUType, to string) (answers []string) {
			q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.PDU{Type: kind, ErrorIndex: 5, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.2.1.1")}}}}
			w.in <- request{q.Append(nil), agent.Peer{Remote: netip.MustParseAddrPort("127.0.0.1:5000"), Local: netip.MustParseAddr(to)}}
			synctest.Wait()
			for len(w.out) > 0 {
				a := <-w.out
				var m snmp.Message
				if err := new(snmp.Decoder).Decode(a.b, &m); err != nil || a.peer.Local.String() != to {
					t.Errorf("%v, from %v", err, a.peer.Local)
				}
				answers = append(answers, fmt.Sprint(m.PDU.ErrorStatus, " ", m.PDU.VarBinds[0].Value))
			}
			return answers
		}
		for to, want := range map[string][]string{"127.1.0.1": {"noError sw1"}, "127.1.3.231": {"noError sw999"}, "127.1.0.7": {"genErr NULL"}, "127.1.0.8": {"noError sw8", "noError sw8"}, "127.9.9.9": nil} {
			if diff := cmp.Diff(want, ask(snmp.GetBulkRequest, to)); diff != "" {
				t.Errorf("%s: %s", to, diff)
			}
		}
		if diff := cmp.Diff([]string{"noError sw7"}, ask(snmp.GetNextRequest, "127.1.0.7")); diff != "" {
			t.Errorf("GETNEXT of the one that refuses GETBULK: %s", diff)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
