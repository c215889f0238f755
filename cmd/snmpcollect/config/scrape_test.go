package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

func TestScrape(t *testing.T) {
	load := func(text string) (config.Config, []config.Problem) {
		return config.Load(write(t, "snmpcollect.yaml", text, 0o600), collector.BuiltIn(), getenv)
	}
	if c, problems := load("outputs: []\n"); config.Failed(problems) || c.Scrape != nil {
		t.Errorf("without the section: %v, %+v", problems, c.Scrape)
	}
	c, problems := load("scrape: {last_values: true, rates: true}\n")
	if config.Failed(problems) || !c.Scrape.LastValues || c.Scrape.StaleAfter != 3 || !c.Scrape.Series.Rates {
		t.Errorf("%v, %+v", problems, c.Scrape)
	}
	for text, want := range map[string]string{
		"scrape: {last_values: true, stale_after: 0}":  "snmpcollect.yaml:1: error: stale_after must be at least 1",
		"scrape: {last_values: true}\nlisten: \"\"":    `listen is ""`,
		"scrape: {last_value: true}":                   "last_values",
		"scrape: {last_values: true, state_sets: [x]}": "no profile has",
	} {
		_, problems := load(text + "\n")
		if !config.Failed(problems) || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v, want %q", text, problems, want)
		}
	}
}

// exporterFile is an snmp.yml.
const exporterFile = `auths:
  public_v2: {community: hidden}
  broken: {version: 3}
modules:
  if_mib: {metrics: [{name: x, oid: 1.3.6, type: gauge}]}
  odd: {metrics: [{name: x}]}
`

func TestScrapeOnDemand(t *testing.T) {
	file := write(t, "snmp.yml", exporterFile, 0o600)
	old := write(t, "old.yml", "old_mib: {version: 1, auth: {community: hidden}, metrics: [{name: x, oid: 1.3.6, type: gauge}]}\n", 0o600)
	const credentials = "credentials: {lab: {version: 2c, community_env: INFLUX_TOKEN}}\n"
	load := func(text string) (config.Config, []config.Problem) {
		text = strings.NewReplacer("OLD", old, "FILE", file).Replace(text)
		return config.Load(write(t, "snmpcollect.yaml", credentials+text, 0o600), collector.BuiltIn(), getenv)
	}
	c, problems := load("scrape: {allow: [192.0.2.9/24, \"2001:db8::1\"], auths: [lab, FILE#public_v2], modules: [FILE#*, OLD#old_mib, interfaces], concurrency: 3}\n")
	if config.Failed(problems) {
		t.Fatal(problems)
	}
	if text := fmt.Sprint(problems); !strings.Contains(text, "module odd: a metric needs a name and an oid; it is left out") || !strings.Contains(text, "auth broken") || strings.Contains(text, "hidden") {
		t.Errorf("problems: %s", text)
	}
	s := c.Scrape.OnDemand
	if got := fmt.Sprint(s.Allow, slices.Sorted(maps.Keys(s.Auths)), slices.Sorted(maps.Keys(s.Modules)), s.Concurrency); got != "[192.0.2.0/24 2001:db8::1/128] [lab public_v2] [if_mib interfaces old_mib] 3" {
		t.Error(got)
	}
	if text := c.Summary(); !strings.Contains(text, "scrape: agents in [192.0.2.0/24 2001:db8::1/128] at /snmp, by 3 modules and with 2 credentials, 3 at a time\n") || strings.Contains(text, "hidden") {
		t.Errorf("summary:\n%s", text)
	}
	if s.Auths["public_v2"].Community.Reveal() != "hidden" || s.Modules["interfaces"].Profile != "interfaces" || s.Modules["old_mib"].Scrape.Credential == nil {
		t.Errorf("%+v", s)
	}
	if c, problems := load("scrape: {allow: [192.0.2.1], modules: [OLD#*]}\n"); config.Failed(problems) || c.Scrape.OnDemand.Concurrency != 64 {
		t.Errorf("modules with their own credentials: %v", problems)
	}
	for text, want := range map[string]string{
		"scrape: {auths: [lab], modules: [interfaces]}":                               "allow is missing",
		"scrape: {allow: [192.0.2.0/24], modules: [interfaces]}":                      "auths is missing",
		"scrape: {allow: [192.0.2.0/24], auths: [lab]}":                               "modules is missing",
		"scrape: {allow: [somewhere], auths: [lab], modules: [interfaces]}":           `"somewhere" is no network`,
		"scrape: {allow: [192.0.2.1], auths: [lob], modules: [interfaces]}":           `did you mean "lab"?`,
		"scrape: {allow: [192.0.2.1], auths: [lab], modules: [interfacs]}":            `did you mean "interfaces"?`,
		"scrape: {allow: [192.0.2.1], auths: [lab], modules: [FILE#if_mob]}":          `did you mean "if_mib"?`,
		"scrape: {allow: [192.0.2.1], auths: [lab], modules: [FILE#odd]}":             "a metric needs a name and an oid",
		"scrape: {allow: [192.0.2.1], auths: [FILE#broken], modules: [snmp]}":         "auth broken",
		"scrape: {allow: [192.0.2.1], auths: [FILE#none], modules: [snmp]}":           `no auth is called "none"`,
		"scrape: {allow: [192.0.2.1], auths: [none#x], modules: [snmp]}":              "none: no such file",
		"scrape: {allow: [192.0.2.1], auths: [lab], modules: [snmp, snmp]}":           `there are two modules "snmp"`,
		"scrape: {allow: [192.0.2.1], auths: [lab], modules: [snmp], concurrency: 0}": "concurrency must be at least 1",
	} {
		_, problems := load(text + "\n")
		if !config.Failed(problems) || !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("%s: %v, want %q", text, problems, want)
		}
	}
}
