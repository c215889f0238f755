// Package values keeps the last values of every target and serves them to a Prometheus, in the names of package series and without timestamps.
package values

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"walkabout/collector"
	"walkabout/exporters/series"
	"walkabout/metric"
)

// Options of a Table.
type Options struct {
	Series series.Config
	// Stale is after how many of its intervals what a measurement brought is left out.
	Stale int
}

// Table keeps the last values. It is a collector.Sink; its methods may be called by any goroutine. It takes about 8 octets a value, and for each row
// its labels as they are written.
type Table struct {
	stale int

	build  sync.Mutex // for mapper and text
	mapper *series.Mapper
	text   []byte

	mu      sync.Mutex
	devices map[string]map[string]*part // by measurement
	every   func(device, measurement string) time.Duration
}

// part is what one poll of a device brought of one measurement. Nobody changes it.
type part struct {
	at, until time.Time
	rows      []string // the labels of each
	columns   []*column
}

// column is a series of each row that has it.
type column struct {
	name, help string
	typ        series.Type
	more       []string  // a further label of each row; nil: none has one
	values     []float64 // absent where the row has none
	again      int       // how many columns of the name stand before it
}

// absent is a NaN that no agent sends.
const absent = 0x7ff8_0000_0000_beef

// New returns an empty Table.
func New(o Options) *Table {
	return &Table{stale: max(o.Stale, 1), mapper: series.New(o.Series), devices: map[string]map[string]*part{}}
}

// Keep forgets the devices that are none of targets, and learns from profiles how often each measurement of the others is read.
func (t *Table) Keep(targets []collector.Target, profiles collector.Profiles) {
	intervals := map[string]map[string]time.Duration{} // of the profiles, beside which the target's is
	for name, p := range profiles {
		intervals[name] = p.Intervals(0)
	}
	collects := make(map[string][]string, len(targets))
	for i := range targets {
		collects[targets[i].Name] = targets[i].Collect
		if slices.Contains(targets[i].Collect, collector.Auto) {
			collects[targets[i].Name] = profiles.Names()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.every = func(device, measurement string) time.Duration {
		var every time.Duration
		for _, profile := range collects[device] {
			every = max(every, intervals[profile][measurement])
		}
		return every
	}
	maps.DeleteFunc(t.devices, func(name string, _ map[string]*part) bool { _, ok := collects[name]; return !ok })
}

// Poll implements collector.Sink.
func (t *Table) Poll(_ context.Context, p collector.Poll) {
	if p.Extra || len(p.Samples) == 0 {
		return // an extra poll has no counters
	}
	made := t.parts(&p)
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.devices[p.Device]
	if d == nil {
		d = map[string]*part{}
		t.devices[p.Device] = d
	}
	for measurement, new := range made {
		every := p.Interval
		if t.every != nil {
			every = max(every, t.every(p.Device, measurement))
		}
		new.until = new.at.Add(time.Duration(t.stale) * every)
		d[measurement] = new
	}
}

// parts makes columns of p's samples.
func (t *Table) parts(p *collector.Poll) map[string]*part {
	t.build.Lock()
	defer t.build.Unlock()
	made := map[string]*builder{}
	for i := range p.Samples {
		s := &p.Samples[i]
		b := made[s.Measurement]
		if b == nil {
			b = &builder{part: part{at: p.At}, most: rowsOf(p.Samples[i:]), known: map[string]*column{}, texts: map[string]string{}}
			made[s.Measurement] = b
		}
		t.text = b.row(t.mapper.Map(s), t.text)
	}
	out := make(map[string]*part, len(made))
	for measurement, b := range made {
		out[measurement] = b.end()
	}
	return out
}

// rowsOf returns how many samples are of the measurement of the first.
func rowsOf(samples []metric.Sample) (n int) {
	for i := range samples {
		if samples[i].Measurement == samples[0].Measurement {
			n++
		}
	}
	return n
}

// builder makes a part.
type builder struct {
	part
	known map[string]*column // by name and how often that was before in a row
	texts map[string]string  // of further labels, each once
	last  int                // the place of the column that was last used
	most  int                // rows there can be
}

// row adds a row, with text as its scratch memory.
func (b *builder) row(r *series.Row, text []byte) []byte {
	if len(r.Points) == 0 {
		return text
	}
	text = text[:0]
	for i, l := range r.Labels {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendLabel(text, l)
	}
	n := len(b.rows)
	b.rows = append(b.rows, string(text))
	for i := range r.Points {
		p := &r.Points[i]
		c := b.column(p, n)
		for len(c.values) < n {
			c.values = append(c.values, math.Float64frombits(absent))
		}
		c.values = append(c.values, p.Value)
		if p.Label.Name == "" {
			continue
		}
		text = appendLabel(text[:0], p.Label)
		once, ok := b.texts[string(text)]
		if !ok {
			once = string(text)
			b.texts[once] = once
		}
		for len(c.more) < n {
			c.more = append(c.more, "")
		}
		c.more = append(c.more, once)
	}
	return text
}

// column returns the column of p's name that has no value for row n yet. Rows are alike, so the one behind the last is tried first.
func (b *builder) column(p *series.Point, n int) *column {
	if next := b.last + 1; next < len(b.columns) && b.columns[next].name == p.Name && len(b.columns[next].values) <= n && b.columns[next].again == 0 {
		b.last = next
		return b.columns[next]
	}
	for again := 0; ; again++ {
		key := p.Name
		if again > 0 {
			key += " " + strconv.Itoa(again)
		}
		c := b.known[key]
		if c == nil {
			c = &column{name: p.Name, help: p.Help, typ: p.Type, again: again, values: make([]float64, 0, b.most)}
			b.known[key] = c
			b.columns = append(b.columns, c)
		}
		if len(c.values) <= n {
			b.last = slices.Index(b.columns, c)
			return c
		}
	}
}

func (b *builder) end() *part {
	for _, c := range b.columns {
		c.more = slices.Clone(c.more) // it has grown by and by
	}
	b.rows = slices.Clone(b.rows)
	p := b.part
	return &p
}

// appendLabel appends NAME="value" as the text formats have it.
func appendLabel(dst []byte, l series.Label) []byte {
	dst = append(append(dst, l.Name...), '=', '"')
	dst = appendEscaped(dst, l.Value, true)
	return append(dst, '"')
}

// appendEscaped escapes backslashes and line ends, and quotes where they matter.
func appendEscaped(dst []byte, s string, quotes bool) []byte {
	if !strings.ContainsAny(s, "\\\n\"") {
		return append(dst, s...)
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '"' && quotes:
			dst = append(dst, '\\', '"')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
