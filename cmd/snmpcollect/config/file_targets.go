package config

import (
	"walkabout/collector"
	"walkabout/internal/secret"
)

// target is one entry of targets.
type target struct {
	Name     string `yaml:"name"`
	Address  string `yaml:"address"`
	settings `yaml:",inline"`
}

// settings are what a target may say beside who it is, and a list of targets of them all.
type settings struct {
	Credential     string            `yaml:"credential"`
	Collect        words             `yaml:"collect"`
	Module         words             `yaml:"module"`
	Interfaces     *interfaces       `yaml:"interfaces"`
	Labels         map[string]string `yaml:"labels"`
	Interval       period            `yaml:"interval"`
	Structure      *duration         `yaml:"structure"`
	Timeout        period            `yaml:"timeout"`
	Retries        *int              `yaml:"retries"`
	MaxRepetitions *int              `yaml:"max_repetitions"`
	Bulk           *bool             `yaml:"bulk"`
	Source         string            `yaml:"source"`
	AnySource      bool              `yaml:"any_source"`
	Ping           string            `yaml:"ping"`
	TrapSources    []string          `yaml:"trap_sources"`
	AssumeSpeed    *uint64           `yaml:"assume_speed"`
	MaxGap         *int              `yaml:"max_gap"`
}

// interfaces says which interfaces of a target are polled.
type interfaces struct {
	Include []interfaceRule `yaml:"include"`
	Exclude []interfaceRule `yaml:"exclude"`
}

type interfaceRule struct {
	Name  collector.Pattern `yaml:"name"`
	Descr collector.Pattern `yaml:"descr"`
	Alias collector.Pattern `yaml:"alias"`
	Type  words             `yaml:"type"`
	Admin words             `yaml:"admin"`
	Oper  words             `yaml:"oper"`
}

func (i *interfaces) filter() *collector.InterfaceFilter {
	if i == nil {
		return nil
	}
	rules := func(list []interfaceRule) []collector.InterfaceRule {
		var out []collector.InterfaceRule
		for _, r := range list {
			out = append(out, collector.InterfaceRule{Name: r.Name, Descr: r.Descr, Alias: r.Alias, Type: r.Type, Admin: r.Admin, Oper: r.Oper})
		}
		return out
	}
	return &collector.InterfaceFilter{Include: rules(i.Include), Exclude: rules(i.Exclude)}
}

// list is what all lists of targets that come from elsewhere have. The words are Prometheus'.
type list struct {
	Name            string `yaml:"name"`
	RefreshInterval period `yaml:"refresh_interval"`
	settings        `yaml:",inline"`
}

type fileSD struct {
	Files []string `yaml:"files"`
	list  `yaml:",inline"`
}

type httpSD struct {
	URL         secret.String          `yaml:"url"` // it may hold a password
	URLFile     string                 `yaml:"url_file"`
	URLEnv      string                 `yaml:"url_env"`
	Token       secret.String          `yaml:"token"`
	TokenFile   string                 `yaml:"token_file"`
	TokenEnv    string                 `yaml:"token_env"`
	Headers     map[string]headerValue `yaml:"headers"`
	HTTPTimeout period                 `yaml:"http_timeout"`
	list        `yaml:",inline"`
}

type dnsSD struct {
	Names []string `yaml:"names"`
	Type  string   `yaml:"type"`
	Port  *uint16  `yaml:"port"`
	list  `yaml:",inline"`
}
