package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/alert"
	"walkabout/alert/rules"
	"walkabout/alert/silence"
	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/internal/nearest"
	"walkabout/snmp/oid"
)

// alerts is the section as it is written.
type alerts struct {
	InterfaceMismatch    *mismatchRule  `yaml:"interface_mismatch"`
	DeviceUnreachable    *simpleRule    `yaml:"device_unreachable"`
	SNMPSilent           *simpleRule    `yaml:"snmp_silent"`
	AuthenticationFailed *simpleRule    `yaml:"authentication_failed"`
	DeviceRebooted       *plainRule     `yaml:"device_rebooted"`
	InterfaceUtilisation *thresholdRule `yaml:"interface_utilisation"`
	InterfaceErrors      *thresholdRule `yaml:"interface_errors"`
	InterfaceDiscards    *thresholdRule `yaml:"interface_discards"`
	InterfaceSpeedDuplex *speedRule     `yaml:"interface_speed_duplex"`
	CounterTooNarrow     *lastingRule   `yaml:"counter_too_narrow"`
	SpoolFilling         *lastingRule   `yaml:"spool_filling"`
	CollectorLate        *lastingRule   `yaml:"collector_late"`
	DNSServerDown        *lastingRule   `yaml:"dns_server_down"`
	DNSZoneStale         *lastingRule   `yaml:"dns_zone_stale"`
	Rules                []ownRule      `yaml:"rules"`
	Ignore               []ignoreRule   `yaml:"ignore"`
	NoAlert              *string        `yaml:"noalert"`
	Maintenance          []maintenance  `yaml:"maintenance"`
	RebootHold           *duration      `yaml:"reboot_hold"`
	Remember             *period        `yaml:"remember"`
}

// plainRule is what every rule has.
type plainRule struct {
	Enabled  *bool             `yaml:"enabled"`
	Severity *string           `yaml:"severity"`
	Labels   map[string]string `yaml:"labels"`
}

// simpleRule counts polls.
type simpleRule struct {
	plainRule `yaml:",inline"`
	Polls     *int `yaml:"polls"`
}

// lastingRule is of a condition that must last.
type lastingRule struct {
	simpleRule    `yaml:",inline"`
	For           *duration `yaml:"for"`
	KeepFiringFor *duration `yaml:"keep_firing_for"`
}

type mismatchRule struct {
	lastingRule `yaml:",inline"`
	Also        words `yaml:"also"`
	Reverse     *bool `yaml:"reverse"`

	FlapChanges *int      `yaml:"flap_changes"`
	FlapWindow  *period   `yaml:"flap_window"`
	FlapHold    *duration `yaml:"flap_hold"`
}

type thresholdRule struct {
	lastingRule  `yaml:",inline"`
	AbovePercent *float64 `yaml:"above_percent"`
	Least        *float64 `yaml:"least_per_second"`
}

type speedRule struct {
	lastingRule `yaml:",inline"`
	AcceptAfter *period `yaml:"accept_after"`
}

type ownRule struct {
	Name        string `yaml:"name"`
	Measurement string `yaml:"measurement"`
	Expr        string `yaml:"expr"`
	Summary     string `yaml:"summary"`
	lastingRule `yaml:",inline"`
}

// ignoreRule fits interfaces that nobody wants to hear of.
type ignoreRule struct {
	Device     collector.Pattern            `yaml:"device"`
	Name       collector.Pattern            `yaml:"name"`
	Descr      collector.Pattern            `yaml:"descr"`
	Alias      collector.Pattern            `yaml:"alias"`
	Type       words                        `yaml:"type"`
	SpeedBelow *size                        `yaml:"speed_below"`
	Labels     map[string]collector.Pattern `yaml:"labels"`
}

type maintenance struct {
	Name     string   `yaml:"name"`
	Match    []string `yaml:"match"`
	Start    string   `yaml:"start"`
	Timezone string   `yaml:"timezone"`
	RRule    string   `yaml:"rrule"`
	Duration period   `yaml:"duration"`
	Reason   string   `yaml:"reason"`
}

// mostFlapChanges bounds what is remembered of each interface.
const mostFlapChanges = 100

// alerts returns what the section says; profiles are there.
func (r *reader) alerts(a alerts) alert.Config {
	c := alert.DefaultConfig()
	if m := a.InterfaceMismatch; m != nil {
		r.mismatch(&c.InterfaceMismatch, m)
	}
	r.simple(&c.DeviceUnreachable, a.DeviceUnreachable, "alerts", alert.RuleDeviceUnreachable)
	r.simple(&c.SNMPSilent, a.SNMPSilent, "alerts", alert.RuleSNMPSilent)
	r.simple(&c.AuthenticationFailed, a.AuthenticationFailed, "alerts", alert.RuleAuthenticationFailed)
	r.plain(&c.DeviceRebooted, a.DeviceRebooted, "alerts", alert.RuleDeviceRebooted)
	r.threshold(&c.InterfaceUtilisation, a.InterfaceUtilisation, alert.RuleInterfaceUtilisation)
	r.threshold(&c.InterfaceErrors, a.InterfaceErrors, alert.RuleInterfaceErrors)
	r.threshold(&c.InterfaceDiscards, a.InterfaceDiscards, alert.RuleInterfaceDiscards)
	if s := a.InterfaceSpeedDuplex; s != nil {
		r.lasting(&c.InterfaceSpeedDuplex.RuleOptions, &s.lastingRule, "alerts", alert.RuleInterfaceSpeedDuplex)
		if s.AcceptAfter != nil {
			c.InterfaceSpeedDuplex.AcceptAfter = time.Duration(*s.AcceptAfter)
		}
	}
	r.lasting(&c.CounterTooNarrow, a.CounterTooNarrow, "alerts", alert.RuleCounterTooNarrow)
	r.lasting(&c.SpoolFilling, a.SpoolFilling, "alerts", alert.RuleSpoolFilling)
	r.lasting(&c.CollectorLate, a.CollectorLate, "alerts", alert.RuleCollectorLate)
	r.lasting(&c.DNSServerDown, a.DNSServerDown, "alerts", alert.RuleDNSServerDown)
	r.lasting(&c.DNSZoneStale, a.DNSZoneStale, "alerts", alert.RuleDNSZoneStale)
	c.Rules = r.ownRules(a.Rules)
	c.Ignore = r.ignore(a.Ignore)
	set(&c.NoAlert, a.NoAlert)
	c.Maintenance = r.maintenance(a.Maintenance)
	if a.RebootHold != nil {
		c.RebootHold = time.Duration(*a.RebootHold)
	}
	if a.Remember != nil {
		c.Remember = time.Duration(*a.Remember)
	}
	return c
}

func (r *reader) plain(o *alert.RuleOptions, p *plainRule, at ...any) {
	if p == nil {
		return
	}
	set(&o.Enabled, p.Enabled)
	set(&o.Severity, p.Severity)
	o.Labels = p.Labels
	for _, name := range slices.Sorted(maps.Keys(p.Labels)) {
		if name == "" || slices.Contains(collector.BuiltInTags(), name) {
			r.fail(fmt.Errorf("label %q: alerts have a label of that name already", name), append(at, "labels", name)...)
		}
	}
}

func (r *reader) simple(o *alert.RuleOptions, s *simpleRule, at ...any) {
	if s == nil {
		return
	}
	r.plain(o, &s.plainRule, at...)
	set(&o.Polls, s.Polls)
	if o.Polls < 1 {
		r.fail(errors.New("polls must be at least 1"), append(at, "polls")...)
	}
}

func (r *reader) lasting(o *alert.RuleOptions, l *lastingRule, at ...any) {
	if l == nil {
		return
	}
	r.simple(o, &l.simpleRule, at...)
	if l.For != nil {
		o.For = time.Duration(*l.For)
		o.KeepFiringFor = o.For
	}
	if l.KeepFiringFor != nil {
		o.KeepFiringFor = time.Duration(*l.KeepFiringFor)
	}
}

// moreStates are the values of ifOperStatus (RFC 2863) that may be a mismatch too.
var moreStates = map[string]int64{"testing": 3, "unknown": 4, "dormant": 5}

func (r *reader) mismatch(c *alert.InterfaceMismatchRule, m *mismatchRule) {
	at := []any{"alerts", alert.RuleInterfaceMismatch}
	r.lasting(&c.RuleOptions, &m.lastingRule, at...)
	for _, word := range m.Also {
		n, ok := moreStates[word]
		if !ok {
			r.fail(fmt.Errorf("also: %q is none of testing, unknown and dormant", word), append(at, "also")...)
		}
		c.Also = append(c.Also, n)
	}
	if m.Reverse != nil {
		c.NoReverse = !*m.Reverse
	}
	set(&c.FlapChanges, m.FlapChanges)
	if n := c.FlapChanges; n < 0 || n > mostFlapChanges {
		r.fail(fmt.Errorf("flap_changes must be 1 to %d, or 0 for never", mostFlapChanges), append(at, "flap_changes")...)
	}
	if m.FlapWindow != nil {
		c.FlapWindow = time.Duration(*m.FlapWindow)
	}
	if m.FlapHold != nil {
		c.FlapHold = time.Duration(*m.FlapHold)
	}
}

func (r *reader) threshold(c *alert.ThresholdRule, t *thresholdRule, rule string) {
	if t == nil {
		return
	}
	r.lasting(&c.RuleOptions, &t.lastingRule, "alerts", rule)
	if p := t.AbovePercent; p != nil {
		c.Above = *p / 100
		if !(*p > 0 && *p <= 100) {
			r.fail(errors.New("above_percent must be above 0, and at most 100"), "alerts", rule, "above_percent")
		}
	}
	set(&c.Least, t.Least)
	if !(c.Least >= 0) {
		r.fail(errors.New("least_per_second must not be below 0"), "alerts", rule, "least_per_second")
	}
}

// ownRules compiles the site's rules. Their mistakes are told with the line within the expression.
func (r *reader) ownRules(list []ownRule) []alert.Rule {
	var out []alert.Rule
	schema := ruleSchema(r.profiles)
	for i, o := range list {
		at := []any{"alerts", "rules", i}
		rule := alert.Rule{Name: o.Name, Measurement: o.Measurement, RuleOptions: alert.RuleOptions{Enabled: true, Severity: alert.Warning, Polls: 1}}
		r.lasting(&rule.RuleOptions, &o.lastingRule, at...)
		same := func(other alert.Rule) bool { return other.Name == o.Name }
		switch {
		case o.Name == "":
			r.fail(errors.New("a rule needs a name"), at...)
		case slices.Contains(alert.RuleNames[:], o.Name) || slices.ContainsFunc(out, same):
			r.fail(fmt.Errorf("there is a rule %q already", o.Name), append(at, "name")...)
		}
		var err error
		rule.Condition, err = rules.Compile(o.Measurement, o.Expr, o.Summary, schema)
		var mistake *rules.Error
		switch {
		case errors.As(err, &mistake):
			line := r.doc.Line(append(at, "expr")...)
			if strings.Contains(strings.TrimSuffix(o.Expr, "\n"), "\n") { // a block, which begins on the line below
				line += mistake.Line
			}
			r.problems = append(r.problems, Problem{File: r.path, Line: line, Err: err})
		case err != nil && strings.HasPrefix(err.Error(), "summary"):
			r.fail(err, append(at, "summary")...)
		case err != nil:
			r.fail(err, append(at, "measurement")...)
		default:
			out = append(out, rule)
		}
	}
	return out
}

// ruleSchema returns what rows of each measurement may have, by the profiles.
func ruleSchema(profiles collector.Profiles) rules.Schema {
	schema := rules.Schema{}
	for _, p := range profiles {
		for measurement, fields := range p.RowFields() {
			set := schema[measurement]
			if set == nil {
				set = map[string]rules.Type{}
				schema[measurement] = set
			}
			for name, kind := range fields {
				switch kind {
				case collector.NumberField:
					set[name] = rules.Number
				case collector.CounterField:
					set[name], set[name+rules.RateSuffix] = rules.Number, rules.Number
				default:
					set[name] = rules.Text
				}
			}
		}
	}
	schema["ping"] = map[string]rules.Type{"state": rules.Text}
	for _, name := range []string{"packets_transmitted", "packets_received", "percent_packet_loss", "minimum_response_ms", "average_response_ms", "maximum_response_ms"} {
		schema["ping"][name] = rules.Number
	}
	return schema
}

// ifType says what words ifType has: those of IANAifType-MIB.
var ifType = oid.MustParse("1.3.6.1.2.1.2.2.1.3")

func (r *reader) ignore(list []ignoreRule) []alert.InterfaceMatch {
	var out []alert.InterfaceMatch
	object, _ := smi.BuiltIn().Find(ifType)
	for i, o := range list {
		at := []any{"alerts", "ignore", i}
		m := alert.InterfaceMatch{Device: o.Device.Regexp, Name: o.Name.Regexp, Descr: o.Descr.Regexp, Alias: o.Alias.Regexp}
		for name, p := range o.Labels {
			if m.Labels == nil {
				m.Labels = map[string]*regexp.Regexp{}
			}
			m.Labels[name] = p.Regexp
		}
		for _, word := range o.Type {
			n, ok := object.Syntax.Number(word)
			if plain, err := strconv.ParseUint(word, 10, 31); err == nil {
				m.Type = append(m.Type, int64(plain))
				continue
			}
			if !ok {
				var labels []string
				for _, l := range object.Syntax.Labels {
					labels = append(labels, l.Name)
				}
				text := fmt.Sprintf("type: nothing is called %q", word)
				if near := nearest.Word(word, labels); near != "" {
					text += fmt.Sprintf("; did you mean %q?", near)
				}
				r.fail(errors.New(text), append(at, "type")...)
			}
			m.Type = append(m.Type, n)
		}
		if o.SpeedBelow != nil {
			m.SpeedBelow = uint64(*o.SpeedBelow)
		}
		if m.Device == nil && m.Name == nil && m.Descr == nil && m.Alias == nil && len(m.Type)+len(m.Labels) == 0 && m.SpeedBelow == 0 {
			r.fail(errors.New("an entry that says nothing would ignore every interface"), at...)
		}
		out = append(out, m)
	}
	return out
}

// The forms of a maintenance window's start: local time of its zone.
var startForms = [...]string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02"}

func (r *reader) maintenance(list []maintenance) []silence.Window {
	var out []silence.Window
	names := map[string]bool{}
	for i, m := range list {
		at := []any{"alerts", "maintenance", i}
		w := silence.Window{Name: m.Name, Rule: m.RRule, Duration: time.Duration(m.Duration), Reason: m.Reason}
		if names[m.Name] {
			r.fail(fmt.Errorf("there is a window %q already", m.Name), append(at, "name")...)
		}
		names[m.Name] = true
		zone := time.Local
		if m.Timezone != "" {
			var err error
			if zone, err = time.LoadLocation(m.Timezone); err != nil {
				r.fail(fmt.Errorf("timezone: %w; write it as Europe/Paris or UTC", err), append(at, "timezone")...)
				continue
			}
		}
		for _, form := range startForms {
			if t, err := time.ParseInLocation(form, m.Start, zone); err == nil {
				w.Start = t
			}
		}
		if w.Start.IsZero() {
			r.fail(fmt.Errorf("start: %q is no local time such as 2026-01-04T02:00; its zone is timezone's", m.Start), append(at, "start")...)
			continue
		}
		for j, text := range m.Match {
			matcher, err := silence.ParseMatcher(text)
			if err != nil {
				r.fail(err, append(at, "match", j)...)
				continue
			}
			w.Matchers = append(w.Matchers, matcher)
		}
		w, err := silence.NewWindow(w)
		if err != nil {
			r.fail(err, at...)
			continue
		}
		out = append(out, w)
	}
	return out
}

// belowPath is what the pages may be below, by a proxy.
var belowPath = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$`)

// ownPaths begin what is served at the root of the host.
var ownPaths = []string{"alerts", "api", "assets", "collector", "devices", "events", "fleet", "healthz", "log", "metrics", "silences", "snmp", "status"}

// externalURL reads where the pages are reached, and the path that they are below: "", or "/walkabout".
func (r *reader) externalURL(text string) (at, below string) {
	if text == "" {
		return "", ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.fail(fmt.Errorf("external_url %q: write it as https://collector.example.net", text), "external_url")
		return "", ""
	}
	below = strings.TrimRight(u.Path, "/")
	first, _, _ := strings.Cut(strings.TrimPrefix(below, "/"), "/")
	switch {
	case below != "" && !belowPath.MatchString(below):
		r.fail(fmt.Errorf("external_url: the path %q cannot be served: write it of letters, digits, dots, - and _, as /walkabout", u.Path), "external_url")
	case slices.Contains(ownPaths, first):
		r.fail(fmt.Errorf("external_url: the path %q is one that the pages have themselves: take another, as /walkabout", u.Path), "external_url")
	}
	return strings.TrimRight(text, "/"), below
}

// remarkAlerts warns of parents that are nobody's name.
func (r *reader) remarkAlerts(c Config) {
	names := map[string]bool{}
	for _, t := range c.Targets {
		names[t.Name] = true
	}
	for _, t := range c.Targets {
		parent := t.Labels[alert.ParentLabel]
		if parent != "" && !names[parent] && len(c.Lists) == 0 {
			r.warn(fmt.Sprintf("target %q: its label parent names %q, which is no target: it explains nothing", t.Name, parent), "targets")
		}
	}
}

// alertSummary says which rules there are.
func (c Config) alertSummary(b *strings.Builder) {
	rule := func(name string, o alert.RuleOptions, more string) {
		if !o.Enabled {
			return
		}
		fmt.Fprintf(b, "  %s", name)
		if o.For > 0 {
			fmt.Fprintf(b, " after %v", o.For)
		}
		b.WriteString(more + "\n")
	}
	a := &c.Alerts
	more := ""
	if r := a.InterfaceMismatch; r.FlapChanges > 0 {
		more = fmt.Sprintf("; flapping when it comes and goes more than %d times in %v, until it was well for %v", r.FlapChanges, r.FlapWindow, r.FlapHold)
	}
	rule(alert.RuleInterfaceMismatch, a.InterfaceMismatch.RuleOptions, more)
	polls := func(o alert.RuleOptions) string { return fmt.Sprintf(" after %d failed polls", o.Polls) }
	above := func(t alert.ThresholdRule) string { return fmt.Sprintf(" above %.3g %%", 100*t.Above) }
	rule(alert.RuleDeviceUnreachable, a.DeviceUnreachable, polls(a.DeviceUnreachable))
	rule(alert.RuleSNMPSilent, a.SNMPSilent, polls(a.SNMPSilent))
	rule(alert.RuleAuthenticationFailed, a.AuthenticationFailed, polls(a.AuthenticationFailed))
	rule(alert.RuleDeviceRebooted, a.DeviceRebooted, "")
	rule(alert.RuleInterfaceUtilisation, a.InterfaceUtilisation.RuleOptions, above(a.InterfaceUtilisation))
	rule(alert.RuleInterfaceErrors, a.InterfaceErrors.RuleOptions, above(a.InterfaceErrors))
	rule(alert.RuleInterfaceDiscards, a.InterfaceDiscards.RuleOptions, above(a.InterfaceDiscards))
	rule(alert.RuleInterfaceSpeedDuplex, a.InterfaceSpeedDuplex.RuleOptions, "")
	rule(alert.RuleCounterTooNarrow, a.CounterTooNarrow, "")
	rule(alert.RuleSpoolFilling, a.SpoolFilling, "")
	rule(alert.RuleCollectorLate, a.CollectorLate, "")
	rule(alert.RuleDNSServerDown, a.DNSServerDown, "")
	rule(alert.RuleDNSZoneStale, a.DNSZoneStale, "")
	for _, r := range a.Rules {
		rule(r.Name, r.RuleOptions, " over "+r.Measurement)
	}
	for i := range a.Maintenance {
		w := &a.Maintenance[i]
		next, ok := w.Next(time.Now())
		if !ok {
			fmt.Fprintf(b, "  maintenance %s: over\n", w.Name)
			continue
		}
		fmt.Fprintf(b, "  maintenance %s: next at %s for %v\n", w.Name, next.Format("2006-01-02 15:04 MST"), w.Duration)
	}
}
