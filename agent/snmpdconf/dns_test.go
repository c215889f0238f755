package snmpdconf_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/secret"
)

func TestNameServers(t *testing.T) {
	const text = `
dnsServer resolver unbound /run/unbound.ctl # the first
dnsServer zones NSD 127.0.0.1:8952 rw ca=/etc/nsd/nsd_server.pem cert=/etc/nsd/c.pem key=/etc/nsd/c.key
dnsServer "our pdns" pdns-recursor http://127.0.0.1:8081 apiKeyFile=/etc/snmp/key
dnsServer p2 pdns 127.0.0.1:8082 apiKey=hush
dnsServer b bind 127.0.0.1:8053 rw rndc=127.0.0.1:953 rndcKey=/etc/bind/rndc.key 'pattern=type secondary; file "%s.db";'
dnsServer r pdns-recursor 127.0.0.1:8083 rw apiKeyFile=/k clients=192.0.2.1/24,2001:db8::/32
dnsServer d dnsmasq 127.0.0.1:53 pidFile=/run/dnsmasq.pid
`
	config, diagnostics := snmpdconf.Parse("f", []byte(text))
	want := []snmpdconf.NameServer{
		{Name: "resolver", Kind: "unbound", Address: "/run/unbound.ctl", File: "f", Line: 2},
		{
			Name: "zones", Kind: "nsd", Address: "127.0.0.1:8952", Writable: true, CA: "/etc/nsd/nsd_server.pem", Cert: "/etc/nsd/c.pem",
			PrivateKey: "/etc/nsd/c.key", File: "f", Line: 3,
		},
		{Name: "our pdns", Kind: "pdns-recursor", Address: "http://127.0.0.1:8081", KeyFile: "/etc/snmp/key", File: "f", Line: 4},
		{Name: "p2", Kind: "pdns", Address: "127.0.0.1:8082", Key: secret.New("hush"), File: "f", Line: 5},
		{Name: "b", Kind: "bind", Address: "127.0.0.1:8053", Writable: true, RNDC: "127.0.0.1:953", RNDCKeyFile: "/etc/bind/rndc.key", Pattern: `type secondary; file "%s.db";`, File: "f", Line: 6},
		{
			Name: "r", Kind: "pdns-recursor", Address: "127.0.0.1:8083", Writable: true, KeyFile: "/k", File: "f", Line: 7,
			Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		},
		{Name: "d", Kind: "dnsmasq", Address: "127.0.0.1:53", PIDFile: "/run/dnsmasq.pid", File: "f", Line: 8},
	}
	if diff := cmp.Diff(want, config.NameServers, cmp.Comparer(secret.String.Equal), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string(nil), messages(diagnostics)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestNameServerErrors(t *testing.T) {
	const form = "NAME KIND ADDRESS [rw] [apiKey=KEY] [apiKeyFile=FILE] [ca=FILE cert=FILE key=FILE] [rndc=HOST:PORT rndcKey=FILE] [pattern=PATTERN] [clients=NETWORK[,NETWORK]...] [pidFile=FILE]"
	for text, want := range map[string]string{
		"dnsServer a unbound":                              "f:1: error: dnsServer: 2 words; it is written " + form,
		"dnsServer a djbdns /x":                            `f:1: error: dnsServer: "djbdns" is no kind of name server: write one of bind, unbound, nsd, knot, pdns, pdns-recursor, dnsmasq`,
		"dnsServer a nsd /x\ndnsServer a knot /y":          `f:2: error: dnsServer: there is another one called "a"`,
		`dnsServer "" nsd /x`:                              "f:1: error: dnsServer: the name is that of a context, of 1 to 32 octets",
		"dnsServer a nsd /x ro":                            `f:1: error: dnsServer: there is no option "ro"; it is written ` + form,
		"dnsServer a nsd /x ca=/y":                         "f:1: error: dnsServer: TLS takes ca=, cert= and key= together",
		"dnsServer a bind 127.0.0.1:1 rndc=127.0.0.1:953":  "f:1: error: dnsServer: orders to BIND take rndc= and rndcKey= together",
		"dnsServer a nsd /x rndcKey=/k":                    "f:1: error: dnsServer: rndcKey is of bind",
		"dnsServer a nsd /x apiKey=hush":                   "f:1: error: dnsServer: apiKey is of pdns and pdns-recursor",
		"dnsServer a pdns 127.0.0.1:1 apiKeyFile=key":      "f:1: error: dnsServer: apiKeyFile: write the whole path of the file",
		"dnsServer a pdns 127.0.0.1:1 pattern=p":           "f:1: error: dnsServer: pattern is of bind and nsd and knot",
		"dnsServer a pdns-recursor h:1 clients=all":        `f:1: error: dnsServer: clients: "all" is no network such as 192.0.2.0/24`,
		"dnsServer a pdns 127.0.0.1:1 apiKey=":             "f:1: error: dnsServer: apiKey has no value",
		"dnsServer a pdns h:1 apiKey=hush apiKeyFile=/key": "f:1: error: dnsServer: write apiKey= or apiKeyFile=, not both",
	} {
		_, diagnostics := snmpdconf.Parse("f", []byte(text))
		if diff := cmp.Diff([]string{want}, messages(diagnostics)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestDNSTaps(t *testing.T) {
	const text = `
dnstap zones /run/snmpd/tap mode=666 friends=192.0.2.7/24,2001:db8::/32
dnsServer zones nsd /run/nsd.ctl
`
	config, diagnostics := snmpdconf.Parse("f", []byte(text))
	want := []snmpdconf.DNSTap{{
		Server: "zones", Socket: "/run/snmpd/tap", Mode: 0o666, Friends: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		File: "f", Line: 2,
	}}
	if diff := cmp.Diff(want, config.DNSTaps, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string(nil), messages(diagnostics)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	const server = "dnsServer a nsd /x\n"
	for text, want := range map[string]string{
		"dnstap a /run/tap":                              `f:1: error: dnstap: no dnsServer is called "a"`,
		server + "dnstap a tap":                          `f:2: error: dnstap: "tap": the path of a unix socket begins with /`,
		server + "dnstap a /run/tap mode=9":              `f:2: error: dnstap: "9" is no mode: write octal digits such as 660`,
		server + "dnstap a /run/tap friends=all":         `f:2: error: dnstap: friends: "all" is no network such as 192.0.2.0/24`,
		server + "dnstap a /run/tap rw":                  `f:2: error: dnstap: there is no option "rw"; it is written NAME SOCKET [mode=MODE] [friends=NETWORK[,NETWORK]...]`,
		server + "dnstap a /run/tap\ndnstap a /run/tap2": "f:3: error: dnstap: there is another one of that name or socket",
	} {
		_, diagnostics := snmpdconf.Parse("f", []byte(text))
		if diff := cmp.Diff([]string{want}, messages(diagnostics)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
