package config_test

import (
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
