package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"walkabout/alert"
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
	// Lookback is how long a sample counts in queries; 0: as long as what is polled makes it wanted.
	Lookback time.Duration
	Rules    []string // files of recording and alerting rules
	// Alerts names the alerting ones of them as alert's rules, which they become beside.
	Alerts map[rules.Named]string
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
	Lookback         period    `yaml:"lookback"`
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
func (r *reader) store(s *storeKeys, ruleFiles []string, alerts []rules.Named, outputs []Output) *Store {
	if s == nil {
		if len(outputs) > 0 {
			return nil
		}
		s = &storeKeys{}
	}
	c := &Store{Bounds: spool.Bounds{Size: defaultSpoolSize, Age: defaultSpoolAge}, Rules: ruleFiles, Alerts: names(alerts)}
	c.Lookback = time.Duration(s.Lookback)
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
func (r *reader) ruleFiles(s *storeKeys) (files []string, alerts []rules.Named) {
	if s == nil {
		return nil, nil
	}
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
			file, problems := rules.Check(path)
			alerts = append(alerts, file.Alerts...)
			for _, p := range problems {
				r.problems = append(r.problems, Problem{File: path, Line: p.Line, Err: p.Err})
			}
			files = append(files, path)
		}
	}
	r.sources = append(r.sources, files...)
	return files, alerts
}

// names gives each of the alerting rules a name among alert's rules: its alertname, with the severity behind it where there are several.
func names(list []rules.Named) map[rules.Named]string {
	severities := map[string]map[string]bool{}
	for _, n := range list {
		if severities[n.Alert] == nil {
			severities[n.Alert] = map[string]bool{}
		}
		severities[n.Alert][n.Severity] = true
	}
	out := map[rules.Named]string{}
	for _, n := range list {
		out[n] = n.Alert
		if len(severities[n.Alert]) > 1 && n.Severity != "" {
			out[n] += " " + n.Severity
		}
	}
	return out
}

// stored is the Condition of a rule that is evaluated over the store: no poll decides on it.
type stored struct{}

func (stored) Eval(*alert.Row) (holds, known bool) { return false, false }
func (stored) Values(*alert.Row) map[string]string { return nil }
func (stored) Summary(*alert.Row) string           { return "" }
func (stored) Same(other alert.Condition) bool     { return other == alert.Condition(stored{}) }

// alertRules returns the alerting rules of the store as those of alert.
func (s *Store) alertRules() []alert.Rule {
	if s == nil {
		return nil
	}
	var out []alert.Rule
	for n, name := range s.Alerts {
		o := alert.RuleOptions{Enabled: true, Severity: n.Severity}
		if n.Severity != alert.Critical && n.Severity != alert.Info {
			o.Severity = alert.Warning
		}
		out = append(out, alert.Rule{RuleOptions: o, Name: name, Condition: stored{}})
	}
	slices.SortFunc(out, func(a, b alert.Rule) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b alert.Rule) bool { return a.Name == b.Name })
}

// checkNames tells of alerting rules that are called as rules of alerts.
func (r *reader) checkNames(s *Store, own []alert.Rule) {
	for _, rule := range s.alertRules() {
		if slices.Contains(alert.RuleNames[:], rule.Name) || slices.ContainsFunc(own, func(o alert.Rule) bool { return o.Name == rule.Name }) {
			r.fail(fmt.Errorf("rules: an alert is called %q, which is what a rule of alerts is called", rule.Name), "store", "rules")
		}
	}
}

func (s *Store) summary() string {
	if s == nil {
		return "store: off\n"
	}
	return fmt.Sprintf("store: samples of %v, at most %s of disk, %d rule files\n", cmp.Or(s.Options.Retention, store.DefaultRetention),
		humanize.IBytes(uint64(cmp.Or(s.Options.MaxSize, store.DefaultMaxSize))), len(s.Rules))
}
