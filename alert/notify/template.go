package notify

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	html "html/template"
	"strings"
	text "text/template"
	"text/template/parse"
	"time"
)

// The parts of a message that a template file may define; what it does not define is as it is built in.
const (
	SubjectPart = "subject" // one line
	TextPart    = "text"
	HTMLPart    = "html"
)

// What a template may take.
const (
	mostSource = 256 << 10
	mostOutput = 1 << 20
	mostTime   = 2 * time.Second
	mostNodes  = 200_000 // times round a loop, and calls
)

//go:embed default.tmpl
var defaultSource string

// Templates makes text of messages.
type Templates struct {
	name string
	text *text.Template
	html *html.Template
	zone *time.Location
}

// ErrTemplate is wrapped by the errors of templates; they name file and line.
var ErrTemplate = errors.New("template")

// ParseTemplates reads a file of templates, whose name is for messages, and tries each part with examples. It has the parts "subject", "text" and
// "html", each between {{define "NAME"}} and {{end}}; source "" has none. Times are of zone; nil is the machine's.
func ParseTemplates(name, source string, zone *time.Location) (*Templates, error) {
	if zone == nil {
		zone = time.Local
	}
	if len(source) > mostSource {
		return nil, fmt.Errorf("%w: %s: larger than %d octets", ErrTemplate, name, mostSource)
	}
	t := &Templates{name: name, zone: zone}
	t.text = text.New("message").Option("missingkey=zero").Funcs(functions(nil))
	t.html = html.New("message").Option("missingkey=zero").Funcs(functions(nil))
	for _, s := range []struct{ name, source string }{{"built-in", defaultSource}, {name, source}} {
		if s.source == "" {
			continue
		}
		if _, err := t.text.New(s.name).Parse(s.source); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrTemplate, strings.TrimPrefix(err.Error(), "template: "))
		}
		if _, err := t.html.New(s.name).Parse(s.source); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrTemplate, strings.TrimPrefix(err.Error(), "template: "))
		}
	}
	step, err := parse.Parse(meterName, "{{"+meterName+"}}", "", "", functions(nil))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	steps := meter{step[meterName].Root.Nodes[0]}
	for _, one := range t.text.Templates() {
		steps.template(one.Tree)
	}
	for _, one := range t.html.Templates() {
		steps.template(one.Tree)
	}
	for _, m := range []*Message{Example(time.Now(), false), Example(time.Now(), true)} {
		for _, part := range []string{SubjectPart, TextPart, HTMLPart} {
			if _, err := t.execute(part, m); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

// functions are what templates may call besides those of Go.
func functions(step func() (string, error)) map[string]any {
	return map[string]any{
		meterName: step,
		"join":    func(list []string, separator string) (string, error) { return small(strings.Join(list, separator)) },
		"upper":   strings.ToUpper,
		"lower":   strings.ToLower,
		"cut":     Cut,

		// Go's own, of which each could make a text twice as long in every round of a loop.
		"print":   func(v ...any) (string, error) { return small(fmt.Sprint(v...)) },
		"println": func(v ...any) (string, error) { return small(fmt.Sprintln(v...)) },
		"printf":  func(format string, v ...any) (string, error) { return small(fmt.Sprintf(format, v...)) },
		"js":      func(v ...any) (string, error) { return small(text.JSEscaper(v...)) },
	}
}

// small refuses text that is longer than a template may write.
func small(s string) (string, error) {
	if len(s) > mostOutput {
		return "", errTooMuch
	}
	return s, nil
}

// meterName is the function that counts a template's steps.
const meterName = "_step"

// meter has every template, and every round of a loop, begin with a step, so that a loop without output ends too.
type meter struct{ step parse.Node }

func (m meter) template(t *parse.Tree) {
	if t == nil || t.Root == nil {
		return
	}
	m.loops(t.Root)
	m.count(t.Root)
}

// loops has the loops in l count their rounds.
func (m meter) loops(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.RangeNode:
			m.loops(n.List)
			m.loops(n.ElseList)
			m.count(n.List)
		case *parse.IfNode:
			m.loops(n.List)
			m.loops(n.ElseList)
		case *parse.WithNode:
			m.loops(n.List)
			m.loops(n.ElseList)
		}
	}
}

// count puts a step before what l does: one of its own, as html/template edits nodes in place.
func (m meter) count(l *parse.ListNode) {
	l.Nodes = append([]parse.Node{m.step.Copy()}, l.Nodes...)
}

// Subject returns one line, which is not empty.
func (t *Templates) Subject(m *Message) string {
	s, err := t.execute(SubjectPart, m)
	line := strings.Join(strings.Fields(s), " ")
	if err != nil || line == "" { // services refuse a message without a title
		line = strings.Join(strings.Fields(m.data(t.zone).Headline()), " ")
	}
	return line
}

// Text returns plain text, of lines. A template that was right for the examples and fails for m takes nothing from anybody: a plain list is told
// in its place, and why.
func (t *Templates) Text(m *Message) string {
	s, err := t.execute(TextPart, m)
	if err != nil {
		s = t.plain(m, err)
	}
	return strings.TrimSpace(s) + "\n"
}

// HTML returns a document, in which all that comes from elsewhere is escaped.
func (t *Templates) HTML(m *Message) string {
	s, err := t.execute(HTMLPart, m)
	if err != nil {
		s = "<!DOCTYPE html>\n<pre>" + html.HTMLEscapeString(t.plain(m, err)) + "</pre>\n"
	}
	return s
}

// plain is what is told where a template fails.
func (t *Templates) plain(m *Message, failed error) string {
	var b strings.Builder
	d := m.data(t.zone)
	fmt.Fprintf(&b, "(%v)\n", failed)
	for _, note := range d.Notes() {
		b.WriteString(note + "\n")
	}
	for _, v := range d.All() {
		fmt.Fprintf(&b, "%s %s\n", v.Status(), v.Summary)
	}
	return b.String()
}

var errTooMuch = errors.New("it takes too many steps or too long, or writes too much")

// execute runs a part within its bounds.
func (t *Templates) execute(part string, m *Message) (string, error) {
	end, steps := time.Now().Add(mostTime), 0
	metered := functions(func() (string, error) {
		if steps++; steps > mostNodes || steps%256 == 0 && time.Now().After(end) {
			return "", errTooMuch
		}
		return "", nil
	})
	out, d := &bounded{}, m.data(t.zone)
	var err error
	if part == HTMLPart {
		var c *html.Template
		if c, err = t.html.Clone(); err == nil {
			err = c.Funcs(metered).ExecuteTemplate(out, part, d)
		}
	} else {
		var c *text.Template
		if c, err = t.text.Clone(); err == nil {
			err = c.Funcs(metered).ExecuteTemplate(out, part, d)
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w %q: %s", ErrTemplate, part, t.explain(err))
	}
	return out.String(), nil
}

// explain says what err is about: the template's file, with the line where it is known.
func (t *Templates) explain(err error) string {
	said := strings.TrimPrefix(err.Error(), "template: ")
	if errors.Is(err, errTooMuch) {
		said = errTooMuch.Error()
	}
	if t.name != "" && !strings.Contains(said, t.name+":") {
		return t.name + ": " + said
	}
	return said
}

// bounded takes a bounded number of octets.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > mostOutput {
		return 0, errTooMuch
	}
	return b.Buffer.Write(p)
}

// Cut returns text of at most n runes: what is cut off is told by "…".
func Cut(n int, text string) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:max(n-1, 0)]) + "…"
}
