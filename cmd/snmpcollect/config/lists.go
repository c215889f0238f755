package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/collector"
	"walkabout/collector/sd"
	"walkabout/collector/session"
	durations "walkabout/internal/duration"
)

// List is a list of targets that is had from elsewhere. One of File, HTTP and DNS is not nil.
type List struct {
	Name    string // distinct
	Refresh time.Duration
	File    *sd.File
	HTTP    *sd.HTTPConfig
	DNS     *sd.DNS // without Resolver

	settings    settings
	base        collector.Target // with what settings say
	credentials map[string]session.Credential
	profiles    collector.Profiles
}

// The default of refresh_interval: Prometheus' own for HTTP; files are looked at more often, since nothing else tells of their changes.
const (
	refreshFile = 10 * time.Second
	refreshHTTP = time.Minute
	refreshDNS  = 30 * time.Second
)

// lists returns the lists that are right.
func (r *reader) lists(f *document, base collector.Target, credentials map[string]session.Credential, written map[string]bool) []List {
	var out []List
	names := map[string]bool{}
	add := func(l list, made List, refresh time.Duration, kind, section string, i int) {
		made.Name = r.name(l.Name, kind, names, section, i)
		made.Refresh = cmp.Or(time.Duration(l.RefreshInterval), refresh)
		var ok bool
		if made.base, ok = r.apply(l.settings, base, section, i); !ok {
			return
		}
		if l.Credential != "" && !written[l.Credential] {
			r.fail(unknownCredential(l.Credential, written), section, i, "credential")
			return
		}
		made.settings, made.credentials, made.profiles = l.settings, credentials, r.profiles
		if err := made.probe(); err != nil {
			r.fail(err, section, i)
			return
		}
		out = append(out, made)
	}
	for i, l := range f.FileSD {
		if made, ok := r.fileList(l, i); ok {
			add(l.list, made, refreshFile, "file_sd", "file_sd_configs", i)
		}
	}
	for i, l := range f.HTTPSD {
		if made, ok := r.httpList(l, i); ok {
			add(l.list, made, refreshHTTP, "http_sd", "http_sd_configs", i)
		}
	}
	for i, l := range f.DNSSD {
		if made, ok := r.dnsList(l, i); ok {
			add(l.list, made, refreshDNS, "dns_sd", "dns_sd_configs", i)
		}
	}
	for i := range out {
		if out[i].HTTP != nil {
			out[i].HTTP.Refresh = out[i].Refresh
		}
	}
	return out
}

func (r *reader) fileList(l fileSD, i int) (List, bool) {
	made, ok := List{File: &sd.File{}}, len(l.Files) > 0
	if !ok {
		r.fail(errors.New("files names none, as in files: [targets/*.json]"), "file_sd_configs", i)
	}
	for n, pattern := range l.Files {
		r.checkPath(pattern, "file_sd_configs", i, "files", n)
		if err := sd.CheckPattern(pattern); err != nil {
			r.fail(fmt.Errorf("files: %w", err), "file_sd_configs", i, "files", n)
			ok = false
		}
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(r.path), pattern)
		}
		made.File.Patterns = append(made.File.Patterns, pattern)
	}
	return made, ok
}

func (r *reader) httpList(l httpSD, i int) (List, bool) {
	at := []any{"http_sd_configs", i}
	c := sd.HTTPConfig{Timeout: time.Duration(l.HTTPTimeout)}
	var ok1, ok2, ok3 bool
	c.URL, ok1 = r.secret(source{"url", l.URL, l.URLFile, l.URLEnv}, at...)
	c.Token, ok2 = r.secret(source{"token", l.Token, l.TokenFile, l.TokenEnv}, at...)
	c.Headers, ok3 = r.headers(l.Headers, at...)
	if !ok1 || !ok2 || !ok3 {
		return List{}, false
	}
	if err := c.Validate(); err != nil {
		r.fail(err, at...)
		return List{}, false
	}
	return List{HTTP: &c}, true
}

func (r *reader) dnsList(l dnsSD, i int) (List, bool) {
	d := sd.DNS{Names: l.Names, Type: cmp.Or(strings.ToUpper(l.Type), "SRV"), Port: collector.DefaultPort}
	set(&d.Port, l.Port)
	switch {
	case len(l.Names) == 0 || slices.Contains(l.Names, ""):
		r.fail(errors.New("names names none, as in names: [_snmp._udp.example.net]"), "dns_sd_configs", i)
	case !slices.Contains(sd.DNSTypes(), d.Type):
		r.fail(fmt.Errorf("type %q; known are %s", l.Type, strings.Join(sd.DNSTypes(), ", ")), "dns_sd_configs", i, "type")
	case d.Type == "SRV" && l.Port != nil:
		r.fail(errors.New("port is of A and AAAA: records of type SRV name their own"), "dns_sd_configs", i, "port")
	case d.Port == 0:
		r.fail(errors.New("port must be 1 to 65535"), "dns_sd_configs", i, "port")
	default:
		return List{DNS: &d}, true
	}
	return List{}, false
}

// probe returns what is wrong with the list's settings, whatever targets it will have.
func (l List) probe() error {
	t := l.base
	t.Name, t.Address = "name", "192.0.2.1"
	if len(t.Collect) == 0 {
		t.Collect = l.profiles.Names()[:1] // the targets' labels may name theirs
	}
	if c, ok := l.credentials[l.settings.Credential]; ok {
		t.Credential = c
	} else {
		for _, c := range l.credentials { // as well; or its mistake was told where it stands
			t.Credential = c
		}
	}
	var e *collector.TargetError
	if err := t.Validate(l.profiles); errors.As(err, &e) {
		return e.Err
	}
	return nil
}

// Targets returns the targets of groups, and what is wrong with those that are left out.
func (l List) Targets(groups []sd.Group) ([]collector.Target, []error) {
	var out []collector.Target
	var errs []error
	for _, g := range groups {
		for _, address := range g.Targets {
			t, err := l.target(address, g.Labels, len(g.Targets) == 1)
			if err == nil {
				err = t.Validate(l.profiles)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			out = append(out, t)
		}
	}
	return out, errs
}

// target makes a target of an entry. Of labels that begin with "__" some say how it is polled, by the words of Prometheus and
// snmp_exporter; the others are ignored. alone says that the labels are of this target only, so that one may be its name.
func (l List) target(address string, labels map[string]string, alone bool) (collector.Target, error) {
	t := l.base
	t.Address, t.Name = address, strings.TrimSuffix(address, ":"+strconv.Itoa(collector.DefaultPort))
	if host, _, err := net.SplitHostPort(address); err == nil && t.Name == "["+host+"]" {
		t.Name = host
	}
	if name := cmp.Or(labels["device"], labels["instance"]); alone && name != "" {
		t.Name = name
	}
	if modules := strings.Split(labels["__param_module"], ","); !slices.ContainsFunc(modules, func(m string) bool { return l.profiles[m] == nil && m != collector.Auto }) {
		t.Collect = modules
	}
	credential := l.settings.Credential
	if _, known := l.credentials[labels["__param_auth"]]; known {
		credential = labels["__param_auth"]
	}
	if credential == "" {
		return t, &collector.TargetError{Target: t.Name, Err: errors.New("neither the list nor the label __param_auth names a credential that there is")}
	}
	t.Credential = l.credentials[credential]
	for _, times := range []struct {
		label string
		into  *time.Duration
	}{{"__scrape_interval__", &t.Interval}, {"__scrape_timeout__", &t.Timeout}} {
		if text := labels[times.label]; text != "" {
			d, err := durations.Parse(text)
			if err != nil {
				return t, &collector.TargetError{Target: t.Name, Err: fmt.Errorf("label %s: %w", times.label, err)}
			}
			*times.into = d
		}
	}
	t.Timeout = min(t.Timeout, t.Interval)
	t.Labels = l.labels(labels, t)
	return t, nil
}

// labels returns those that become tags: the settings' and then the entry's. One that cannot be a tag, or says the target's name only,
// is left out.
func (l List) labels(entry map[string]string, t collector.Target) map[string]string {
	var out map[string]string
	for _, from := range []map[string]string{l.settings.Labels, entry} {
		for name, value := range from {
			if value == "" || name == "instance" && value == t.Name || collector.ValidateLabel(name, t.Collect, l.profiles) != nil {
				continue
			}
			if out == nil {
				out = map[string]string{}
			}
			out[name] = value
		}
	}
	return out
}

// Source returns where the list is had, as a new source that knows nothing yet.
func (l List) Source() (sd.Source, error) {
	switch {
	case l.File != nil:
		return &sd.File{Patterns: l.File.Patterns}, nil
	case l.HTTP != nil:
		return sd.NewHTTP(*l.HTTP)
	}
	d := *l.DNS
	d.Resolver = net.DefaultResolver
	return &d, nil
}

// SameSource reports whether what l has fetched may stand for o.
func (l List) SameSource(o List) bool {
	return l.Name == o.Name && l.Refresh == o.Refresh && reflect.DeepEqual(l.File, o.File) && reflect.DeepEqual(l.HTTP, o.HTTP) && reflect.DeepEqual(l.DNS, o.DNS)
}

// Key names where the list is had in letters and digits, and shows no secret.
func (l List) Key() string {
	var from string
	switch {
	case l.File != nil:
		from = "file_sd " + strings.Join(l.File.Patterns, " ")
	case l.HTTP != nil:
		from = "http_sd " + l.HTTP.URL.Reveal()
	default:
		from = "dns_sd " + l.DNS.Type + strings.Join(l.DNS.Names, " ")
	}
	sum := sha256.Sum256([]byte(from))
	return hex.EncodeToString(sum[:12])
}

// where says where the list is had, for people.
func (l List) where() string {
	switch {
	case l.File != nil:
		return "files " + strings.Join(l.File.Patterns, ", ")
	case l.HTTP != nil:
		u, err := url.Parse(l.HTTP.URL.Reveal())
		if err != nil {
			return "" // cannot be: it was found right
		}
		return u.Scheme + "://" + u.Host
	}
	return "DNS " + l.DNS.Type + " " + strings.Join(l.DNS.Names, ", ")
}
