package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"walkabout/internal/strictyaml"
)

// NewTarget is a target as WriteTargets writes it.
type NewTarget struct {
	Name, Address, Credential string
	Collect                   []string
	Comments                  []string // a line each; they may hold anything
}

// WriteTargets writes a file that include may name, with comments at its head.
func WriteTargets(w io.Writer, head []string, targets []NewTarget) error {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, t := range targets {
		collect := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, name := range t.Collect {
			collect.Content = append(collect.Content, text(name))
		}
		entry := &yaml.Node{Kind: yaml.MappingNode, HeadComment: comments(t.Comments), Content: []*yaml.Node{
			text("name"), text(t.Name), text("address"), text(t.Address), text("credential"), text(t.Credential), text("collect"), collect,
		}}
		list.Content = append(list.Content, entry)
	}
	if len(targets) == 0 {
		list.Style = yaml.FlowStyle
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text("targets"), list}}
	if _, err := fmt.Fprintf(w, "%s\n\n", comments(head)); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return err
	}
	return e.Close()
}

// text is s as a scalar that is read as a text again, whatever it looks like.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// maxComment bounds a comment's line in runes: what devices say of themselves can be long.
const maxComment = 160

// comments makes lines fit for comments, without what would end one.
func comments(lines []string) string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		runes := []rune(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, line))
		if len(runes) > maxComment {
			runes = append(runes[:maxComment-1], '…')
		}
		out = append(out, strings.TrimRight("# "+string(runes), " "))
	}
	return strings.Join(out, "\n")
}

// TargetNames returns the names of the targets in a file that include may name.
func TargetNames(path string) ([]string, error) {
	b, _, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var f included
	if _, errs := strictyaml.Decode(b, &f); len(errs) > 0 {
		return nil, fmt.Errorf("%s: %w", path, errs[0])
	}
	var names []string
	for _, t := range f.Targets {
		names = append(names, t.Name)
	}
	return names, nil
}
