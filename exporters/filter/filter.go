// Package filter says what of the samples an output gets, under which names, and with which tags beside their own.
//
// Samples go through four steps, in this order: keep, drop, rename, tags. The first two see the names that the collector gave. The patterns for
// fields see a counter X under three names: one that fits X is for all of it; one that fits X_rate, but not X, is for the rate and for the verdict
// that stands in its place.
package filter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"walkabout/metric"
)

// Config is what a Filter does. The zero Config does nothing.
type Config struct {
	Keep, Drop Selection
	Rename     Names
	// Tags are put to each sample that has no tag of the name, after the renames.
	Tags map[string]string
}

// Selection is what is kept, or dropped. What is empty says nothing.
type Selection struct {
	// Measurements are those whose samples are kept, or dropped.
	Measurements Patterns
	// Tags are values, by the tags' names. A sample is kept if each of these tags has a value that fits, and dropped if one has. A tag that a sample
	// does not have, or whose value is empty, fits nothing.
	Tags map[string]Patterns
	// Fields are those that are kept, or dropped, of the measurements that fit. A sample without a field left is dropped.
	Fields []FieldPatterns
}

// FieldPatterns are names of fields of measurements.
type FieldPatterns struct {
	Measurement Pattern
	Fields      Patterns
}

// Names are new names by old ones. A tag or field that has a new name already gives way to the one that takes it.
type Names struct{ Measurements, Tags, Fields map[string]string }

// IsZero reports whether c does nothing.
func (c Config) IsZero() bool {
	empty := func(s Selection) bool { return len(s.Measurements)+len(s.Tags)+len(s.Fields) == 0 }
	return empty(c.Keep) && empty(c.Drop) && len(c.Rename.Measurements)+len(c.Rename.Tags)+len(c.Rename.Fields)+len(c.Tags) == 0
}

// timeName is the name of a point's own time, which InfluxDB takes for no tag and no field.
const timeName = "time"

var errTime = errors.New("the name time is that of the sample's own; databases refuse it")

// Validate returns an error about what would give two tags or fields one name, or anything none.
func (c Config) Validate() error {
	if err := c.Rename.Validate(); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	for name, value := range c.Tags {
		if name == "" || value == "" {
			return errors.New("tags: a tag needs a name and a value")
		}
		if name == timeName {
			return fmt.Errorf("tags: %w", errTime)
		}
	}
	return nil
}

// Validate is a part of Config's.
func (n Names) Validate() error {
	for old, name := range n.Measurements { // several may become one
		if old == "" || name == "" {
			return errors.New("measurements: a name is empty")
		}
	}
	for _, old := range slices.Sorted(maps.Keys(n.Fields)) {
		if object := strings.TrimSuffix(strings.TrimSuffix(old, rateSuffix), verdictSuffix); object != old {
			return fmt.Errorf("fields: %s: rename %s; its rate and verdict follow it", old, object)
		}
	}
	if err := distinct(n.Tags); err != nil {
		return fmt.Errorf("tags: %w", err)
	}
	if err := distinct(n.Fields); err != nil {
		return fmt.Errorf("fields: %w", err)
	}
	for _, old := range slices.Sorted(maps.Keys(n.Fields)) {
		name := n.Fields[old]
		object := strings.TrimSuffix(strings.TrimSuffix(name, rateSuffix), verdictSuffix)
		for _, other := range slices.Sorted(maps.Keys(n.Fields)) {
			if object != name && n.Fields[other] == object {
				return fmt.Errorf("fields: %s would become %s, as would the rate or verdict of %s", old, name, other)
			}
		}
	}
	return nil
}

func distinct(names map[string]string) error {
	taken := map[string]string{}
	for _, old := range slices.Sorted(maps.Keys(names)) {
		name := names[old]
		if old == "" || name == "" {
			return errors.New("a name is empty")
		}
		if name == timeName {
			return fmt.Errorf("%s: %w", old, errTime)
		}
		if other, twice := taken[name]; twice {
			return fmt.Errorf("%s and %s would both become %s", other, old, name)
		}
		taken[name] = old
	}
	return nil
}

// maxPlans bounds what is remembered: profiles give some dozens of layouts, and labels of targets may multiply them.
const maxPlans = 1024

// Filter does what its Config says. Make one with New. Apply is for one goroutine at a time.
type Filter struct {
	config Config
	plans  map[string][]*plan // by measurement
	count  int                // of plans
}

// New returns the Filter of c, which must be valid.
func New(c Config) *Filter {
	return &Filter{config: c, plans: map[string][]*plan{}}
}

// Apply returns what is left of samples, which it changes, as well as what they hold.
func (f *Filter) Apply(samples []metric.Sample) []metric.Sample {
	left := samples[:0]
	var p *plan
	var slab []metric.Tag // for the samples from here on
	for i := range samples {
		s := samples[i]
		if p == nil || !p.fits(&s) {
			p, slab = f.plan(&s), nil
		}
		if p.drop || !p.passes(&s) || !p.fields(&s) {
			continue
		}
		if p.newTags && len(slab) < len(p.tags) {
			slab = make([]metric.Tag, len(p.tags)*(len(samples)-i))
		}
		slab = p.name(&s, slab)
		left = append(left, s)
	}
	clear(samples[len(left):])
	return left
}

// plan returns what is to be done with samples that look like s.
func (f *Filter) plan(s *metric.Sample) *plan {
	for _, p := range f.plans[s.Measurement] {
		if p.fits(s) {
			return p
		}
	}
	if f.count++; f.count > maxPlans {
		clear(f.plans)
		f.count = 1
	}
	p := f.config.compile(s)
	f.plans[p.layout.measurement] = append(f.plans[p.layout.measurement], p)
	return p
}
