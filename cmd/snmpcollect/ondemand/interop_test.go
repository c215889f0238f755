//go:build interop

package ondemand_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/agenttest"
	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/collector"
	"walkabout/collector/scrape"
	"walkabout/internal/interop"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// exporterModules are for Debian's snmp_exporter, 0.21, whose modules have their credentials themselves.
const exporterModules = `
types:
  walk: [1.3.6.1.2.1.2.2, 1.3.6.1.9, 1.3.6.1.2.1.1.5.0, 1.3.6.1.77]
  get: [1.3.6.1.2.1.1.7.0, 1.3.6.1.2.1.1.99.0]
  max_repetitions: 3
  version: 2
  auth: {community: public}
  metrics:
  - {name: sysServices, oid: 1.3.6.1.2.1.1.7, type: gauge, help: 'services - 1.3.6.1.2.1.1.7 \ "quoted"'}
  - {name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString, help: name}
  - name: ifHCInOctets
    oid: 1.3.6.1.2.1.2.2.1.10
    type: counter
    help: octets
    indexes: &index [{labelname: ifIndex, type: gauge}]
    lookups: &lookups
    - {labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}
    - {labels: [ifIndex], labelname: ifMissing, oid: 1.3.6.1.2.1.2.2.1.99, type: DisplayString}
    - {labels: [ifIndex], labelname: ifPhysAddress, oid: 1.3.6.1.2.1.2.2.1.6, type: PhysAddress48}
  - {name: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString, help: d, indexes: *index, lookups: *lookups}
  - {name: ifType, oid: 1.3.6.1.2.1.2.2.1.3, type: EnumAsInfo, help: t, indexes: *index, enum_values: {6: ethernetCsmacd}}
  - {name: ifPhysAddress, oid: 1.3.6.1.2.1.2.2.1.6, type: PhysAddress48, help: p, indexes: *index}
  - {name: ifOperStatus, oid: 1.3.6.1.2.1.2.2.1.8, type: EnumAsStateSet, help: s, indexes: *index, enum_values: {1: up, 2: down}}
  - {name: bits, oid: 1.3.6.1.9.1, type: Bits, help: b, enum_values: {0: first, 1: second, 9: tenth}}
  - {name: date, oid: 1.3.6.1.9.2, type: DateAndTime, help: d}
  - {name: load, oid: 1.3.6.1.9.3, type: DisplayString, help: l, regex_extracts: {Value: [{regex: 'no', value: '1'}, {regex: 'load ([0-9.]+)', value: $1}], Off: [{regex: '(x)', value: $1}]}}
  - {name: bytes, oid: 1.3.6.1.9.4, type: OctetString, help: o}
  - name: address
    oid: 1.3.6.1.9.7.1.2
    type: InetAddress
    help: a
    indexes: [{labelname: mac, type: PhysAddress48}, {labelname: where, type: InetAddress}, {labelname: kind, type: EnumAsInfo, enum_values: {1: good}}, {labelname: rest, type: DisplayString, implied: true}]
  - {name: wrapped, oid: 1.3.6.1.9.8, type: counter, help: w}
  - {name: negative, oid: 1.3.6.1.9.9, type: gauge, help: n}
  - {name: large, oid: 1.3.6.1.9.11, type: gauge, help: g}
  - {name: object, oid: 1.3.6.1.9.12, type: OctetString, help: i}
  - {name: ip, oid: 1.3.6.1.9.13, type: InetAddressIPv4, help: i}
  - {name: text, oid: 1.3.6.1.9.14, type: DisplayString, help: t}
  - {name: v6, oid: 1.3.6.1.9.15, type: InetAddressIPv6, help: v}
`

// play serves a recording on loopback and returns its address.
func play(t *testing.T, values map[string]snmp.Value) netip.AddrPort {
	t.Helper()
	var vbs []snmp.VarBind
	for name, v := range values {
		vbs = append(vbs, snmp.VarBind{Name: oid.MustParse(name), Value: v})
	}
	s, err := sim.NewRecording(vbs).Server(sim.Playing{Boot: time.Now()}, secret.New("public"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return agenttest.ServeUDP(t, s)
}

// collecting returns a running Collector without targets.
func collecting(t *testing.T) *collector.Collector {
	t.Helper()
	c, err := collector.New(collector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// fetch returns a page without what differs from one scrape to the next: snmp_exporter's figures of itself.
func fetch(t *testing.T, page string) (lines, self []string) {
	t.Helper()
	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", page, resp.Status, err, body)
	}
	for line := range strings.Lines(string(body)) {
		if m := regexp.MustCompile(`^(?:# (?:HELP|TYPE) )?(snmp_scrape_\w+)`).FindStringSubmatch(line); m != nil {
			self = append(self, m[1])
			continue
		}
		lines = append(lines, line)
	}
	slices.Sort(self)
	return lines, slices.Compact(self)
}

// TestAsSNMPExporter scrapes one agent through Debian's snmp_exporter and through the Handler with the same snmp.yml, and wants the same page: names,
// labels, types, helps and values. What the newer releases tell beyond 0.21 is there too.
func TestAsSNMPExporter(t *testing.T) {
	address := play(t, map[string]snmp.Value{
		"1.3.6.1.2.1.1.7.0": snmp.Integer(72), "1.3.6.1.2.1.1.5.0": snmp.OctetString("box"),
		"1.3.6.1.2.1.2.2.1.2.1": snmp.OctetString("eth\"0\\"), "1.3.6.1.2.1.2.2.1.2.2": snmp.OctetString("lo"),
		"1.3.6.1.2.1.2.2.1.3.1": snmp.Integer(6), "1.3.6.1.2.1.2.2.1.3.2": snmp.Integer(24),
		"1.3.6.1.2.1.2.2.1.6.1": snmp.OctetString("\x00\x1b\x21\x3c\x9d\xf8"), "1.3.6.1.2.1.2.2.1.6.2": snmp.OctetString("\x00\x01\x02\x03\x04\x05"),
		"1.3.6.1.2.1.2.2.1.8.1": snmp.Integer(2), "1.3.6.1.2.1.2.2.1.8.2": snmp.Integer(7),
		"1.3.6.1.2.1.2.2.1.10.1": snmp.Counter64(1 << 40), "1.3.6.1.2.1.2.2.1.10.2": snmp.Counter32(5),
		"1.3.6.1.9.1.0": snmp.OctetString("\x80\x40"), "1.3.6.1.9.2.0": snmp.OctetString("\x07\xea\x0b\x15\x0b\x23\x00\x05+\x01\x00"),
		"1.3.6.1.9.3.0": snmp.OctetString("load 0.25"), "1.3.6.1.9.4.0": snmp.OctetString("\x00\xff"),
		"1.3.6.1.9.7.1.1.0.27.33.60.157.248.1.4.192.0.2.7.1.97.98": snmp.Integer(1), "1.3.6.1.9.7.1.2.0.27.33.60.157.248.1.4.192.0.2.7.1.97.98": snmp.OctetString("\xc0\x00\x02\x09"),
		"1.3.6.1.9.8.0": snmp.Counter64(1<<53 + 3), "1.3.6.1.9.9.0": snmp.Integer(-7), "1.3.6.1.9.11.0": snmp.Gauge32(4_294_967_295),
		"1.3.6.1.9.12.0": snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.9")), "1.3.6.1.9.13.0": snmp.IPAddress(netip.MustParseAddr("192.0.2.1")),
		"1.3.6.1.9.14.0": snmp.OctetString("two\nlines"), "1.3.6.1.9.15.0": snmp.OctetString("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
	})
	file := filepath.Join(t.TempDir(), "snmp.yml")
	if err := os.WriteFile(file, []byte(exporterModules), 0o600); err != nil {
		t.Fatal(err)
	}
	p := interop.Start(t, interop.Find(t, "prometheus-snmp-exporter", "prometheus-snmp-exporter"), "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	exporter := "http://" + p.Await(`msg="?Listening on"? address=(\S+)`)[1]

	config, broken, err := scrape.Parse([]byte(exporterModules))
	if err != nil || len(broken) > 0 {
		t.Fatal(err, broken)
	}
	h := ondemand.New(ondemand.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Concurrency: 4,
		Modules: map[string]ondemand.Module{"types": {Scrape: config.Modules["types"]}}}, collecting(t), net.DefaultResolver, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(h)
	defer server.Close()

	query := "/snmp?module=types&target=" + url.QueryEscape(address.String())
	theirs, theirSelf := fetch(t, exporter+query)
	ours, ourSelf := fetch(t, server.URL+query)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("the pages (-snmp_exporter +ours):\n%s", diff)
	}
	if len(theirs) < 60 {
		t.Errorf("a page of %d lines only:\n%s", len(theirs), strings.Join(theirs, ""))
	}
	for _, name := range append(theirSelf, "snmp_scrape_packets_sent", "snmp_scrape_packets_retried") {
		if !slices.Contains(ourSelf, name) {
			t.Errorf("no %s among %v", name, ourSelf)
		}
	}
	for query, want := range map[string]int{"/snmp?module=none&target=127.0.0.1": 400, "/snmp?module=types": 400} {
		for _, base := range []string{exporter, server.URL} {
			resp, err := http.Get(base + query)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s%s: %s, want %d", base, query, resp.Status, want)
			}
		}
	}
}

// TestProfileOfAnAgent polls Net-SNMP's agent by a profile.
func TestProfileOfAnAgent(t *testing.T) {
	address := interop.StartNetSNMPD(t, "rocommunity public\nsysLocation here\n", "public")
	c, _, err := scrape.Parse([]byte("auths: {public_v2: {community: public}}\nmodules: {}"))
	if err != nil {
		t.Fatal(err)
	}
	h := ondemand.New(ondemand.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Concurrency: 4, Auths: c.Auths,
		Modules: map[string]ondemand.Module{"interfaces": {Profile: "interfaces"}, "system": {Profile: "system"}}}, collecting(t), net.DefaultResolver, slog.New(slog.DiscardHandler))
	code, body := get(h, "module=interfaces,system&target="+url.QueryEscape(address))
	if code != http.StatusOK {
		t.Fatal(code, body)
	}
	for _, want := range []string{`(?m)^ifHCInOctets\{ifDescr="lo",ifIndex="1",ifName="lo"\} \d`, `(?m)^# TYPE ifHCInOctets counter$`, `(?m)^sysLocation\{sysLocation="here"\} 1$`, `(?m)^snmp_scrape_packets_sent\{module="system"\} [1-9]`} {
		if !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "instance=") || strings.Contains(body, "device=") {
		t.Errorf("the page says what Prometheus says itself:\n%s", fmt.Sprint(body))
	}
}
