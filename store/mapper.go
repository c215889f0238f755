package store

import (
	"slices"
	"strings"

	"walkabout/counter"
	"walkabout/exporters/series"
	"walkabout/metric"
)

// Names of the series that are kept beside those of package series.
const (
	// AbsentMetric has the value 1 at each reading that gave a row of counters no rate, with the row's labels and VerdictLabel. Where only some of the
	// row's counters lack one for that reason, each has a series with CounterLabel too.
	AbsentMetric = "snmp_rate_absent"
	VerdictLabel = "verdict"
	CounterLabel = "counter"
)

// mapper makes series of samples, without those that nothing is lost by. It is for one goroutine.
type mapper struct {
	mapper *series.Mapper
	noRaw  bool
	twins  map[string]string // 32-bit counters by the names of their 64-bit twins
	fields []metric.Field    // of the present sample, used again
}

func newMapper(o Options) *mapper {
	return &mapper{mapper: series.New(o.Series), noRaw: o.NoRaw, twins: map[string]string{}}
}

// each shows the points of s, which are good until it returns.
func (m *mapper) each(s *metric.Sample, show func(*series.Row, *series.Point)) {
	reduced := *s
	reduced.Fields = m.reduce(s.Measurement, s.Fields)
	row := m.mapper.Map(&reduced)
	for i := range row.Points {
		p := &row.Points[i]
		if p.Type == series.Counter && m.noRaw || labelled(row, p.Name) {
			continue
		}
		show(row, p)
	}
	if !series.Event(s) {
		m.absent(reduced.Fields, row, show)
	}
}

// labelled reports whether the row has what the metric tells as a label, as with ifAlias.
func labelled(row *series.Row, metric string) bool {
	return slices.ContainsFunc(row.Labels, func(l series.Label) bool { return l.Name == metric })
}

// reduce returns the fields of a measurement without the 32-bit twins of 64-bit counters that are used, without ifSpeed where ifHighSpeed says it, and without
// metric.PollComplete and PollGone. Rates lose what of their precision is beyond that of a float32, one in 16 million: they take half as much on disk.
func (m *mapper) reduce(of string, fields []metric.Field) []metric.Field {
	m.fields = m.fields[:0]
	fast := false
	for i := range fields {
		f := &fields[i]
		fast = fast || f.Name == "ifHighSpeed" && f.Num > 0
		if f.Kind == metric.Counter64 && f.Verdict != counter.None {
			m.twins[f.Name] = m.twin(f.Name)
		}
	}
	for i := range fields {
		f := fields[i]
		if f.Kind == metric.Counter32 && m.superseded(fields, f.Name) || fast && f.Name == "ifSpeed" || of == metric.PollMeasurement && (f.Name == metric.PollComplete || f.Name == metric.PollGone) {
			continue
		}
		f.Rate = float64(float32(f.Rate))
		m.fields = append(m.fields, f)
	}
	return m.fields
}

// twin returns the name of the 32-bit counter that counts what the 64-bit counter of the name does; "" if that name tells of none.
func (m *mapper) twin(name string) string {
	if t, ok := m.twins[name]; ok {
		return t
	}
	return Twin(strings.Clone(name))
}

// Twin returns the name of the 32-bit counter that counts what the 64-bit counter of the name does, as in ifHCInOctets and ifInOctets; "" if name is not of
// that form (RFC 2863, 3.1.6).
func Twin(name string) string {
	before, after, ok := strings.Cut(name, "HC")
	if !ok || before == "" {
		return ""
	}
	return before + after
}

// superseded reports whether a 64-bit twin of the counter is in use.
func (m *mapper) superseded(fields []metric.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f metric.Field) bool {
		return f.Kind == metric.Counter64 && f.Verdict != counter.None && m.twins[f.Name] == name
	})
}

// absent shows why counters of the row have no rate.
func (m *mapper) absent(fields []metric.Field, row *series.Row, show func(*series.Row, *series.Point)) {
	judged := 0
	var lacking [16]int // by verdict
	for i := range fields {
		if v := lack(&fields[i]); v != counter.None {
			lacking[v&15]++
			judged++
		} else if fields[i].Verdict.HasRate() {
			judged++
		}
	}
	before := row.Labels
	defer func() { row.Labels = before }()
	for v, n := range lacking {
		if n == 0 {
			continue
		}
		p := series.Point{Name: AbsentMetric, Value: 1, Label: series.Label{Name: VerdictLabel, Value: counter.Verdict(v).String()}}
		if n == judged {
			show(row, &p)
			continue
		}
		for i := range fields {
			if lack(&fields[i]) == counter.Verdict(v) {
				row.Labels = append(slices.Clip(before), series.Label{Name: CounterLabel, Value: fields[i].Name})
				show(row, &p)
			}
		}
	}
}

// lack returns the verdict on a counter that has no rate; None for what is none, or has one.
func lack(f *metric.Field) counter.Verdict {
	if f.Kind != metric.Counter32 && f.Kind != metric.Counter64 || f.Verdict.HasRate() {
		return counter.None
	}
	return f.Verdict
}
