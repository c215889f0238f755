package dns_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib/dns"
)

// recorder is PowerDNS' HTTP API as far as it takes orders: it writes down what is asked of it, and refuses what is called refused.test.
type recorder struct {
	mu       sync.Mutex
	requests []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method != http.MethodGet {
		r.requests = append(r.requests, fmt.Sprint(q.Method, " ", q.URL.RequestURI(), " ", string(body)))
	}
	switch q.URL.RequestURI() {
	case pdnsAPI + "/config/allow-from":
		_, _ = io.WriteString(w, `{"name":"allow-from","value":["10.0.0.0/8"]}`)
	case pdnsAPI + "/zones/sec.test.?rrsets=false":
		_, _ = io.WriteString(w, `{"name":"sec.test.","kind":"Slave","masters":["192.0.2.1:5300"]}`)
	case pdnsAPI + "/zones/example.test.?rrsets=false":
		_, _ = io.WriteString(w, `{"name":"example.test.","kind":"Native","masters":[]}`)
	case pdnsAPI + "/zones", pdnsAPI + "/zones/sec.test.":
		w.WriteHeader(http.StatusCreated)
	default:
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
}

func (r *recorder) check(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.requests = nil
}

func openAt(t *testing.T, kind string, a dns.Access) (dns.Backend, *recorder) {
	t.Helper()
	r := &recorder{}
	pages := httptest.NewServer(r)
	t.Cleanup(pages.Close)
	a.Address = pages.URL
	b, err := dns.Open(kind, a)
	if err != nil {
		t.Fatal(err)
	}
	return b, r
}

func TestPDNSOrders(t *testing.T) {
	b, r := openAt(t, "pdns", dns.Access{})
	w := b.(dns.ZoneWriter)
	if w.CheckAdd(dns.NewZone{Name: "a.test"}) == nil || w.CheckRemove(&dns.Zone{Primary: true}) == nil {
		t.Error("an empty zone is made, or records are lost")
	}
	z := dns.NewZone{Name: "a.test", Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}}
	if err := w.CheckAdd(z); err != nil {
		t.Error(err)
	}
	if err := w.AddZone(t.Context(), z); err != nil {
		t.Error(err)
	}
	r.check(t, "POST /api/v1/servers/localhost/zones "+`{"kind":"Slave","masters":["192.0.2.1","192.0.2.2"],"name":"a.test.","nameservers":[]}`)
	restore, err := w.RemoveZone(t.Context(), "sec.test")
	if err == nil {
		err = restore(t.Context())
	}
	if err != nil {
		t.Error(err)
	}
	r.check(t, "DELETE /api/v1/servers/localhost/zones/sec.test. ",
		"POST /api/v1/servers/localhost/zones "+`{"kind":"Slave","masters":["192.0.2.1:5300"],"name":"sec.test.","nameservers":[]}`)
	for _, name := range []string{"example.test", "refused.test"} { // one that became a primary since it was read, and one that is not
		if _, err := w.RemoveZone(t.Context(), name); err == nil {
			t.Errorf("%s is removed", name)
		}
		r.check(t)
	}
}

func TestRecursorOrders(t *testing.T) {
	b, r := openAt(t, "pdns-recursor", dns.Access{Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for recursion, want := range map[dns.Recursion]string{
		dns.RecursionAvailable: `["0.0.0.0/0","::/0"]`, dns.RecursionRestricted: `["192.0.2.0/24"]`, dns.RecursionUnavailable: `["!0.0.0.0/0","!::/0"]`,
	} {
		restore, err := b.(dns.RecursionWriter).SetRecursion(t.Context(), recursion)
		if err == nil {
			err = restore(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		const put = "PUT /api/v1/servers/localhost/config/allow-from "
		r.check(t, put+`{"name":"allow-from","value":`+want+`}`, put+`{"name":"allow-from","value":["10.0.0.0/8"]}`)
	}
	if b, _ := openAt(t, "pdns-recursor", dns.Access{}); dns.TakesOrders(b) {
		t.Error("without clients recursion could not be restricted again")
	}
}
