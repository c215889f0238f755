package dashboards

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// promQL writes PromQL for the names that remote write and the embedded store give samples: see docs/prometheus.md.
type promQL struct {
	fresh, average, interval time.Duration
}

// promLabel is the label that a tag becomes.
func promLabel(measurement, tag string) string {
	if tag == "agent_host" || tag == "host" && measurement == collectorMeasurement {
		return "instance"
	}
	return tag
}

// promName is the metric that a field becomes.
func promName(measurement, field string) string {
	if measurement == "ping" {
		return "ping_" + field
	}
	return field
}

func (l promQL) labels(measurement string, tags []string) []string {
	var out []string
	for _, t := range tags {
		out = append(out, promLabel(measurement, t))
	}
	return out
}

// selector returns the series of a field. What is chosen is written as a regular expression in backquotes, where nothing is escaped: of Grafana's own forms for
// PromQL none suits a name with a quote in every release.
func (l promQL) selector(measurement, field string, filter []string, equal []Equal) string {
	var all []string
	for _, tag := range filter {
		all = append(all, fmt.Sprintf("%s=~`${%s:regex}`", promLabel(measurement, tag), tag))
	}
	for _, e := range equal {
		all = append(all, fmt.Sprintf("%s=%q", promLabel(measurement, e.Tag), e.Value))
	}
	return promName(measurement, field) + "{" + strings.Join(all, ",") + "}"
}

func (l promQL) window(o Over) string {
	switch o {
	case Now:
		return short(l.fresh)
	case Span:
		return "$__range"
	}
	return "$__interval"
}

// oneOf is 1 where value is one of in, else 0.
func (l promQL) oneOf(value string, in []int) string {
	var sum []string
	for _, n := range in {
		sum = append(sum, fmt.Sprintf("(%s == bool %d)", value, n))
	}
	return "(" + strings.Join(sum, " + ") + ")"
}

func (l promQL) value(q *Query) string {
	window := l.window(q.Over)
	series := l.selector(q.From, q.Field, q.Filter, q.Where)
	last := func(field string) string {
		return fmt.Sprintf("last_over_time(%s[%s])", l.selector(q.From, field, q.Filter, q.Where), window)
	}
	value := ""
	switch {
	case len(q.Holds) > 0:
		var all []string
		for _, is := range q.Holds {
			all = append(all, l.oneOf(last(is.Field), is.In))
		}
		return strings.Join(all, " * ")
	case q.Rate:
		value = fmt.Sprintf("avg_over_time(%s[%s])", l.selector(q.From, q.Field+"_rate", q.Filter, q.Where), window)
	case q.Volume:
		return fmt.Sprintf("sum_over_time(%s[%s]) * avg_over_time(%s[%s])", series, window, l.selector(q.From, "rate_seconds", q.Filter, q.Where), window)
	case q.Reduce == P95:
		value = fmt.Sprintf("quantile_over_time(0.95, avg_over_time(%[1]s[%[2]s])[%[3]s:%[2]s])", series, short(l.average), window)
	default:
		value = fmt.Sprintf(map[Reduce]string{Last: "last_over_time(%s[%s])", Mean: "avg_over_time(%s[%s])"}[q.Reduce], series, window)
	}
	value = times(value, q.Scale)
	switch {
	case q.Per != "":
		return fmt.Sprintf("%s / (%s > 0)", value, last(q.Per))
	case q.Invert:
		return "1 - " + value
	}
	return value
}

// across joins series of equal labels.
func (l promQL) across(a Across, measurement string, by []string, value string) string {
	if a == Each {
		a = Most
	}
	if len(by) == 0 {
		return fmt.Sprintf("%s(%s)", a, value)
	}
	return fmt.Sprintf("%s by (%s) (%s)", a, strings.Join(l.labels(measurement, by), ", "), value)
}

func (l promQL) query(q *Query) string {
	out := l.across(q.Across, q.From, q.By, l.value(q))
	switch {
	case q.Top > 0:
		out = fmt.Sprintf("topk(%d, %s)", q.Top, out)
	case q.Rate: // where Prometheus scrapes the collector there are no rates
		out += " or " + l.across(q.Across, q.From, q.By, fmt.Sprintf("rate(%s[$__rate_interval])", l.selector(q.From, q.Field, q.Filter, q.Where)))
	}
	return out
}

func (l promQL) rows(r *Rows) []string {
	last := func(field string) string {
		return fmt.Sprintf("last_over_time(%s[%s])", l.selector(r.From, field, r.Filter, r.Where), l.window(r.Over))
	}
	condition := ""
	for _, is := range r.Holds {
		condition += fmt.Sprintf(" and (%s == 1)", l.oneOf(last(is.Field), is.In))
	}
	by := r.By
	for _, c := range r.Columns {
		if c.Label {
			by = append(slices.Clone(by), c.Field)
		}
	}
	var out []string
	for _, c := range r.Columns {
		switch {
		case c.Label: // every other column brings it
		case c.Text:
			out = append(out, l.across(Most, r.From, append(slices.Clone(by), c.Field), last(c.Field)+condition))
		default:
			out = append(out, l.across(Most, r.From, by, times(last(c.Field), c.Scale)+condition))
		}
	}
	return out
}

func (l promQL) variable(v *Variable) string {
	return fmt.Sprintf("label_values(%s, %s)", l.selector(v.From, v.Field, v.Among, nil), promLabel(v.From, v.Tag))
}

func (l promQL) alerts(filter []string) string {
	if slices.Contains(filter, "device") {
		return ""
	}
	firing := l.selector(collectorMeasurement, "snmpcollect_alerts", nil, []Equal{{"state", "firing"}})
	return fmt.Sprintf("sum by (rule) (%[1]s) - sum by (rule) (%[1]s offset %[2]s) > 0", firing, short(2*l.interval))
}
