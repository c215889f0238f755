package dns

import (
	"fmt"
	"net"
	"net/netip"
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
	// Pattern is what zones that are made by SET are made of: BIND's configuration, with %s for the zone's name, NSD's pattern or Knot DNS' template; "" for none.
	Pattern string
	// Clients are whom PowerDNS Recursor recurses for while dnsServConfigRecurs is restricted; that cannot be SET without them.
	Clients []netip.Prefix
	PIDFile string // dnsmasq's; "" if it is not known
}

// kind is a kind of name server.
type kind struct {
	name  string
	rules []Rule
	open  func(a Access) (Backend, error)
}

func kinds() []kind {
	nl := func(version string, wrap func(nlnet, Access) Backend) func(Access) (Backend, error) {
		return func(a Access) (Backend, error) {
			c, err := newControl(a.Address, a.Certificates)
			if err != nil {
				return nil, err
			}
			return wrap(nlnet{c, version}, a), nil
		}
	}
	http := func(wrap func(*httpAPI, Access) Backend) func(Access) (Backend, error) {
		return func(a Access) (Backend, error) {
			h, err := newHTTPAPI(a.Address, a.Key)
			if err != nil {
				return nil, err
			}
			return wrap(h, a), nil
		}
	}
	return []kind{
		{"bind", bindRules, openBIND},
		{"unbound", unboundRules, nl("UBCT1", func(n nlnet, _ Access) Backend { return &unbound{n} })},
		{"nsd", nsdRules, nl("NSDCT1", func(n nlnet, a Access) Backend { return &nsd{n, a.Pattern} })},
		{"knot", knotRules, func(a Access) (Backend, error) {
			c, err := newControl(a.Address, Certificates{})
			if err != nil {
				return nil, err
			}
			return &knot{c, a.Pattern}, nil
		}},
		{"pdns", pdnsRules, http(func(h *httpAPI, _ Access) Backend { return &pdns{h} })},
		{"pdns-recursor", recursorRules, http(openRecursor)},
		{"dnsmasq", dnsmasqRules, func(a Access) (Backend, error) {
			if _, _, err := net.SplitHostPort(a.Address); err != nil {
				return nil, fmt.Errorf("%s: write HOST:PORT: %w", a.Address, err)
			}
			return newDnsmasq(a.Address, a.PIDFile), nil
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
	return &orderedBIND{bind{h}, rndc{c, a.RNDCKey}, a.Pattern, &bindSources{}}, nil
}

// openRecursor returns a RecursionWriter if it is told who is let in.
func openRecursor(h *httpAPI, a Access) Backend {
	if len(a.Clients) == 0 {
		return &recursor{h}
	}
	return &orderedRecursor{recursor{h}, a.Clients}
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
