package dashboards

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// influxQL writes InfluxQL as InfluxDB 1.8 and Grafana's data source have it.
type influxQL struct {
	fresh, average time.Duration
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `\"`) + `"` }

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// times returns expression multiplied by s.
func times(expression string, s float64) string {
	if scaled(s) == 1 {
		return expression
	}
	return expression + " * " + number(s)
}

func (l influxQL) time(o Over) string {
	if o == Now {
		return fmt.Sprintf("time > ${__to}ms - %s AND time <= ${__to}ms", short(l.fresh))
	}
	return "$timeFilter"
}

// where returns the condition on tags and time.
func (l influxQL) where(filter []string, equal []Equal, o Over) string {
	var all []string
	for _, tag := range filter {
		all = append(all, fmt.Sprintf("%s =~ /^${%s:regex}$/", ident(tag), tag))
	}
	for _, e := range equal {
		all = append(all, fmt.Sprintf("%s = '%s'", ident(e.Tag), e.Value))
	}
	return strings.Join(append(all, l.time(o)), " AND ")
}

// every is the width of windows, "" if there is one only.
func every(o Over) string {
	if o == Windows {
		return "$__interval"
	}
	return ""
}

// group returns a GROUP BY clause. A window without a value has null: a gap in the graph.
func (l influxQL) group(every string, tags []string) string {
	var by []string
	if every != "" {
		by = append(by, "time("+every+")")
	}
	for _, t := range tags {
		if t != "*" {
			t = ident(t)
		}
		by = append(by, t)
	}
	if len(by) == 0 {
		return ""
	}
	return " GROUP BY " + strings.Join(by, ", ")
}

// isOneOf is 1 where value, 0 to 7, is one of in, else 0. InfluxQL has no conditions in a SELECT, so that it is the sum over in of the products of bits.
func isOneOf(value string, in []int) string {
	var sum []string
	for _, n := range in {
		var product []string
		for _, bit := range []int{1, 2, 4} {
			b := fmt.Sprintf("(%s & %d) / %d", value, bit, bit)
			if n&bit == 0 {
				b = "(1 - " + b + ")"
			}
			product = append(product, b)
		}
		sum = append(sum, strings.Join(product, " * "))
	}
	return "(" + strings.Join(sum, " + ") + ")"
}

// value returns the expression for a series' value in a window, and a further condition on points.
func (l influxQL) value(q *Query) (expression, condition string) {
	field := q.Field
	if q.Rate {
		field += "_rate"
	}
	function := map[Reduce]string{Last: "last(%s)", Mean: "mean(%s)", P95: "mean(%s)"}[q.Reduce]
	expression = times(fmt.Sprintf(function, ident(field)), q.Scale)
	switch {
	case len(q.Holds) > 0:
		var all []string
		for _, is := range q.Holds {
			all = append(all, isOneOf("last("+ident(is.Field)+")", is.In))
		}
		return strings.Join(all, " * "), ""
	case q.Volume:
		return fmt.Sprintf("sum(%s) * mean(\"rate_seconds\")", ident(field)), ""
	case q.Per != "":
		return fmt.Sprintf("%s / last(%s)", expression, ident(q.Per)), ident(q.Per) + " > 0 AND "
	case q.Invert:
		return "1 - " + expression, ""
	}
	return expression, ""
}

func (l influxQL) query(q *Query) string {
	value, condition := l.value(q)
	from := fmt.Sprintf(" FROM %s WHERE %s%s", ident(q.From), condition, l.where(q.Filter, q.Where, q.Over))
	switch {
	case q.Top > 0:
		tags := ""
		for _, t := range q.By {
			tags += ident(t) + ", "
		}
		return fmt.Sprintf(`SELECT top("value", %s%d) AS "value" FROM (SELECT %s AS "value"%s%s)`, tags, q.Top, value, from, l.group("", q.By))
	case q.Reduce == P95:
		return fmt.Sprintf(`SELECT percentile("value", 95) AS "value" FROM (SELECT %s AS "value"%s%s)%s`, value, from, l.group(short(l.average), q.By), l.group("", q.By))
	case q.Across == Each:
		return fmt.Sprintf(`SELECT %s AS "value"%s%s`, value, from, l.group(every(q.Over), q.By))
	}
	outer := ""
	if q.Over == Windows {
		outer = " WHERE $timeFilter"
	}
	return fmt.Sprintf(`SELECT %s("value") AS "value" FROM (SELECT %s AS "value"%s%s)%s%s`, q.Across, value, from,
		l.group(every(q.Over), []string{"*"}), outer, l.group(every(q.Over), q.By))
}

func (l influxQL) rows(r *Rows) []string {
	var inner, outer []string
	named := func(c Column) {
		inner = append(inner, fmt.Sprintf("%s AS %s", times("last("+ident(c.Field)+")", c.Scale), ident(c.Field)))
	}
	for _, c := range r.Columns {
		named(c)
		outer = append(outer, ident(c.Field))
	}
	for _, is := range r.Holds {
		if !slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Field == is.Field }) {
			named(Column{Field: is.Field})
		}
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s%s", strings.Join(inner, ", "), ident(r.From), l.where(r.Filter, r.Where, r.Over), l.group("", r.By))
	if len(r.Holds) == 0 {
		return []string{query}
	}
	var all []string
	for _, is := range r.Holds {
		var either []string
		for _, n := range is.In {
			either = append(either, fmt.Sprintf("%s = %d", ident(is.Field), n))
		}
		all = append(all, "("+strings.Join(either, " OR ")+")")
	}
	return []string{fmt.Sprintf("SELECT %s FROM (%s) WHERE %s%s", strings.Join(outer, ", "), query, strings.Join(all, " AND "), l.group("", r.By))}
}

func (l influxQL) variable(v *Variable) string {
	query := fmt.Sprintf("SHOW TAG VALUES FROM %s WITH KEY = %s", ident(v.From), ident(v.Tag))
	var all []string
	for _, tag := range v.Among {
		all = append(all, fmt.Sprintf("%s =~ /^${%s:regex}$/", ident(tag), tag))
	}
	if len(all) > 0 {
		query += " WHERE " + strings.Join(all, " AND ")
	}
	return query
}

func (l influxQL) alerts(filter []string) string {
	return fmt.Sprintf(`SELECT "summary", "state", "rule" FROM "alert" WHERE "quiet" = false AND %s`, l.where(filter, nil, Span))
}

// short writes a duration as all three languages read it: 300s.
func short(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
