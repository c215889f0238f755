package config

import (
	"errors"

	"walkabout/exporters/series"
)

// Scrape is what a Prometheus may scrape beside /metrics.
type Scrape struct {
	LastValues bool
	StaleAfter int // intervals
	Series     series.Config
}

// scrape is the section of that name.
type scrape struct {
	LastValues bool `yaml:"last_values"`
	StaleAfter *int `yaml:"stale_after"`
	seriesKeys `yaml:",inline"`
}

const defaultStaleAfter = 3

// scrape returns what s says; nil if the section is not there.
func (r *reader) scrape(s *scrape, listen string) *Scrape {
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
	return c
}
