package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent"
	"walkabout/internal/packetnet"
	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// socket is a packetnet.Conn as agent.Datagrams.
type socket struct{ *packetnet.Conn }

func (s socket) ReadPacket(b []byte) (int, agent.Peer, error) {
	n, from, err := s.ReadFromAddrPort(b)
	return n, agent.Peer{Remote: from}, err
}

func (s socket) WritePacket(b []byte, to agent.Peer) error {
	_, err := s.WriteToAddrPort(b, to.Remote)
	return err
}

var private = secret.New("private")

var agentAddr = netip.MustParseAddrPort("192.0.2.1:161")

// manager asks an agent over an in-memory network. It lives in a synctest bubble.
type manager struct {
	t        *testing.T
	conn     *packetnet.Conn
	counters *snmp.Counters
	server   *agent.Server
	stop     func()
}

// serve starts an agent with the communities and tree of testTree; the caller must stop it.
func serve(t *testing.T, c agent.Config) *manager {
	t.Helper()
	network := packetnet.New(1, packetnet.Faults{})
	at, err := network.Listen(agentAddr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := network.Listen(netip.MustParseAddrPort("198.51.100.9:0"))
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, conn: conn, counters: new(snmp.Counters)}
	c.Counters = m.counters
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	m.server = agent.New(c)
	m.server.SetCommunities([]agent.Community{
		{Name: secret.New("public"), Principal: "reader"},
		{Name: secret.New("private"), Principal: "writer", Write: true},
		{Name: secret.New("near"), Principal: "near", Sources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{Name: secret.New("far"), Principal: "far", Sources: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
		{Name: secret.New("some"), Principal: "some", Subtree: oid.MustParse("1.3.6.1.2.1.2.2.1.2")},
	})
	if _, err := m.server.Register(testTree(t), agent.Registration{Root: oid.MustParse("1.3.6.1.2.1")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.server.ServeDatagrams(ctx, socket{at}) }()
	m.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ServeDatagrams: %v", err)
		}
		_ = conn.Close()
	}
	return m
}

// testTree is sysDescr and sysUpTime, ifNumber, a table of 3 rows (Integer, string with a hole in row 2, Counter64), and
// after it one scalar.
func testTree(t testing.TB) *mib.Tree {
	index := []oid.OID{oid.New(1), oid.New(2), oid.New(7)}
	tree, err := mib.NewTree(
		mib.Group{Entry: oid.MustParse("1.3.6.1.2.1.1"), Columns: []uint32{1, 3}, Open: func(_ context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(c uint32) (snmp.Value, bool) {
				if c == 1 {
					return snmp.OctetString(q.Principal), true
				}
				return snmp.TimeTicks(4711), true
			})
		}},
		mib.Group{Entry: oid.MustParse("1.3.6.1.2.1.2"), Columns: []uint32{1, 3}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Scalars(func(c uint32) (snmp.Value, bool) { return snmp.Integer(int32(c)), true })
		}},
		mib.Group{Entry: oid.MustParse("1.3.6.1.2.1.2.2.1"), Columns: []uint32{1, 2, 10}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			return mib.Snapshot{Index: index, Cell: func(row int, c uint32) (snmp.Value, bool) {
				switch {
				case c == 1:
					return snmp.Integer(int32(index[row].Last())), true
				case c == 2:
					return snmp.OctetString(fmt.Sprintf("port%d", index[row].Last())), row != 1
				default:
					return snmp.Counter64(1<<40 + uint64(row)), true
				}
			}}
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// exchange sends b and returns the answer, nil if none comes within a second.
func (m *manager) exchange(b []byte) []byte {
	m.t.Helper()
	if _, err := m.conn.WriteToAddrPort(b, agentAddr); err != nil {
		m.t.Fatal(err)
	}
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		m.t.Fatal(err)
	}
	buf := make([]byte, snmp.MaxMessageSize)
	n, _, err := m.conn.ReadFromAddrPort(buf)
	if err != nil {
		return nil
	}
	return buf[:n]
}

// ask returns the answer's PDU; false if there was none.
func (m *manager) ask(version snmp.Version, community string, p snmp.PDU) (snmp.PDU, bool) {
	m.t.Helper()
	p.RequestID = 99
	q := snmp.Message{Version: version, Community: community, PDU: p}
	b := m.exchange(q.Append(nil))
	if b == nil {
		return snmp.PDU{}, false
	}
	var d snmp.Decoder
	var a snmp.Message
	if err := d.Decode(b, &a); err != nil {
		m.t.Fatal(err)
	}
	if a.Version != version || a.Community != community || a.PDU.Type != snmp.Response || a.PDU.RequestID != 99 {
		m.t.Errorf("answer %v %q %v with request-id %d", a.Version, a.Community, a.PDU.Type, a.PDU.RequestID)
	}
	return a.PDU, true
}

func names(s string) []snmp.VarBind {
	var vbs []snmp.VarBind
	for _, n := range strings.Fields(s) {
		vbs = append(vbs, snmp.VarBind{Name: oid.MustParse(n)})
	}
	return vbs
}

// text writes an answer as "status index | name=value …", with 1.3.6.1.2.1 as m.
func text(p snmp.PDU) string {
	var b strings.Builder
	if p.ErrorStatus != 0 {
		fmt.Fprintf(&b, "%v %d |", p.ErrorStatus, p.ErrorIndex)
	}
	for i, vb := range p.VarBinds {
		if i > 0 || b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%v", strings.Replace(vb.Name.String(), "1.3.6.1.2.1.", "m.", 1), vb.Value)
	}
	return b.String()
}

func TestOperations(t *testing.T) {
	bulk := func(n, m int32, ns string) snmp.PDU {
		p := snmp.NewGetBulk(0, n, m)
		p.VarBinds = names(ns)
		return p
	}
	plain := func(kind snmp.PDUType, ns string) snmp.PDU { return snmp.PDU{Type: kind, VarBinds: names(ns)} }
	const none = "silence"
	get, next, set := snmp.GetRequest, snmp.GetNextRequest, snmp.SetRequest
	tests := []struct {
		name      string
		version   snmp.Version
		community string
		pdu       snmp.PDU
		want      string
	}{
		{"get", snmp.V2c, "public", plain(get, "1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.2.2.1.10.7"), "m.1.1.0=reader m.2.2.1.10.7=1099511627778"},
		{"get nothing", snmp.V2c, "public", plain(get, ""), ""},
		{"get what is not there", snmp.V2c, "public", plain(get, "1.3.6.1.2.1.1.1.1 1.3.6.1.2.1.1.1 1.3.6.1.2.1.9.1.0 1.3.6.1.2.1.2.2.1.2.2 1.3.6.1.4.1"),
			"m.1.1.1=noSuchInstance m.1.1=noSuchInstance m.9.1.0=noSuchObject m.2.2.1.2.2=noSuchInstance 1.3.6.1.4.1=noSuchObject"},
		{"get v1", snmp.V1, "public", plain(get, "1.3.6.1.2.1.2.1.0"), "m.2.1.0=1"},
		{"get v1 what is not there", snmp.V1, "public", plain(get, "1.3.6.1.2.1.2.1.0 1.3.6.1.2.1.2.1.1"), "noSuchName 2 | m.2.1.0=NULL m.2.1.1=NULL"},
		{"get v1 Counter64", snmp.V1, "public", plain(get, "1.3.6.1.2.1.2.2.1.10.1"), "noSuchName 1 | m.2.2.1.10.1=NULL"},
		{"next", snmp.V2c, "public", plain(next, "1.3 1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.2.1 1.3.6.1.2.1.2.2.1.2.1 1.3.6.1.2.1.2.2.1.10.7"),
			"m.1.1.0=reader m.1.3.0=4711 m.2.1.0=1 m.2.2.1.2.7=port7 m.2.3.0=3"},
		{"next at the end", snmp.V2c, "public", plain(next, "1.3.6.1.2.1.2.3.0 2.1"), "m.2.3.0=endOfMibView 2.1=endOfMibView"},
		{"next v1 at the end", snmp.V1, "public", plain(next, "1.3.6.1.2.1.1 1.3.6.1.2.1.2.3.0"), "noSuchName 2 | m.1=NULL m.2.3.0=NULL"},
		{"next v1 skips Counter64", snmp.V1, "public", plain(next, "1.3.6.1.2.1.2.2.1.2.7"), "m.2.3.0=3"},
		{"bulk", snmp.V2c, "public", bulk(1, 2, "1.3.6.1.2.1.1.3 1.3.6.1.2.1.2.2.1.1 1.3.6.1.2.1.2.2.1.2"),
			"m.1.3.0=4711 m.2.2.1.1.1=1 m.2.2.1.2.1=port1 m.2.2.1.1.2=2 m.2.2.1.2.7=port7"},
		{"bulk at the end", snmp.V2c, "public", bulk(0, 5, "1.3.6.1.2.1.2.2.1.10.2 1.3.6.1.2.1.2.3"),
			"m.2.2.1.10.7=1099511627778 m.2.3.0=3 m.2.3.0=3 m.2.3.0=endOfMibView m.2.3.0=endOfMibView m.2.3.0=endOfMibView"},
		{"bulk of nothing", snmp.V2c, "public", bulk(0, 10, ""), ""},
		{"bulk without repetitions", snmp.V2c, "public", bulk(1, 0, "1.3 1.3"), "m.1.1.0=reader"},
		{"bulk of negative numbers", snmp.V2c, "public", bulk(-1, -1, "1.3"), ""},
		{"bulk with more non-repeaters than names", snmp.V2c, "public", bulk(9, 9, "1.3"), "m.1.1.0=reader"},
		{"bulk v1", snmp.V1, "public", bulk(0, 1, "1.3"), none},
		{"set without write access", snmp.V2c, "public", plain(set, "1.3.6.1.2.1.1.1.0"), "noAccess 1 | m.1.1.0=NULL"},
		{"set with write access", snmp.V2c, "private", plain(set, "1.3.6.1.2.1.1.1.0"), "notWritable 1 | m.1.1.0=NULL"},
		{"set v1", snmp.V1, "public", plain(set, "1.3.6.1.2.1.1.1.0"), "noSuchName 1 | m.1.1.0=NULL"},
		{"set v1 with write access", snmp.V1, "private", plain(set, "1.3.6.1.2.1.1.1.0"), "noSuchName 1 | m.1.1.0=NULL"},
		{"a response", snmp.V2c, "public", plain(snmp.Response, "1.3"), none},
		{"a trap", snmp.V2c, "public", plain(snmp.TrapV2, "1.3"), none},
		{"an inform", snmp.V2c, "public", plain(snmp.InformRequest, "1.3"), none},
		{"unknown community", snmp.V2c, "Public", plain(get, "1.3"), none},
		{"no community", snmp.V2c, "", plain(get, "1.3"), none},
		{"near source", snmp.V2c, "near", plain(get, "1.3.6.1.2.1.1.1.0"), "m.1.1.0=near"},
		{"far source", snmp.V2c, "far", plain(get, "1.3.6.1.2.1.1.1.0"), none},
		{"subtree get", snmp.V2c, "some", plain(get, "1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.2.2.1.2.1"), "m.1.1.0=noSuchObject m.2.2.1.2.1=port1"},
		{"subtree walk", snmp.V2c, "some", bulk(0, 9, "1.3"), "m.2.2.1.2.1=port1 m.2.2.1.2.7=port7 m.2.2.1.2.7=endOfMibView"},
		{"subtree next behind", snmp.V2c, "some", plain(next, "1.3.6.1.2.1.2.2.1.3"), "m.2.2.1.3=endOfMibView"},
	}
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		for _, tt := range tests {
			got := none
			if p, ok := m.ask(tt.version, tt.community, tt.pdu); ok {
				got = text(p)
			}
			if got != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
			}
		}
	})
}

// TestNothingAllowed asks as a community that is in no group: by SNMPv1 too an error names a variable binding.
func TestNothingAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		m.server.SetAccess(agent.Access{Communities: []agent.CommunityEntry{{Community: secret.New("public"), SecurityName: "nobody"}}})
		for version, want := range map[snmp.Version]string{snmp.V1: "noSuchName 1 | m.1.1.0=NULL m.1.3.0=NULL", snmp.V2c: "authorizationError 0 | m.1.1.0=NULL m.1.3.0=NULL"} {
			for _, kind := range []snmp.PDUType{snmp.GetRequest, snmp.GetNextRequest, snmp.SetRequest} {
				p, ok := m.ask(version, "public", snmp.PDU{Type: kind, VarBinds: names("1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.3.0")})
				if got := text(p); !ok || got != want {
					t.Errorf("SNMPv%v, %v: %v, want %v", version, kind, got, want)
				}
			}
		}
		if p, ok := m.ask(snmp.V1, "public", snmp.PDU{Type: snmp.GetRequest}); !ok || text(p) != "noSuchName 0 |" {
			t.Errorf("of no names: %q", text(p))
		}
	})
}

func TestCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: names("1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.3.0")})
		m.ask(snmp.V1, "public", snmp.PDU{Type: snmp.GetNextRequest, VarBinds: names("2")})
		m.ask(snmp.V2c, "nobody", snmp.PDU{Type: snmp.GetRequest})
		m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.SetRequest, VarBinds: names("1.3")})
		m.exchange([]byte("GET / HTTP/1.0\r\n\r\n"))
		m.exchange([]byte("\x30\x03\x02\x01\x02"))
		want := map[snmp.Counter]uint64{snmp.InPkts: 6, snmp.OutPkts: 3, snmp.InBadVersions: 1, snmp.InBadCommunityNames: 1, snmp.InBadCommunityUses: 1,
			snmp.InASNParseErrs: 1, snmp.InTotalReqVars: 2, snmp.InGetRequests: 1, snmp.InGetNexts: 1, snmp.InSetRequests: 1, snmp.OutNoSuchNames: 1, snmp.OutGetResponses: 3}
		got := map[snmp.Counter]uint64{}
		for c := range snmp.Counter(33) {
			if n := m.counters.Load(c); n != 0 {
				got[c] = n
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("snmp group (-want +got):\n%s", diff)
		}
	})
}

// bigHandler serves 1.3.6.1.4.1.1.n for n up to 100,000: strings of 100 octets, the first of size octets.
type bigHandler struct{ first int }

func (h *bigHandler) View(context.Context, *mib.Request) (mib.View, error) { return h, nil }

func (h *bigHandler) Get(_ context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	for range names {
		dst = append(dst, snmp.OctetString(strings.Repeat("x", h.first)))
	}
	return dst, nil
}

func (h *bigHandler) Next(_ context.Context, dst []snmp.VarBind, ranges []mib.Range, limit int) ([]snmp.VarBind, error) {
	for _, r := range ranges {
		n := uint32(0)
		if r.Start.Len() > 7 {
			n = r.Start.Arc(7) + 1
		}
		for range limit {
			size := 100
			if n == 0 {
				size = h.first
			}
			dst = append(dst, snmp.VarBind{Name: oid.New(1, 3, 6, 1, 4, 1, 1, n), Value: snmp.OctetString(strings.Repeat("x", size))})
			n++
		}
	}
	return dst, nil
}

func TestSizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []int{484, 1472, 9000, snmp.MaxMessageSize} {
			m := serve(t, agent.Config{MaxBulk: limit})
			m.server.SetMaxUnauthenticatedSize(snmp.MaxMessageSize)
			if _, err := m.server.Register(&bigHandler{first: 100}, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.1")}); err != nil {
				t.Fatal(err)
			}
			q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.NewGetBulk(1, 0, 1<<31-1)}
			q.PDU.VarBinds = names("1.3.6.1.4.1.1")
			b := m.exchange(q.Append(nil))
			if len(b) > limit || len(b) < limit-125 {
				t.Errorf("an answer to GetBulk has %d octets of at most %d", len(b), limit)
			}
			m.stop()
		}
	})
}

// SetMaxMessageSize overrules the rest, and 0 takes it back.
func TestSetMaxMessageSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		if _, err := m.server.Register(&bigHandler{first: 100}, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.1")}); err != nil {
			t.Fatal(err)
		}
		m.server.SetMaxUnauthenticatedSize(snmp.MaxMessageSize)
		for _, tt := range []struct{ set, want int }{{0, 1472}, {600, 600}, {9000, 9000}, {1, 484}, {1 << 20, snmp.MaxMessageSize}, {0, 1472}} {
			m.server.SetMaxMessageSize(tt.set)
			q := snmp.Message{Version: snmp.V2c, Community: "public", PDU: snmp.NewGetBulk(1, 0, 1000)}
			q.PDU.VarBinds = names("1.3.6.1.4.1.1")
			if b := m.exchange(q.Append(nil)); len(b) > tt.want || len(b) < tt.want-125 {
				t.Errorf("set to %d: an answer of %d octets, want nearly %d", tt.set, len(b), tt.want)
			}
		}
	})
}

func TestTooBig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{MaxMessageSize: 2000})
		defer m.stop()
		m.server.SetMaxUnauthenticatedSize(snmp.MaxMessageSize)
		big := &bigHandler{first: 1600}
		if _, err := m.server.Register(big, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.1")}); err != nil {
			t.Fatal(err)
		}
		p := snmp.NewGetBulk(1, 0, 5)
		p.VarBinds = names("1.3.6.1.4.1.1")
		if a, ok := m.ask(snmp.V2c, "public", p); !ok || len(a.VarBinds) != 1 {
			t.Errorf("a GetBulk whose first value is larger than its usual size: %d variable bindings", len(a.VarBinds))
		}
		p.ErrorStatus, p.VarBinds = 1, names("1.3.6.1.4.1.1 1.3.6.1.2.1")
		if a, ok := m.ask(snmp.V2c, "public", p); !ok || len(a.VarBinds) != 1 {
			t.Errorf("the same as a non-repeater before a repeater: %d variable bindings", len(a.VarBinds))
		}
		one, two := names("1.3.6.1.4.1.1.0"), names("1.3.6.1.4.1.1.0 1.3.6.1.4.1.1.0")
		if a, _ := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: one}); a.ErrorStatus != 0 || len(a.VarBinds) != 1 {
			t.Errorf("1600 octets: %s", a.ErrorStatus)
		}
		if a, _ := m.ask(snmp.V2c, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: two}); text(a) != "tooBig 0 |" {
			t.Errorf("3200 octets by v2c: %s", text(a))
		}
		if a, _ := m.ask(snmp.V1, "public", snmp.PDU{Type: snmp.GetRequest, VarBinds: two}); text(a) != "tooBig 0 | 1.3.6.1.4.1.1.0=NULL 1.3.6.1.4.1.1.0=NULL" {
			t.Errorf("3200 octets by v1: %s", text(a))
		}
		if n := m.counters.Load(snmp.OutTooBigs); n != 2 {
			t.Errorf("snmpOutTooBigs is %d", n)
		}
	})
}

// liar answers what it is told to, whatever is asked.
type liar struct {
	vbs    []snmp.VarBind
	values []snmp.Value
	err    error
	view   error
}

func (l *liar) View(context.Context, *mib.Request) (mib.View, error) { return l, l.view }
func (l *liar) Get(context.Context, []snmp.Value, []oid.OID) ([]snmp.Value, error) {
	return l.values, l.err
}
func (l *liar) Next(context.Context, []snmp.VarBind, []mib.Range, int) ([]snmp.VarBind, error) {
	return l.vbs, l.err
}

func TestHandlersThatLie(t *testing.T) {
	name := func(s string) oid.OID { return oid.MustParse("1.3.6.1.4.1.5" + s) }
	one := snmp.Integer(1)
	broken := errors.New("broken")
	tests := []struct {
		name string
		liar liar
		get  string
		next string
	}{
		{"honest", liar{values: []snmp.Value{one}, vbs: []snmp.VarBind{{Name: name(".2"), Value: one}}}, "m.1.1.0=reader 1.3.6.1.4.1.5.1=1", "m.1.3.0=4711 1.3.6.1.4.1.5.2=1"},
		{"nothing", liar{}, "genErr 2", "genErr 2"},
		{"too much", liar{values: []snmp.Value{one, one}, vbs: []snmp.VarBind{{Name: name(".2"), Value: one}, {Name: name(".3"), Value: one}}}, "genErr 2", "genErr 2"},
		{"the same name", liar{vbs: []snmp.VarBind{{Name: name(".1"), Value: one}}}, "genErr 2", "genErr 2"},
		{"a lesser name", liar{vbs: []snmp.VarBind{{Name: name(".0"), Value: one}}}, "genErr 2", "genErr 2"},
		{"outside its subtree", liar{vbs: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.4.1.6"), Value: one}}}, "genErr 2", "genErr 2"},
		{"NULL", liar{values: []snmp.Value{snmp.Null}, vbs: []snmp.VarBind{{Name: name(".2"), Value: snmp.Null}}}, "genErr 2", "genErr 2"},
		{"noSuchInstance", liar{values: []snmp.Value{snmp.NoSuchInstance}, vbs: []snmp.VarBind{{Name: name(".2"), Value: snmp.NoSuchInstance}}}, "m.1.1.0=reader 1.3.6.1.4.1.5.1=noSuchInstance", "genErr 2"},
		{"error", liar{err: broken}, "genErr 2", "genErr 2"},
		{"blame", liar{err: &mib.VarError{Index: 0, Status: snmp.ResourceUnavailable, Err: broken}}, "genErr 2", "genErr 2"},
		{"blame of nobody", liar{err: &mib.VarError{Index: 7, Status: snmp.ResourceUnavailable, Err: broken}}, "genErr 2", "genErr 2"},
		{"no view", liar{view: broken}, "genErr 2", "genErr 2"},
	}
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range tests {
			m := serve(t, agent.Config{})
			if _, err := m.server.Register(&tt.liar, agent.Registration{Root: name("")}); err != nil {
				t.Fatal(err)
			}
			for kind, want := range map[snmp.PDUType]string{snmp.GetRequest: tt.get, snmp.GetNextRequest: tt.next} {
				p, ok := m.ask(snmp.V2c, "public", snmp.PDU{Type: kind, VarBinds: names("1.3.6.1.2.1.1.1.0 1.3.6.1.4.1.5.1")})
				if got := text(p); !ok || !strings.HasPrefix(got, want) {
					t.Errorf("%s, %v: %s, want %s", tt.name, kind, got, want)
				}
			}
			m.stop()
		}
	})
}

// The most specific registration wins, the outer one goes on behind it, and unregistering heals the range.
func TestRegistrations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := serve(t, agent.Config{})
		defer m.stop()
		walk := func() string {
			p := snmp.NewGetBulk(0, 0, 6)
			p.VarBinds = names("1.3.6.1.2.1.2")
			a, _ := m.ask(snmp.V2c, "public", p)
			return text(a)
		}
		whole := walk()
		inner := scalar(t, "1.3.6.1.2.1.2.2.1", 2, "inner")
		lesser := scalar(t, "1.3.6.1.2.1.2.2.1", 2, "lesser")
		_, err := m.server.Register(lesser, agent.Registration{Root: oid.MustParse("1.3.6.1.2.1.2.2.1.2"), Priority: 200})
		if err != nil {
			t.Fatal(err)
		}
		unregister, err := m.server.Register(inner, agent.Registration{Root: oid.MustParse("1.3.6.1.2.1.2.2.1.2"), Priority: 100})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := walk(), "m.2.1.0=1 m.2.2.1.1.1=1 m.2.2.1.1.2=2 m.2.2.1.1.7=7 m.2.2.1.2.0=inner m.2.2.1.10.1=1099511627776"; got != want {
			t.Errorf("with a subtree of its own:\n got %s\nwant %s", got, want)
		}
		unregister()
		if got := walk(); !strings.Contains(got, "m.2.2.1.2.0=lesser") {
			t.Errorf("the second in priority did not take over: %s", got)
		}
		if got := whole; !strings.Contains(got, "m.2.2.1.2.1=port1") {
			t.Errorf("the outer one alone: %s", got)
		}
		m.server.LeaveOut(oid.MustParse("1.3.6.1.2.1.2.2.1.1"), oid.MustParse("1.3.6.1.2.1.2.2.1.2"))
		if got, want := walk(), "m.2.1.0=1 m.2.2.1.10.1=1099511627776 m.2.2.1.10.2=1099511627777"; !strings.HasPrefix(got, want) {
			t.Errorf("with two columns left out:\n got %s\nwant %s", got, want)
		}
		if _, err := m.server.Register(inner, agent.Registration{Root: oid.MustParse("1.3.6.1.2.1.2")}); err != nil {
			t.Fatal(err)
		}
		if got, want := walk(), "m.2.2.1.2.0=inner"; !strings.Contains(got, want) {
			t.Errorf("what was left out is not free for others: %s", got)
		}
		if _, err := m.server.Register(inner, agent.Registration{}); !errors.Is(err, agent.ErrRegistration) {
			t.Errorf("an empty root: %v", err)
		}
	})
}

func scalar(t *testing.T, entry string, column uint32, value string) *mib.Tree {
	t.Helper()
	tree, err := mib.NewTree(mib.Group{Entry: oid.MustParse(entry), Columns: []uint32{column}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(uint32) (snmp.Value, bool) { return snmp.OctetString(value), true })
	}})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestSocketThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := packetnet.New(1, packetnet.Faults{})
		at, err := network.Listen(agentAddr)
		if err != nil {
			t.Fatal(err)
		}
		s := agent.New(agent.Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		done := make(chan error)
		go func() { done <- s.ServeDatagrams(t.Context(), socket{at}) }()
		synctest.Wait()
		if err := at.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed under the server: %v", err)
		}
	})
}

// calls counts the calls of Next to a handler of one column of 1,000 Counter64, which SNMPv1 must not see.
type calls struct{ next, found int }

func (c *calls) View(context.Context, *mib.Request) (mib.View, error) { return c, nil }

func (c *calls) Get(_ context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	for range names {
		dst = append(dst, snmp.NoSuchInstance)
	}
	return dst, nil
}

func (c *calls) Next(_ context.Context, dst []snmp.VarBind, ranges []mib.Range, limit int) ([]snmp.VarBind, error) {
	c.next++
	for _, r := range ranges {
		i := uint32(0)
		if r.Start.Len() == 9 {
			i = r.Start.Last() + 1
		}
		for k := range limit {
			if i+uint32(k) == 1000 {
				dst = append(dst, snmp.VarBind{Value: snmp.EndOfMibView})
				break
			}
			c.found++
			dst = append(dst, snmp.VarBind{Name: names("1.3.6.1.4.1.1.1")[0].Name.Append(i + uint32(k)), Value: snmp.Counter64(1)})
		}
	}
	return dst, nil
}

// What an asker may not see costs it little of the agent's time: few calls, and an end to them.
func TestSkippingIsBounded(t *testing.T) {
	many := strings.Repeat("1.3.6.1.4.1.1.1 ", 3000)
	masked := agent.Access{Communities: []agent.CommunityEntry{{Community: secret.New("masked"), SecurityName: "masked"}}, Policy: vacm.NewPolicy(
		[]vacm.Member{{Model: vacm.V2c, Name: "masked", Group: "g"}}, []vacm.Entry{{Group: "g", Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: "v"}}},
		map[string][]vacm.Family{"v": {{Subtree: oid.MustParse("1.3.6.1.4.1.1.0.5"), Mask: "\xfe\xff"}}})}
	tests := []struct {
		name      string
		version   snmp.Version
		community string
		vbs       string
		want      string
	}{
		{"a column of Counter64", snmp.V1, "public", "1.3.6.1.4.1.1.1", "noSuchName 1 "},
		{"a great many of them", snmp.V1, "public", many, "genErr "},
		{"one row by a mask", snmp.V2c, "masked", "1.3.6.1.4.1.1.1", "1.3.6.1.4.1.1.1.5="},
		{"behind that row", snmp.V2c, "masked", "1.3.6.1.4.1.1.1.5", "1.3.6.1.4.1.1.1.5=endOfMibView"},
		{"a great many times behind that row", snmp.V2c, "masked", strings.ReplaceAll(many, ".1.1 ", ".1.1.5 "), "genErr "},
	}
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range tests {
			m := serve(t, agent.Config{})
			if tt.community == "masked" {
				m.server.SetAccess(masked)
			}
			h := &calls{}
			if _, err := m.server.Register(h, agent.Registration{Root: oid.MustParse("1.3.6.1.4.1.1")}); err != nil {
				t.Fatal(err)
			}
			p, ok := m.ask(tt.version, tt.community, snmp.PDU{Type: snmp.GetNextRequest, VarBinds: names(tt.vbs)})
			if !ok || !strings.HasPrefix(text(p), tt.want) {
				t.Errorf("%s: %.80s, want %s", tt.name, text(p), tt.want)
			}
			if h.next > 20 || h.found > 1<<19 {
				t.Errorf("%s: %d calls of Next, %d variables", tt.name, h.next, h.found)
			}
			m.stop()
		}
	})
}
