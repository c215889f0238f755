// Package trial plays cases of alert rules: what devices answer, when, and which alerts are to come of it. docs/alerts.md shows the YAML.
package trial

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"walkabout/alert"
	"walkabout/counter"
	"walkabout/internal/duration"
	"walkabout/internal/strictyaml"
	"walkabout/metric"
)

// File is a file of cases.
type File struct {
	Cases []Case `yaml:"cases"`
}

// Case is one: devices, what happens to them, and what is to come of it.
type Case struct {
	Name     string            `yaml:"name"`
	Interval Duration          `yaml:"interval"` // 30s unless given
	Devices  map[string]Device `yaml:"devices"`  // one called "device" unless given
	Steps    []Step            `yaml:"steps"`
	Pending  bool              `yaml:"pending"` // Expect has what is only pending, too
	Expect   []Expected        `yaml:"expect"`
}

// Device is a target.
type Device struct {
	Labels map[string]string `yaml:"labels"`
}

// Step is one thing that happens: a poll that is answered, one that is not, a linkDown, or only time that passes.
type Step struct {
	At       Duration                    `yaml:"at"`
	Until    Duration                    `yaml:"until"`  // it happens again every interval until then
	Device   string                      `yaml:"device"` // may be left out if there is one
	Samples  map[string][]map[string]any `yaml:"samples"`
	Complete *[]string                   `yaml:"complete"` // the measurements that were answered to their end; all of Samples unless given
	Reset    bool                        `yaml:"reset"`
	Fail     string                      `yaml:"fail"`     // host_down, snmp_silent, authentication, timeout …
	LinkDown int64                       `yaml:"linkdown"` // ifIndex
}

// Expected is a transition.
type Expected struct {
	At     Duration `yaml:"at"`
	Device string   `yaml:"device"`
	Rule   string   `yaml:"rule"`
	Key    string   `yaml:"key"`
	State  string   `yaml:"state"`
	Reason string   `yaml:"reason"` // compared if given
	Quiet  bool     `yaml:"quiet"`
}

// Duration is a time.Duration in YAML.
type Duration time.Duration

// UnmarshalYAML reads 30s, 5m.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := duration.NotNegative(n.Value)
	if err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
	}
	*d = Duration(v)
	return nil
}

// Mistake is one in a file of cases.
type Mistake = strictyaml.Error

// Read reads a file of cases.
func Read(text []byte) (File, []*Mistake) {
	var f File
	doc, errs := strictyaml.Decode(text, &f)
	fail := func(err error, path ...any) { errs = append(errs, &Mistake{Line: doc.Line(path...), Err: err}) }
	for i := range f.Cases {
		c := &f.Cases[i]
		if c.Name == "" {
			fail(errors.New("a case needs a name"), "cases", i)
		}
		if c.Interval == 0 {
			c.Interval = Duration(defaultInterval)
		}
		if len(c.Devices) == 0 {
			c.Devices = map[string]Device{"device": {}}
		}
		only := ""
		if len(c.Devices) == 1 {
			only = slices.Collect(maps.Keys(c.Devices))[0]
		}
		for j := range c.Steps {
			s := &c.Steps[j]
			s.Device = cmp.Or(s.Device, only)
			if _, ok := c.Devices[s.Device]; !ok {
				fail(fmt.Errorf("there is no device %q in the case", s.Device), "cases", i, "steps", j)
			}
			if s.Fail != "" && s.Samples != nil {
				fail(errors.New("a poll fails or brings samples, not both"), "cases", i, "steps", j)
			}
			if s.Until != 0 && (s.Until < s.At || (s.Until-s.At)/c.Interval > mostRepeats) {
				fail(fmt.Errorf("until is before at, or more than %d intervals behind it", mostRepeats), "cases", i, "steps", j, "until")
			}
		}
		for j := range c.Expect {
			x := &c.Expect[j]
			x.Device = cmp.Or(x.Device, only)
			if !slices.Contains(states, x.State) {
				fail(fmt.Errorf("state: %q is none of %s", x.State, strings.Join(states, ", ")), "cases", i, "expect", j)
			}
		}
	}
	return f, errs
}

// states are those that can be expected.
var states = []string{alert.Pending.String(), alert.Firing.String(), alert.Resolved.String()}

const (
	defaultInterval = 30 * time.Second
	mostRepeats     = 100_000
)

// begin is when every case begins: a Monday.
var begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// event is a step at one of its times.
type event struct {
	at   time.Duration
	step *Step
}

// Run plays c under cfg, whose targets it brings, and returns how what came differs from what was expected: lines that begin with "missing: " or
// "not expected: ". tag says which names of a measurement are tags.
func Run(c *Case, cfg alert.Config, tag func(measurement, name string) bool) ([]string, error) {
	cfg.Targets = nil
	for _, name := range slices.Sorted(maps.Keys(c.Devices)) {
		cfg.Targets = append(cfg.Targets, alert.Target{Device: name, Labels: c.Devices[name].Labels})
	}
	var events []event
	for i := range c.Steps {
		s := &c.Steps[i]
		for at := s.At; at <= max(s.At, s.Until); at += c.Interval {
			events = append(events, event{time.Duration(at), s})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	e := alert.NewEngine()
	e.Configure(begin, cfg)
	var got []string
	for _, ev := range events {
		ts, err := play(e, c, ev, tag)
		if err != nil {
			return nil, fmt.Errorf("at %v: %w", ev.at, err)
		}
		ts = append(ts, e.Advance(begin.Add(ev.at))...)
		for i := range ts {
			if c.Pending || ts[i].State == alert.Firing || ts[i].From == alert.Firing {
				got = append(got, line(ev.at, &ts[i]))
			}
		}
	}
	return compare(c.Expect, got), nil
}

func play(e *alert.Engine, c *Case, ev event, tag func(measurement, name string) bool) ([]alert.Transition, error) {
	at, s := begin.Add(ev.at), ev.step
	switch {
	case s.Fail != "":
		return e.Failed(at, s.Device, &alert.PollError{Cause: s.Fail, Err: errors.New(s.Fail)}), nil
	case s.LinkDown != 0:
		e.LinkDown(at, s.Device, s.LinkDown)
		return nil, nil
	case s.Samples == nil:
		return nil, nil
	}
	p := alert.Poll{Device: s.Device, At: at, Interval: time.Duration(c.Interval), Reset: s.Reset}
	for _, measurement := range slices.Sorted(maps.Keys(s.Samples)) {
		p.Complete = append(p.Complete, measurement)
		for _, row := range s.Samples[measurement] {
			sample, err := sampleOf(measurement, s.Device, c.Devices[s.Device].Labels, row, tag)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", measurement, err)
			}
			sample.At = at
			p.Samples = append(p.Samples, sample)
		}
	}
	if s.Complete != nil {
		p.Complete = *s.Complete
	}
	return e.Observe(p), nil
}

// status returns the value of ifAdminStatus or ifOperStatus (RFC 2863) of that name; 0: there is none.
func status(name string) int {
	for n := 1; n <= 7; n++ {
		if alert.StatusName(n) == name {
			return n
		}
	}
	return 0
}

const rateSuffix = "_rate"

// sampleOf makes a sample of a row as it is written. NAME_rate makes NAME a counter.
func sampleOf(measurement, device string, labels map[string]string, row map[string]any, tag func(measurement, name string) bool) (metric.Sample, error) {
	s := metric.Sample{Measurement: measurement, Tags: []metric.Tag{{Name: "device", Value: device}}}
	for name, value := range labels {
		s.Tags = append(s.Tags, metric.Tag{Name: name, Value: value})
	}
	counters := map[string]float64{}
	for name, v := range row {
		if base, ok := strings.CutSuffix(name, rateSuffix); ok {
			rate, ok := number(v)
			if !ok {
				return s, fmt.Errorf("%s: %v is no number", name, v)
			}
			counters[base] = rate
		}
	}
	for _, name := range slices.Sorted(maps.Keys(row)) {
		v := row[name]
		if text, ok := v.(string); ok && (name == "ifAdminStatus" || name == "ifOperStatus") {
			n := status(text)
			if n == 0 {
				return s, fmt.Errorf("%s: %q is no status", name, text)
			}
			v = n
		}
		if tag(measurement, name) {
			s.Tags = append(s.Tags, metric.Tag{Name: name, Value: fmt.Sprint(v)})
			continue
		}
		if _, ok := strings.CutSuffix(name, rateSuffix); ok {
			continue
		}
		f := metric.Field{Name: name}
		switch x, ok := number(v); {
		case !ok:
			f.Kind, f.Str = metric.String, fmt.Sprint(v)
		case x < 0 || x != math.Trunc(x):
			f.Kind, f.Num = metric.Float, math.Float64bits(x)
		default:
			f.Kind, f.Num = metric.Integer, uint64(x)
		}
		if b, ok := v.(bool); ok {
			f.Kind = metric.Boolean
			if b {
				f.Num = 1
			}
		}
		if rate, ok := counters[name]; ok {
			f.Kind, f.Rate, f.Verdict = metric.Counter64, rate, counter.OK
			delete(counters, name)
		}
		s.Fields = append(s.Fields, f)
	}
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.Counter64, Rate: counters[name], Verdict: counter.OK})
	}
	metric.SortTags(s.Tags)
	return s, nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func line(at time.Duration, t *alert.Transition) string {
	return text(at, t.Device, t.Rule, t.Key, t.State.String(), string(t.Reason), t.Quiet)
}

func text(at time.Duration, device, rule, key, state, reason string, quiet bool) string {
	out := fmt.Sprintf("at %v %s %s", at, device, rule)
	if key != "" {
		out += " " + key
	}
	out += " " + state
	if quiet {
		out += " quiet"
	}
	if reason != "" {
		out += " (" + reason + ")"
	}
	return out
}

// compare matches what was expected with what came, in any order within a moment.
func compare(want []Expected, got []string) []string {
	left := slices.Clone(got)
	var out []string
	for _, w := range want {
		full := text(time.Duration(w.At), w.Device, w.Rule, w.Key, w.State, w.Reason, w.Quiet)
		i := slices.IndexFunc(left, func(g string) bool { return g == full || w.Reason == "" && strings.HasPrefix(g, full+" (") })
		if i < 0 {
			out = append(out, "missing: "+full)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, g := range left {
		out = append(out, "not expected: "+g)
	}
	return out
}
