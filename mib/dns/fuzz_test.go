package dns_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// said is a connection on which the other side has said all that it will.
type said struct{ *bytes.Reader }

func (said) Write(b []byte) (int, error)      { return len(b), nil }
func (said) Close() error                     { return nil }
func (said) LocalAddr() net.Addr              { return nil }
func (said) RemoteAddr() net.Addr             { return nil }
func (said) SetDeadline(time.Time) error      { return nil }
func (said) SetReadDeadline(time.Time) error  { return nil }
func (said) SetWriteDeadline(time.Time) error { return nil }

// playing is a server that gives its answers one after another, whatever it is asked, and from the first again.
type playing struct {
	answers [][]byte
	next    int
}

func (p *playing) answer() []byte {
	p.next++
	return p.answers[(p.next-1)%len(p.answers)]
}

func (p *playing) connect() net.Conn { return said{bytes.NewReader(p.answer())} }

func (p *playing) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(p.answer()))}, nil
}

func (p *playing) exchange(q *mdns.Msg) (*mdns.Msg, error) {
	m := new(mdns.Msg)
	if err := m.Unpack(p.answer()); err != nil {
		return nil, err
	}
	return m, nil
}

// between is what stands between answers in the input of a fuzz test.
const between = "\x00\xff\x00"

// fuzzServer reads a server of a kind that gives answers, all of it twice: whatever they are, what is served keeps to the rules, and no counter falls.
func fuzzServer(t *testing.T, kind, address string, input []byte) {
	b, err := dns.Open(kind, dns.Access{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	p := &playing{answers: bytes.Split(input, []byte(between))}
	dns.Play(b, p.connect, p, p.exchange)
	m, err := dns.New(dns.Options{Name: kind, Backend: b, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	before := map[string]uint64{}
	for range 2 {
		for _, vb := range mibtest.Walk(t, m, &mib.Request{Version: snmp.V2c, At: time.Now(), Fresh: true}, dns.Roots()...) {
			if o, index, ok := mibtest.Find(vb.Name); !ok {
				t.Errorf("%v is no object", vb.Name)
			} else if vb.Value.Kind() == snmp.KindCounter32 && !strings.HasPrefix(o.Name, "dnsServZone") {
				name := o.Name + "." + index.String()
				if before[name]-vb.Value.Uint() < 1<<31 && before[name] != vb.Value.Uint() {
					t.Errorf("%s fell from %d to %d", name, before[name], vb.Value.Uint())
				}
				before[name] = vb.Value.Uint()
			}
		}
	}
}

// seed adds the answers of a recorded server in the order in which it is asked.
func seed(f *testing.F, a answers, questions ...string) {
	var texts []string
	for _, q := range questions {
		texts = append(texts, a[q])
	}
	f.Add([]byte(strings.Join(texts, between)))
	f.Add([]byte(texts[0]))
}

const pdnsAPI = "/api/v1/servers/localhost"

func FuzzBIND(f *testing.F) {
	seed(f, bindAnswers, "/json/v1/server", "/json/v1/zones")
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "bind", "127.0.0.1:1", b) })
}

func FuzzUnbound(f *testing.F) {
	const v = "UBCT1 "
	seed(f, unboundAnswers, v+"stats_noreset", v+"status", v+"get_option interface-action", v+"get_option access-control", v+"get_option cache-max-ttl",
		v+"get_option cache-max-negative-ttl", v+"list_forwards", v+"list_stubs", v+"list_auth_zones")
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "unbound", "/x", b) })
}

func FuzzNSD(f *testing.F) {
	seed(f, nsdAnswers, "NSDCT1 stats_noreset", "NSDCT1 status", "NSDCT1 zonestatus")
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "nsd", "/x", b) })
}

// FuzzKnot: an answer here is all that is said on a connection.
func FuzzKnot(f *testing.F) {
	r := knotReplies()
	f.Add(bytes.Join([][]byte{bytes.Join([][]byte{r["status"], r["response-code"], r["reply-nodata"]}, nil), bytes.Join([][]byte{r["zone-status"], r["master"], r["address"]}, nil)}, []byte(between)))
	f.Add(r["zone-status"])
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "knot", "/x", b) })
}

func FuzzPDNS(f *testing.F) {
	seed(f, pdnsAnswers, pdnsAPI+"/statistics", pdnsAPI, pdnsAPI+"/zones?dnssec=false")
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "pdns", "127.0.0.1:1", b) })
}

func FuzzRecursor(f *testing.F) {
	seed(f, recursorAnswers, pdnsAPI+"/statistics", pdnsAPI, pdnsAPI+"/config", pdnsAPI+"/config/allow-from", pdnsAPI+"/zones")
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "pdns-recursor", "127.0.0.1:1", b) })
}

// FuzzDnsmasq: answers are DNS messages.
func FuzzDnsmasq(f *testing.F) {
	var all [][]byte
	for _, text := range []string{`"dnsmasq-2.90"`, `"150"`, `"7"`, `"192.0.2.1#53 5 1" "192.0.2.2#53 6 0"`} {
		m := new(mdns.Msg).SetReply(new(mdns.Msg).SetQuestion("x.bind.", mdns.TypeTXT))
		m.Answer = []mdns.RR{record("x.bind. 0 CH TXT " + text)}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
	}
	f.Add(bytes.Join(all, []byte(between)))
	f.Add(all[3])
	f.Fuzz(func(t *testing.T, b []byte) { fuzzServer(t, "dnsmasq", "127.0.0.1:1", b) })
}

// FuzzRNDC has BIND answer an order with anything: nothing but what the key signed is an answer.
func FuzzRNDC(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x12\x00\x00\x00\x01\x05_auth\x02\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x01"))
	f.Add([]byte("\x00\x00\x01\x09\x00\x00\x00\x01\xff" + strings.Repeat("n", 255) + "\x01\x00\x00\x00\x00")) // the longest name
	f.Fuzz(func(t *testing.T, b []byte) {
		access := dns.Access{Address: "127.0.0.1:1", RNDC: "127.0.0.1:1", RNDCKey: dns.RNDCKey{Algorithm: "hmac-sha256", Secret: secret.New("hush")}}
		backend, err := dns.Open("bind", access)
		if err != nil {
			t.Fatal(err)
		}
		p := &playing{answers: [][]byte{b}}
		dns.Play(backend, p.connect, p, nil)
		if err := backend.(dns.Reloader).Reload(context.Background()); err == nil {
			t.Error("a message that nobody signed is an answer")
		}
	})
}
