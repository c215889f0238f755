package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"walkabout/cmd/snmpcollect/ondemand"
	"walkabout/cmd/snmpcollect/values"
	"walkabout/collector/scrape"
	"walkabout/collector/session"
	"walkabout/exporters/series"
	"walkabout/internal/nearest"
)

// Scrape is what a Prometheus may scrape beside /metrics.
type Scrape struct {
	LastValues bool
	StaleAfter int // intervals
	Series     series.Config
	OnDemand   *ondemand.Config // nil: agents are not polled on demand
}

// scrapeKeys is the section scrape.
type scrapeKeys struct {
	LastValues  bool     `yaml:"last_values"`
	StaleAfter  *int     `yaml:"stale_after"`
	Allow       []string `yaml:"allow"`
	Auths       words    `yaml:"auths"`
	Modules     words    `yaml:"modules"`
	Concurrency *int     `yaml:"concurrency"`
	seriesKeys  `yaml:",inline"`
}

const (
	defaultStaleAfter  = 3
	defaultConcurrency = 64
)

// scrape returns what s says; nil if the section is not there.
func (r *reader) scrape(s *scrapeKeys, listen string, credentials map[string]session.Credential, written map[string]bool) *Scrape {
	if s == nil {
		return nil
	}
	c := &Scrape{LastValues: s.LastValues, StaleAfter: defaultStaleAfter}
	set(&c.StaleAfter, s.StaleAfter)
	if c.StaleAfter < 1 {
		r.fail(errors.New("stale_after must be at least 1"), "scrape", "stale_after")
	}
	c.Series, _ = r.series(s.seriesKeys, "scrape")
	if listen == "" {
		r.fail(errors.New(`listen is "", so there is nothing to scrape`), "scrape")
	}
	if len(s.Allow)+len(s.Auths)+len(s.Modules) > 0 {
		c.OnDemand = r.onDemand(s, credentials, written)
		c.OnDemand.Series = c.Series
	}
	return c
}

// onDemand returns which agents may be polled on demand, as whom and by what.
func (r *reader) onDemand(s *scrapeKeys, credentials map[string]session.Credential, written map[string]bool) *ondemand.Config {
	c := &ondemand.Config{Auths: map[string]session.Credential{}, Modules: map[string]ondemand.Module{}, Concurrency: defaultConcurrency}
	set(&c.Concurrency, s.Concurrency)
	if c.Concurrency < 1 {
		r.fail(errors.New("concurrency must be at least 1"), "scrape", "concurrency")
	}
	if len(s.Allow) == 0 {
		r.fail(errors.New("allow is missing: the networks of the agents that may be polled on demand, such as [192.0.2.0/24]"), "scrape")
	}
	for i, text := range s.Allow {
		p, err := netip.ParsePrefix(text)
		if a, alone := netip.ParseAddr(text); alone == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			r.fail(fmt.Errorf("%q is no network: write 192.0.2.0/24, 2001:db8::/32 or an address", text), "scrape", "allow", i)
			continue
		}
		c.Allow = append(c.Allow, p.Masked())
	}
	files := map[string]*snmpYML{}
	for i, entry := range s.Modules {
		r.scrapeModule(c, files, entry, "scrape", "modules", i)
	}
	for i, entry := range s.Auths {
		r.scrapeAuth(c, files, entry, credentials, written, "scrape", "auths", i)
	}
	if len(s.Modules) == 0 {
		r.fail(errors.New("modules is missing: profiles, or FILE#MODULE of an snmp.yml, FILE#* for all of them"), "scrape")
	}
	own := func(m ondemand.Module) bool { return m.Scrape != nil && m.Scrape.Credential != nil }
	if len(s.Auths) == 0 && slices.ContainsFunc(slices.Collect(maps.Values(c.Modules)), func(m ondemand.Module) bool { return !own(m) }) {
		r.fail(errors.New("auths is missing: credentials of this file, or FILE#AUTH of an snmp.yml"), "scrape")
	}
	return c
}

// snmpYML is an snmp.yml that was read.
type snmpYML struct {
	scrape.Config
	broken map[string]error
}

// snmpYML reads the file of an entry FILE#NAME, and returns it and the name; false if it cannot be read.
func (r *reader) snmpYML(files map[string]*snmpYML, entry string, at ...any) (*snmpYML, string, bool) {
	path, name, _ := strings.Cut(entry, "#")
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.path), path)
	}
	if files[path] == nil {
		text, _, err := readFile(path)
		if err == nil {
			files[path] = &snmpYML{}
			files[path].Config, files[path].broken, err = scrape.Parse(text)
		}
		if err != nil {
			r.fail(fmt.Errorf("%s: %w", path, err), at...)
			delete(files, path)
			return nil, "", false
		}
	}
	return files[path], name, true
}

func (r *reader) scrapeModule(c *ondemand.Config, files map[string]*snmpYML, entry string, at ...any) {
	add := func(name string, m ondemand.Module) {
		if _, twice := c.Modules[name]; twice {
			r.fail(fmt.Errorf("there are two modules %q", name), at...)
		}
		c.Modules[name] = m
	}
	if !strings.Contains(entry, "#") {
		if r.profiles[entry] == nil {
			r.fail(unknownOf("profile", entry, r.profiles.Names()), at...)
			return
		}
		add(entry, ondemand.Module{Profile: entry})
		return
	}
	file, name, ok := r.snmpYML(files, entry, at...)
	if !ok {
		return
	}
	if name == "*" {
		for _, name := range slices.Sorted(maps.Keys(file.Modules)) {
			add(name, ondemand.Module{Scrape: file.Modules[name]})
		}
		for _, name := range slices.Sorted(maps.Keys(file.broken)) {
			r.warn(file.broken[name].Error()+"; it is left out", at...)
		}
		return
	}
	switch m, known := file.Modules[name]; {
	case known:
		add(name, ondemand.Module{Scrape: m})
	case file.broken[name] != nil:
		r.fail(file.broken[name], at...)
	default:
		r.fail(unknownOf("module", name, slices.Sorted(maps.Keys(file.Modules))), at...)
	}
}

func (r *reader) scrapeAuth(c *ondemand.Config, files map[string]*snmpYML, entry string, credentials map[string]session.Credential, written map[string]bool, at ...any) {
	if !strings.Contains(entry, "#") {
		if !written[entry] {
			r.fail(unknownCredential(entry, written), at...)
			return
		}
		if known, ok := credentials[entry]; ok { // else its own mistake was told where it stands
			c.Auths[entry] = known
		}
		return
	}
	file, name, ok := r.snmpYML(files, entry, at...)
	switch {
	case !ok:
	case name == "*":
		maps.Copy(c.Auths, file.Auths)
	default:
		known, ok := file.Auths[name]
		if !ok {
			if err := file.broken[name]; err != nil {
				r.fail(err, at...)
				return
			}
			r.fail(unknownOf("auth", name, slices.Sorted(maps.Keys(file.Auths))), at...)
			return
		}
		c.Auths[name] = known
	}
}

func unknownOf(kind, name string, known []string) error {
	if near := nearest.Word(name, known); near != "" {
		return fmt.Errorf("no %s is called %q; did you mean %q?", kind, name, near)
	}
	return fmt.Errorf("no %s is called %q; there are %s", kind, name, strings.Join(known, ", "))
}

// summary says in a line or two what may be scraped.
func (s *Scrape) summary() string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	if s.LastValues {
		fmt.Fprintf(&b, "scrape: last values at %s, of at most %d intervals ago\n", values.Path, s.StaleAfter)
	}
	if d := s.OnDemand; d != nil {
		fmt.Fprintf(&b, "scrape: agents in %v at %s, by %d modules and with %d credentials, %d at a time\n", d.Allow, ondemand.Path, len(d.Modules), len(d.Auths), d.Concurrency)
	}
	return b.String()
}
