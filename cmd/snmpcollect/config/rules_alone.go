package config

import (
	"maps"
	"slices"

	"walkabout/alert"
	"walkabout/collector"
	"walkabout/collector/soa"
	"walkabout/internal/strictyaml"
)

// LoadAlerts reads the section alerts of the file at path, and the profiles that it names, and nothing else of it: neither targets nor secrets need
// to be there.
func LoadAlerts(path string, profiles collector.Profiles) (alert.Config, collector.Profiles, []Problem) {
	text, private, err := readFile(path)
	if err != nil {
		return alert.Config{}, nil, []Problem{{File: path, Err: err}}
	}
	r := reader{path: path, profiles: maps.Clone(profiles), private: private}
	var f document
	var errs []*strictyaml.Error
	r.doc, errs = strictyaml.Decode(text, &f)
	r.mistakes(errs)
	r.loadProfiles(&f, nil)
	c := r.alerts(f.Alerts)
	return c, r.profiles, r.problems
}

// Measurements returns those that rules may look at: what the profiles bring, ping, and what the collector asks primaries of zones.
func Measurements(profiles collector.Profiles) []string {
	return append(slices.Sorted(maps.Keys(ruleSchema(profiles))), soa.Measurement)
}
