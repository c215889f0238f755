package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
)

// settings is a configuration that can be put to use: every name is resolved.
type settings struct {
	listen      []endpoint
	communities []agent.CommunityEntry
	users       []snmpdconf.User
	engine      snmpdconf.Engine
	stateDir    string

	sources agent.SourceFilter
	certs   certificates
	servers []localagent.NameServer

	config    *snmpdconf.Config // what the files say
	v1Address netip.Addr        // v1trapaddress; not valid if it is not set
}

// errConfig says that the files have errors; each was logged.
var errConfig = errors.New("the configuration has errors")

// lookupTime bounds all name look-ups of one load.
const lookupTime = 10 * time.Second

// load reads the files and resolves names. Remarks on the files are logged here. A community whose source cannot be resolved is
// not accepted; in a reload it is an error, which leaves it as it was.
func (p *process) load(ctx context.Context, log *slog.Logger, o *options, reload bool) (*settings, error) {
	var config *snmpdconf.Config
	var diagnostics []snmpdconf.Diagnostic
	var certs certificates
	var servers []localagent.NameServer
	err := p.account.rights.Reading(func() (err error) {
		if config, diagnostics, err = snmpdconf.Read(o.lines, o.configFiles()...); err != nil {
			return err
		}
		list, _ := addresses(config, o)
		var told []snmpdconf.Diagnostic
		certs, told = readCertificates(config, list, o.configFiles())
		diagnostics = append(diagnostics, told...)
		servers, told = readNameServers(config)
		diagnostics = append(diagnostics, told...)
		return nil
	})
	if err != nil {
		return nil, explainFile(err, o)
	}
	logDiagnostics(log, diagnostics)
	if snmpdconf.HasErrors(diagnostics) {
		return nil, errConfig
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	s := &settings{users: config.Users, engine: config.Engine, stateDir: config.StateDir}
	s.certs, s.servers = certs, servers
	s.config, s.v1Address = config, p.v1Address(ctx, log, config.Notifications.V1Address)
	list, byDefault := addresses(config, o)
	if s.listen, err = p.endpoints(ctx, list, byDefault); err != nil {
		return nil, err
	}
	for i := range config.Communities {
		c, err := p.community(ctx, &config.Communities[i])
		if err != nil && (reload || c.Refuse) { // without a refusal somebody would be let in
			return nil, fmt.Errorf("%s:%d: the source of a community: %w", config.Communities[i].File, config.Communities[i].Line, err)
		}
		if err != nil { // without sources it would be open to all
			log.Warn("a community is not accepted: its source cannot be resolved", "file", config.Communities[i].File, "line", config.Communities[i].Line, "err", err)
			continue
		}
		s.communities = append(s.communities, c)
	}
	if s.sources, err = p.sourceFilter(ctx, log, &config.Sources); err != nil {
		return nil, err
	}
	return s, nil
}

// sourceFilter resolves the names of a filter. One that cannot be resolved is an error where it would be refused.
func (p *process) sourceFilter(ctx context.Context, log *slog.Logger, c *snmpdconf.SourceFilter) (agent.SourceFilter, error) {
	if c.Type == "" {
		return agent.SourceFilter{}, nil
	}
	f := agent.SourceFilter{Only: c.Type == snmpdconf.AcceptList}
	for _, host := range c.Hosts {
		if ip, err := netip.ParseAddr(host); err == nil {
			f.Addresses = append(f.Addresses, ip)
			continue
		}
		ip4, err := p.resolve(ctx, host, false)
		ip6, err6 := p.resolve(ctx, host, true)
		f.Addresses = append(append(f.Addresses, ip4...), ip6...)
		switch {
		case err == nil || err6 == nil:
		case f.Only:
			log.Warn("this source is not heard: it cannot be resolved", "file", c.File, "line", c.Line, "err", err)
		default:
			return f, fmt.Errorf("%s:%d: a source that is to be refused: %w", c.File, c.Line, err)
		}
	}
	return f, nil
}

func logDiagnostics(log *slog.Logger, diagnostics []snmpdconf.Diagnostic) {
	for _, d := range diagnostics {
		level := slog.LevelWarn
		if d.Severity == snmpdconf.Error {
			level = slog.LevelError
		}
		log.Log(context.Background(), level, d.Message, "file", d.File, "line", d.Line)
	}
}

// addresses returns those of the command line, else of the files, else the default ones.
func addresses(c *snmpdconf.Config, o *options) (list []snmpdconf.Address, byDefault bool) {
	switch {
	case len(o.listen) > 0:
		return o.listen, false
	case len(c.Listen) > 0:
		return c.Listen, false
	default:
		return snmpdconf.DefaultListen(), true
	}
}

func (p *process) community(ctx context.Context, c *snmpdconf.Community) (agent.CommunityEntry, error) {
	out := agent.CommunityEntry{Community: c.Name, SecurityName: c.SecurityName, Context: c.Context, Refuse: c.Source.Refuse}
	if c.Source.Socket != "" {
		out.Sockets = []string{c.Source.Socket} // "*" is every one here and there
		return out, nil
	}
	if c.Source.Host == "" {
		out.Sources = []netip.Prefix{c.Source.Prefix}
		return out, nil
	}
	ips, err := p.resolve(ctx, c.Source.Host, c.Source.IPv6)
	for _, ip := range ips {
		out.Sources = append(out.Sources, netip.PrefixFrom(ip, ip.BitLen()))
	}
	return out, err
}

// resolve returns at least one address of the family, or an error.
func (p *process) resolve(ctx context.Context, host string, ipv6 bool) ([]netip.Addr, error) {
	network := "ip4"
	if ipv6 {
		network = "ip6"
	}
	ips, err := p.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%s has no address of network %s", host, network)
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, nil
}

// warnUnreachable says which line would let somebody in where nobody is.
func (d *service) warnUnreachable(log *slog.Logger, s *settings, o *options) {
	const hint = "rocommunity COMMUNITY 127.0.0.1"
	if d.tables.known.Load() > 0 || len(s.certs.config.Mappings) > 0 { // they may come from anywhere, or by TLS
		return
	}
	if len(s.communities) == 0 {
		file := "none is read: name one with -c"
		if files := o.configFiles(); len(files) > 0 {
			file = files[0]
		}
		log.Warn("neither a community nor a user is configured: every request is refused", "file", file, "add", hint)
		return
	}
	for _, e := range s.listen {
		if e.optional || e.secure() || s.accepts(e) {
			continue
		}
		add := hint
		switch {
		case e.network == unixNetwork:
			add = "com2secunix NAME default COMMUNITY, and group and access for NAME"
		case e.ipv6():
			add = "rocommunity6 COMMUNITY ::1"
		}
		log.Warn("no community is accepted there: every request is refused", "address", e, "add", add)
	}
}

// accepts reports whether a request to e may have a community that is accepted.
func (s *settings) accepts(e endpoint) bool {
	for _, c := range s.communities {
		if e.network == unixNetwork {
			if slices.Contains(c.Sockets, agent.AnySocket) || slices.Contains(c.Sockets, e.path) {
				return true
			}
			continue
		}
		for _, p := range c.Sources {
			if !c.Refuse && p.Addr().Is6() == e.ipv6() {
				return true
			}
		}
	}
	return false
}

// explainFile says what to do about a file that cannot be read.
func explainFile(err error, o *options) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(o.files) == 0:
		return fmt.Errorf("%w: write it (the line «rocommunity COMMUNITY 127.0.0.1» is enough), name another with -c FILE, or run without one with -C", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: run as root or as the file's owner, or let this user read it", err)
	default:
		return err
	}
}
