// Package silence says which alerts people are not told of, and when: silences, which somebody makes and which end, and maintenance windows,
// which come again by a calendar.
package silence

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Matcher compares one property of an alert: device, interface (its key), rule, kind, severity, fingerprint, or a label. What an alert does
// not have is "". Its text is that of Alertmanager's matchers: device=core1, ifName=~"Gi0/.*", site!=paris, ifAlias!~"test.*". Regular expressions
// match the whole value (RE2).
type Matcher struct {
	name, value string
	op          string
	re          *regexp.Regexp
}

// maxValue bounds a pattern: what is longer is no pattern that a person wrote.
const maxValue = 1024

// ParseMatcher reads one matcher. The value may stand between double quotes.
func ParseMatcher(text string) (Matcher, error) {
	i := strings.IndexAny(text, "=!~")
	if i < 0 {
		return Matcher{}, fmt.Errorf("matcher %q: write name=value, name!=value, name=~regexp or name!~regexp", text)
	}
	m := Matcher{name: strings.TrimSpace(text[:i])}
	rest := text[i:]
	for _, op := range []string{"=~", "!~", "!=", "="} {
		if after, ok := strings.CutPrefix(rest, op); ok {
			m.op, m.value = op, strings.TrimSpace(after)
			break
		}
	}
	if m.op == "" || m.name == "" {
		return Matcher{}, fmt.Errorf("matcher %q: write name=value, name!=value, name=~regexp or name!~regexp", text)
	}
	if len(m.value) > 1 && m.value[0] == '"' && m.value[len(m.value)-1] == '"' {
		m.value = m.value[1 : len(m.value)-1]
	}
	if len(m.value) > maxValue {
		return Matcher{}, fmt.Errorf("matcher of %s: longer than %d octets", m.name, maxValue)
	}
	if strings.HasSuffix(m.op, "~") {
		var err error
		if m.re, err = regexp.Compile("^(?s:" + m.value + ")$"); err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
		}
	}
	return m, nil
}

// String returns m as ParseMatcher reads it.
func (m Matcher) String() string {
	if strings.TrimSpace(m.value) != m.value || strings.HasPrefix(m.value, `"`) {
		return m.name + m.op + `"` + m.value + `"`
	}
	return m.name + m.op + m.value
}

// MarshalText is String.
func (m Matcher) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is ParseMatcher.
func (m *Matcher) UnmarshalText(text []byte) error {
	var err error
	*m, err = ParseMatcher(string(text))
	return err
}

func (m *Matcher) matches(value string) bool {
	switch m.op {
	case "=":
		return value == m.value
	case "!=":
		return value != m.value
	case "=~":
		return m.re.MatchString(value)
	case "!~":
		return !m.re.MatchString(value)
	default: // the zero Matcher, which Validate refuses
		return false
	}
}

// empty reports whether m matches what has no such property, so that it alone would match nearly everything.
func (m *Matcher) empty() bool { return m.matches("") }

// Matchers are matchers of which all must match.
type Matchers []Matcher

// maxMatchers bounds them.
const maxMatchers = 32

// Validate refuses matchers that match every alert, as nobody means them to, and the zero Matcher, which JSON's null leaves behind.
func (ms Matchers) Validate() error {
	if len(ms) > maxMatchers {
		return fmt.Errorf("%d matchers are more than %d", len(ms), maxMatchers)
	}
	if i := slices.IndexFunc(ms, func(m Matcher) bool { return m.op == "" }); i >= 0 {
		return fmt.Errorf("matcher %d is empty: write name=value, name!=value, name=~regexp or name!~regexp", i+1)
	}
	for i := range ms {
		if !ms[i].empty() {
			return nil
		}
	}
	return errors.New("no matcher that says of what: give one that an empty value does not match, such as device=core1 (all of them: device=~.+)")
}

// Match reports whether all match an alert, whose properties property returns.
func (ms Matchers) Match(property func(name string) string) bool {
	for i := range ms {
		if !ms[i].matches(property(ms[i].name)) {
			return false
		}
	}
	return true
}
