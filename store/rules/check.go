// Package rules evaluates recording and alerting rules of Prometheus' rule files over a store.
package rules

import (
	"cmp"
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// Problem is a mistake in a rule file.
type Problem struct {
	Line int // counts from 1; 0 is the file as a whole
	Err  error
}

// File is what a rule file has.
type File struct {
	Rules  int     // of both kinds
	Alerts []Named // of the alerting ones, in their order
}

// Named is an alerting rule by its alertname and its label severity, which may be empty.
type Named struct{ Alert, Severity string }

// maxFile bounds a rule file.
const maxFile = 16 << 20

// Check reads the rule file at path strictly and returns its mistakes.
func Check(path string) (file File, problems []Problem) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		err = errors.New("it is no regular file of at most 16 MiB")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return file, []Problem{{Err: err}}
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
	var root yaml.Node
	_ = yaml.Unmarshal(text, &root) // what is no YAML was found above
	for _, err := range errs {
		for _, p := range split(err) {
			p.Line = cmp.Or(p.Line, find(&root, p.Err))
			if !slices.ContainsFunc(problems, func(q Problem) bool { return q.Line == p.Line && q.Err.Error() == p.Err.Error() }) {
				problems = append(problems, p)
			}
		}
	}
	if groups != nil {
		for _, g := range groups.Groups {
			file.Rules += len(g.Rules)
			for _, r := range g.Rules {
				if r.Alert != "" {
					file.Alerts = append(file.Alerts, Named{r.Alert, cmp.Or(r.Labels["severity"], g.Labels["severity"])})
				}
			}
		}
	}
	return file, problems
}

// place is how the library begins an error about one: line and column, of a rule and then perhaps of a key in it; or as the YAML decoder does.
var place = regexp.MustCompile(`^(?:yaml: )?(?:(\d+):\d+: )(?:(\d+):\d+: )?|^(?:yaml: )?line (\d+): `)

// split takes the place out of an error's text, and apart what joins several.
func split(err error) []Problem {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []Problem
		for _, e := range several.Unwrap() {
			out = append(out, split(e)...)
		}
		return out
	}
	if _, several, ok := strings.Cut(err.Error(), "unmarshal errors:\n"); ok { // as the YAML decoder joins them
		var out []Problem
		for line := range strings.Lines(several) {
			out = append(out, split(errors.New(strings.TrimSpace(line)))...)
		}
		return out
	}
	p := Problem{Err: err}
	found := place.FindStringSubmatch(err.Error())
	if found == nil {
		return []Problem{p}
	}
	for _, n := range found[1:] {
		if line, err := strconv.Atoi(n); err == nil {
			p.Line = line // the last is the nearest
		}
	}
	p.Err = errors.New(err.Error()[len(found[0]):])
	return []Problem{p}
}

// find returns the line of what err is about where the library does not say it; 0 if that cannot be seen.
func find(root *yaml.Node, err error) int {
	var rule *rulefmt.Error
	if errors.As(err, &rule) {
		for _, g := range children(root, "groups") {
			if name := child(g, "name"); name == nil || name.Value != rule.Group {
				continue
			}
			if rules := children(g, "rules"); rule.Rule >= 1 && rule.Rule <= len(rules) {
				return rules[rule.Rule-1].Line
			}
		}
	}
	all := quotes.FindAllString(err.Error(), -1)
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) }) // what is longest is most of its own
	for _, quoted := range all {
		if text, err := strconv.Unquote(quoted); err == nil {
			if line := lastOf(root, text); line > 0 {
				return line
			}
		}
	}
	return 0
}

var quotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// lastOf returns the line of the last scalar with the text; 0 if there is none.
func lastOf(n *yaml.Node, text string) (line int) {
	if n.Kind == yaml.ScalarNode && n.Value == text {
		line = n.Line
	}
	for _, c := range n.Content {
		line = max(line, lastOf(c, text))
	}
	return line
}

// child returns what a mapping, or a document of one, has under key; nil if nothing.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func children(n *yaml.Node, key string) []*yaml.Node {
	if c := child(n, key); c != nil && c.Kind == yaml.SequenceNode {
		return c.Content
	}
	return nil
}
