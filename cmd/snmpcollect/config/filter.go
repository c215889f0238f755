package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"walkabout/exporters/filter"
)

// filterKeys say what of the samples an output gets, and under which names.
type filterKeys struct {
	Keep   selection         `yaml:"keep"`
	Drop   selection         `yaml:"drop"`
	Rename renames           `yaml:"rename"`
	Tags   map[string]string `yaml:"tags"`
}

type selection struct {
	Measurements patterns            `yaml:"measurements"`
	Tags         map[string]patterns `yaml:"tags"`
	Fields       fieldPatterns       `yaml:"fields"`
}

type renames struct {
	Measurements map[string]string `yaml:"measurements"`
	Tags         map[string]string `yaml:"tags"`
	Fields       map[string]string `yaml:"fields"`
}

// patterns is one pattern or a list of them.
type patterns filter.Patterns

// UnmarshalYAML reads them.
func (p *patterns) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, n := range nodes {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind != yaml.ScalarNode {
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: a pattern is a text, such as if* or /Gi[0-9]+/", n.Line)}}
		}
		one, err := filter.Parse(n.Value)
		if err != nil {
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
		}
		*p = append(*p, one)
	}
	return nil
}

// fieldPatterns is patterns for the fields of all measurements, or a mapping to them from patterns for measurements.
type fieldPatterns []filter.FieldPatterns

// UnmarshalYAML reads both forms.
func (f *fieldPatterns) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		var all patterns
		if err := all.UnmarshalYAML(n); err != nil {
			return err
		}
		every, err := filter.Parse("*")
		*f = fieldPatterns{{Measurement: every, Fields: filter.Patterns(all)}}
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var measurement, fields patterns
		if err := measurement.UnmarshalYAML(n.Content[i]); err != nil {
			return err
		}
		if err := fields.UnmarshalYAML(n.Content[i+1]); err != nil {
			return err
		}
		*f = append(*f, filter.FieldPatterns{Measurement: measurement[0], Fields: filter.Patterns(fields)})
	}
	return nil
}

func (s selection) read() filter.Selection {
	out := filter.Selection{Measurements: filter.Patterns(s.Measurements), Fields: s.Fields}
	if len(s.Tags) > 0 {
		out.Tags = map[string]filter.Patterns{}
	}
	for name, p := range s.Tags {
		out.Tags[name] = filter.Patterns(p)
	}
	return out
}

// filter reads the keys of the entry at. With a mistake among them it is the zero Config.
func (r *reader) filter(k filterKeys, at ...any) filter.Config {
	c := filter.Config{Keep: k.Keep.read(), Drop: k.Drop.read(),
		Rename: filter.Names{Measurements: k.Rename.Measurements, Tags: k.Rename.Tags, Fields: k.Rename.Fields}, Tags: k.Tags}
	if err := c.Rename.Validate(); err != nil {
		r.fail(fmt.Errorf("rename: %w", err), append(at, "rename")...)
		return filter.Config{}
	}
	if err := c.Validate(); err != nil {
		r.fail(err, append(at, "tags")...)
		return filter.Config{}
	}
	return c
}
