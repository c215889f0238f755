// Package config reads snmpcollect.yaml: strictly, with the line of every mistake, and secrets from where they are kept.
package config

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/collector/snmpyml"
	"walkabout/internal/nearest"
	"walkabout/internal/secret"
	"walkabout/internal/strictyaml"
	"walkabout/snmp"
	"walkabout/spool"
)

// DefaultListen is where pages, /metrics and health are served unless the file says otherwise.
const DefaultListen = "127.0.0.1:8161"

// Config is what a file says, checked and with its defaults in place.
type Config struct {
	State   string // the folder; "" leaves the choice to statedir
	Listen  string // host:port; "" is off
	Targets []collector.Target
	Lists   []List // of targets that are had from elsewhere
	Outputs []Output
	// SpoolKeep is what the spool holds for a replay when every output has taken it.
	SpoolKeep spool.Bounds
	Alerts    alert.Config // without Targets: see AlertsFor
	Notify    []Notifier
	APIToken  secret.String // lets its bearer see and change everything on the pages
	Pages     Pages
	Traps     *Traps        // nil: nothing is received
	Scrape    *Scrape       // nil: nothing but /metrics
	Store     *Store        // nil: nothing is kept but for outputs
	Self      time.Duration // how often the collector's own figures are put into the outputs; 0: they are not

	Profiles collector.Profiles // those of the program, and the file's own
	Names    *smi.Names         // of objects: those of the program, and of the modules that the file names

	credentials map[string]session.Credential
	path        string
	include     []string
	read        [2]uint64 // Stamp when the files were read, without the main file and with it
	sources     []string  // files of profiles and modules
}

// Problem is one remark about a file. A warning keeps nobody from running.
type Problem struct {
	File    string
	Line    int // counts from 1; 0 is the file as a whole
	Warning bool
	Err     error
}

func (p Problem) String() string {
	kind := "error"
	if p.Warning {
		kind = "warning"
	}
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s: %v", p.File, kind, p.Err)
	}
	return fmt.Sprintf("%s:%d: %s: %v", p.File, p.Line, kind, p.Err)
}

// Failed reports whether one of problems is an error.
func Failed(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// maxFile bounds a configuration: 50,000 targets take some 10 MB.
const maxFile = 64 << 20

// Load reads the file at path. Nothing is sent and no name is resolved. If one of the problems is an error, the Config is
// not to be used.
func Load(path string, profiles collector.Profiles, getenv func(string) string) (Config, []Problem) {
	text, private, err := readFile(path)
	if err != nil {
		return Config{path: path}, []Problem{{File: path, Err: err}}
	}
	r := reader{path: path, profiles: maps.Clone(profiles), getenv: getenv, private: private}
	return r.read(text)
}

// Credential returns the credential of the name, or an error that says which there are.
func (c Config) Credential(name string) (session.Credential, error) {
	if s, ok := c.credentials[name]; ok {
		return s, nil
	}
	known := map[string]bool{}
	for n := range c.credentials {
		known[n] = true
	}
	return session.Credential{}, fmt.Errorf("%s: %w", c.path, unknownCredential(name, known))
}

// reader turns a file's text into a Config and collects what is wrong with it.
type reader struct {
	path     string
	profiles collector.Profiles
	getenv   func(string) string
	private  bool // nobody else can read the file
	inline   int  // the line of the first secret written into it
	doc      strictyaml.Document
	problems []Problem
	sources  []string // files that profiles were read from
	ymls     map[string]snmpyml.File
	names    smi.Resolver // of what modules of ymls call OIDs that are values
}

func (r *reader) read(text []byte) (Config, []Problem) {
	var f document
	var errs []*strictyaml.Error
	r.doc, errs = strictyaml.Decode(text, &f)
	r.mistakes(errs)
	c := Config{State: f.State, Listen: DefaultListen, path: r.path, include: f.Include}
	if f.Listen != nil {
		c.Listen = *f.Listen
	}
	r.checkListen(c.Listen)
	r.checkPath(f.State, "state")
	before := c.Stamp(true)
	parts := r.parts(&f)
	c.Names = r.loadProfiles(&f, parts)
	ruleFiles, storeAlerts := r.ruleFiles(f.Store)
	changed := c.Stamp(true) != before
	c.Profiles, c.sources = r.profiles, r.sources
	c.read = [2]uint64{c.Stamp(false), c.Stamp(true)}
	if changed { // while it was read: the next look must find it so
		c.read[0], c.read[1] = c.read[0]+1, c.read[1]+1
	}
	base := collector.DefaultTarget()
	if f.Interval != 0 {
		base.Interval = time.Duration(f.Interval)
	}
	if f.Ping != "" {
		base.Ping = r.ping(f.Ping, "ping")
	}
	credentials, written := r.credentials(parts)
	c.credentials = credentials
	c.Targets = r.targets(parts, base, credentials, written)
	c.Lists = r.lists(&f, base, credentials, written)
	c.Traps = r.traps(f.Traps, credentials, written)
	c.Scrape = r.scrape(f.Scrape, c.Listen, credentials, written)
	if f.Self {
		c.Self = base.Interval
	}
	c.Outputs = r.outputs(f.Outputs)
	c.Store = r.store(f.Store, ruleFiles, storeAlerts, c.Outputs)
	c.SpoolKeep = spool.Bounds{Age: time.Duration(f.Spool.Keep), Size: cmp.Or(int64(f.Spool.KeepSize), defaultSpoolSize)}
	c.Alerts = r.alerts(f.Alerts)
	r.checkNames(c.Store, c.Alerts.Rules)
	external, below := r.externalURL(f.ExternalURL)
	c.Alerts.ExternalURL = external
	c.APIToken, _ = r.secret(source{"api_token", f.APIToken, f.APITokenFile, f.APITokenEnv})
	c.Pages = r.pages(f.Pages)
	c.Pages.Below = below
	r.checkReach(c)
	c.Notify = r.notifiers(f.Notify)
	if !Failed(gather(parts)) { // beside errors they would mislead: what is wrong may be what seems to be missing
		r.remarks(&f, c)
		for _, p := range parts {
			p.exposed()
		}
	}
	return c, gather(parts)
}

// fail adds an error at what path leads to.
func (r *reader) fail(err error, path ...any) {
	for _, e := range flatten(err) {
		r.problems = append(r.problems, Problem{File: r.path, Line: r.doc.Line(path...), Err: e})
	}
}

// flatten takes apart what errors.Join has joined, below a message too, so that each mistake has its line.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	inner := errors.Unwrap(err)
	if inner == nil {
		return []error{err}
	}
	parts := flatten(inner)
	if len(parts) == 1 {
		return []error{err}
	}
	before, _, _ := strings.Cut(err.Error(), inner.Error())
	for i := range parts {
		parts[i] = fmt.Errorf("%s%w", before, parts[i])
	}
	return parts
}

func (r *reader) warn(text string, path ...any) {
	r.problems = append(r.problems, Problem{File: r.path, Line: r.doc.Line(path...), Warning: true, Err: errors.New(text)})
}

// remarks warns of what is allowed and probably not meant.
func (r *reader) remarks(f *document, c Config) {
	r.remarkAlerts(c)
	if len(c.Targets) == 0 && len(c.Lists) == 0 {
		r.warn("no targets: nothing will be polled", "targets")
	}
	if len(f.Outputs) == 0 && c.Store == nil {
		r.warn("no outputs and no store: what is polled feeds alerts and /metrics only", "outputs")
	}
}

// exposed warns of a secret in a file that others can read.
func (r *reader) exposed() {
	if r.inline > 0 && !r.private {
		r.problems = append(r.problems, Problem{File: r.path, Line: r.inline, Warning: true,
			Err: fmt.Errorf("the file holds a secret and others can read it: chmod o-rwx %s, or use …_file or …_env", r.path)})
	}
}

func (r *reader) checkListen(listen string) {
	if strings.HasPrefix(listen, "unix:") || strings.HasPrefix(listen, "/") {
		r.fail(fmt.Errorf("%q: the pages listen at an address and a port, as in %s, at no Unix socket", listen, DefaultListen), "listen")
		return
	}
	if listen == "" {
		return
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil || port == "" {
		r.fail(fmt.Errorf("%q is not host:port, as in %s", listen, DefaultListen), "listen")
		return
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > 65535) { // it may be a service's name
		r.fail(fmt.Errorf("%q: the port is not between 0 and 65535", listen), "listen")
		return
	}
}

// checkPath refuses a path that only a shell would read as it is meant.
func (r *reader) checkPath(path string, at ...any) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		r.fail(fmt.Errorf("%s: ~ means nothing here: write the whole path", path), at...)
	}
}

// credential returns the credential c of the name; false if it is wrong.
func (r *reader) credential(name string, c credential) (session.Credential, bool) {
	at := []any{"credentials", name}
	s := session.Credential{User: c.User, Context: c.Context}
	var err error
	if s.Version, err = ParseVersion(c.Version); err != nil {
		r.fail(err, append(at, "version")...)
		return s, false
	}
	if s.Auth, err = session.ParseAuthProtocol(c.Auth); err != nil {
		r.fail(err, append(at, "auth")...)
		return s, false
	}
	if s.Priv, err = session.ParsePrivProtocol(c.Priv); err != nil {
		r.fail(err, append(at, "priv")...)
		return s, false
	}
	engine, err := hex.DecodeString(strings.TrimPrefix(c.ContextEngineID, "0x"))
	if err != nil {
		r.fail(fmt.Errorf("%q: write the octets in hexadecimal, such as 80001f8804646576", c.ContextEngineID), append(at, "context_engine_id")...)
		return s, false
	}
	s.ContextEngineID = string(engine)
	var ok1, ok2, ok3 bool
	s.Community, ok1 = r.secret(source{"community", c.Community, c.CommunityFile, c.CommunityEnv}, at...)
	s.AuthPassword, ok2 = r.secret(source{"auth_password", c.AuthPassword, c.AuthPasswordFile, c.AuthPasswordEnv}, at...)
	s.PrivPassword, ok3 = r.secret(source{"priv_password", c.PrivPassword, c.PrivPasswordFile, c.PrivPasswordEnv}, at...)
	if !ok1 || !ok2 || !ok3 {
		return s, false
	}
	if err := s.Validate(); err != nil {
		r.fail(fmt.Errorf("credential %q: %w", name, err), at...)
		return s, false
	}
	return s, true
}

// ParseVersion reads "1", "2c" or "3", with a "v" before it or without.
func ParseVersion(s string) (snmp.Version, error) {
	switch strings.TrimPrefix(strings.ToLower(s), "v") {
	case "1":
		return snmp.V1, nil
	case "2c", "2":
		return snmp.V2c, nil
	case "3":
		return snmp.V3, nil
	case "":
		return 0, errors.New("no version; write 1, 2c or 3")
	default:
		return 0, fmt.Errorf("unknown SNMP version %q; known are 1, 2c and 3", s)
	}
}

// targets returns the targets of all parts that are right.
func (r *reader) targets(parts []part, base collector.Target, credentials map[string]session.Credential, written map[string]bool) []collector.Target {
	var out []collector.Target
	places := map[string]string{}
	for _, p := range parts {
		for i, t := range p.Targets {
			target, ok := p.apply(t.settings, base, "targets", i)
			target.Name, target.Address = t.Name, t.Address
			switch credential, known := credentials[t.Credential]; {
			case !ok:
				continue
			case t.Credential == "":
				p.fail(fmt.Errorf("target %q names no credential", t.Name), "targets", i)
				continue
			case !written[t.Credential]:
				p.fail(unknownCredential(t.Credential, written), "targets", i, "credential")
				continue
			case !known: // its own mistake was told where it stands
				continue
			default:
				target.Credential = credential
			}
			line := p.doc.Line("targets", i, "name")
			if place, twice := places[t.Name]; twice && t.Name != "" {
				p.fail(fmt.Errorf("target %q is there already, in %s", t.Name, place), "targets", i, "name")
			}
			places[t.Name] = fmt.Sprintf("line %d", line)
			if p.reader != r {
				places[t.Name] = fmt.Sprintf("%s:%d", p.path, line)
			}
			if err := target.Validate(r.profiles); err != nil {
				p.fail(err, "targets", i)
				continue
			}
			out = append(out, target)
		}
	}
	return out
}

func unknownCredential(name string, known map[string]bool) error {
	names := slices.Sorted(maps.Keys(known))
	if near := nearest.Word(name, names); near != "" {
		return fmt.Errorf("no credential is called %q; did you mean %q?", name, near)
	}
	if len(names) == 0 {
		return fmt.Errorf("no credential is called %q; there is no section credentials", name)
	}
	return fmt.Errorf("no credential is called %q; known are %s", name, strings.Join(names, ", "))
}

// apply returns base with what s, which is written below at, says; false if that is wrong.
func (r *reader) apply(s settings, base collector.Target, at ...any) (collector.Target, bool) {
	base.Collect, base.Labels, base.AnySource = append(slices.Clone([]string(s.Collect)), s.Module...), s.Labels, s.AnySource
	base.Interfaces = s.Interfaces.filter()
	if s.Interval != 0 {
		base.Interval = time.Duration(s.Interval)
	}
	if s.Structure != nil {
		base.Structure = time.Duration(*s.Structure)
	}
	if s.Timeout != 0 {
		base.Timeout = time.Duration(s.Timeout)
	}
	base.Timeout = min(base.Timeout, base.Interval)
	set(&base.Retries, s.Retries)
	set(&base.MaxRepetitions, s.MaxRepetitions)
	set(&base.AssumeSpeed, s.AssumeSpeed)
	set(&base.MaxGap, s.MaxGap)
	if s.Bulk != nil {
		base.NoBulk = !*s.Bulk
	}
	if s.Source != "" {
		var err error
		if base.Source, err = netip.ParseAddr(s.Source); err != nil {
			r.fail(fmt.Errorf("source %q is no address of this machine: %w", s.Source, err), append(at, "source")...)
			return base, false
		}
	}
	if s.Ping != "" {
		base.Ping = r.ping(s.Ping, append(slices.Clone(at), "ping")...)
	}
	var ok bool
	base.TrapSources, ok = r.trapSources(s.TrapSources, at...)
	return base, ok
}

// set makes *dst what was written, if anything was.
func set[T any](dst, written *T) {
	if written != nil {
		*dst = *written
	}
}
