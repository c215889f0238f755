// Package ondemand serves /snmp?target=…&module=…&auth=… as Prometheus' snmp_exporter does: it polls an agent when it is asked to.
package ondemand

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"walkabout/collector"
	"walkabout/collector/scrape"
	"walkabout/collector/session"
	"walkabout/exporters/series"
	"walkabout/metric"
	"walkabout/snmp"
)

// Path is where Handler is served.
const Path = "/snmp"

// Module is something that can be asked for: of an snmp.yml, or a profile.
type Module struct {
	Scrape  *scrape.Module
	Profile string // if Scrape is nil
}

// Config says who may be asked for what. Everything else is refused: whoever reaches the page would else have this machine send what it likes, to where it
// likes.
type Config struct {
	Allow       []netip.Prefix // of agents; none allows nothing
	Auths       map[string]session.Credential
	Modules     map[string]Module
	Concurrency int // scrapes at a time; more are refused
	Series      series.Config
}

// Poller is what polls; a *collector.Collector is one.
type Poller interface {
	Open(ctx context.Context, o session.Options) (session.Client, error)
	Once(ctx context.Context, t collector.Target) (collector.Poll, collector.Effort, error)
}

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Handler is an http.Handler. Make one with New.
type Handler struct {
	config   Config
	poller   Poller
	resolver Resolver
	log      *slog.Logger
	running  atomic.Int64
}

// New returns a Handler.
func New(c Config, p Poller, r Resolver, log *slog.Logger) *Handler {
	return &Handler{config: c, poller: p, resolver: r, log: log}
}

const (
	// maxScrape is how long a scrape takes at the most; Prometheus' scrape_timeout, if it is sent, is less.
	maxScrape = 25 * time.Second
	// margin is left of it to write the answer.
	margin = 200 * time.Millisecond
)

// request is what a query asks for.
type request struct {
	host    netip.Addr
	port    uint16
	target  string
	auth    *session.Credential // nil: the module's own
	context string
	engine  string
	modules []string
}

// refused is an error with its HTTP status.
type refused struct {
	status int
	text   string
}

func (e *refused) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &refused{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// ServeHTTP implements http.Handler. The statuses and texts are snmp_exporter's where it has them: 400 for what cannot be asked for, 500 for an agent that
// does not answer; beside them 403 for a target that is not allowed and 503 for too many scrapes at a time.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout(r.Header))
	defer cancel()
	q, err := h.parse(r.URL.Query())
	if err == nil { // looking a name up is a part of the scrape: it sends, too
		if h.running.Add(1) > int64(h.config.Concurrency) {
			err = &refused{http.StatusServiceUnavailable, "too many scrapes at a time (scrape: concurrency)"}
		}
		defer h.running.Add(-1)
	}
	if err == nil {
		err = h.resolve(ctx, &q)
	}
	var page []byte
	if err == nil {
		page, err = h.scrape(ctx, q)
	}
	var no *refused
	switch {
	case errors.As(err, &no):
		http.Error(w, no.text, no.status)
	case err != nil:
		h.log.Debug("a scrape failed", "target", q.target, "err", err)
		http.Error(w, "An error has occurred while serving metrics:\n\n"+err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		if _, err := w.Write(page); err != nil {
			h.log.Debug("answering a scrape", "target", q.target, "err", err)
		}
	}
}

// timeout returns how long a scrape may take: as long as Prometheus waits, if it says so.
func timeout(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || !(seconds > 0 && seconds < maxScrape.Seconds()) {
		return maxScrape
	}
	d := time.Duration(seconds * float64(time.Second))
	return max(d-margin, d/2)
}

// parse reads a query, and refuses what the configuration does not allow; of the target resolve tells that.
func (h *Handler) parse(v url.Values) (request, error) {
	q := request{target: v.Get("target"), context: v.Get("snmp_context")}
	if len(v["target"]) != 1 || q.target == "" {
		return q, bad("'target' parameter must be specified once")
	}
	for _, name := range []string{"auth", "snmp_context", "snmp_engineid"} {
		if len(v[name]) > 1 {
			return q, bad("'%s' parameter must only be specified once", name)
		}
	}
	engine, err := hex.DecodeString(strings.TrimPrefix(v.Get("snmp_engineid"), "0x"))
	if err != nil {
		return q, bad("'snmp_engineid' parameter must be in hexadecimal")
	}
	q.engine = string(engine)
	if q.modules, err = h.modules(v["module"]); err != nil {
		return q, err
	}
	return q, h.auth(&q, v.Get("auth"))
}

// Of a request that names none.
const (
	defaultAuth   = "public_v2"
	defaultModule = "if_mib"
)

func (h *Handler) modules(asked []string) ([]string, error) {
	if len(asked) == 0 {
		asked = []string{defaultModule}
	}
	var out []string
	for _, list := range asked {
		for name := range strings.SplitSeq(list, ",") {
			if name == "" || slices.Contains(out, name) {
				continue
			}
			if _, ok := h.config.Modules[name]; !ok {
				return nil, bad("Unknown module '%.100s'", name)
			}
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, bad("'module' parameter must contain at least one module name")
	}
	return out, nil
}

// auth chooses the credential: the one that is named, public_v2, or those that modules of the older layout have themselves.
func (h *Handler) auth(q *request, name string) error {
	if name == "" {
		own := func(m string) bool {
			s := h.config.Modules[m].Scrape
			return s != nil && s.Credential != nil
		}
		if !slices.ContainsFunc(q.modules, func(m string) bool { return !own(m) }) {
			return nil
		}
		name = defaultAuth
	}
	c, ok := h.config.Auths[name]
	if !ok {
		return bad("Unknown auth '%.100s'", name)
	}
	q.auth = &c
	return nil
}

// credential returns the credential for a module.
func (q *request) credential(m Module) session.Credential {
	var c session.Credential
	if q.auth != nil {
		c = *q.auth
	} else {
		c = *m.Scrape.Credential
	}
	if c.Version == snmp.V3 {
		if q.context != "" {
			c.Context = q.context
		}
		if q.engine != "" {
			c.ContextEngineID = q.engine
		}
	}
	return c
}

// resolve finds the target's address. It is the address that is checked and asked, so that a name cannot lead elsewhere in between.
func (h *Handler) resolve(ctx context.Context, q *request) error {
	target := q.target
	if transport, rest, ok := strings.Cut(target, "://"); ok {
		if transport != "udp" && transport != "udp4" && transport != "udp6" {
			return bad("transport '%.20s' is not supported, udp is", transport)
		}
		target = rest
	}
	host, port, err := collector.SplitAddress(target)
	if err != nil {
		return bad("'target' parameter: %v", err)
	}
	q.port = port
	forbidden := &refused{http.StatusForbidden, fmt.Sprintf("target '%.200s' is not allowed (scrape: allow)", q.target)}
	if a, err := netip.ParseAddr(host); err == nil {
		if q.host = a.Unmap(); !h.allowed(q.host) {
			return forbidden
		}
		return nil
	}
	all, err := h.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		var unknown *net.DNSError
		if errors.As(err, &unknown) && unknown.IsNotFound {
			return fmt.Errorf("error connecting to target %s: no such host", q.target)
		}
		return fmt.Errorf("error connecting to target %s: %w", q.target, err)
	}
	i := slices.IndexFunc(all, h.allowed)
	if i < 0 {
		return forbidden
	}
	q.host = all[i].Unmap()
	return nil
}

func (h *Handler) allowed(a netip.Addr) bool {
	a = a.Unmap()
	return slices.ContainsFunc(h.config.Allow, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// scrape polls all modules, one after the other, and returns the page.
func (h *Handler) scrape(ctx context.Context, q request) ([]byte, error) {
	p := newPage()
	for _, name := range q.modules {
		m := h.config.Modules[name]
		var err error
		if m.Scrape != nil {
			err = h.module(ctx, p, q, name, m)
		} else {
			err = h.profile(ctx, p, q, name, m)
		}
		if err != nil {
			return nil, fmt.Errorf("error collecting metric Desc{fqName: \"snmp_error\", help: \"Error scraping target\", constLabels: {module=%q}, variableLabels: {}}: %w", name, err)
		}
	}
	return p.text(), nil
}

// module polls by a module of an snmp.yml.
func (h *Handler) module(ctx context.Context, p *page, q request, name string, m Module) error {
	var stats session.Stats
	client, err := h.poller.Open(ctx, session.Options{Host: q.host.String(), Port: q.port, Credential: q.credential(m), Timeout: m.Scrape.Timeout, Retries: m.Scrape.Retries, Stats: &stats})
	if err != nil {
		return fmt.Errorf("error connecting to target %s: %w", q.target, err)
	}
	defer client.Close()
	result, err := m.Scrape.Scrape(ctx, client)
	if err != nil {
		return fmt.Errorf("target %s: %w", q.target, err)
	}
	for i := range result.Metrics {
		s := &result.Metrics[i]
		p.add(s.Name, s.Help, s.Counter, s.Labels, s.Value)
	}
	retried := stats.Retries.Load()
	p.self(name, result.Walk, result.Duration, stats.Requests.Load()+retried, retried, result.PDUs)
	return nil
}

// profile polls by a profile, with the names of package series. What Prometheus itself says of a target, its instance, is left out.
func (h *Handler) profile(ctx context.Context, p *page, q request, name string, m Module) error {
	began := time.Now()
	t := collector.DefaultTarget()
	t.Name, t.Address, t.Credential, t.Collect = "scrape", net.JoinHostPort(q.host.String(), strconv.Itoa(int(q.port))), q.credential(m), []string{m.Profile}
	poll, effort, err := h.poller.Once(ctx, t)
	if err != nil {
		return err
	}
	if poll.Err != nil { // a part of it is not the whole: Prometheus must see that something is missing
		return fmt.Errorf("target %s: %w", q.target, poll.Err)
	}
	mapper := series.New(h.config.Series)
	values := 0
	for i := range poll.Samples {
		s := poll.Samples[i]
		s.Tags = slices.DeleteFunc(slices.Clone(s.Tags), func(t metric.Tag) bool { return t.Name == "device" || t.Name == "agent_host" })
		row := mapper.Map(&s)
		values += len(s.Fields)
		for k := range row.Points {
			point := &row.Points[k]
			labels := make([]scrape.Label, 0, len(row.Labels)+1)
			for _, l := range row.Labels {
				labels = append(labels, scrape.Label(l))
			}
			if point.Label.Name != "" {
				labels = append(labels, scrape.Label(point.Label))
			}
			p.add(point.Name, point.Help, point.Type == series.Counter, labels, point.Value)
		}
	}
	p.self(name, poll.Duration, time.Since(began), effort.Requests+effort.Retries, effort.Retries, values)
	return nil
}
