package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// flux writes Flux that version 0.65 knows, which is in InfluxDB 1.8.3.
//
// There, a column that a table does not have is no null but an error of the whole query, wherever it is named. So what is asked of tags is asked in the first
// filter, which the storage engine works out (it takes a tag that is not there for an empty one), and fields that may be absent meet in reduce.
type flux struct {
	fresh, average time.Duration
}

// from returns the beginning of a pipe: the points of some fields.
func (l flux) from(measurement string, fields, filter []string, equal []Equal, o Over) string {
	var f strings.Builder
	f.WriteString("from(bucket: v.defaultBucket)\n  |> range(start: ")
	if o == Now {
		fmt.Fprintf(&f, "time(v: int(v: v.timeRangeStop) - %d)", l.fresh.Nanoseconds())
	} else {
		f.WriteString("v.timeRangeStart")
	}
	f.WriteString(", stop: v.timeRangeStop)\n")
	var either []string
	for _, field := range fields {
		either = append(either, fmt.Sprintf("r._field == %q", field))
	}
	fmt.Fprintf(&f, "  |> filter(fn: (r) => r._measurement == %q and (%s)", measurement, strings.Join(either, " or "))
	for _, tag := range filter {
		fmt.Fprintf(&f, " and r.%s =~ /^${%s:regex}$/", tag, tag)
	}
	for _, e := range equal {
		fmt.Fprintf(&f, " and r.%s == %q", e.Tag, e.Value)
	}
	f.WriteString(")\n")
	return f.String()
}

// columns returns a list of them.
func columns(names ...string) string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// decimal writes a number that Flux takes for a float.
func decimal(v float64) string {
	s := number(v)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func (l flux) group(by []string, more ...string) string {
	return fmt.Sprintf("  |> group(columns: %s)\n", columns(append(slices.Clone(by), more...)...))
}

// fields returns those that q reads.
func (l flux) fields(q *Query) []string {
	var out []string
	for _, is := range q.Holds {
		out = append(out, is.Field)
	}
	switch {
	case q.Rate:
		out = append(out, q.Field+"_rate")
	case q.Field != "":
		out = append(out, q.Field)
	}
	if q.Per != "" {
		out = append(out, q.Per)
	}
	if q.Volume {
		out = append(out, "rate_seconds")
	}
	return out
}

// reduce is what is made of a series' points: a row a window.
func (l flux) reduce(q *Query) string {
	fn := string(q.Reduce)
	switch {
	case len(q.Holds) > 0:
		fn = string(Last)
	case q.Volume:
		return ""
	}
	switch {
	case q.Over == Windows:
		return fmt.Sprintf("  |> aggregateWindow(every: v.windowPeriod, fn: %s, createEmpty: false, timeSrc: \"_start\")\n", fn)
	case q.Reduce == P95:
		return l.group(q.By, "_start", "_stop") + fmt.Sprintf("  |> aggregateWindow(every: %s, fn: mean, createEmpty: false)\n  |> quantile(q: 0.95, method: \"exact_mean\")\n", short(l.average))
	}
	return "  |> " + fn + "()\n"
}

// value makes _value of the fields of a row.
func (l flux) value(q *Query) string {
	key := "_start"
	if q.Over == Windows {
		key = "_time"
	}
	switch {
	case len(q.Holds) > 0:
		return fmt.Sprintf("  |> pivot(rowKey: [%q], columnKey: [\"_field\"], valueColumn: \"_value\")\n  |> map(fn: (r) => ({r with _value: if %s then 1.0 else 0.0}))\n", key, holds(q.Holds))
	case q.Volume:
		return l.together(q.By, "value: 0.0, values: 0.0, seconds: 0.0, all: 0.0",
			fmt.Sprintf("value: accumulator.value + (if r._field == %[1]q then r._value else 0.0), values: accumulator.values + (if r._field == %[1]q then 1.0 else 0.0), "+
				"seconds: accumulator.seconds + (if r._field == %[1]q then 0.0 else r._value), all: accumulator.all + (if r._field == %[1]q then 0.0 else 1.0)", q.Field),
			"r.values > 0.0 and r.all > 0.0", "r.value * r.seconds / r.all")
	case q.Per != "":
		by := append(slices.Clone(q.By), "_start", "_stop")
		if q.Over == Windows {
			by = append(by, "_time")
		}
		return l.together(by, "value: -1.0, per: -1.0",
			fmt.Sprintf("value: if r._field == %[1]q then r._value else accumulator.value, per: if r._field == %[1]q then accumulator.per else r._value", q.Field),
			"r.value >= 0.0 and r.per > 0.0", "r.value * "+decimal(scaled(q.Scale))+" / r.per")
	case q.Invert:
		return "  |> map(fn: (r) => ({r with _value: 1.0 - float(v: r._value)}))\n"
	case q.Across == Count:
		return ""
	}
	if s := scaled(q.Scale); s != 1 {
		return fmt.Sprintf("  |> map(fn: (r) => ({r with _value: float(v: r._value) * %s}))\n", decimal(s))
	}
	return "  |> toFloat()\n"
}

// together makes _value of several fields' numbers, as far as there are any: from an identity, by a step for each number, where a condition holds.
func (l flux) together(by []string, identity, step, condition, value string) string {
	return "  |> toFloat()\n" + l.group(by) + fmt.Sprintf("  |> reduce(identity: {%s}, fn: (r, accumulator) => ({%s}))\n", identity, step) +
		fmt.Sprintf("  |> filter(fn: (r) => %s)\n  |> map(fn: (r) => ({r with _value: %s}))\n", condition, value)
}

// holds is a condition on a row of fields.
func holds(all []Is) string {
	var each []string
	for _, is := range all {
		var either []string
		for _, n := range is.In {
			either = append(either, fmt.Sprintf("r.%s == %d", is.Field, n))
		}
		each = append(each, "("+strings.Join(either, " or ")+")")
	}
	return strings.Join(each, " and ")
}

func (l flux) query(q *Query) string {
	pipe := l.from(q.From, l.fields(q), q.Filter, q.Where, q.Over) + l.reduce(q) + l.value(q)
	across := string(q.Across)
	if q.Across == Each {
		across = string(Mean)
	}
	switch {
	case q.Top > 0:
		pipe += l.group(q.By) + "  |> max()\n" + l.group(nil) + fmt.Sprintf("  |> top(n: %d)\n  |> keep(columns: %s)", q.Top, columns(append(slices.Clone(q.By), "_value")...))
	case q.Over == Windows:
		bounds := []string{"_start", "_stop"}
		if q.Across != Each {
			pipe += l.group(q.By, append(bounds, "_time")...) + "  |> " + across + "()\n"
		}
		// The last step puts an empty value where there was nothing: a gap in the graph.
		pipe += l.group(q.By, bounds...) + "  |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: true)"
	default:
		pipe += l.group(q.By) + "  |> " + across + "()"
	}
	return pipe
}

func (l flux) rows(r *Rows) []string {
	var plain, wanted []string
	factors := ""
	var multiplied []string
	for _, c := range r.Columns {
		if scaled(c.Scale) == 1 {
			plain, wanted = append(plain, c.Field), append(wanted, c.Field)
			continue
		}
		multiplied = append(multiplied, c.Field)
		factors += fmt.Sprintf("if r._field == %q then %s else ", c.Field, decimal(c.Scale))
	}
	for _, is := range r.Holds {
		if !slices.Contains(plain, is.Field) {
			plain = append(plain, is.Field)
		}
	}
	pivot := fmt.Sprintf("  |> pivot(rowKey: %s, columnKey: [\"_field\"], valueColumn: \"_value\")\n", columns(r.By...))
	filter := ""
	if len(r.Holds) > 0 {
		filter = fmt.Sprintf("  |> filter(fn: (r) => %s)\n", holds(r.Holds))
	}
	keep := func(fields []string) string {
		return l.group(nil) + fmt.Sprintf("  |> keep(columns: %s)", columns(append(slices.Clone(r.By), fields...)...))
	}
	var out []string
	if len(plain) > 0 {
		out = append(out, l.from(r.From, plain, r.Filter, r.Where, r.Over)+"  |> last()\n"+pivot+filter+keep(wanted))
	}
	if len(multiplied) > 0 {
		out = append(out, l.from(r.From, multiplied, r.Filter, r.Where, r.Over)+
			fmt.Sprintf("  |> last()\n  |> toFloat()\n  |> map(fn: (r) => ({r with _value: r._value * (%s1.0)}))\n", factors)+pivot+keep(multiplied))
	}
	return out
}

func (l flux) variable(v *Variable) string {
	return l.from(v.From, []string{v.Field}, v.Among, nil, Span) +
		fmt.Sprintf("  |> last()\n  |> keep(columns: [%q])\n  |> group()\n  |> distinct(column: %q)\n  |> keep(columns: [\"_value\"])", v.Tag, v.Tag)
}

func (l flux) alerts(filter []string) string {
	// The columns have the names that Grafana looks for.
	return l.from("alert", []string{"summary", "quiet"}, filter, nil, Span) + "  |> pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\")\n" +
		"  |> filter(fn: (r) => r.quiet == false)\n  |> group()\n  |> keep(columns: [\"_time\", \"summary\", \"rule\"])\n" +
		"  |> rename(columns: {_time: \"time\", summary: \"text\", rule: \"tags\"})"
}
