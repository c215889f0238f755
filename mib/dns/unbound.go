package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// unbound reads Unbound by its control channel (unbound-control(8)).
type unbound struct{ nlnet }

const unboundRcode = "num.answer.rcode."

var unboundRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "status: version"},
	{Object: "dnsServConfigRecurs", From: "get_option access-control"},
	{Object: "dnsServConfigUpTime", From: "time.up"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{
		Object: "dnsServCounterNonAuthDatas", Plus: []string{unboundRcode + "NOERROR"}, Minus: []string{unboundRcode + "nodata"},
		Approximate: "counts answers from local-data and auth-zones as well",
	},
	{Object: "dnsServCounterNonAuthNoDatas", Plus: []string{unboundRcode + "nodata"}, Approximate: "counts answers from local-data and auth-zones, and their referrals, as well"},
	{Object: "dnsServCounterErrors", From: "sum of num.answer.rcode.* but NOERROR, NXDOMAIN, nodata", Plus: []string{rcodeErrors}, Approximate: "without refusals of opcodes other than QUERY and NOTIFY"},
	{Object: "dnsServCounterReqRefusals", Plus: []string{unboundRcode + "REFUSED"}, Approximate: "without clients that access-control drops"},
	{Object: "dnsServCounterReqUnparses", Plus: []string{unboundRcode + "FORMERR"}, Approximate: "without packets shorter than a header"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{unboundRcode + "SERVFAIL"}, Approximate: "counts failures of other servers as well"},
	{Object: "dnsServZoneStatus", From: "list_auth_zones"},
	{Object: "dnsServZoneSerial", From: "list_auth_zones: serial"},
	{Object: "dnsServZoneCurrent", From: "list_auth_zones: a serial, and not expired"},
	{Object: "dnsResConfigImplementIdent", From: "status: version"},
	{Object: "dnsResConfigService", From: "list_forwards, list_stubs", Approximate: "takes no notice of forward-first: yes"},
	{Object: "dnsResConfigSbeltName", From: "empty: not known"},
	{Object: "dnsResConfigSbeltRecursion", From: "list_forwards (recursive), list_stubs (iterative)"},
	{Object: "dnsResConfigSbeltPref", From: "the order in list_forwards, list_stubs"},
	{Object: "dnsResConfigSbeltStatus", From: "list_forwards, list_stubs"},
	{Object: "dnsResConfigUpTime", From: "time.up"},
	{Object: "dnsResConfigReset", From: "whether it answers"},
	{Object: "dnsResCounterByOpcodeQueries", Plus: []string{"num.query.udpout", "num.query.tcpout"}},
	{Object: "dnsResCounterMartians", Plus: []string{"unwanted.replies"}},
	{Object: "dnsResCacheStatus", From: "enabled: it has no switch"},
	{Object: "dnsResCacheMaxTTL", From: "get_option cache-max-ttl"},
	{Object: "dnsResNCacheStatus", From: "enabled: it has no switch"},
	{Object: "dnsResNCacheMaxTTL", From: "get_option cache-max-negative-ttl"},
}

// Rules implements Backend.
func (u *unbound) Rules() []Rule { return unboundRules }

// Read implements Backend.
func (u *unbound) Read(ctx context.Context) (*Reading, error) {
	s, r, err := u.read(ctx, "unbound", "time.up")
	if err != nil {
		return nil, err
	}
	r.Caches, r.CachesNegative, r.Counters = true, true, s.counters(unboundRules, unboundRcode)
	if _, extended := s[unboundRcode+"NOERROR"]; extended { // the one of nodata is left out while it is 0
		r.Counters[unboundRcode+"nodata"] += 0
	}
	if r.Recursion, err = u.recursion(ctx); err != nil {
		return nil, err
	}
	if r.MaxTTL, err = u.option(ctx, "cache-max-ttl"); err != nil {
		return nil, err
	}
	if r.MaxNegativeTTL, err = u.option(ctx, "cache-max-negative-ttl"); err != nil {
		return nil, err
	}
	return r, u.upstreams(ctx, r)
}

// option asks for the value of an option that is a number.
func (u *unbound) option(ctx context.Context, name string) (*uint32, error) {
	text, err := u.ask(ctx, "get_option "+name)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is %q", ErrAnswer, name, clip(text))
	}
	out := uint32(n)
	return &out, nil
}

// recursion asks for whom it recurses. Where interfaces have rules of their own it is not told.
func (u *unbound) recursion(ctx context.Context) (Recursion, error) {
	interfaces, err := u.ask(ctx, "get_option interface-action")
	if err == nil && strings.TrimSpace(interfaces) != "" { // older ones do not know the option
		return 0, nil
	}
	text, err := u.ask(ctx, "get_option access-control")
	if err != nil {
		return 0, err
	}
	return accessControl(text), nil
}

// accessControl reads lines of the form "192.0.2.0/24 allow". The most specific one counts, and this host is let in unless there is a line of it (unbound.conf(5)).
func accessControl(text string) Recursion {
	actions := map[string]string{"127.0.0.0/8": "allow", "::1/128": "allow", "::ffff:127.0.0.1/128": "allow"}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 2 {
			if p, err := netip.ParsePrefix(words[0]); err == nil {
				words[0] = p.Masked().String()
			} else if a, err := netip.ParseAddr(words[0]); err == nil {
				words[0] = netip.PrefixFrom(a, a.BitLen()).String()
			}
			actions[words[0]] = words[1]
		}
	}
	allowed, refused := 0, 0
	for _, action := range actions {
		if strings.HasPrefix(action, "allow") {
			allowed++
		} else {
			refused++
		}
	}
	switch everybody := strings.HasPrefix(actions["0.0.0.0/0"], "allow") && strings.HasPrefix(actions["::/0"], "allow"); {
	case everybody && refused == 0:
		return RecursionAvailable
	case allowed == 0:
		return RecursionUnavailable
	}
	return RecursionRestricted
}

// upstreams asks whom it forwards to, and whom it begins at.
func (u *unbound) upstreams(ctx context.Context, r *Reading) error {
	forwards, err := u.ask(ctx, "list_forwards")
	if err != nil {
		return err
	}
	stubs, err := u.ask(ctx, "list_stubs")
	if err != nil {
		return err
	}
	ofForwards, all := parseUpstreams(forwards, RecursiveOnly)
	ofStubs, _ := parseUpstreams(stubs, IterativeOnly)
	switch {
	case strings.TrimSpace(forwards) == "":
		r.Service = IterativeOnly
	case all && !hasOwnStubs(ofStubs):
		r.Service = RecursiveOnly
	default:
		r.Service = RecursiveAndIterative
	}
	r.Sbelt = slices.Concat(ofForwards, ofStubs)
	return nil
}

// hasOwnStubs reports whether there are stubs beside the root's, which are not asked where everything is forwarded.
func hasOwnStubs(stubs []Sbelt) bool {
	for _, s := range stubs {
		if s.Subtree != "." {
			return true
		}
	}
	return false
}

// parseUpstreams reads lines of the form ". IN forward +i 192.0.2.1@53#name ns.example.": addresses, and what is none of them. all says that one is
// of the root.
func parseUpstreams(text string, how Service) (list []Sbelt, all bool) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "IN" {
			continue
		}
		all = all || words[0] == "."
		for i, word := range words[3:] {
			host, _, _ := strings.Cut(word, "#")
			host, _, _ = strings.Cut(host, "@")
			if a, err := netip.ParseAddr(host); err == nil {
				list = append(list, Sbelt{Addr: a, Recursion: how, Preference: int32(i), Subtree: words[0]})
			}
		}
	}
	return list, all
}

// Zones implements Backend: lines of the form "example.org.\tserial 7", or "expired" or "no serial" in that place.
func (u *unbound) Zones(ctx context.Context) ([]Zone, error) {
	text, err := u.ask(ctx, "list_auth_zones")
	if err != nil {
		return nil, err
	}
	zones := []Zone{}
	for line := range strings.Lines(text) {
		name, state, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		z := Zone{Name: name, Class: classIN, Status: ZoneNotCurrent, HasSerial: true}
		if serial, ok := strings.CutPrefix(state, "serial "); ok {
			n, err := strconv.ParseUint(serial, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%w: a zone's serial is %q", ErrAnswer, clip(serial))
			}
			z.Serial, z.Status = uint32(n), ZoneCurrent
		} else if state == "expired" {
			z.HasSerial = false
		}
		zones = append(zones, z)
	}
	return zones, nil
}

// Reload implements Reloader.
func (u *unbound) Reload(ctx context.Context) error {
	_, err := u.ask(ctx, "reload")
	return err
}
