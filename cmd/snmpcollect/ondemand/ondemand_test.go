package ondemand_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/collector"
	"walkabout/collector/scrape"
	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// poller is a Poller, and the agent that it finds.
type poller struct {
	asked  []session.Options
	polled []collector.Target
	err    error
	wait   chan struct{} // closed when a scrape waits, which it does until it is canceled; nil: none does
}

func (p *poller) Open(_ context.Context, o session.Options) (session.Client, error) {
	p.asked = append(p.asked, o)
	return &client{p, o.Stats}, nil
}

func (p *poller) Once(_ context.Context, t collector.Target) (collector.Poll, collector.Effort, error) {
	p.polled = append(p.polled, t)
	return collector.Poll{Answered: p.err == nil, Err: p.err, Samples: []metric.Sample{{Measurement: "interface",
			Tags:   []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "scrape"}, {Name: "ifName", Value: "eth0"}},
			Fields: []metric.Field{{Name: "ifHCInOctets", Kind: metric.Counter64, Num: 7}, {Name: "ifIndex", Kind: metric.Integer, Num: 1}}}}},
		collector.Effort{Requests: 4, Retries: 1}, nil
}

type client struct {
	*poller
	stats *session.Stats
}

func (c *client) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	c.stats.Requests.Add(2)
	c.stats.Retries.Add(1)
	if c.wait != nil {
		close(c.wait)
		<-ctx.Done()
		return dst, ctx.Err()
	}
	for _, n := range names {
		dst = append(dst, snmp.VarBind{Name: n, Value: snmp.TimeTicks(5)})
	}
	return dst, c.err
}

func (c *client) Bulk(context.Context, []snmp.VarBind, int, []oid.OID, int) ([]snmp.VarBind, error) {
	return nil, errors.New("nothing is walked")
}

func (c *client) Close() error { return nil }

type resolver map[string]string

func (r resolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := r[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func handler(t *testing.T, p *poller) *ondemand.Handler {
	t.Helper()
	const module = "{get: [1.3.6.1.2.1.1.3.0], timeout: 1s, retries: 2, metrics: [{name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge, help: \"a \\\"b\\\"\\\\\"}]}"
	parse := func(text string) *scrape.Module {
		c, _, err := scrape.Parse([]byte(text))
		if err != nil || c.Modules["m"] == nil {
			t.Fatal(err)
		}
		return c.Modules["m"]
	}
	return ondemand.New(ondemand.Config{
		Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		Auths: map[string]session.Credential{"public_v2": {Version: snmp.V2c, Community: secret.New("hidden")}, "v3": {Version: snmp.V3, User: "me", Context: "own"}},
		Modules: map[string]ondemand.Module{"if_mib": {Scrape: parse("modules: {m: " + module + "}")}, "old": {Scrape: parse("m: " + strings.Replace(module, "{get", "{version: 1, auth: {community: older}, get", 1))},
			"interfaces": {Profile: "interfaces"}},
		Concurrency: 1,
	}, p, resolver{"core1": "192.0.2.9", "other": "198.51.100.1"}, slog.New(slog.DiscardHandler))
}

func get(h http.Handler, query string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/snmp?"+query, nil))
	return w.Code, w.Body.String()
}

func TestModule(t *testing.T) {
	p := &poller{}
	h := handler(t, p)
	code, body := get(h, "target=core1:1161")
	if code != http.StatusOK {
		t.Fatal(code, body)
	}
	for _, want := range []string{"# HELP sysUpTime a \"b\"\\\\\n# TYPE sysUpTime gauge\nsysUpTime 5\n", "snmp_scrape_packets_sent{module=\"if_mib\"} 3\n", "snmp_scrape_packets_retried{module=\"if_mib\"} 1\n",
		"snmp_scrape_pdus_returned{module=\"if_mib\"} 1\n", "\nsnmp_scrape_walk_duration_seconds{module=\"if_mib\"} ", "\nsnmp_scrape_duration_seconds{module=\"if_mib\"} "} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	o := p.asked[0]
	if o.Host != "192.0.2.9" || o.Port != 1161 || o.Timeout.Seconds() != 1 || o.Retries != 2 || o.Credential.Community.Reveal() != "hidden" {
		t.Errorf("%+v", o)
	}
	if code, body := get(h, "target=[2001:db8::1]&module=if_mib,old&auth=v3&snmp_context=other&snmp_engineid=8000000001"); code != http.StatusOK || strings.Count(body, "\nsysUpTime 5\n") != 1 ||
		!strings.Contains(body, `snmp_scrape_pdus_returned{module="old"} 1`) {
		t.Errorf("%d %s", code, body)
	}
	if o := p.asked[2]; o.Credential.User != "me" || o.Credential.Context != "other" || o.Credential.ContextEngineID != "\x80\x00\x00\x00\x01" || o.Port != 161 {
		t.Errorf("%+v", o)
	}
	if code, _ := get(h, "target=192.0.2.1&module=old"); code != http.StatusOK || p.asked[3].Credential.Community.Reveal() != "older" || p.asked[3].Credential.Version != snmp.V1 {
		t.Errorf("a module of the older layout: %d, %+v", code, p.asked[3])
	}
}

func TestProfile(t *testing.T) {
	p := &poller{}
	code, body := get(handler(t, p), "target=192.0.2.1&module=interfaces")
	if code != http.StatusOK || !strings.Contains(body, "# TYPE ifHCInOctets counter\nifHCInOctets{ifIndex=\"1\",ifName=\"eth0\"} 7\n") || !strings.Contains(body, `snmp_scrape_packets_sent{module="interfaces"} 5`) {
		t.Errorf("%d %s", code, body)
	}
	if diff := cmp.Diff([]string{"interfaces"}, p.polled[0].Collect); diff != "" || p.polled[0].Address != "192.0.2.1:161" || p.polled[0].Credential.Community.Reveal() != "hidden" {
		t.Errorf("%+v", p.polled[0])
	}
}

// TestRefused: nothing is asked of who is not allowed, whatever the query says.
func TestRefused(t *testing.T) {
	p := &poller{}
	h := handler(t, p)
	for query, want := range map[string]string{
		"":                                               "400 'target' parameter must be specified once",
		"target=":                                        "400 'target' parameter must be specified once",
		"target=192.0.2.1&target=192.0.2.2":              "400 'target' parameter must be specified once",
		"target=192.0.2.1&auth=a&auth=b":                 "400 'auth' parameter must only be specified once",
		"target=192.0.2.1&auth=nobody":                   "400 Unknown auth 'nobody'",
		"target=192.0.2.1&module=none":                   "400 Unknown module 'none'",
		"target=192.0.2.1&module=,":                      "400 'module' parameter must contain at least one module name",
		"target=192.0.2.1&snmp_engineid=x":               "400 'snmp_engineid' parameter must be in hexadecimal",
		"target=tcp://192.0.2.1":                         "400 transport 'tcp' is not supported, udp is",
		"target=192.0.2.1:99999":                         "400 'target' parameter: address \"192.0.2.1:99999\": the port is not between 1 and 65535",
		"target=127.0.0.1":                               "403 target '127.0.0.1' is not allowed (scrape: allow)",
		"target=udp://198.51.100.1:161":                  "403 target 'udp://198.51.100.1:161' is not allowed (scrape: allow)",
		"target=::ffff:198.51.100.1":                     "403 target '::ffff:198.51.100.1' is not allowed (scrape: allow)",
		"target=other":                                   "403 target 'other' is not allowed (scrape: allow)",
		"target=unknown":                                 "500 An error has occurred while serving metrics:\n\nerror connecting to target unknown: no such host",
		"target=2130706433":                              "500 An error has occurred while serving metrics:\n\nerror connecting to target 2130706433: no such host",
		"target=fe80::1%25eth0":                          "403 target 'fe80::1%eth0' is not allowed (scrape: allow)",
		"target=192.0.2.1&snmp_context=a&snmp_context=b": "400 'snmp_context' parameter must only be specified once",
	} {
		code, body := get(h, query)
		if want != strings.TrimSpace(fmt.Sprint(code, " ", body)) {
			t.Errorf("%s: %d %s\nwant %s", query, code, body, want)
		}
	}
	if len(p.asked)+len(p.polled) > 0 {
		t.Errorf("agents were asked: %+v %+v", p.asked, p.polled)
	}
}

func TestAgentAway(t *testing.T) {
	h := handler(t, &poller{err: errors.New("no answer")})
	for module, want := range map[string]string{"if_mib": "no answer", "interfaces": "no answer"} {
		code, body := get(h, "target=192.0.2.1&module="+module)
		if code != http.StatusInternalServerError || !strings.Contains(body, `Desc{fqName: "snmp_error", help: "Error scraping target", constLabels: {module="`+module+`"}`) || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", module, code, body)
		}
	}
}

// TestConcurrencyAndCancel: a scrape too many is refused, and one whose client has gone ends.
func TestConcurrencyAndCancel(t *testing.T) {
	p := &poller{wait: make(chan struct{})}
	h := handler(t, p)
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/snmp?target=192.0.2.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(q)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		done <- err
	}()
	<-p.wait
	for _, target := range []string{"192.0.2.1", "nobody"} { // which is not even looked up
		if code, body := get(h, "target="+target); code != http.StatusServiceUnavailable || !strings.Contains(body, "too many scrapes") {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	server.Close() // waits for the scrape
	p.wait = nil
	if code, body := get(h, "target=192.0.2.1"); code != http.StatusOK {
		t.Errorf("after it: %d %s", code, body)
	}
}
