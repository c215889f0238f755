package dns

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"walkabout/internal/secret"
)

// idleTime is how long a connection to a server is kept for the next reading.
const idleTime = 2 * time.Minute

// Access is how a server is spoken to.
type Access struct {
	Address      string        // as the kind of server wants it; see docs/dns.md
	Key          secret.String // PowerDNS' api-key
	Certificates Certificates  // of unbound's and nsd's control channel by TLS
	RNDC         string        // where BIND takes orders, HOST:PORT; "" if it is given none
	RNDCKey      RNDCKey       // and what they are signed with
}

// kind is a kind of name server.
type kind struct {
	name  string
	rules []Rule
	open  func(a Access) (Backend, error)
}

func kinds() []kind {
	nl := func(version string, wrap func(nlnet) Backend) func(Access) (Backend, error) {
		return func(a Access) (Backend, error) {
			c, err := newControl(a.Address, a.Certificates)
			if err != nil {
				return nil, err
			}
			return wrap(nlnet{c, version}), nil
		}
	}
	http := func(wrap func(*httpAPI) Backend) func(Access) (Backend, error) {
		return func(a Access) (Backend, error) {
			h, err := newHTTPAPI(a.Address, a.Key)
			if err != nil {
				return nil, err
			}
			return wrap(h), nil
		}
	}
	return []kind{
		{"bind", bindRules, openBIND},
		{"unbound", unboundRules, nl("UBCT1", func(n nlnet) Backend { return &unbound{n} })},
		{"nsd", nsdRules, nl("NSDCT1", func(n nlnet) Backend { return &nsd{n} })},
		{"knot", knotRules, func(a Access) (Backend, error) {
			c, err := newControl(a.Address, Certificates{})
			if err != nil {
				return nil, err
			}
			return &knot{c}, nil
		}},
		{"pdns", pdnsRules, http(func(h *httpAPI) Backend { return &pdns{h} })},
		{"pdns-recursor", recursorRules, http(func(h *httpAPI) Backend { return &recursor{h} })},
		{"dnsmasq", dnsmasqRules, func(a Access) (Backend, error) {
			if _, _, err := net.SplitHostPort(a.Address); err != nil {
				return nil, fmt.Errorf("%s: write HOST:PORT: %w", a.Address, err)
			}
			return &dnsmasq{a.Address}, nil
		}},
	}
}

// openBIND returns a Reloader if it is told where orders go.
func openBIND(a Access) (Backend, error) {
	h, err := newHTTPAPI(a.Address, a.Key)
	if err != nil || a.RNDC == "" {
		return &bind{h}, err
	}
	c, err := newControl(a.RNDC, Certificates{})
	if err != nil {
		return nil, err
	}
	return &orderedBIND{bind{h}, rndc{c, a.RNDCKey}}, nil
}

// Kinds returns the kinds of name servers that Open knows.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// RulesOf returns what is told of a kind of server; nil if there is no such kind.
func RulesOf(name string) []Rule {
	for _, k := range kinds() {
		if k.name == name {
			return slices.Clone(k.rules)
		}
	}
	return nil
}

// Open returns the Backend of a kind of server. It does not speak to the server yet.
func Open(name string, a Access) (Backend, error) {
	for _, k := range kinds() {
		if k.name == name {
			b, err := k.open(a)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return b, nil
		}
	}
	return nil, fmt.Errorf("no kind of name server is called %s: %s are", name, strings.Join(Kinds(), ", "))
}
