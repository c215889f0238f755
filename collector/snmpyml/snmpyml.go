// Package snmpyml reads the modules of snmp.yml, the configuration of Prometheus' snmp_exporter, as profiles: the layout with auths and modules, and the older
// one whose top level is the modules. What a module says of versions and credentials is left to the target.
package snmpyml

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/internal/nearest"
)

// ErrNoModule is that a file has no module of the name.
var ErrNoModule = errors.New("no such module")

// module is one of the file's, as far as it says what to poll.
type module struct {
	Walk           []string `yaml:"walk"`
	Get            []string `yaml:"get"`
	Metrics        []metric `yaml:"metrics"`
	Filters        []filter `yaml:"filters"`
	MaxRepetitions int      `yaml:"max_repetitions"`
}

// filter lets pass the rows of Targets, columns, of which the object OID, in the row with the same index, matches one of Values, regular expressions.
type filter struct {
	OID     string   `yaml:"oid"`
	Targets []string `yaml:"targets"`
	Values  []string `yaml:"values"`
}

type metric struct {
	Name          string               `yaml:"name"`
	OID           string               `yaml:"oid"`
	Type          string               `yaml:"type"`
	Indexes       []index              `yaml:"indexes"`
	Lookups       []lookup             `yaml:"lookups"`
	RegexExtracts map[string][]extract `yaml:"regex_extracts"`
	EnumValues    map[int64]string     `yaml:"enum_values"`
	Scale         float64              `yaml:"scale"`
	Offset        float64              `yaml:"offset"`
}

type index struct {
	Label      string           `yaml:"labelname"`
	Type       string           `yaml:"type"`
	FixedSize  int              `yaml:"fixed_size"`
	Implied    bool             `yaml:"implied"`
	EnumValues map[int64]string `yaml:"enum_values"`
}

type lookup struct {
	Labels     []string         `yaml:"labels"`
	Label      string           `yaml:"labelname"`
	OID        string           `yaml:"oid"`
	Type       string           `yaml:"type"`
	EnumValues map[int64]string `yaml:"enum_values"`
}

type extract struct {
	Regex string `yaml:"regex"`
	Value string `yaml:"value"`
}

// File is an snmp.yml.
type File struct{ modules map[string]yaml.Node }

// Parse reads an snmp.yml. What is wrong with a module is told when it is asked for.
func Parse(text []byte) (File, error) {
	modules, _, _, err := Split(text)
	return File{modules}, err
}

// Split takes an snmp.yml apart: its modules, and its auths, which are zero if there are none. In the older layout the modules are the top level, and have
// credentials of their own.
func Split(text []byte) (modules map[string]yaml.Node, auths yaml.Node, old bool, err error) {
	var top map[string]yaml.Node
	if err := yaml.Unmarshal(text, &top); err != nil {
		return nil, auths, false, fmt.Errorf("it is no snmp.yml of snmp_exporter: %w", err)
	}
	auths = top["auths"]
	node, ok := top["modules"]
	if !ok {
		delete(top, "auths")
		return top, auths, true, nil
	}
	if err := node.Decode(&modules); err != nil {
		return nil, auths, false, fmt.Errorf("modules: %w", err)
	}
	return modules, auths, false, nil
}

// Modules returns the names of the modules, in order.
func (f File) Modules() []string { return slices.Sorted(maps.Keys(f.modules)) }

// Profile returns a module as a profile; names are only for what OIDs that are values are called.
func (f File) Profile(name string, names smi.Resolver) (*collector.Profile, error) {
	converted, err := f.Convert(name)
	if err != nil {
		return nil, err
	}
	p, err := collector.ParseProfile(converted, names)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	return p, nil
}

// Convert returns a module as the YAML of a profile.
func (f File) Convert(name string) ([]byte, error) {
	node, ok := f.modules[name]
	if !ok {
		known := f.Modules()
		if len(known) == 0 {
			return nil, fmt.Errorf("%w: %q; the file has none", ErrNoModule, name)
		}
		if near := nearest.Word(name, known); near != "" {
			return nil, fmt.Errorf("%w: %q; did you mean %q?", ErrNoModule, name, near)
		}
		return nil, fmt.Errorf("%w: %q; there are %s", ErrNoModule, name, strings.Join(known, ", "))
	}
	var m module
	if err := node.Decode(&m); err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	if len(m.Metrics) == 0 {
		return nil, fmt.Errorf("module %s has no metrics: it was not generated", name)
	}
	p, err := m.profile(name)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	return yaml.Marshal(p)
}
