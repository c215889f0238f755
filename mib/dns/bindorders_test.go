package dns_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/secret"
	"walkabout/mib/dns"
)

// controlled is BIND's control channel, or what stands in for it: it says what says gives, and "0" as the result of what it does not.
type controlled struct {
	key  dns.RNDCKey
	says map[string][]string

	mu    sync.Mutex
	told  []string
	wrong bool // it signs with another key
}

func (c *controlled) answer(conn net.Conn) {
	for {
		var head [8]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(head[:])-4)
		if _, err := io.ReadFull(conn, b); err != nil {
			return
		}
		order, nonce := dns.RNDCOrder(b)
		c.mu.Lock()
		key, says := c.key, c.says[order]
		if c.wrong {
			key.Secret = secret.New("another")
		}
		if order != "null" {
			c.told = append(c.told, order)
			if nonce != "12345" {
				says = []string{"result", "1", "err", "bad nonce"}
			}
		}
		c.mu.Unlock()
		if says == nil {
			says = []string{"type", order, "result", "0"}
		}
		if _, err := conn.Write(dns.RNDCAnswer(key, "12345", says...)); err != nil {
			return
		}
	}
}

func TestBINDOrders(t *testing.T) {
	for _, algorithm := range []string{"hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"} {
		c := &controlled{key: dns.RNDCKey{Algorithm: algorithm, Secret: secret.New("hush")}, says: map[string][]string{
			"showzone b.test": {"result", "0", "text", `zone "b.test" { type primary; file "b"; };`}, "showzone odd.test": {"result", "0", "text", "?"},
			"delzone kept.test": {"result", "25", "err", "permission denied"}, "showzone kept.test": {"result", "0", "text", "zone { };"}, "showzone none.test": {"result", "22", "err", "not found"},
		}}
		b, err := dns.Open("bind", dns.Access{Address: "127.0.0.1:1", RNDC: listen(t, c.answer), RNDCKey: c.key, Pattern: `type secondary; file "%s.db";`})
		if err != nil {
			t.Fatal(err)
		}
		w := b.(dns.ZoneWriter)
		if err := b.(dns.Reloader).Reload(t.Context()); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		if err := w.AddZone(t.Context(), dns.NewZone{Name: "a.test", Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}}); err != nil {
			t.Error(err)
		}
		if err := w.AddZone(t.Context(), dns.NewZone{Name: "c.test"}); err != nil {
			t.Error(err)
		}
		restore, err := w.RemoveZone(t.Context(), "b.test")
		if err == nil {
			err = restore(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		for name, want := range map[string]error{"odd.test": dns.ErrAnswer, "kept.test": dns.ErrRefused, "none.test": dns.ErrRefused} {
			if _, err := w.RemoveZone(t.Context(), name); !errors.Is(err, want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.mu.Lock()
		c.wrong = true
		c.mu.Unlock()
		if err := b.(dns.Reloader).Reload(t.Context()); !errors.Is(err, dns.ErrAnswer) {
			t.Errorf("an answer that another key signed: %v", err)
		}
		want := []string{
			"reload", `addzone a.test { type secondary; file "a.test.db"; primaries { 192.0.2.1; 192.0.2.2; }; };`, `addzone c.test { type secondary; file "c.test.db"; };`,
			"showzone b.test", "delzone b.test", `addzone b.test { type primary; file "b"; };`,
		}
		c.mu.Lock()
		if diff := cmp.Diff(want, c.told[:min(len(want), len(c.told))]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", algorithm, diff)
		}
		c.mu.Unlock()
	}
	if b, err := dns.Open("bind", dns.Access{Address: "127.0.0.1:1", RNDC: "127.0.0.1:1"}); err != nil || b.(dns.ZoneWriter).CheckAdd(dns.NewZone{Name: "a"}) == nil {
		t.Errorf("a zone without a pattern is made: %v", err)
	}
}

func TestNSDOrders(t *testing.T) {
	line := &lineServer{answers: answers{
		"NSDCT1 reconfig": "ok\n", "NSDCT1 reload": "ok\n", "NSDCT1 addzone a.test added": "ok\n", "NSDCT1 zonestatus b.test": "zone:\tb.test\n\tpattern: other\n\tstate: master\n",
		"NSDCT1 delzone b.test": "ok\n", "NSDCT1 addzone b.test other": "ok\n", "NSDCT1 zonestatus c.test": "zone:\tc.test\n\tstate: master\n", "NSDCT1 delzone c.test": "error zone defined in nsd.conf\n",
	}}
	b, err := dns.Open("nsd", dns.Access{Address: listen(t, line.answer), Pattern: "added"})
	if err != nil {
		t.Fatal(err)
	}
	w := b.(dns.ZoneWriter)
	if err := b.(dns.Reloader).Reload(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.AddZone(t.Context(), dns.NewZone{Name: "a.test"}); err != nil {
		t.Error(err)
	}
	restore, err := w.RemoveZone(t.Context(), "b.test")
	if err == nil {
		err = restore(t.Context())
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := w.RemoveZone(t.Context(), "c.test"); !errors.Is(err, dns.ErrRefused) {
		t.Errorf("a zone of nsd.conf: %v", err)
	}
	if w.CheckAdd(dns.NewZone{Name: "a.test", Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}) == nil {
		t.Error("a source is lost")
	}
	if b, err := dns.Open("nsd", dns.Access{Address: "/x"}); err != nil || b.(dns.ZoneWriter).CheckAdd(dns.NewZone{Name: "a"}) == nil {
		t.Errorf("a zone without a pattern is made: %v", err)
	}
}

// TestBINDSources: where secondaries are transferred from is asked once, and again when BIND has read its configuration.
func TestBINDSources(t *testing.T) {
	key := dns.RNDCKey{Algorithm: "hmac-sha256", Secret: secret.New("hush")}
	show := func(config string) []string { return []string{"result", "0", "text", config} }
	said := map[string][]string{
		"showzone sec.test IN _default": show(`zone "sec.test" { type secondary; file "masters { 9.9.9.9; }"; primaries port 53 { 192.0.2.1 port 5300 key "k"; 192.0.2.2; 2001:db8::1; }; };`),
		"showzone old.test IN _default": show(`zone "old.test" { type slave; masters { 192.0.2.3; }; };`),
	}
	for _, test := range []struct {
		what string
		says map[string][]string
		want []string // sources of sec.test and old.test
		told int      // orders in three readings, before which the last one the configuration is read anew
	}{
		{"both", said, []string{"sec 192.0.2.1", "sec 192.0.2.2", "old 192.0.2.3"}, 4},
		{"a list", map[string][]string{"showzone sec.test IN _default": show(`{ primaries { 192.0.2.1; list; }; };`), "showzone old.test IN _default": said["showzone old.test IN _default"]}, []string{"old 192.0.2.3"}, 4},
		{"it shows none", map[string][]string{"showzone sec.test IN _default": {"result", "25", "err", "failure"}, "showzone old.test IN _default": {"result", "25", "err", "failure"}}, nil, 2},
	} {
		c, web := &controlled{key: key, says: test.says}, &webServer{}
		pages := httptest.NewServer(web)
		defer pages.Close()
		b, err := dns.Open("bind", dns.Access{Address: pages.URL, RNDC: listen(t, c.answer), RNDCKey: key})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			a, _ := bindAnswers.cut("", 0)
			if i == 2 {
				a["/json/v1/server"] = strings.ReplaceAll(a["/json/v1/server"], `"config-time":"2026-11-21T14`, `"config-time":"2026-11-21T15`)
			}
			web.set(a)
			r, err := b.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, z := range r.Zones {
				for _, source := range z.Sources {
					if source.Is4() {
						got = append(got, strings.TrimSuffix(z.Name, ".test")+" "+source.String())
					}
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.what, diff)
			}
		}
		c.mu.Lock()
		if len(c.told) != test.told {
			t.Errorf("%s: %q", test.what, c.told)
		}
		c.mu.Unlock()
	}
	// A channel that nobody is at costs the rest nothing.
	web := &webServer{}
	web.set(bindAnswers)
	pages := httptest.NewServer(web)
	defer pages.Close()
	b, err := dns.Open("bind", dns.Access{Address: pages.URL, RNDC: listen(t, func(net.Conn) {}), RNDCKey: key})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := b.Read(t.Context()); err != nil || len(r.Zones) != 4 {
		t.Errorf("%v", err)
	}
}
