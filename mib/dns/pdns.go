package dns

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const pdnsServer = "/api/v1/servers/localhost"

// pdns reads PowerDNS Authoritative Server by its HTTP API.
type pdns struct{ *httpAPI }

var pdnsRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "version"},
	{Object: "dnsServConfigRecurs", From: "unavailable: it is an authoritative server"},
	{Object: "dnsServConfigUpTime", From: "uptime"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{Object: "dnsServCounterAuthNoNames", Plus: []string{"nxdomain-packets"}, Approximate: "without answers from the packet cache"},
	{Object: "dnsServCounterAuthNoDataResps", Plus: []string{"noerror-packets"}, Approximate: "without answers from the packet cache"},
	{Object: "dnsServCounterErrors", Plus: []string{"servfail-packets", "unauth-packets"}, Approximate: "without refused transfers, FORMERR and NOTIMP"},
	{Object: "dnsServCounterReqRefusals", Plus: []string{"unauth-packets"}, Approximate: "without refused transfers"},
	{Object: "dnsServCounterReqUnparses", Plus: []string{"corrupt-packets"}, Approximate: "counts opcodes that it does not know as well"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{"servfail-packets"}},
	{Object: "dnsServZoneLastReloadAttempt", From: "zones: last_check, of a secondary"},
	{Object: "dnsServZoneLastSourceAttempt", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneStatus", From: "zones"},
	{Object: "dnsServZoneSerial", From: "zones: serial"},
	{Object: "dnsServZoneCurrent", From: "zones: serial, 0 being none; a secondary does not expire"},
	{Object: "dnsServZoneLastSourceSuccess", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneSrcStatus", From: "zones: masters"},
}

// Rules implements Backend.
func (p *pdns) Rules() []Rule { return pdnsRules }

// Read implements Backend.
func (p *pdns) Read(ctx context.Context) (*Reading, error) {
	r, err := p.read(ctx, pdnsRules, "pdns ")
	if err == nil {
		r.Recursion = RecursionUnavailable
	}
	return r, err
}

// read reads what both of PowerDNS' servers tell.
func (h *httpAPI) read(ctx context.Context, rules []Rule, software string) (*Reading, error) {
	var list []struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"` // a text, but for maps and rings
	}
	if err := h.get(ctx, pdnsServer+"/statistics", &list); err != nil {
		return nil, err
	}
	now := time.Now()
	all := statistics{}
	for _, s := range list {
		text, err := strconv.Unquote(string(s.Value))
		if n, numberErr := strconv.ParseFloat(text, 64); err == nil && numberErr == nil {
			all[s.Name] = n
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: there are no statistics", ErrAnswer)
	}
	var server struct {
		Version string `json:"version"`
	}
	if err := h.get(ctx, pdnsServer, &server); err != nil {
		return nil, err
	}
	r := &Reading{Counters: all.counters(rules, "\x00")}
	if server.Version != "" {
		r.Software = software + server.Version
	}
	if up, ok := all["uptime"]; ok {
		r.Started = now.Add(-time.Duration(up * float64(time.Second)))
	}
	return r, nil
}

// pdnsZone is one of /zones, of both servers.
type pdnsZone struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Serial    uint32   `json:"serial"`
	LastCheck int64    `json:"last_check"`
	Masters   []string `json:"masters"`

	Servers          []string `json:"servers"`
	RecursionDesired bool     `json:"recursion_desired"`
}

// Zones implements Backend.
func (p *pdns) Zones(ctx context.Context) ([]Zone, error) {
	var list []pdnsZone
	if err := p.get(ctx, pdnsServer+"/zones?dnssec=false", &list); err != nil {
		return nil, err
	}
	zones := make([]Zone, len(list))
	for i, z := range list {
		out := Zone{Name: z.Name, Class: classIN, Serial: z.Serial, HasSerial: true, Status: ZoneNotCurrent, Primary: true}
		if z.Serial != 0 {
			out.Status = ZoneCurrent
		}
		if z.secondary() {
			out.Primary = false
			if z.LastCheck > 0 {
				out.TriedAt = time.Unix(z.LastCheck, 0)
			}
		}
		for _, m := range z.Masters {
			if a, ok := addressOf(m); ok {
				out.Sources = append(out.Sources, a)
			}
		}
		zones[i] = out
	}
	return zones, nil
}

// addressOf reads an address with or without a port.
func addressOf(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a, true
	}
	a, err := netip.ParseAddrPort(text)
	return a.Addr(), err == nil
}

// recursor reads PowerDNS Recursor by its HTTP API.
type recursor struct{ *httpAPI }

var recursorRules = append([]Rule{
	{Object: "dnsServConfigImplementIdent", From: "version"},
	{Object: "dnsServConfigRecurs", From: "config/allow-from"},
	{Object: "dnsServConfigUpTime", From: "uptime"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{Object: "dnsServCounterErrors", Plus: []string{"servfail-answers"}, Approximate: "without FORMERR, NOTIMP and REFUSED"},
	{Object: "dnsServCounterReqRefusals", Plus: []string{"unauthorized-udp", "unauthorized-tcp"}, Approximate: "without refusals by policy"},
	{Object: "dnsServCounterReqUnparses", Plus: []string{"client-parse-errors"}, Approximate: "without packets shorter than a header"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{"servfail-answers"}, Approximate: "counts failures of other servers as well"},
	{Object: "dnsResConfigImplementIdent", From: "version"},
	{Object: "dnsResConfigService", From: "zones: of kind Forwarded"},
	{Object: "dnsResConfigSbeltName", From: "empty: not known"},
	{Object: "dnsResConfigSbeltRecursion", From: "zones: recursion_desired"},
	{Object: "dnsResConfigSbeltPref", From: "the order in zones: servers"},
	{Object: "dnsResConfigSbeltStatus", From: "zones: servers, of kind Forwarded"},
	{Object: "dnsResConfigUpTime", From: "uptime"},
	{Object: "dnsResConfigReset", From: "whether it answers"},
	{Object: "dnsResCounterByOpcodeQueries", Plus: []string{"all-outqueries"}, Approximate: "without queries forwarded for clients that do not want recursion"},
	{Object: "dnsResCounterMartians", Plus: []string{"unexpected-packets"}},
	{Object: "dnsResCounterUnparseResps", Plus: []string{"server-parse-errors"}},
	{Object: "dnsResCacheStatus", From: "enabled: it has no switch"},
	{Object: "dnsResCacheMaxTTL", From: "config: max-cache-ttl"},
	{Object: "dnsResNCacheStatus", From: "enabled: it has no switch"},
	{Object: "dnsResNCacheMaxTTL", From: "config: max-negative-ttl"},
	{Object: "dnsResOptCounterNoResponses", Plus: []string{"outgoing-timeouts"}, Approximate: "counts queries that are not sent again as well"},
}, recursorRcodes()...)

// recursorRcodes are the rules of dnsResCounterByRcodeTable, and their sum.
func recursorRcodes() []Rule {
	sum := Rule{Object: "dnsResCounterRecdResponses", From: "sum of auth-*-answers"}
	var rules []Rule
	for rcode, name := range []string{"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain", "yxrrset", "nxrrset", "notauth"} {
		field := "auth-" + name + "-answers"
		rules = append(rules, Rule{Object: "dnsResCounterByRcodeResponses", Row: uint32(rcode), Plus: []string{field}})
		sum.Plus = append(sum.Plus, field)
	}
	for rcode := 10; rcode <= 15; rcode++ {
		sum.Plus = append(sum.Plus, fmt.Sprintf("auth-rcode%d-answers", rcode))
	}
	return append(rules, sum)
}

// Rules implements Backend.
func (p *recursor) Rules() []Rule { return recursorRules }

// Read implements Backend.
func (p *recursor) Read(ctx context.Context) (*Reading, error) {
	r, err := p.read(ctx, recursorRules, "pdns-recursor ")
	if err != nil {
		return nil, err
	}
	r.Caches, r.CachesNegative = true, true
	var settings []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	if err := p.get(ctx, pdnsServer+"/config", &settings); err != nil {
		return nil, err
	}
	for _, s := range settings {
		n, numberErr := strconv.ParseUint(s.Value, 10, 32)
		seconds := uint32(n)
		switch {
		case s.Name == "max-cache-ttl" && numberErr == nil:
			r.MaxTTL = &seconds
		case s.Name == "max-negative-ttl" && numberErr == nil:
			r.MaxNegativeTTL = &seconds
		}
	}
	allowed, err := p.allowFrom(ctx)
	if err != nil {
		return nil, err
	}
	r.Recursion = recursionFor(allowed)
	return r, p.forwards(ctx, r)
}

const recursorAllowFrom = pdnsServer + "/config/allow-from"

// allowFrom asks for whom it recurses now, whatever file or order says so.
func (p *recursor) allowFrom(ctx context.Context) ([]string, error) {
	var setting struct {
		Value []string `json:"value"`
	}
	err := p.get(ctx, recursorAllowFrom, &setting)
	return setting.Value, err
}

// recursionFor reads networks, those behind a ! excepted. None at all lets everybody in.
func recursionFor(allowed []string) Recursion {
	var four, six, some, except bool
	for _, network := range allowed {
		no := strings.HasPrefix(network, "!")
		four, six, some, except = four || network == "0.0.0.0/0", six || network == "::/0", some || !no, except || no
	}
	switch {
	case len(allowed) == 0, four && six && !except:
		return RecursionAvailable
	case !some:
		return RecursionUnavailable
	}
	return RecursionRestricted
}

// forwards asks whom it forwards to.
func (p *recursor) forwards(ctx context.Context, r *Reading) error {
	var list []pdnsZone
	if err := p.get(ctx, pdnsServer+"/zones", &list); err != nil {
		return err
	}
	r.Service = IterativeOnly
	for _, z := range list {
		if !strings.EqualFold(z.Kind, "Forwarded") {
			continue
		}
		how := IterativeOnly
		if z.RecursionDesired {
			how = RecursiveOnly
			r.Service = max(r.Service, RecursiveAndIterative)
		}
		for i, s := range z.Servers {
			if a, ok := addressOf(s); ok {
				r.Sbelt = append(r.Sbelt, Sbelt{Addr: a, Recursion: how, Preference: int32(i), Subtree: z.Name})
			}
		}
	}
	return nil
}

// Zones implements Backend. Its auth-zones are told without a serial and a state.
func (p *recursor) Zones(context.Context) ([]Zone, error) { return nil, ErrNoZones }
