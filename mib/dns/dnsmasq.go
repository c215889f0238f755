package dns

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// dnsmasq reads dnsmasq by DNS: TXT records of the class CHAOS below bind (dnsmasq(8), "cachesize.bind").
type dnsmasq struct {
	pidFile  string // "" if it is not known
	exchange func(ctx context.Context, question *dns.Msg) (*dns.Msg, error)
}

// newDnsmasq returns that which answers at HOST:PORT.
func newDnsmasq(address, pidFile string) *dnsmasq {
	return &dnsmasq{pidFile, func(ctx context.Context, question *dns.Msg) (*dns.Msg, error) {
		answer, _, err := new(dns.Client).ExchangeContext(ctx, question, address)
		if err == nil && answer.Truncated {
			answer, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, question, address)
		}
		return answer, err
	}}
}

var dnsmasqRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "version.bind"},
	{Object: "dnsServConfigUpTime", From: "the start of the process of pidFile"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{Object: "dnsResConfigImplementIdent", From: "version.bind"},
	{Object: "dnsResConfigService", From: "recursiveOnly: it forwards"},
	{Object: "dnsResConfigUpTime", From: "the start of the process of pidFile"},
	{Object: "dnsResConfigReset", From: "whether it answers"},
	{Object: "dnsResCounterByOpcodeQueries", From: "servers.bind: the queries of all servers", Plus: []string{"servers.bind"}, Approximate: "without queries by TCP"},
	{Object: "dnsResCacheStatus", From: "cachesize.bind above 0"},
	{Object: "dnsResCacheGoodCaches", Plus: []string{"insertions.bind"}, Approximate: "counts names that do not exist as well"},
}

// Rules implements Backend.
func (d *dnsmasq) Rules() []Rule { return dnsmasqRules }

// Read implements Backend.
func (d *dnsmasq) Read(ctx context.Context) (*Reading, error) {
	version, err := d.ask(ctx, "version.bind.")
	if err != nil {
		return nil, err
	}
	r := &Reading{Service: RecursiveOnly, Counters: Counters{}}
	if d.pidFile != "" {
		r.Started = pidFileStarted(d.pidFile, "dnsmasq")
	}
	r.Software = strings.Join(version, "")
	size, err := d.number(ctx, "cachesize.bind.")
	if err != nil {
		return nil, err
	}
	r.Caches = size > 0
	if r.Counters["insertions.bind"], err = d.number(ctx, "insertions.bind."); err != nil {
		return nil, err
	}
	servers, err := d.ask(ctx, "servers.bind.")
	if err != nil {
		return nil, err
	}
	for _, s := range servers { // 192.0.2.1#53 QUERIES FAILED
		words := strings.Fields(s)
		if len(words) < 2 {
			continue
		}
		n, err := strconv.ParseUint(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: servers.bind is %q", ErrAnswer, clip(s))
		}
		r.Counters["servers.bind"] += n
	}
	return r, nil
}

// ask asks for the texts of a name.
func (d *dnsmasq) ask(ctx context.Context, name string) ([]string, error) {
	question := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
	question.Question[0].Qclass = dns.ClassCHAOS
	answer, err := d.exchange(ctx, question)
	if err != nil {
		return nil, ended(ctx, err)
	}
	for _, rr := range answer.Answer {
		if txt, ok := rr.(*dns.TXT); ok && answer.Rcode == dns.RcodeSuccess {
			return txt.Txt, nil
		}
	}
	return nil, fmt.Errorf("%w: %s: %s and no text", ErrAnswer, name, dns.RcodeToString[answer.Rcode])
}

func (d *dnsmasq) number(ctx context.Context, name string) (uint64, error) {
	texts, err := d.ask(ctx, name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.Join(texts, ""), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s is %q", ErrAnswer, name, clip(strings.Join(texts, "")))
	}
	return n, nil
}

// Zones implements Backend.
func (d *dnsmasq) Zones(context.Context) ([]Zone, error) { return nil, ErrNoZones }
