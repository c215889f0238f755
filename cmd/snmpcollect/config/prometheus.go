package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/exporters/prometheus"
	"walkabout/exporters/series"
	"walkabout/internal/nearest"
	"walkabout/internal/secret"
	"walkabout/spool"
)

// seriesKeys say which series samples become.
type seriesKeys struct {
	Labels    *[]string `yaml:"labels"`
	Rates     bool      `yaml:"rates"`
	StateSets []string  `yaml:"state_sets"`
}

type prometheusOutput struct {
	URL            string                 `yaml:"url"`
	Version        string                 `yaml:"version"`
	User           string                 `yaml:"user"`
	Password       secret.String          `yaml:"password"`
	PasswordFile   string                 `yaml:"password_file"`
	PasswordEnv    string                 `yaml:"password_env"`
	Token          secret.String          `yaml:"token"`
	TokenFile      string                 `yaml:"token_file"`
	TokenEnv       string                 `yaml:"token_env"`
	Headers        map[string]headerValue `yaml:"headers"`
	Timeout        period                 `yaml:"timeout"`
	TLS            tlsKeys                `yaml:"tls"`
	ExternalLabels map[string]string      `yaml:"external_labels"`
	seriesKeys     `yaml:",inline"`
	queue          `yaml:",inline"`
}

func (p *prometheusOutput) read(r *reader, o *Output, at ...any) bool {
	o.Order = spool.InOrder // most servers take no sample that is older than the last of its series
	password, ok1 := r.secret(source{"password", p.Password, p.PasswordFile, p.PasswordEnv}, at...)
	token, ok2 := r.secret(source{"token", p.Token, p.TokenFile, p.TokenEnv}, at...)
	headers, ok3 := r.headers(p.Headers, at...)
	tls, ok4 := r.tls(p.TLS, at...)
	mapping, ok5 := r.series(p.seriesKeys, at...)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return false
	}
	if mapping.Constant, ok5 = r.externalLabels(p.ExternalLabels, append(at, "external_labels")...); !ok5 {
		return false
	}
	o.Prometheus = &prometheus.Config{URL: p.URL, Version: prometheus.Version(p.Version), User: p.User, Password: password, Token: token, Headers: headers,
		TLS: tls, Timeout: time.Duration(p.Timeout), Series: mapping}
	where, _, _ := strings.Cut(p.URL, "?") // a query may hold a key
	o.where = "remote write to " + where
	e, err := prometheus.New(*o.Prometheus)
	return probe(r, e, err, at...)
}

// externalLabels returns the labels that every series has; job is snmp unless it is given, as a Prometheus that scrapes has one.
func (r *reader) externalLabels(written map[string]string, at ...any) ([]series.Label, bool) {
	out, ok := []series.Label{}, true
	if _, given := written["job"]; !given {
		out = append(out, series.Label{Name: "job", Value: "snmp"})
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		if series.Name(name) != name || name == "__name__" {
			r.fail(fmt.Errorf("%q is no label's name: letters, digits and underscores", name), append(at, name)...)
			ok = false
		}
		if written[name] != "" { // an empty one is none
			out = append(out, series.Label{Name: name, Value: written[name]})
		}
	}
	return out, ok
}

// series returns which series the samples of all profiles become; false if the keys, which are written below at, make no sense.
func (r *reader) series(k seriesKeys, at ...any) (series.Config, bool) {
	c := series.Config{Rates: k.Rates, Objects: seriesObjects(r.profiles)}
	if k.Labels != nil {
		c.Labels = append([]string{}, *k.Labels...)
	}
	ok := true
	for i, name := range k.StateSets {
		o, known := c.Objects[name]
		if !known || o.Form != series.Info || len(o.States) == 0 {
			r.fail(noEnumeration(name, c.Objects), append(slices.Clone(at), "state_sets", i)...)
			ok = false
			continue
		}
		o.Form = series.StateSet
		c.Objects[name] = o
	}
	return c, ok
}

func noEnumeration(name string, objects map[string]series.Object) error {
	var enums []string
	for _, n := range slices.Sorted(maps.Keys(objects)) {
		if o := objects[n]; o.Form == series.Info && len(o.States) > 0 {
			enums = append(enums, n)
		}
	}
	if near := nearest.Word(name, enums); near != "" {
		return fmt.Errorf("no profile has an enumeration %q; did you mean %q?", name, near)
	}
	if len(enums) == 0 {
		return errors.New("no profile has an object of type enum")
	}
	return fmt.Errorf("no profile has %q as an object of type enum; enumerations of type integer stay numbers", name)
}

// seriesObjects returns what profiles say of fields. Of two that say something of one name, the first in the order of their names counts.
func seriesObjects(profiles collector.Profiles) map[string]series.Object {
	names := smi.BuiltIn()
	out := map[string]series.Object{}
	for _, name := range profiles.Names() {
		for _, f := range profiles[name].Fields() {
			if _, known := out[f.Name]; known {
				continue
			}
			o := series.Object{Help: f.OID.String(), States: f.Labels}
			if known, ok := names.Find(f.OID); ok && known.OID == f.OID {
				o.Help = known.String() + " - " + o.Help // as snmp_exporter has it, with the name in the place of a description
			}
			switch f.Type {
			case collector.TypeEnum:
				o.Form = series.Info
			case collector.TypeDateAndTime:
				o.Form = series.Time
			}
			out[f.Name] = o
		}
	}
	return out
}
