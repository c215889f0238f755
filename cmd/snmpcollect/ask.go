package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/query"
	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/collector/smi/mibfile"
	"walkabout/internal/nearest"
	"walkabout/internal/secret"
	"walkabout/snmp"
)

// asking is what the flags of get, walk, bulkwalk and table say. The letters are those of Net-SNMP's tools.
type asking struct {
	config, credential string

	version, community, user, level        string
	auth, authPassword, priv, privPassword string
	context                                string

	timeout   patience
	retries   int
	max       int
	anySource bool
	output    string
	json      bool
	mibs      []string
	modules   []string
	columns   []string

	profiles collector.Profiles // the configuration's; nil without one
	names    *smi.Names
}

const targetHelp = "TARGET is the name of a target of the configuration, or an address (HOST, HOST:PORT, [2001:db8::1]:PORT) with --credential NAME,\n" +
	"or with -c COMMUNITY, or with -u USER. NAME is IF-MIB::ifDescr.1, ifDescr.1, ifDescr[1], system, or .1.3.6.1.2.1.1."

func (p process) askCommands() []*cobra.Command {
	get := p.askCommand("get TARGET NAME...", "Ask an agent for some values", cobra.MinimumNArgs(2),
		"  snmpcollect get core1 sysName sysUpTime ifOperStatus.3\n  snmpcollect get 192.0.2.1 -c public sysDescr",
		func(ctx context.Context, q *query.Query, _ *asking, names []string) error { return q.Get(ctx, names) })
	walk := func(ctx context.Context, q *query.Query, _ *asking, names []string) error {
		if len(names) == 0 {
			names = []string{"mib-2"}
		}
		return q.Walk(ctx, names)
	}
	slow := p.askCommand("walk TARGET [NAME...]", "Ask an agent for all that is below names, by GETNEXT", cobra.MinimumNArgs(1), "  snmpcollect walk core1 system",
		func(ctx context.Context, q *query.Query, a *asking, names []string) error {
			return walk(ctx, q, a, names)
		})
	bulk := p.askCommand("bulkwalk TARGET [NAME...]", "Ask an agent for all that is below names, by GETBULK, which is fast", cobra.MinimumNArgs(1),
		"  snmpcollect bulkwalk core1 IF-MIB::ifXTable\n  snmpcollect bulkwalk 192.0.2.1 -u monitor -a SHA-256 -A password -x AES -X password ifTable", walk)
	table := p.askCommand("table TARGET NAME", "Show a table of an agent's, a line a row", oneTable,
		"  snmpcollect table core1 ifTable --columns ifDescr,ifOperStatus,ifInOctets\n  snmpcollect table core1 ipNetToPhysicalTable --json",
		func(ctx context.Context, q *query.Query, a *asking, names []string) error {
			width, _ := terminalSize(q.Out)
			return q.Table(ctx, names[0], a.columns, width)
		})
	return []*cobra.Command{get, slow, bulk, table}
}

// askCommand is one of them.
func (p process) askCommand(use, short string, args cobra.PositionalArgs, example string, do func(context.Context, *query.Query, *asking, []string) error) *cobra.Command {
	var a asking
	c := &cobra.Command{Use: use, Short: short, Long: short + ".\n\n" + targetHelp, Args: args, Example: example}
	f := c.Flags()
	f.StringVar(&a.config, "config", defaultConfig, "the configuration file, for targets and credentials")
	f.StringVar(&a.credential, "credential", "", "a credential of the configuration")
	f.StringVarP(&a.version, "version", "v", "", "1, 2c or 3 (default: 3 with -u, else 2c)")
	f.StringVarP(&a.community, "community", "c", "", "the community; other users of this machine can see it while the command runs")
	f.StringVarP(&a.user, "user", "u", "", "the user of version 3")
	f.StringVarP(&a.level, "level", "l", "", "noAuthNoPriv, authNoPriv or authPriv (default: what the passwords allow)")
	f.StringVarP(&a.auth, "auth", "a", "", "authentication: MD5, SHA, SHA-224, SHA-256, SHA-384, SHA-512")
	f.StringVarP(&a.authPassword, "auth-password", "A", "", "its password")
	f.StringVarP(&a.priv, "priv", "x", "", "privacy: DES, AES, AES-192, AES-256, AES-192-C, AES-256-C")
	f.StringVarP(&a.privPassword, "priv-password", "X", "", "its password")
	f.StringVarP(&a.context, "context", "n", "", "the context of version 3")
	f.VarP(&a.timeout, "timeout", "t", "how long an answer is waited for, in seconds or as 500ms (default: the target's, else 2s)")
	f.IntVarP(&a.retries, "retries", "r", -1, "how often a request is sent again (default: the target's, else 2)")
	f.IntVar(&a.max, "max-repetitions", 0, "repetitions of a GETBULK (default: the target's, else 25)")
	f.BoolVar(&a.anySource, "any-source", false, "take answers from other addresses than was asked")
	f.StringVarP(&a.output, "output", "O", "", "how to write: n numeric OIDs, s no modules, e numeric enumerations, q no types, v values only; as in -O nq")
	f.BoolVar(&a.json, "json", false, "write JSON, an object a line")
	f.StringSliceVarP(&a.mibs, "mibs", "M", nil, "folders of MIB files, for names that are not built in")
	f.StringSliceVarP(&a.modules, "module", "m", nil, "modules of those folders to load, to read OIDs by their names")
	name, _, _ := strings.Cut(use, " ")
	if name == "table" {
		f.StringSliceVar(&a.columns, "columns", nil, "only these columns")
	}
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return p.completeTarget(a.config, args), cobra.ShellCompDirectiveNoFileComp
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		q, o, err := p.query(c.Context(), &a, args[0])
		if err != nil {
			return err
		}
		o.NoBulk = o.NoBulk || name == "walk" || name == "auto"
		sockets := session.NewSockets()
		defer sockets.Close()
		if q.Client, err = sockets.Open(c.Context(), o); err == nil {
			defer q.Client.Close()
			err = do(c.Context(), q, &a, args[1:])
		}
		return query.Explain(c.Context(), err, sockets.Open, o)
	}
	return c
}

// oneTable takes a target and a table.
func oneTable(c *cobra.Command, args []string) error {
	if len(args) > 2 {
		return fmt.Errorf("one table at a time; of its columns only some: --columns %s", strings.Join(args[2:], ","))
	}
	return cobra.ExactArgs(2)(c, args)
}

// query returns what the flags and the target say, but for the session.
func (p process) query(ctx context.Context, a *asking, target string) (*query.Query, session.Options, error) {
	var o session.Options
	style, err := query.ParseStyle(a.output)
	if err != nil {
		return nil, o, err
	}
	style.JSON = a.json
	t, err := a.target(ctx, p, target)
	if err != nil {
		return nil, o, err
	}
	if a.names == nil {
		a.names = smi.BuiltIn()
	}
	names := mibfile.NewLibrary(a.names, a.mibs...)
	for _, m := range a.modules {
		if err := names.Load(m); err != nil {
			return nil, o, err
		}
	}
	if a.timeout != 0 {
		t.Timeout = time.Duration(a.timeout)
	}
	if a.retries >= 0 {
		t.Retries = a.retries
	}
	o = session.Options{Credential: t.Credential, Timeout: t.Timeout, Retries: min(t.Retries, 100), NoBulk: t.NoBulk, Source: t.Source,
		AnySource: t.AnySource || a.anySource, Stats: &session.Stats{}}
	if o.Host, o.Port, err = collector.SplitAddress(t.Address); err != nil {
		return nil, o, err
	}
	most := min(cmp.Or(a.max, t.MaxRepetitions), collector.MaxMaxRepetitions)
	return &query.Query{Names: names, Style: style, Out: p.stdout, Max: most}, o, nil
}

// target finds the target by its name, or makes one of an address.
func (a *asking) target(ctx context.Context, p process, name string) (collector.Target, error) {
	t := collector.DefaultTarget()
	t.Address = name
	for _, prefix := range []string{"udp:", "udp6:"} { // as Net-SNMP's tools have it
		t.Address = strings.TrimPrefix(t.Address, prefix)
	}
	var given session.Credential
	if a.byFlags() {
		if a.credential != "" {
			return t, errors.New("--credential and flags that make one up: give one of them")
		}
		var err error
		if given, err = a.made(); err != nil {
			return t, err
		}
	}
	if a.byFlags() && a.config == defaultConfig {
		if _, err := os.Stat(a.config); err != nil { // not needed
			t.Credential = given
			return t, nil
		}
	}
	cfg := p.forTools(a.config)
	a.profiles, a.names = cfg.Profiles, cfg.Names
	host, _, _ := collector.SplitAddress(t.Address)
	_, noAddress := netip.ParseAddr(host)
	known, found := p.find(ctx, cfg, name, noAddress != nil || a.credential == "" && !a.byFlags())
	if found {
		t = known
	}
	switch {
	case a.byFlags():
		t.Credential = given
	case a.credential != "":
		var err error
		t.Credential, err = cfg.Credential(a.credential)
		return t, err
	case !found:
		return t, unknownTarget(name, a.config, cfg)
	}
	return t, nil
}

// find returns the target of the name, of the configuration or, with lists, of its lists, which are asked for only then.
func (p process) find(ctx context.Context, cfg config.Config, name string, lists bool) (collector.Target, bool) {
	named := func(t collector.Target) bool { return t.Name == name }
	if i := slices.IndexFunc(cfg.Targets, named); i >= 0 {
		return cfg.Targets[i], true
	}
	if !lists {
		return collector.Target{}, false
	}
	for _, l := range cfg.Lists {
		source, err := l.Source()
		if err != nil {
			continue // cannot be: it was found right
		}
		groups, err := source.Fetch(ctx)
		if err != nil {
			fmt.Fprintf(p.stderr, "the list %s cannot be had: %v\n", l.Name, err)
		}
		targets, _ := l.Targets(groups)
		if i := slices.IndexFunc(targets, named); i >= 0 {
			return targets[i], true
		}
	}
	return collector.Target{}, false
}

// completeTarget returns what may stand for TARGET, for a shell.
func (p process) completeTarget(path string, args []string) []string {
	if len(args) > 0 {
		return nil
	}
	cfg, _ := config.Load(path, collector.BuiltIn(), p.getenv) // a shell that completes is not told of mistakes
	var names []string
	for _, t := range cfg.Targets {
		names = append(names, t.Name)
	}
	return names
}

func unknownTarget(name, path string, cfg config.Config) error {
	names := make([]string, 0, len(cfg.Targets))
	for _, t := range cfg.Targets {
		names = append(names, t.Name)
	}
	if _, err := os.ReadFile(path); err != nil {
		return fmt.Errorf("no configuration tells who %q is (%w): name one with --config FILE, or for an address add -c COMMUNITY or -u USER", name, err)
	}
	if near := nearest.Word(name, names); near != "" {
		return fmt.Errorf("no target of %s is called %q; did you mean %q? For an address add --credential NAME or -c COMMUNITY", path, name, near)
	}
	return fmt.Errorf("no target of %s is called %q; for an address add --credential NAME, or -c COMMUNITY, or -u USER", path, name)
}

// byFlags reports whether flags make up a credential.
func (a *asking) byFlags() bool {
	return a.community+a.user+a.version+a.level+a.auth+a.authPassword+a.priv+a.privPassword+a.context != ""
}

// made returns the credential that the flags make up.
func (a *asking) made() (session.Credential, error) {
	version := a.version
	if _, err := os.Stat(a.community); err == nil && strings.HasSuffix(a.community, ".yaml") {
		return session.Credential{}, errors.New("-c is the community here, as with Net-SNMP's tools; the configuration is --config " + a.community)
	}
	if version == "" && (a.user != "" || a.community == "") {
		version = "3"
	}
	c := session.Credential{Community: secret.New(a.community), User: a.user, AuthPassword: secret.New(a.authPassword), PrivPassword: secret.New(a.privPassword), Context: a.context}
	var err error
	if c.Version, err = config.ParseVersion(cmp.Or(version, "2c")); err != nil {
		return c, fmt.Errorf("-v: %w", err)
	}
	if c.Auth, err = session.ParseAuthProtocol(a.auth); err != nil {
		return c, fmt.Errorf("-a: %w", err)
	}
	if c.Priv, err = session.ParsePrivProtocol(a.priv); err != nil {
		return c, fmt.Errorf("-x: %w", err)
	}
	switch strings.ToLower(a.level) {
	case "", "authpriv":
	case "authnopriv":
		c.Priv, c.PrivPassword = "", secret.String{}
	case "noauthnopriv":
		c.Auth, c.AuthPassword, c.Priv, c.PrivPassword = "", secret.String{}, "", secret.String{}
	default:
		return c, fmt.Errorf("-l %s: it is noAuthNoPriv, authNoPriv or authPriv", a.level)
	}
	if strings.EqualFold(a.level, "authPriv") && c.Priv == "" {
		return c, errors.New("-l authPriv needs -x and -X")
	}
	if c.Version != snmp.V3 && a.community == "" && a.user == "" {
		return c, fmt.Errorf("version %v needs -c COMMUNITY", c.Version)
	}
	return c, c.Validate()
}

// patience is a flag: a duration that may be written as a number of seconds, as Net-SNMP's -t is.
type patience time.Duration

func (s *patience) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}

// Type implements cobra's flag.
func (s *patience) Type() string { return "seconds" }

// Set reads "2", "0.5" or "500ms".
func (s *patience) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 10*time.Minute {
		return errors.New("a time above 0 and up to 10m, in seconds or as 500ms")
	}
	*s = patience(d)
	return nil
}
