package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"walkabout/exporters"
	"walkabout/exporters/filter"
	"walkabout/exporters/series"
	"walkabout/spool"
	"walkabout/store"
	"walkabout/store/rules"
)

// Store is the embedded database, and its place in the spool.
type Store struct {
	Options store.Options // without Dir and Logger
	Bounds  spool.Bounds
	Queue   exporters.Config
	Rules   []string // files of recording and alerting rules
}

// storeName is what the store is called among the outputs.
const storeName = "store"

// storeKeys is the section store.
type storeKeys struct {
	Enabled          *bool     `yaml:"enabled"`
	Retention        period    `yaml:"retention"`
	MaxSize          size      `yaml:"max_size"`
	MaxSeries        *int      `yaml:"max_series"`
	OutOfOrderWindow period    `yaml:"out_of_order_window"`
	Raw              *bool     `yaml:"raw"`
	Labels           *[]string `yaml:"labels"`
	StateSets        []string  `yaml:"state_sets"`
	Keep             selection `yaml:"keep"`
	Drop             selection `yaml:"drop"`
	Rules            words     `yaml:"rules"`
}

// unused are fields of interfaces of which no graph is drawn; each would be a series.
var unused = []string{"ifConnectorPresent", "ifCounterDiscontinuityTime", "ifInNUcastPkts", "ifLinkUpDownTrapEnable", "ifMtu", "ifOutNUcastPkts", "ifOutQLen",
	"ifPhysAddress", "ifPromiscuousMode", "ifType"}

// Unused returns what the store drops unless the file says what it drops.
func Unused() filter.Selection {
	every := filter.FieldPatterns{}
	every.Measurement, _ = filter.Parse("interface")
	for _, name := range unused {
		p, _ := filter.Parse(name)
		every.Fields = append(every.Fields, p)
	}
	return filter.Selection{Fields: []filter.FieldPatterns{every}}
}

// store returns what s says; nil if there is to be none. Without the section there is one where there is no other output.
func (r *reader) store(s *storeKeys, ruleFiles []string, outputs []Output) *Store {
	if s == nil {
		if len(outputs) > 0 {
			return nil
		}
		s = &storeKeys{}
	}
	c := &Store{Bounds: spool.Bounds{Size: defaultSpoolSize, Age: defaultSpoolAge}, Rules: ruleFiles}
	c.Queue = exporters.Config{Name: storeName, Polls: true, Filter: filter.Config{Keep: s.Keep.read(), Drop: Unused()}}
	if drop := s.Drop.read(); len(drop.Measurements)+len(drop.Tags)+len(drop.Fields) > 0 {
		c.Queue.Filter.Drop = drop
	}
	for _, o := range outputs {
		if o.Queue.Name == storeName {
			r.fail(fmt.Errorf("an output is called %q, which is what the store is called", storeName), "outputs")
		}
	}
	mapping, _ := r.series(seriesKeys{Labels: s.Labels, StateSets: s.StateSets}, "store")
	mapping.Constant = []series.Label{{Name: "job", Value: "snmp"}}
	c.Options = store.Options{Retention: time.Duration(s.Retention), MaxSize: int64(s.MaxSize), Window: time.Duration(s.OutOfOrderWindow), Series: mapping}
	set(&c.Options.MaxSeries, s.MaxSeries)
	if s.MaxSeries != nil && *s.MaxSeries < 1 {
		r.fail(errors.New("max_series must be at least 1"), "store", "max_series")
	}
	c.Options.NoRaw = s.Raw != nil && !*s.Raw
	if s.Enabled != nil && !*s.Enabled {
		if len(s.Rules) > 0 {
			r.fail(errors.New("rules need the store, and enabled is false"), "store", "rules")
		}
		return nil
	}
	return c
}

// ruleFiles returns the rule files that the section names, with the mistakes in them told.
func (r *reader) ruleFiles(s *storeKeys) []string {
	if s == nil {
		return nil
	}
	var files []string
	for i, pattern := range s.Rules {
		r.checkPath(pattern, "store", "rules", i)
		found, err := expand(r.path, pattern)
		if err != nil {
			r.fail(fmt.Errorf("rules: %w", err), "store", "rules", i)
		}
		if len(found) == 0 && err == nil {
			r.warn(fmt.Sprintf("rules: no file fits %s", pattern), "store", "rules", i)
		}
		for _, path := range found {
			if absolute, err := filepath.Abs(path); err == nil {
				path = absolute
			}
			_, problems := rules.Check(path)
			for _, p := range problems {
				r.problems = append(r.problems, Problem{File: path, Line: p.Line, Err: p.Err})
			}
			files = append(files, path)
		}
	}
	r.sources = append(r.sources, files...)
	return files
}

func (s *Store) summary() string {
	if s == nil {
		return "store: off\n"
	}
	return fmt.Sprintf("store: samples of %v, at most %s of disk, %d rule files\n", cmp.Or(s.Options.Retention, store.DefaultRetention),
		humanize.IBytes(uint64(cmp.Or(s.Options.MaxSize, store.DefaultMaxSize))), len(s.Rules))
}
