package dns_test

import (
	"net/http/httptest"
	"testing"

	"walkabout/mib/dns"
)

// TestRecursion: for whom Unbound and PowerDNS Recursor recurse, as dnsServConfigRecurs has it: 1 available, 2 restricted, 3 unavailable.
func TestRecursion(t *testing.T) {
	line := &lineServer{}
	address := listen(t, line.answer)
	for _, test := range []struct{ acl, interfaces, want string }{
		{"", "", "2"}, // this host alone
		{"0.0.0.0/0 allow\n::0/0 allow\n", "", "1"},
		{"0.0.0.0/0 allow\n", "", "2"},
		{"0.0.0.0/0 allow_snoop\n::/0 allow_setrd\n192.0.2.0/24 refuse\n", "", "2"},
		{"0.0.0.0/0 allow\n::0/0 allow\n127.0.0.0/8 deny\n", "", "2"},
		{"192.0.2.0/24 allow\n", "", "2"},
		{"127.0.0.0/8 refuse\n::1 refuse\n::ffff:127.0.0.1 refuse\n", "", "3"},
		{"0.0.0.0/0 allow\n::0/0 allow\n", "eth0 refuse\n", ""},
	} {
		a, _ := unboundAnswers.cut("", 0)
		a["UBCT1 get_option access-control"], a["UBCT1 get_option interface-action"] = test.acl, test.interfaces
		line.set(a)
		b, err := dns.Open("unbound", dns.Access{Address: address})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := newMIB(t, b, false)
		if got := value(t, m, false, "dnsServConfigRecurs"); got != test.want {
			t.Errorf("unbound with %q and %q: %q, want %q", test.acl, test.interfaces, got, test.want)
		}
	}
	web := &webServer{}
	pages := httptest.NewServer(web)
	defer pages.Close()
	for allowed, want := range map[string]string{
		`[]`: "1", `["0.0.0.0/0","::/0"]`: "1", `["0.0.0.0/0"]`: "2", `["0.0.0.0/0","::/0","!192.0.2.0/24"]`: "2", `["192.0.2.0/24"]`: "2", `["!0.0.0.0/0","!::/0"]`: "3",
	} {
		a, _ := recursorAnswers.cut("", 0)
		a[pdnsAPI+"/config/allow-from"] = `{"name":"allow-from","value":` + allowed + `}`
		web.set(a)
		b, err := dns.Open("pdns-recursor", dns.Access{Address: pages.URL})
		if err != nil {
			t.Fatal(err)
		}
		m, _ := newMIB(t, b, false)
		if got := value(t, m, false, "dnsServConfigRecurs"); got != want {
			t.Errorf("pdns-recursor with %s: %q, want %q", allowed, got, want)
		}
	}
}
