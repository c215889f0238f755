// Package config reads snmpcollect.yaml: strictly, with the line of every mistake, and secrets from where they are kept.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/collector"
	"walkabout/collector/session"
	"walkabout/exporters"
	"walkabout/exporters/file"
	"walkabout/exporters/influxdb"
	"walkabout/internal/nearest"
	"walkabout/internal/strictyaml"
	"walkabout/snmp"
)

// DefaultListen is where pages, /metrics and health are served unless the file says otherwise.
const DefaultListen = "127.0.0.1:8161"

// Config is what a file says, checked and with its defaults in place.
type Config struct {
	State   string // the folder; "" leaves the choice to statedir
	Listen  string // host:port; "" is off
	Targets []collector.Target
	Outputs []Output
	Alerts  alert.Config // with its Targets
	Notify  []Notifier
}

// Output is an exporter and its queue. One of InfluxDB and File is not nil.
type Output struct {
	Queue    exporters.Config
	InfluxDB *influxdb.Config
	File     *file.Config // without Stdout
}

// Notifier is a way to tell people. Webhook is nil for the log.
type Notifier struct {
	Name    string
	Webhook *notify.WebhookOptions
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
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, []Problem{{File: path, Err: err}}
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return Config{}, []Problem{{File: path, Err: fmt.Errorf("a configuration is a regular file of at most %d octets", maxFile)}}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, []Problem{{File: path, Err: err}}
	}
	r := reader{path: path, profiles: profiles, getenv: getenv, private: runtime.GOOS == "windows" || info.Mode().Perm()&0o007 == 0}
	return r.read(text)
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
}

func (r *reader) read(text []byte) (Config, []Problem) {
	var f document
	var errs []*strictyaml.Error
	r.doc, errs = strictyaml.Decode(text, &f)
	for _, e := range errs {
		r.problems = append(r.problems, Problem{File: r.path, Line: e.Line, Err: e.Err})
	}
	c := Config{State: f.State, Listen: DefaultListen}
	if f.Listen != nil {
		c.Listen = *f.Listen
	}
	r.checkListen(c.Listen)
	r.checkPath(f.State, "state")
	c.Targets = r.targets(&f)
	c.Outputs = r.outputs(f.Outputs)
	c.Alerts = r.alerts(f.Alerts, c.Targets)
	c.Notify = r.notifiers(f.Notify)
	if !Failed(r.problems) { // beside errors they would mislead: what is wrong may be what seems to be missing
		r.remarks(&f)
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return c, r.problems
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
func (r *reader) remarks(f *document) {
	if len(f.Targets) == 0 {
		r.warn("no targets: nothing will be polled", "targets")
	}
	if len(f.Outputs) == 0 {
		r.warn("no outputs: what is polled feeds alerts and /metrics only", "outputs")
	}
	if r.inline > 0 && !r.private {
		r.problems = append(r.problems, Problem{File: r.path, Line: r.inline, Warning: true,
			Err: fmt.Errorf("the file holds a secret and others can read it: chmod o-rwx %s, or use …_file or …_env", r.path)})
	}
}

func (r *reader) checkListen(listen string) {
	if listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "" {
		r.fail(fmt.Errorf("%q is not host:port, as in %s", listen, DefaultListen), "listen")
		return
	}
	if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.IsLoopback()) {
		r.warn("whoever reaches this address can read /metrics; there is no password", "listen")
	}
}

// checkPath refuses a path that only a shell would read as it is meant.
func (r *reader) checkPath(path string, at ...any) {
	if path == "~" || strings.HasPrefix(path, "~/") {
		r.fail(fmt.Errorf("%s: ~ means nothing here: write the whole path", path), at...)
	}
}

// credentials returns those that are right, by name.
func (r *reader) credentials(f *document) map[string]session.Credential {
	out := make(map[string]session.Credential, len(f.Credentials))
	for name, c := range f.Credentials {
		at := []any{"credentials", name}
		s := session.Credential{User: c.User, Context: c.Context}
		var err error
		if s.Version, err = parseVersion(c.Version); err != nil {
			r.fail(err, append(at, "version")...)
			continue
		}
		if s.Auth, err = session.ParseAuthProtocol(c.Auth); err != nil {
			r.fail(err, append(at, "auth")...)
			continue
		}
		if s.Priv, err = session.ParsePrivProtocol(c.Priv); err != nil {
			r.fail(err, append(at, "priv")...)
			continue
		}
		community, ok1 := r.secret(source{"community", c.Community, c.CommunityFile, c.CommunityEnv}, at...)
		auth, ok2 := r.secret(source{"auth_password", c.AuthPassword, c.AuthPasswordFile, c.AuthPasswordEnv}, at...)
		priv, ok3 := r.secret(source{"priv_password", c.PrivPassword, c.PrivPasswordFile, c.PrivPasswordEnv}, at...)
		if !ok1 || !ok2 || !ok3 {
			continue
		}
		s.Community, s.AuthPassword, s.PrivPassword = community, auth, priv
		if err := s.Validate(); err != nil {
			r.fail(fmt.Errorf("credential %q: %w", name, err), at...)
			continue
		}
		out[name] = s
	}
	return out
}

func parseVersion(s string) (snmp.Version, error) {
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

func (r *reader) targets(f *document) []collector.Target {
	credentials := r.credentials(f)
	defaults := collector.DefaultTarget()
	if f.Interval != 0 {
		defaults.Interval = time.Duration(f.Interval)
	}
	var out []collector.Target
	lines := map[string]int{}
	for i, t := range f.Targets {
		target := t.apply(defaults)
		if t.Source != "" {
			var err error
			if target.Source, err = netip.ParseAddr(t.Source); err != nil {
				r.fail(fmt.Errorf("source %q is no address of this machine: %w", t.Source, err), "targets", i, "source")
				continue
			}
		}
		credential, known := credentials[t.Credential]
		target.Credential = credential
		switch _, written := f.Credentials[t.Credential]; {
		case t.Credential == "":
			r.fail(fmt.Errorf("target %q names no credential", t.Name), "targets", i)
			continue
		case !written:
			r.fail(unknownCredential(t.Credential, f.Credentials), "targets", i, "credential")
			continue
		case !known: // its own mistake was told where it stands
			continue
		}
		if line, twice := lines[t.Name]; twice && t.Name != "" {
			r.fail(fmt.Errorf("target %q is there already, in line %d", t.Name, line), "targets", i, "name")
		}
		lines[t.Name] = r.doc.Line("targets", i, "name")
		if err := target.Validate(r.profiles); err != nil {
			r.fail(err, "targets", i)
			continue
		}
		out = append(out, target)
	}
	return out
}

func unknownCredential(name string, known map[string]credential) error {
	names := slices.Sorted(maps.Keys(known))
	if near := nearest.Word(name, names); near != "" {
		return fmt.Errorf("no credential is called %q; did you mean %q?", name, near)
	}
	if len(names) == 0 {
		return fmt.Errorf("no credential is called %q; there is no section credentials", name)
	}
	return fmt.Errorf("no credential is called %q; known are %s", name, strings.Join(names, ", "))
}

// apply returns base with what t says.
func (t target) apply(base collector.Target) collector.Target {
	base.Name, base.Address, base.Collect, base.Labels, base.AnySource = t.Name, t.Address, t.Collect, t.Labels, t.AnySource
	if t.Interval != 0 {
		base.Interval = time.Duration(t.Interval)
	}
	if t.Structure != nil {
		base.Structure = time.Duration(*t.Structure)
	}
	if t.Timeout != 0 {
		base.Timeout = time.Duration(t.Timeout)
	}
	base.Timeout = min(base.Timeout, base.Interval)
	set(&base.Retries, t.Retries)
	set(&base.MaxRepetitions, t.MaxRepetitions)
	set(&base.AssumeSpeed, t.AssumeSpeed)
	set(&base.MaxGap, t.MaxGap)
	if t.Bulk != nil {
		base.NoBulk = !*t.Bulk
	}
	return base
}

// set makes *dst what was written, if anything was.
func set[T any](dst, written *T) {
	if written != nil {
		*dst = *written
	}
}
