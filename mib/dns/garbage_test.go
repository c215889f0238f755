package dns_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// answers are what a server says to what it is asked, as real ones said it.
type answers map[string]string

var unboundAnswers = answers{
	"UBCT1 stats_noreset": "total.num.queries=9\ntime.now=1795272704.781774\ntime.up=34.960156\nnum.query.tcpout=1\nnum.query.udpout=6\nnum.answer.rcode.NOERROR=5\n" +
		"num.answer.rcode.FORMERR=1\nnum.answer.rcode.SERVFAIL=2\nnum.answer.rcode.NXDOMAIN=1\nnum.answer.rcode.REFUSED=3\nnum.answer.rcode.nodata=2\nunwanted.replies=4\n",
	"UBCT1 status": "version: 1.17.1\nverbosity: 1\nthreads: 1\nuptime: 285 seconds\n", "UBCT1 get_option cache-max-ttl": "86400\n", "UBCT1 get_option cache-max-negative-ttl": "3600\n",
	"UBCT1 get_option interface-action": "error unknown option\n", "UBCT1 get_option access-control": "0.0.0.0/0 allow\n::0/0 allow_snoop\n",
	"UBCT1 list_forwards":   "example.org. IN forward +i 192.0.2.1@5300#ns.example 2001:db8::1 ns1.example.\n",
	"UBCT1 list_stubs":      ". IN stub prime A.ROOT-SERVERS.NET. 198.41.0.4\n",
	"UBCT1 list_auth_zones": "auth.test.\tserial 2024010101\nold.test.\texpired\nnew.test.\tno serial\n", "UBCT1 reload": "ok\n",
}

var nsdAnswers = answers{
	"NSDCT1 stats_noreset": "time.boot=35.05\nnum.rcode.NOERROR=5\nnum.rcode.FORMERR=1\nnum.rcode.SERVFAIL=0\nnum.rcode.NXDOMAIN=2\nnum.rcode.REFUSED=1\nnum.answer_wo_aa=3\n",
	"NSDCT1 status":        "version: 4.6.1\nverbosity: 0\nratelimit: 200\n",
	"NSDCT1 zonestatus": "zone:\tdead.test\n\tstate: refreshing\n\tserved-serial: none\n\tcommit-serial: none\n\twait: \"164 sec between attempts\"\nzone:\texample.test\n\tstate: master\n" +
		"zone:\tsec.test\n\tstate: expired\n\tserved-serial: \"7 since 2026-01-02T15:04:05\"\n",
	"NSDCT1 reconfig": "reconfig start, read /etc/nsd/nsd.conf\nok\n", "NSDCT1 reload": "ok\n",
}

var pdnsAnswers = answers{
	"/api/v1/servers/localhost/statistics": `[{"name":"uptime","type":"StatisticItem","value":"34"},{"name":"nxdomain-packets","type":"StatisticItem","value":"2"},{"name":"noerror-packets","type":"StatisticItem","value":"3"},` +
		`{"name":"servfail-packets","type":"StatisticItem","value":"1"},{"name":"unauth-packets","type":"StatisticItem","value":"4"},{"name":"corrupt-packets","type":"StatisticItem","value":"5"},` +
		`{"name":"response-by-qtype","type":"MapStatisticItem","value":[{"name":"A","value":"7"}]}]`,
	"/api/v1/servers/localhost": `{"daemon_type":"authoritative","id":"localhost","type":"Server","version":"4.7.3"}`,
	"/api/v1/servers/localhost/zones?dnssec=false": `[{"name":"sec.test.","kind":"Slave","serial":2024010101,"last_check":1795272672,"masters":["192.0.2.1:5303","2001:db8::1"]},{"name":"new.test.","kind":"Secondary","serial":0},` +
		`{"name":"example.test.","kind":"Master","serial":7,"masters":[]}]`,
}

var recursorAnswers = answers{
	"/api/v1/servers/localhost/statistics":        `[{"name":"uptime","type":"StatisticItem","value":"34"},{"name":"servfail-answers","type":"StatisticItem","value":"2"},{"name":"all-outqueries","type":"StatisticItem","value":"20"}]`,
	"/api/v1/servers/localhost":                   `{"version":"4.8.8"}`,
	"/api/v1/servers/localhost/config":            `[{"name":"allow-from","value":""},{"name":"max-cache-ttl","value":"86400"},{"name":"max-negative-ttl","value":"3600"}]`,
	"/api/v1/servers/localhost/config/allow-from": `{"name":"allow-from","value":["127.0.0.0/8","::1/128"]}`,
	"/api/v1/servers/localhost/zones":             `[{"name":".","kind":"Forwarded","recursion_desired":true,"servers":["192.0.2.1:53"]},{"name":"10.in-addr.arpa.","kind":"Native","servers":[]}]`,
}

var bindAnswers = answers{
	"/json/v1/server": `{"json-stats-version":"1.7","boot-time":"2026-11-21T14:51:10.150Z","config-time":"2026-11-21T14:51:10.718Z","version":"9.18.49-1~deb12u3-Debian",` +
		`"rcodes":{"NOERROR":6,"FORMERR":1,"SERVFAIL":2,"NXDOMAIN":3,"REFUSED":4,"BADVERS":1},"nsstats":{"QrySuccess":5,"QryAuthAns":6,"QryReferral":1,"QryNxrrset":2,"QryNXDOMAIN":3},` +
		`"views":{"_default":{"resolver":{"stats":{"Queryv4":7,"Queryv6":1,"Responsev4":6,"NXDOMAIN":2,"BucketSize":5}}},"_bind":{"resolver":{"stats":{"BucketSize":5}}}}}`,
	"/json/v1/zones": `{"views":{"_default":{"zones":[{"name":"bad.test","class":"IN","type":"primary","loaded":"1970-01-01T00:00:00Z"},` +
		`{"name":"example.test","class":"IN","serial":2024010101,"type":"primary","loaded":"2026-11-21T14:51:09Z","rcodes":{"QrySuccess":3,"QryAuthAns":5,"QryNXDOMAIN":1,"QryNxrrset":1}},` +
		`{"name":"sec.test","class":"IN","serial":7,"type":"secondary","loaded":"2026-11-21T14:51:11Z","expires":"2126-11-28T14:51:11Z"},` +
		`{"name":"old.test","class":"IN","serial":7,"type":"secondary","loaded":"2020-11-21T14:51:11Z","expires":"2020-11-28T14:51:11Z"}]},` +
		`"_bind":{"zones":[{"name":"version.bind","class":"CH","serial":0,"type":"builtin","loaded":"2026-11-21T14:51:10Z"}]}}}`,
}

// cut returns what is left of a with its most telling answer ended after n octets, and whether that is less.
func (a answers) cut(name string, n int) (answers, bool) {
	out := answers{}
	for question, text := range a {
		out[question] = text
	}
	if n >= len(a[name]) {
		return out, false
	}
	out[name] = a[name][:n]
	return out, true
}

// lineServer plays a control socket of NLnet Labs' servers: a line, an answer, and the end.
type lineServer struct {
	mu      sync.Mutex
	answers answers
}

func (s *lineServer) set(a answers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = a
}

func (s *lineServer) answer(conn net.Conn) {
	line, _ := bufio.NewReader(conn).ReadString('\n')
	s.mu.Lock()
	text, known := s.answers[strings.TrimSuffix(line, "\n")]
	s.mu.Unlock()
	if !known {
		text = "error unknown command\n"
	}
	_, _ = io.WriteString(conn, text)
}

// listen has answer take the connections to a port until the end of the test.
func listen(t testing.TB, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(conn)
			conn.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// webServer plays an HTTP API.
type webServer struct {
	lineServer
	key string
}

func (s *webServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	text, known := s.answers[r.URL.RequestURI()]
	s.mu.Unlock()
	switch {
	case r.Header.Get("X-API-Key") != s.key:
		w.WriteHeader(http.StatusUnauthorized)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	default:
		_, _ = io.WriteString(w, text)
	}
}

// told is what a recorded server is served as, the objects that matter.
func told(t *testing.T, kind, address, key string) map[string]string {
	t.Helper()
	b, err := dns.Open(kind, dns.Access{Address: address, Key: secret.New(key)})
	if err != nil {
		t.Fatal(err)
	}
	m, log := newMIB(t, b, false)
	all := mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now()}, dns.Roots()...)
	mibtest.Conform(t, all, holes)
	if err := m.Stats().Err; err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	if key != "" && strings.Contains(log.String(), key) {
		t.Errorf("the key is in the log:\n%s", log)
	}
	out := names(all, "dns")
	for name := range out {
		if strings.Contains(name, "Time.") || strings.Contains(name, "Status.") || strings.Contains(name, "LastReload") || strings.Contains(name, "LastSource") || strings.Contains(name, "Ident") {
			delete(out, name)
		}
	}
	return out
}

func TestRecorded(t *testing.T) {
	line, web := &lineServer{}, &webServer{key: "hush"}
	address := listen(t, line.answer)
	pages := httptest.NewServer(web)
	defer pages.Close()
	const sec, example = "10.3.83.69.67.4.84.69.83.84.0.1", "14.7.69.88.65.77.80.76.69.4.84.69.83.84.0.1"
	for kind, test := range map[string]struct {
		answers answers
		want    map[string]string
	}{
		"unbound": {unboundAnswers, map[string]string{
			"dnsServConfigReset.0": "4", "dnsResConfigReset.0": "4", "dnsResConfigService.0": "3", "dnsServConfigRecurs.0": "1", "dnsServCounterNonAuthDatas.0": "3", "dnsServCounterNonAuthNoDatas.0": "2",
			"dnsServCounterErrors.0": "6", "dnsServCounterReqRefusals.0": "3", "dnsServCounterReqUnparses.0": "1", "dnsServCounterOtherErrors.0": "2", "dnsResCounterByOpcodeQueries.0": "7",
			"dnsResCounterMartians.0": "4", "dnsResCacheMaxTTL.0": "86400", "dnsResNCacheMaxTTL.0": "3600",
			"dnsServZoneSerial.11.4.65.85.84.72.4.84.69.83.84.0.1": "2024010101", "dnsServZoneCurrent.11.4.65.85.84.72.4.84.69.83.84.0.1": "1",
			"dnsServZoneCurrent.10.3.79.76.68.4.84.69.83.84.0.1": "2", "dnsServZoneSerial.10.3.78.69.87.4.84.69.83.84.0.1": "0", "dnsServZoneCurrent.10.3.78.69.87.4.84.69.83.84.0.1": "2",
			"dnsResConfigSbeltName.192.0.2.1.13.7.69.88.65.77.80.76.69.3.79.82.71.0.1": "", "dnsResConfigSbeltPref.192.0.2.1.13.7.69.88.65.77.80.76.69.3.79.82.71.0.1": "1",
			"dnsResConfigSbeltRecursion.192.0.2.1.13.7.69.88.65.77.80.76.69.3.79.82.71.0.1": "2",
			"dnsResConfigSbeltName.198.41.0.4.1.0.1":                                        "", "dnsResConfigSbeltPref.198.41.0.4.1.0.1": "2", "dnsResConfigSbeltRecursion.198.41.0.4.1.0.1": "1",
		}},
		"nsd": {nsdAnswers, map[string]string{
			"dnsServConfigReset.0": "4", "dnsServConfigRecurs.0": "3", "dnsServCounterAuthNoNames.0": "2", "dnsServCounterReferrals.0": "3", "dnsServCounterErrors.0": "2",
			"dnsServCounterReqRefusals.0": "1", "dnsServCounterReqUnparses.0": "1", "dnsServCounterOtherErrors.0": "0", "dnsServZoneSerial." + sec: "7", "dnsServZoneCurrent." + sec: "2",
			"dnsServZoneSerial.11.4.68.69.65.68.4.84.69.83.84.0.1": "0", "dnsServZoneCurrent.11.4.68.69.65.68.4.84.69.83.84.0.1": "2",
		}},
		"pdns": {pdnsAnswers, map[string]string{
			"dnsServConfigReset.0": "4", "dnsServConfigRecurs.0": "3", "dnsServCounterAuthNoNames.0": "2", "dnsServCounterAuthNoDataResps.0": "3", "dnsServCounterErrors.0": "5",
			"dnsServCounterReqRefusals.0": "4", "dnsServCounterReqUnparses.0": "5", "dnsServCounterOtherErrors.0": "1", "dnsServZoneSerial." + sec: "2024010101", "dnsServZoneCurrent." + sec: "1",
			"dnsServZoneSerial." + example: "7", "dnsServZoneCurrent." + example: "1", "dnsServZoneSerial.10.3.78.69.87.4.84.69.83.84.0.1": "0", "dnsServZoneCurrent.10.3.78.69.87.4.84.69.83.84.0.1": "2",
		}},
		"pdns-recursor": {recursorAnswers, map[string]string{
			"dnsServConfigReset.0": "4", "dnsResConfigReset.0": "4", "dnsServConfigRecurs.0": "2", "dnsServCounterErrors.0": "2", "dnsServCounterOtherErrors.0": "2",
			"dnsResCounterByOpcodeQueries.0": "20", "dnsResConfigService.0": "3", "dnsResCacheMaxTTL.0": "86400", "dnsResNCacheMaxTTL.0": "3600",
			"dnsResConfigSbeltName.192.0.2.1.1.0.1": "", "dnsResConfigSbeltPref.192.0.2.1.1.0.1": "0", "dnsResConfigSbeltRecursion.192.0.2.1.1.0.1": "2",
		}},
		"bind": {bindAnswers, map[string]string{
			"dnsServConfigReset.0": "4", "dnsResConfigReset.0": "4", "dnsServCounterAuthAns.0": "3", "dnsServCounterAuthNoNames.0": "1", "dnsServCounterAuthNoDataResps.0": "1",
			"dnsServCounterNonAuthDatas.0": "2", "dnsServCounterNonAuthNoDatas.0": "1", "dnsServCounterReferrals.0": "1", "dnsServCounterErrors.0": "8", "dnsServCounterReqRefusals.0": "4",
			"dnsServCounterReqUnparses.0": "1", "dnsServCounterOtherErrors.0": "2", "dnsResCounterByOpcodeQueries.0": "8", "dnsResCounterByOpcodeResponses.0": "6", "dnsResCounterMartians.0": "0",
			"dnsResCounterRecdResponses.0": "6", "dnsResCounterByRcodeResponses.1": "0", "dnsResCounterByRcodeResponses.2": "0", "dnsResCounterByRcodeResponses.3": "2", "dnsResCounterByRcodeResponses.5": "0",
			"dnsResOptCounterRetrans.0": "0", "dnsResOptCounterNoResponses.0": "0",
			"dnsServZoneSerial.10.3.66.65.68.4.84.69.83.84.0.1": "0", "dnsServZoneCurrent.10.3.66.65.68.4.84.69.83.84.0.1": "2", "dnsServZoneSerial." + example: "2024010101", "dnsServZoneCurrent." + example: "1",
			"dnsServZoneSerial." + sec: "7", "dnsServZoneCurrent." + sec: "1", "dnsServZoneSerial.10.3.79.76.68.4.84.69.83.84.0.1": "7", "dnsServZoneCurrent.10.3.79.76.68.4.84.69.83.84.0.1": "2",
		}},
	} {
		key := ""
		at := address
		if strings.HasPrefix(kind, "pdns") || kind == "bind" {
			at, key = pages.URL, "hush"
			web.set(test.answers)
		} else {
			line.set(test.answers)
		}
		if diff := cmp.Diff(test.want, told(t, kind, at, key)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// TestTruncated: an answer that ends early, anywhere, is an error or less than there was, and no harm.
func TestTruncated(t *testing.T) {
	line, web := &lineServer{}, &webServer{}
	address := listen(t, line.answer)
	pages := httptest.NewServer(web)
	defer pages.Close()
	for kind, test := range map[string]struct {
		all       answers
		questions []string
	}{
		"unbound":       {unboundAnswers, []string{"UBCT1 stats_noreset", "UBCT1 list_forwards", "UBCT1 list_auth_zones"}},
		"nsd":           {nsdAnswers, []string{"NSDCT1 stats_noreset", "NSDCT1 zonestatus"}},
		"pdns":          {pdnsAnswers, []string{"/api/v1/servers/localhost/statistics", "/api/v1/servers/localhost/zones?dnssec=false"}},
		"pdns-recursor": {recursorAnswers, []string{"/api/v1/servers/localhost/config", "/api/v1/servers/localhost/zones"}},
		"bind":          {bindAnswers, []string{"/json/v1/server", "/json/v1/zones"}},
	} {
		isJSON := strings.HasPrefix(kind, "pdns") || kind == "bind"
		at := address
		if isJSON {
			at = pages.URL
		}
		b, err := dns.Open(kind, dns.Access{Address: at})
		if err != nil {
			t.Fatal(err)
		}
		for _, question := range test.questions {
			for n := 0; ; n++ {
				cut, less := test.all.cut(question, n)
				if !less {
					break
				}
				line.set(cut)
				web.set(cut)
				_, readErr := b.Read(t.Context())
				_, zonesErr := b.Zones(t.Context())
				for _, err := range []error{readErr, zonesErr} {
					if err != nil && !errors.Is(err, dns.ErrAnswer) && !errors.Is(err, dns.ErrNoZones) {
						t.Errorf("%s: %s cut at %d: %v", kind, question, n, err)
					}
				}
				if isJSON && readErr == nil && (zonesErr == nil || errors.Is(zonesErr, dns.ErrNoZones)) {
					t.Errorf("%s: %s cut at %d is no error", kind, question, n)
				}
			}
		}
	}
}

// knotUnit encodes a unit of Knot DNS' control protocol.
func knotUnit(kind byte, fields ...any) []byte {
	b := []byte{kind}
	for i := 0; i < len(fields); i += 2 {
		b = append(b, byte(16+fields[i].(int)))
		b = binary.BigEndian.AppendUint16(b, uint16(len(fields[i+1].(string))))
		b = append(b, fields[i+1].(string)...)
	}
	return b
}

// knotReplies are what Knot DNS says to each order, by a word in it.
func knotReplies() map[string][]byte {
	const item, id, zone, kind, data, section = 4, 5, 6, 9, 10, 3
	return map[string][]byte{
		"status":        append(knotUnit(1, data, "Version: 3.2.6"), 3),
		"response-code": append(append(knotUnit(1, section, "mod-stats", item, "response-code", id, "NOERROR", data, "9"), knotUnit(2, id, "NXDOMAIN", data, "2")...), append(knotUnit(2, id, "REFUSED", data, "4"), 3)...),
		"reply-nodata":  append(knotUnit(1, section, "mod-stats", item, "reply-nodata", id, "A", data, "3"), 3),
		"zone-status": append(append(append(knotUnit(1, zone, "a.test.", kind, "role", data, "slave"), knotUnit(2, zone, "a.test.", kind, "serial", data, "7")...), knotUnit(1, zone, "b.test.", kind, "role", data, "master")...),
			append(knotUnit(2, zone, "b.test.", kind, "serial", data, "-"), 3)...),
		"master":  append(knotUnit(1, section, "zone", item, "master", id, "a.test.", data, "up"), 3),
		"address": append(knotUnit(1, section, "remote", item, "address", id, "up", data, "192.0.2.1@5353"), 3),
	}
}

// TestKnot plays Knot DNS' control socket, whole and cut everywhere.
func TestKnot(t *testing.T) {
	replies := knotReplies()
	var mu sync.Mutex
	cutting, at := "", 0
	address := listen(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; {
			order, err := in.ReadString(3)
			if err != nil {
				return
			}
			for _, name := range []string{"zone-status", "response-code", "reply-nodata", "master", "address", "status"} {
				if !strings.Contains(order, name) {
					continue
				}
				reply := replies[name]
				mu.Lock()
				if name == cutting {
					reply = reply[:at]
				}
				mu.Unlock()
				if _, err := conn.Write(reply); err != nil || len(reply) < len(replies[name]) {
					return
				}
				break
			}
		}
	})
	want := map[string]string{
		"dnsServConfigReset.0": "4", "dnsServConfigRecurs.0": "3", "dnsServCounterAuthAns.0": "6", "dnsServCounterAuthNoNames.0": "2", "dnsServCounterAuthNoDataResps.0": "3",
		"dnsServCounterErrors.0": "4", "dnsServCounterReqRefusals.0": "4", "dnsServZoneSerial.8.1.65.4.84.69.83.84.0.1": "7", "dnsServZoneCurrent.8.1.65.4.84.69.83.84.0.1": "1",
		"dnsServZoneSerial.8.1.66.4.84.69.83.84.0.1": "0", "dnsServZoneCurrent.8.1.66.4.84.69.83.84.0.1": "2",
	}
	if diff := cmp.Diff(want, told(t, "knot", address, "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b, err := dns.Open("knot", dns.Access{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	for name, reply := range replies {
		for n := range reply {
			mu.Lock()
			cutting, at = name, n
			mu.Unlock()
			if name == "zone-status" || name == "master" || name == "address" {
				if _, err := b.Zones(t.Context()); err == nil {
					t.Errorf("%s cut at %d is no error", name, n)
				}
			} else if r, err := b.Read(t.Context()); err == nil && r.Counters != nil && name != "status" {
				t.Errorf("%s cut at %d is no error", name, n)
			}
		}
	}
}

// TestFlood: a server that never stops talking is cut off.
func TestFlood(t *testing.T) {
	address := listen(t, func(conn net.Conn) {
		chunk := []byte(strings.Repeat("a=1\n", 1<<18))
		for range 80 {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	})
	b, err := dns.Open("nsd", dns.Access{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(t.Context()); !errors.Is(err, dns.ErrTooLong) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("it takes its time"))
	defer cancel()
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	if b, err = dns.Open("unbound", dns.Access{Address: silent}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(ctx); err == nil || err.Error() != "it takes its time" {
		t.Errorf("a server that says nothing: %v", err)
	}
}

// BenchmarkWalk is a walk of both MIBs of a BIND with 10 zones by GETBULKs of 25, the reading of the server included, and the server that answers too.
func BenchmarkWalk(b *testing.B) {
	zone := `{"name":"zone%.example","class":"IN","serial":7,"type":"primary","loaded":"2026-11-21T14:51:09Z","rcodes":{"QrySuccess":3,"QryAuthAns":5,"QryNXDOMAIN":1,"QryNxrrset":1}}`
	var zones []string
	for i := range 10 {
		zones = append(zones, strings.ReplaceAll(zone, "%", string(rune('a'+i))))
	}
	web := &webServer{}
	web.set(answers{"/json/v1/server": bindAnswers["/json/v1/server"], "/json/v1/zones": `{"views":{"_default":{"zones":[` + strings.Join(zones, ",") + `]}}}`})
	pages := httptest.NewServer(web)
	defer pages.Close()
	backend, err := dns.Open("bind", dns.Access{Address: pages.URL})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := dns.New(dns.Options{Backend: backend})
		if err != nil {
			b.Fatal(err)
		}
		r := mib.Range{Start: dns.Roots()[0], End: dns.Roots()[1].SubtreeEnd()}
		for {
			view, err := m.View(b.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()})
			if err != nil {
				b.Fatal(err)
			}
			vbs, err := view.Next(b.Context(), nil, []mib.Range{r}, 25)
			if err != nil {
				b.Fatal(err)
			}
			last := vbs[len(vbs)-1]
			if last.Value == snmp.EndOfMibView {
				break
			}
			r.Start, r.Include = last.Name, false
		}
		m.Close()
	}
}

// TestGarbage: whatever a server of any kind says in the place of an answer, it is down, the log says so once, and when it comes to its senses it is up.
func TestGarbage(t *testing.T) {
	for _, kind := range dns.Kinds() {
		for _, said := range []string{"", "garbage", "\x00\x01\x02\x03", "{}", "[]", "null", "<html>502</html>", `{"views":7}`, "=\n", "error nothing\n", strings.Repeat("\xff", 1000), "\x02\x01"} {
			address := "/x"
			if kind == "bind" || strings.HasPrefix(kind, "pdns") || kind == "dnsmasq" {
				address = "127.0.0.1:1"
			}
			b, err := dns.Open(kind, dns.Access{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			p := &playing{answers: [][]byte{[]byte(said)}}
			dns.Play(b, p.connect, p, p.exchange)
			m, log := newMIB(t, b, false)
			for range 3 {
				if got := value(t, m, true, "dnsServConfigReset"); got != "1" {
					t.Errorf("%s that says %q: dnsServConfigReset is %s", kind, said, got)
				}
				if got := names(walk(t, m), "dnsServCounter"); len(got) > 0 {
					t.Errorf("%s that says %q: %v", kind, said, got)
				}
			}
			if n := strings.Count(log.String(), "part=figures"); n != 1 || m.Stats().Faults == 0 {
				t.Errorf("%s that says %q: the log has %d lines of it, %+v\n%s", kind, said, n, m.Stats(), log)
			}
		}
	}
}

// TestViews: of a zone in several views it is always the same one that has the row, and the counters of all are added.
func TestViews(t *testing.T) {
	web := &webServer{}
	const zone = `{"zones":[{"name":"example.test","class":"IN","serial":%,"type":"primary","loaded":"2026-11-21T14:51:09Z","rcodes":{"QrySuccess":%}}]}`
	var views []string
	for i, name := range []string{"inside", "outside", "dmz", "lab"} {
		views = append(views, `"`+name+`":`+strings.ReplaceAll(zone, "%", string(rune('1'+i))))
	}
	web.set(answers{"/json/v1/server": bindAnswers["/json/v1/server"], "/json/v1/zones": `{"views":{` + strings.Join(views, ",") + `}}`})
	pages := httptest.NewServer(web)
	defer pages.Close()
	for range 20 {
		b, err := dns.Open("bind", dns.Access{Address: pages.URL})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := newMIB(t, b, false)
		if serial, n := value(t, m, false, "dnsServZoneSerial", zoneIndex("EXAMPLE", "TEST")...), value(t, m, false, "dnsServCounterAuthAns"); serial != "3" || n != "10" {
			t.Fatalf("serial %s, %s answers", serial, n)
		}
	}
}
