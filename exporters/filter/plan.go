package filter

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"walkabout/counter"
	"walkabout/metric"
)

const (
	rateSuffix    = "_rate"
	verdictSuffix = "_verdict"
)

// layout is what samples of one kind have in common.
type layout struct {
	measurement string
	tags        []string
	fields      []fieldLayout
}

type fieldLayout struct {
	name string
	kind metric.Kind
}

func (f fieldLayout) isCounter() bool {
	return f.kind == metric.Counter32 || f.kind == metric.Counter64
}

// plan is what is to be done with samples of one layout.
type plan struct {
	layout   layout
	drop     bool
	tests    []test
	measured string        // the measurement's new name
	tags     []tagSource   // sorted by name
	renamed  bool          // tags stand as they stood, some under new names
	newTags  bool          // tags do not stand as they stood
	sources  []fieldSource // ascending; nil if all fields stay as they are
}

// test is of the value of the tag at index. What fits is kept, or dropped.
type test struct {
	index    int
	keep     bool
	patterns Patterns
}

// tagSource is a tag: that of the sample at index, or a value for all samples if index is -1.
type tagSource struct {
	index       int
	name, value string
}

// part is what is left of a field.
type part uint8

const (
	whole part = iota
	value      // of a counter, without rate and verdict
	rate       // of a counter: the rate or the verdict, alone
)

type fieldSource struct {
	index               int
	part                part
	name, rate, verdict string // the latter two of rate only
}

func (p *plan) fits(s *metric.Sample) bool {
	l := &p.layout
	if l.measurement != s.Measurement || len(l.tags) != len(s.Tags) || len(l.fields) != len(s.Fields) {
		return false
	}
	for i := range l.tags {
		if l.tags[i] != s.Tags[i].Name {
			return false
		}
	}
	for i := range l.fields {
		if l.fields[i].kind != s.Fields[i].Kind || l.fields[i].name != s.Fields[i].Name {
			return false
		}
	}
	return true
}

// compile makes the plan for samples that look like s, of which it keeps nothing.
func (c Config) compile(s *metric.Sample) *plan {
	p := &plan{layout: layout{measurement: strings.Clone(s.Measurement)}}
	for i := range s.Tags {
		p.layout.tags = append(p.layout.tags, strings.Clone(s.Tags[i].Name))
	}
	for i := range s.Fields {
		p.layout.fields = append(p.layout.fields, fieldLayout{strings.Clone(s.Fields[i].Name), s.Fields[i].Kind})
	}
	m := p.layout.measurement
	p.drop = len(c.Keep.Measurements) > 0 && !c.Keep.Measurements.Match(m) || c.Drop.Measurements.Match(m)
	for name, patterns := range c.Keep.Tags {
		i := slices.Index(p.layout.tags, name)
		p.drop = p.drop || i < 0
		p.tests = append(p.tests, test{i, true, patterns})
	}
	for name, patterns := range c.Drop.Tags {
		if i := slices.Index(p.layout.tags, name); i >= 0 {
			p.tests = append(p.tests, test{i, false, patterns})
		}
	}
	p.measured = cmp.Or(c.Rename.Measurements[m], m)
	c.compileTags(p)
	c.compileFields(p)
	return p
}

// compileTags decides on tags. One that gets a name drives out the one that has it, and an extra one gives way to both.
func (c Config) compileTags(p *plan) {
	taken := map[string]bool{}
	for _, old := range p.layout.tags {
		if name, ok := c.Rename.Tags[old]; ok {
			taken[name] = true
		}
	}
	for i, old := range p.layout.tags {
		name, ok := c.Rename.Tags[old]
		if !ok && taken[old] {
			continue
		}
		p.renamed = p.renamed || ok
		p.tags = append(p.tags, tagSource{index: i, name: cmp.Or(name, old)})
	}
	for _, t := range p.tags {
		taken[t.name] = true
	}
	for name, value := range c.Tags {
		if !taken[name] {
			p.tags = append(p.tags, tagSource{-1, name, value})
		}
	}
	slices.SortFunc(p.tags, func(a, b tagSource) int { return strings.Compare(a.name, b.name) })
	p.newTags = len(p.tags) != len(p.layout.tags)
	for i, t := range p.tags {
		p.newTags = p.newTags || t.index != i
	}
}

// compileFields decides on fields. One that gets a name drives out the one that has it, and a counter the three names of another.
func (c Config) compileFields(p *plan) {
	kept, only := c.Keep.fieldsOf(p.layout.measurement)
	dropped, _ := c.Drop.fieldsOf(p.layout.measurement)
	taken := map[string]bool{}
	same := true
	for i, f := range p.layout.fields {
		isCounter := f.isCounter()
		object, rated := !only || kept.Match(f.name), isCounter
		rated = rated && (object || kept.Match(f.name+rateSuffix))
		if dropped.Match(f.name) {
			object, rated = false, false
		}
		rated = rated && !dropped.Match(f.name+rateSuffix)
		source := fieldSource{index: i, name: cmp.Or(c.Rename.Fields[f.name], f.name)}
		switch {
		case !object && !rated:
			same = false
			continue
		case !object:
			source.part, source.rate, source.verdict = rate, source.name+rateSuffix, source.name+verdictSuffix
		case isCounter && !rated:
			source.part = value
		}
		if source.name != f.name {
			taken[source.name] = true
			if isCounter {
				taken[source.name+rateSuffix], taken[source.name+verdictSuffix] = true, true
			}
		}
		same = same && source.part == whole && source.name == f.name
		p.sources = append(p.sources, source)
	}
	p.drop = p.drop || len(p.sources) == 0 && len(p.layout.fields) > 0
	if same {
		p.sources = nil
		return
	}
	p.yield(taken)
}

// yield leaves out what has names still that are taken: whole fields, or a counter's rate and verdict.
func (p *plan) yield(taken map[string]bool) {
	p.sources = slices.DeleteFunc(p.sources, func(f fieldSource) bool {
		return f.name == p.layout.fields[f.index].name && (taken[f.name] || f.part == rate && (taken[f.rate] || taken[f.verdict]))
	})
	for i := range p.sources {
		f := &p.sources[i]
		old := p.layout.fields[f.index]
		if f.name == old.name && f.part == whole && old.isCounter() && (taken[f.name+rateSuffix] || taken[f.name+verdictSuffix]) {
			f.part = value
		}
	}
}

// fieldsOf returns the patterns for fields of a measurement, and whether there are any.
func (s Selection) fieldsOf(measurement string) (patterns Patterns, any bool) {
	for _, f := range s.Fields {
		if f.Measurement.Match(measurement) {
			patterns, any = append(patterns, f.Fields...), true
		}
	}
	return patterns, any
}

// passes reports whether the values of tags let s through.
func (p *plan) passes(s *metric.Sample) bool {
	for _, t := range p.tests {
		v := s.Tags[t.index].Value
		if t.keep != (v != "" && t.patterns.Match(v)) {
			return false
		}
	}
	return true
}

// fields leaves of s.Fields what it should have, and reports whether that is anything.
func (p *plan) fields(s *metric.Sample) bool {
	if p.sources == nil {
		return true
	}
	n := 0
	for i := range p.sources {
		from := &p.sources[i]
		f := s.Fields[from.index]
		f.Name = from.name
		switch from.part {
		case value:
			f.Rate, f.Verdict = 0, counter.None
		case rate:
			switch {
			case f.Verdict == counter.None:
				continue
			case f.Verdict.HasRate():
				f = metric.Field{Name: from.rate, Kind: metric.Float, Num: math.Float64bits(f.Rate)}
			default:
				f = metric.Field{Name: from.verdict, Kind: metric.String, Str: f.Verdict.String()}
			}
		}
		s.Fields[n] = f
		n++
	}
	s.Fields = s.Fields[:n]
	return n > 0
}

// name gives s its new names and tags. It takes room for tags from slab, of which it returns the rest.
func (p *plan) name(s *metric.Sample, slab []metric.Tag) []metric.Tag {
	s.Measurement = p.measured
	switch {
	case p.newTags:
		tags := slab[:len(p.tags):len(p.tags)]
		for i, t := range p.tags {
			tags[i] = metric.Tag{Name: t.name, Value: t.value}
			if t.index >= 0 {
				tags[i].Value = s.Tags[t.index].Value
			}
		}
		s.Tags, slab = tags, slab[len(p.tags):]
	case p.renamed:
		for i, t := range p.tags {
			s.Tags[i].Name = t.name
		}
	}
	return slab
}
