package sd_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/collector/sd"
	"walkabout/internal/secret"
)

func group(label string, targets ...string) sd.Group {
	g := sd.Group{Targets: targets}
	if label != "" {
		g.Labels = map[string]string{"site": label}
	}
	return g
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		json, yaml []sd.Group
		fail       string // "" is none; part of both errors
	}{
		{"empty", "[]", []sd.Group{}, []sd.Group{}, ""},
		{"one", `[{"targets": ["a", "b:1161"], "labels": {"site": "paris"}}]`, []sd.Group{group("paris", "a", "b:1161")}, []sd.Group{group("paris", "a", "b:1161")}, ""},
		{"no labels", `[{"targets": ["a"]}, {"targets": []}, {"targets": ["b"]}]`, []sd.Group{group("", "a"), group("", "b")}, []sd.Group{group("", "a"), group("", "b")}, ""},
		{"a page", "<html>log in</html>", nil, nil, "no list of targets"},
		{"an object", `{"targets": ["a"]}`, nil, nil, "no list of targets"},
		{"an unknown key", `[{"target": ["a"]}]`, nil, nil, "target"},
		{"no address", `[{"targets": ["a", ""]}]`, nil, nil, "entry 1 of the list has a target without an address"},
		{"two documents", "[]\n---\n[]", nil, nil, "no list of targets"},
	}
	for _, tt := range tests {
		for form, parse := range map[string]func([]byte) ([]sd.Group, error){"JSON": sd.ParseJSON, "YAML": sd.ParseYAML} {
			want := tt.json
			if form == "YAML" {
				want = tt.yaml
			}
			got, err := parse([]byte(tt.text))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s as %s (-want +got):\n%s", tt.name, form, diff)
			}
			if (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("%s as %s: %v, want %q", tt.name, form, err, tt.fail)
			}
		}
	}
	got, err := sd.ParseYAML([]byte("- targets: [a]\n  labels: {site: paris}\n"))
	if diff := cmp.Diff([]sd.Group{group("paris", "a")}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err := sd.ParseYAML(nil); err != nil || got == nil || len(got) > 0 {
		t.Errorf("an empty file: %v, %v; want an empty list", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"targets": ["a", "b:1161"], "labels": {"site": "paris"}}]`))
	f.Add([]byte("- targets: [a]\n  labels: {site: &x paris, b: *x}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, parse := range []func([]byte) ([]sd.Group, error){sd.ParseJSON, sd.ParseYAML} {
			groups, err := parse(text)
			if (groups == nil) != (err != nil) {
				t.Errorf("%v with error %v", groups, err)
			}
		}
	})
}

func TestFile(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &sd.File{Patterns: []string{filepath.Join(folder, "*.json"), filepath.Join(folder, "a.json"), filepath.Join(folder, "one.yaml")}}
	step := func(name string, want []sd.Group, fail string) {
		t.Helper()
		got, err := f.Fetch(t.Context())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (err != nil) != (fail != "") || err != nil && !strings.Contains(err.Error(), fail) {
			t.Errorf("%s: %v, want %q", name, err, fail)
		}
	}
	step("nothing there", nil, "one.yaml: no such file")
	write("a.json", `[{"targets": ["a"]}]`)
	write("b.json", `[{"targets": ["b"]}]`)
	write("one.yaml", "- targets: [c]\n")
	step("three files", []sd.Group{group("", "a"), group("", "b"), group("", "c")}, "")
	write("b.json", `[{"targets": ["b"`)
	write("one.yaml", "- targets: [d]\n")
	step("one half written", []sd.Group{group("", "a"), group("", "b"), group("", "d")}, "b.json: no list of targets")
	for _, name := range []string{"b.json", "one.yaml"} {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	step("two gone", []sd.Group{group("", "a"), group("", "d")}, "one.yaml: no such file")
	write("one.yaml", "")
	step("one that is about to be written", []sd.Group{group("", "a"), group("", "d")}, "one.yaml: the file is empty")
	write("one.yaml", "# none at present\n")
	step("an empty one", []sd.Group{group("", "a")}, "")
	if err := os.Mkdir(filepath.Join(folder, "c.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	step("a folder", []sd.Group{group("", "a")}, "c.json: no regular file")
	for pattern, right := range map[string]bool{"a.json": true, "x/*.yml": true, "a.txt": false, "[.json": false} {
		if err := sd.CheckPattern(pattern); (err == nil) != right {
			t.Errorf("pattern %q: %v", pattern, err)
		}
	}
}

func TestHTTP(t *testing.T) {
	var status int
	var body string
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	h, err := sd.NewHTTP(sd.HTTPConfig{URL: secret.New(server.URL + "/list?key=s3cret"), Token: secret.New("tok"), Headers: map[string]secret.String{"X-Key": secret.New("k")}, Refresh: 90e9})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		status int
		body   string
		want   []sd.Group
		fail   string
	}{
		{200, `[{"targets": ["a"]}]`, []sd.Group{group("", "a")}, ""},
		{200, `[]`, []sd.Group{}, ""},
		{200, `null`, nil, "an empty list is []"},
		{200, `<html>`, nil, "no list of targets in JSON"},
		{503, `[]`, nil, "the server answered 503 Service Unavailable"},
		{200, strings.Repeat(" ", 33<<20), nil, "longer than"},
	} {
		status, body = tt.status, tt.body
		got, err := h.Fetch(t.Context())
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("%d %.20s: %v, %v", tt.status, tt.body, got, err)
		}
	}
	if header.Get("Authorization") != "Bearer tok" || header.Get("X-Key") != "k" || header.Get("X-Prometheus-Refresh-Interval-Seconds") != "90" || header.Get("Accept") != "application/json" {
		t.Errorf("headers: %v", header)
	}
	server.Close()
	if _, err := h.Fetch(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody there: %v; want an error without the URL", err)
	}
	for _, bad := range []string{"", "netbox/list", "ftp://x/", "http://"} {
		if _, err := sd.NewHTTP(sd.HTTPConfig{URL: secret.New(bad)}); err == nil {
			t.Errorf("URL %q is taken", bad)
		}
	}
}

// TestHTTPRedirect holds that a redirection is followed, that another host gets no secret of the first, and that none is sent without TLS.
func TestHTTPRedirect(t *testing.T) {
	var header http.Header
	list := func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_, _ = w.Write([]byte(`[{"targets": ["a"]}]`))
	}
	other := httptest.NewServer(http.HandlerFunc(list))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/list", list)
	mux.Handle("/same", http.RedirectHandler("/list", http.StatusFound))
	mux.Handle("/other", http.RedirectHandler(other.URL, http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, tt := range []struct{ path, token, key, fail string }{
		{"/same", "Bearer tok", "k", ""},
		{"/other", "", "", ""},
		{"/loop", "", "", "more than 10 redirections"},
	} {
		header = nil
		h, err := sd.NewHTTP(sd.HTTPConfig{URL: secret.New(server.URL + tt.path), Token: secret.New("tok"), Headers: map[string]secret.String{"X-Key": secret.New("k")}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Fetch(t.Context())
		if (err != nil) != (tt.fail != "") || err != nil && !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("%s: %v; want %q", tt.path, err, tt.fail)
		}
		if header.Get("Authorization") != tt.token || header.Get("X-Key") != tt.key {
			t.Errorf("%s: headers %v", tt.path, header)
		}
	}
	secure := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer secure.Close()
	h, err := sd.NewHTTP(sd.HTTPConfig{URL: secret.New(secure.URL)})
	if err != nil {
		t.Fatal(err)
	}
	header = nil
	h.Trust(secure.Client())
	if _, err := h.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "from https to http") || header != nil {
		t.Errorf("from https to http: %v, headers %v", err, header)
	}
}

// zone is a sd.Resolver.
type zone struct {
	srv map[string][]*net.SRV
	ip  map[string][]netip.Addr
}

var errNoSuchHost = &net.DNSError{Err: "no such host", IsNotFound: true}

func (z *zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if service != "" || proto != "" || z.srv[name] == nil {
		return "", nil, errNoSuchHost
	}
	return name, z.srv[name], nil
}

func (z *zone) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if z.ip[network+" "+host] == nil {
		return nil, errNoSuchHost
	}
	return z.ip[network+" "+host], nil
}

func TestDNS(t *testing.T) {
	z := &zone{
		srv: map[string][]*net.SRV{
			"_snmp._udp.example": {{Target: "sw2.example.", Port: 1161}, {Target: "sw1.example.", Port: 161}, {Target: "sw1.example.", Port: 161}},
			"_none._udp.example": {{Target: ".", Port: 0}},
		},
		ip: map[string][]netip.Addr{"ip4 all.example": {netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.1")}, "ip6 all.example": {netip.MustParseAddr("2001:db8::1")}},
	}
	of := func(name string, targets ...string) sd.Group {
		return sd.Group{Targets: targets, Labels: map[string]string{"__meta_dns_name": name}}
	}
	for _, tt := range []struct {
		dns  sd.DNS
		want []sd.Group
	}{
		{sd.DNS{Names: []string{"_snmp._udp.example"}, Type: "SRV"}, []sd.Group{of("_snmp._udp.example", "sw1.example:161", "sw2.example:1161")}},
		{sd.DNS{Names: []string{"_none._udp.example"}, Type: "SRV"}, []sd.Group{}},
		{sd.DNS{Names: []string{"all.example"}, Type: "A", Port: 161}, []sd.Group{of("all.example", "192.0.2.1:161", "192.0.2.2:161")}},
		{sd.DNS{Names: []string{"all.example"}, Type: "AAAA", Port: 1161}, []sd.Group{of("all.example", "[2001:db8::1]:1161")}},
	} {
		tt.dns.Resolver = z
		got, err := tt.dns.Fetch(t.Context())
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%v: %v (-want +got):\n%s", tt.dns.Names, err, diff)
		}
	}

	d := &sd.DNS{Names: []string{"_snmp._udp.example", "_late._udp.example"}, Type: "SRV", Resolver: z}
	got, err := d.Fetch(t.Context())
	if len(got) != 1 || !errors.Is(err, errNoSuchHost) {
		t.Errorf("one of two: %v, %v", got, err)
	}
	z.srv["_late._udp.example"], z.srv["_snmp._udp.example"] = []*net.SRV{{Target: "late.example.", Port: 161}}, nil
	got, err = d.Fetch(t.Context())
	if len(got) != 2 || err == nil {
		t.Errorf("the other: %v, %v; want both, the first as it was", got, err)
	}
	if got, err := (&sd.DNS{Names: []string{"x"}, Type: "SRV", Resolver: z}).Fetch(t.Context()); got != nil || err == nil {
		t.Errorf("never an answer: %v, %v", got, err)
	}
}
