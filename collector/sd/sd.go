// Package sd reads lists of targets from where a site keeps them: files and URLs in the form of Prometheus' file_sd and http_sd, and
// DNS. A Watcher asks again and again, and goes on with the last list when a source fails.
package sd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Group is targets that share labels, as Prometheus' lists have them.
type Group struct {
	Targets []string          `json:"targets" yaml:"targets"` // "host" or "host:port"
	Labels  map[string]string `json:"labels,omitempty" yaml:"labels"`
}

// Source is where a list comes from. It is for one goroutine.
type Source interface {
	// Fetch returns the list as it is now. With an error and no groups nothing is known, and the last list still holds; with an error
	// and groups, the groups hold and the error tells what is missing or old in them.
	Fetch(ctx context.Context) ([]Group, error)
}

// maxList bounds a list in octets, 50,000 targets with a dozen labels each.
const maxList = 32 << 20

var errTooLong = fmt.Errorf("the list is longer than %d octets", maxList)

// ParseJSON reads a list as http_sd and file_sd have it: [{"targets": ["host:port"], "labels": {"name": "value"}}].
func ParseJSON(text []byte) ([]Group, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var groups []Group
	if err := d.Decode(&groups); err != nil {
		return nil, fmt.Errorf("no list of targets in JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("no list of targets in JSON: there is more behind it")
	}
	if groups == nil { // what a program writes whose query failed: no reason to poll nobody
		return nil, errors.New("no list of targets in JSON: null; an empty list is []")
	}
	return checked(groups)
}

// ParseYAML reads the same in YAML, where nothing at all is an empty list.
func ParseYAML(text []byte) ([]Group, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var groups []Group
	if err := d.Decode(&groups); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("no list of targets in YAML: %w", err)
	}
	var rest yaml.Node
	if err := d.Decode(&rest); !errors.Is(err, io.EOF) {
		return nil, errors.New("no list of targets in YAML: a second document follows")
	}
	return checked(groups)
}

// checked returns the groups that have targets, in a list that is not nil.
func checked(groups []Group) ([]Group, error) {
	full := []Group{}
	for i, g := range groups {
		if slices.Contains(g.Targets, "") {
			return nil, fmt.Errorf("entry %d of the list has a target without an address", i+1)
		}
		if len(g.Targets) > 0 {
			full = append(full, g)
		}
	}
	return full, nil
}

func count(groups []Group) int {
	n := 0
	for _, g := range groups {
		n += len(g.Targets)
	}
	return n
}

func equal(a, b []Group) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, func(a, b Group) bool {
		return slices.Equal(a.Targets, b.Targets) && maps.Equal(a.Labels, b.Labels)
	})
}
