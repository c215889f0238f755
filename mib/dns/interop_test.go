//go:build interop

package dns_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// upstream is the server that resolvers forward to and secondaries transfer from. It counts what it is asked and what it answers.
type upstream struct {
	mu      sync.Mutex
	queries int
	rcodes  map[int]int
}

// startUpstream serves up.test and secondary.test on the same port by UDP and TCP.
func startUpstream(t *testing.T) (*upstream, *net.UDPAddr) {
	t.Helper()
	u := &upstream{rcodes: map[int]int{}}
	listener, packets := listenBoth(t)
	for _, s := range []*mdns.Server{{PacketConn: packets, Handler: u}, {Listener: listener, Handler: u}} {
		done := make(chan error, 1)
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { done <- s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			_ = s.Shutdown()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	return u, packets.LocalAddr().(*net.UDPAddr)
}

func rr(t string) mdns.RR {
	r, err := mdns.NewRR(t)
	if err != nil {
		panic(err)
	}
	return r
}

var (
	upSOA        = "up.test. 300 SOA ns1.up.test. hostmaster.up.test. 7 3600 900 604800 300"
	secondarySOA = "secondary.test. 300 SOA ns1.secondary.test. hostmaster.secondary.test. 11 3600 900 604800 300"
)

// ServeDNS implements dns.Handler. What is of the resolvers' queries is counted, transfers are not.
func (u *upstream) ServeDNS(w mdns.ResponseWriter, q *mdns.Msg) {
	a := new(mdns.Msg).SetReply(q)
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	count := true
	switch {
	case name == "secondary.test." && (kind == mdns.TypeAXFR || kind == mdns.TypeIXFR):
		a.Authoritative, count = true, false
		a.Answer = []mdns.RR{rr(secondarySOA), rr("secondary.test. 300 NS ns1.secondary.test."), rr("ns1.secondary.test. 300 A 127.0.0.1"), rr(secondarySOA)}
	case name == "secondary.test." && kind == mdns.TypeSOA:
		a.Authoritative, count = true, false
		a.Answer = []mdns.RR{rr(secondarySOA)}
	case name == "www.up.test." && kind == mdns.TypeA:
		a.RecursionAvailable = true
		a.Answer = []mdns.RR{rr("www.up.test. 300 A 192.0.2.80")}
	case name == "www.up.test.":
		a.RecursionAvailable = true
		a.Ns = []mdns.RR{rr(upSOA)}
	case name == "data.sub.example.test." && kind == mdns.TypeA:
		a.RecursionAvailable = true
		a.Answer = []mdns.RR{rr("data.sub.example.test. 300 A 192.0.2.81")}
	case name == "data.sub.example.test.":
		a.RecursionAvailable = true
		a.Ns = []mdns.RR{rr("sub.example.test. 300 SOA ns.sub.example.test. hostmaster.sub.example.test. 7 3600 900 604800 300")}
	case name == "refused.up.test.":
		a.Rcode = mdns.RcodeRefused
	case name == "fails.up.test.":
		a.Rcode = mdns.RcodeServerFailure
	case name == "." && kind == mdns.TypeNS:
		a.Answer, count = []mdns.RR{rr(". 300 NS ns1.up.test.")}, false
	default:
		a.RecursionAvailable = true
		a.Rcode = mdns.RcodeNameError
		a.Ns = []mdns.RR{rr(upSOA)}
	}
	if count {
		u.mu.Lock()
		u.queries++
		u.rcodes[a.Rcode]++
		u.mu.Unlock()
	}
	_ = w.WriteMsg(a)
}

// query is one of the script. Where raw is set it is sent as it is, by UDP.
type query struct {
	name   string
	kind   uint16
	opcode int
	noRD   bool
	tcp    bool
	raw    string
}

// script is what every server is asked.
var script = []query{
	{name: "www.example.test.", kind: mdns.TypeA}, {name: "www.example.test.", kind: mdns.TypeA, tcp: true}, {name: "WWW.example.test.", kind: mdns.TypeA, noRD: true},
	{name: "alias.example.test.", kind: mdns.TypeA}, {name: "txt.example.test.", kind: mdns.TypeTXT, tcp: true}, {name: "example.test.", kind: mdns.TypeSOA},
	{name: "nope.example.test.", kind: mdns.TypeA}, {name: "nope.example.test.", kind: mdns.TypeA, tcp: true}, {name: "none.example.test.", kind: mdns.TypeMX},
	{name: "www.example.test.", kind: mdns.TypeMX}, {name: "www.example.test.", kind: mdns.TypeMX, tcp: true}, {name: "txt.example.test.", kind: mdns.TypeAAAA}, {name: "www.example.test.", kind: mdns.TypeAAAA, noRD: true},
	{name: "x.sub.example.test.", kind: mdns.TypeA, noRD: true}, {name: "y.sub.example.test.", kind: mdns.TypeA, noRD: true, tcp: true},
	{name: "elsewhere.invalid.", kind: mdns.TypeA, noRD: true}, {name: "elsewhere.invalid.", kind: mdns.TypeA, noRD: true, tcp: true},
	{name: "example.test.", kind: mdns.TypeAXFR, tcp: true, noRD: true},
	{raw: "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff"}, {raw: "\x12\x35\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www"}, {raw: "\x12"},
	{name: "www.example.test.", kind: mdns.TypeA, opcode: mdns.OpcodeStatus},
}

// resolved is what resolvers are asked besides, twice each: once they ask upstream, once they know.
var resolved = []query{
	{name: "www.up.test.", kind: mdns.TypeA}, {name: "www.up.test.", kind: mdns.TypeMX}, {name: "nope.up.test.", kind: mdns.TypeA}, {name: "nope.up.test.", kind: mdns.TypeA, tcp: true},
	{name: "www.up.test.", kind: mdns.TypeA, tcp: true}, {name: "refused.up.test.", kind: mdns.TypeA}, {name: "fails.up.test.", kind: mdns.TypeA},
}

// ask sends q and returns the answer; nil if there is none.
func (q query) ask(t *testing.T, address string) *mdns.Msg {
	t.Helper()
	network := "udp"
	if q.tcp {
		network = "tcp"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wait := 10 * time.Second
	if q.raw != "" {
		wait = time.Second // most servers drop it
	}
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	c := &mdns.Conn{Conn: conn}
	if q.raw != "" {
		_, err = conn.Write([]byte(q.raw))
	} else {
		m := new(mdns.Msg).SetQuestion(q.name, q.kind)
		m.RecursionDesired, m.Opcode = !q.noRD, q.opcode
		err = c.WriteMsg(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.ReadMsg()
	if err != nil && answer == nil {
		return nil
	}
	return answer
}

// numbered returns q with a number in the place of %d: a name that nobody remembers.
func (q query) numbered(n int) query {
	q.name = strings.ReplaceAll(q.name, "%d", fmt.Sprint(n))
	return q
}

// count counts an answer under the objects that it is to be counted by, as RFC 1611 words them.
func count(out map[string]int, a *mdns.Msg) {
	if a == nil {
		return
	}
	referral := !a.Authoritative && len(a.Answer) == 0 && slices.ContainsFunc(a.Ns, func(r mdns.RR) bool { return r.Header().Rrtype == mdns.TypeNS })
	switch {
	case a.Rcode == mdns.RcodeNameError && a.Authoritative:
		out["dnsServCounterAuthNoNames"]++
	case a.Rcode == mdns.RcodeNameError:
	case a.Rcode != mdns.RcodeSuccess:
		out["dnsServCounterErrors"]++
	case referral:
		out["dnsServCounterReferrals"]++
	case a.Authoritative && len(a.Answer) > 0:
		out["dnsServCounterAuthAns"]++
	case a.Authoritative:
		out["dnsServCounterAuthNoDataResps"]++
	case len(a.Answer) > 0:
		out["dnsServCounterNonAuthDatas"]++
	default:
		out["dnsServCounterNonAuthNoDatas"]++
	}
	switch a.Rcode {
	case mdns.RcodeRefused:
		out["dnsServCounterReqRefusals"]++
	case mdns.RcodeServerFailure:
		out["dnsServCounterOtherErrors"]++
	}
}

// counts are the differences of the counters that are served, by descriptor and row.
func counters(all []snmp.VarBind) map[string]uint32 {
	out := map[string]uint32{}
	for _, vb := range all {
		o, index, ok := mibtest.Find(vb.Name)
		if !ok || vb.Value.Kind() != snmp.KindCounter32 || strings.HasPrefix(o.Name, "dnsServZone") {
			continue
		}
		name := o.Name
		if len(o.Index) > 0 {
			name += "." + index.String()
		}
		out[name] = uint32(vb.Value.Uint())
	}
	return out
}

// walkOf reads a server anew, and holds what is served against the modules.
func walkOf(t *testing.T, s *nameServer) []snmp.VarBind {
	t.Helper()
	b, err := dns.Open(s.kind, s.access)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dns.New(dns.Options{Name: s.kind, Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, dns.Roots()...)
	if err := m.Stats().Err; err != nil {
		t.Fatalf("%s: %v", s.kind, err)
	}
	mibtest.Conform(t, all, holes)
	return all
}

// checkServed holds the objects that are served against the rules: docs/dns.md is made of them.
func checkServed(t *testing.T, kind string, all []snmp.VarBind) {
	t.Helper()
	served, told := map[string]bool{}, map[string]bool{}
	for _, vb := range all {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			served[o.Name] = true
		}
	}
	for _, r := range dns.RulesOf(kind) {
		told[r.Object] = true
	}
	if diff := cmp.Diff(told, served); diff != "" {
		t.Errorf("objects (-rules +served):\n%s", diff)
	}
}

// heldByScript are objects that are called approximate, for something that the script does not do.
var heldByScript = map[string][]string{
	"bind": {"dnsServCounterAuthAns", "dnsServCounterAuthNoNames", "dnsServCounterAuthNoDataResps", "dnsServCounterNonAuthDatas", "dnsServCounterNonAuthNoDatas"},
}

// expected are the differences that the exact objects of a kind must show.
func expected(kind string, asked map[string]int, u *upstream) map[string]uint32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := map[string]uint32{}
	for _, r := range dns.RulesOf(kind) {
		if r.Approximate != "" && !slices.Contains(heldByScript[kind], r.Object) || len(r.Plus) == 0 {
			continue
		}
		switch r.Object {
		case "dnsResCounterByOpcodeQueries", "dnsResCounterByOpcodeResponses":
			out[r.Object+".0"] = uint32(u.queries)
		case "dnsResCounterRecdResponses":
			out[r.Object] = uint32(u.queries)
		case "dnsResCounterByRcodeResponses":
			out[fmt.Sprintf("%s.%d", r.Object, r.Row)] = uint32(u.rcodes[int(r.Row)])
		default:
			out[r.Object] = uint32(asked[r.Object])
		}
	}
	return out
}

// TestExact asks every server a known script and holds the difference of every object that is called exact against what was answered.
func TestExact(t *testing.T) {
	for _, kind := range dns.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u, addr := startUpstream(t)
			s := servers[kind](t, addr, "")
			start := walkOf(t, s)
			checkServed(t, kind, start)
			before := counters(start)
			u.mu.Lock()
			u.queries, u.rcodes = 0, map[int]int{}
			u.mu.Unlock()
			asked := map[string]int{}
			all := slices.Clone(script)
			if slices.ContainsFunc(dns.RulesOf(kind), func(r dns.Rule) bool { return strings.HasPrefix(r.Object, "dnsRes") }) {
				all = slices.Concat(all, resolved, resolved)
			}
			for _, q := range all {
				a := q.ask(t, s.address)
				if a != nil {
					t.Logf("%+v: %s aa=%v %d answers, %d of authority", q, mdns.RcodeToString[a.Rcode], a.Authoritative, len(a.Answer), len(a.Ns))
				}
				count(asked, a)
			}
			await(t, func() string {
				got := map[string]uint32{}
				want := expected(kind, asked, u)
				after := counters(walkOf(t, s))
				for name := range want {
					if n, ok := after[name]; ok {
						got[name] = n - before[name]
					}
				}
				return cmp.Diff(want, got)
			})
			t.Logf("asked %v, upstream %d %v", asked, u.queries, u.rcodes)
		})
	}
}

// await waits until check has nothing to say.
func await(t *testing.T, check func() string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 600 {
		if check() == "" {
			return
		}
		<-tick.C
	}
	t.Errorf("(-want +got):\n%s", check())
}

// countedBy is a query for each kind, and the object that counts its answer.
var countedBy = map[string]struct {
	object string
	query  query
}{
	"bind": {"dnsServCounterAuthAns", script[0]}, "unbound": {"dnsServCounterNonAuthDatas", script[0]}, "nsd": {"dnsServCounterAuthNoNames", script[6]},
	"knot": {"dnsServCounterAuthAns", script[0]}, "pdns": {"dnsServCounterAuthNoDataResps", script[9]}, "pdns-recursor": {"dnsResCounterRecdResponses", query{name: "%d.up.test.", kind: mdns.TypeA}},
	"dnsmasq": {"dnsResCounterByOpcodeQueries", query{name: "%d.up.test.", kind: mdns.TypeA}},
}

// TestRestart: a server that goes away and comes back shows that, and its counters go on from where they were.
func TestRestart(t *testing.T) {
	for _, kind := range dns.Kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, addr := startUpstream(t)
			s := servers[kind](t, addr, "")
			b, err := dns.Open(s.kind, s.access)
			if err != nil {
				t.Fatal(err)
			}
			m, log := newMIB(t, b, false)
			c := countedBy[kind]
			counted := func() uint64 {
				all := counters(walk(t, m))
				return uint64(all[c.object]) + uint64(all[c.object+".0"])
			}
			first := counted()
			for i := range 3 {
				c.query.numbered(i).ask(t, s.address)
			}
			await(t, func() string { return cmp.Diff(first+3, counted()) })
			s.stop()
			await(t, func() string {
				got := names(walk(t, m), "dns")
				delete(got, "dnsResConfigReset.0")
				return cmp.Diff(map[string]string{"dnsServConfigReset.0": "1"}, got)
			})
			s.start(t)
			c.query.numbered(4).ask(t, s.address)
			await(t, func() string {
				if n := counted(); n < first+4 {
					return fmt.Sprintf("%d counted, and %d before", n, first+3)
				}
				return ""
			})
			if up := value(t, m, false, "dnsServConfigUpTime"); len(up) > 2 {
				t.Errorf("it has been up for %s s", up)
			}
			if n := strings.Count(log.String(), "part=figures"); n != 2 {
				t.Errorf("the log says %d times what becomes of it:\n%s", n, log)
			}
		})
	}
}

// TestBelowDelegation: what BIND resolves below a delegation of its own zone counts with the zone, which is why its counters are called approximate.
func TestBelowDelegation(t *testing.T) {
	_, addr := startUpstream(t)
	s := startBIND(t, addr, "")
	before := counters(walkOf(t, s))
	for _, q := range []query{{name: "data.sub.example.test.", kind: mdns.TypeA}, {name: "data.sub.example.test.", kind: mdns.TypeMX}, {name: "nope.sub.example.test.", kind: mdns.TypeA}} {
		if a := q.ask(t, s.address); a == nil || a.Authoritative || !a.RecursionAvailable {
			t.Errorf("%v", a)
		}
	}
	await(t, func() string {
		got, after := map[string]uint32{}, counters(walkOf(t, s))
		for _, name := range heldByScript["bind"] {
			got[name] = after[name] - before[name]
		}
		return cmp.Diff(map[string]uint32{
			"dnsServCounterAuthAns": 1, "dnsServCounterAuthNoNames": 1, "dnsServCounterAuthNoDataResps": 1, "dnsServCounterNonAuthDatas": 0, "dnsServCounterNonAuthNoDatas": 0,
		}, got)
	})
}
