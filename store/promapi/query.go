package promapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

var errTruncated = errors.New("results truncated due to limit")

func (h *handler) query(q *http.Request) (answer, error) {
	at, err := timeParameter(q, "time", time.Now())
	if err != nil {
		return answer{}, err
	}
	return h.run(q, func(ctx context.Context, o promql.QueryOpts, text string) (promql.Query, error) {
		return h.engine.NewInstantQuery(ctx, h.Store, o, text, at)
	})
}

// maxSteps is how many points a series of a range query may have, as Prometheus has it.
const maxSteps = 11_000

func (h *handler) queryRange(q *http.Request) (answer, error) {
	from, err := requiredTime(q, "start")
	if err != nil {
		return answer{}, err
	}
	to, err := requiredTime(q, "end")
	if err != nil {
		return answer{}, err
	}
	step, err := parseDuration(q.FormValue("step"))
	switch {
	case to.Before(from):
		return answer{}, badParameter("end", errors.New("end timestamp must not be before start time"))
	case err != nil:
		return answer{}, badParameter("step", err)
	case step <= 0:
		return answer{}, badParameter("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	case to.Sub(from)/step > maxSteps:
		return answer{}, badData(errors.New("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"))
	}
	return h.run(q, func(ctx context.Context, o promql.QueryOpts, text string) (promql.Query, error) {
		return h.engine.NewRangeQuery(ctx, h.Store, o, text, from, to, step)
	})
}

// run executes the query that prepare makes of a request's parameters.
func (h *handler) run(q *http.Request, prepare func(context.Context, promql.QueryOpts, string) (promql.Query, error)) (answer, error) {
	limit, err := limitParameter(q)
	if err != nil {
		return answer{}, err
	}
	ctx := q.Context()
	if text := q.FormValue("timeout"); text != "" {
		timeout, err := parseDuration(text)
		if err != nil {
			return answer{}, badParameter("timeout", err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var delta time.Duration
	if text := q.FormValue("lookback_delta"); text != "" {
		if delta, err = parseDuration(text); err != nil {
			return answer{}, badData(fmt.Errorf("error parsing lookback delta duration: %w", err))
		}
	}
	text, err := queryParameter(q)
	if err != nil {
		return answer{}, err
	}
	if err := h.gate.enter(ctx); err != nil {
		return answer{}, err
	}
	query, err := prepare(ctx, promql.NewPrometheusQueryOpts(false, delta), text)
	if err != nil {
		h.gate.leave()
		return answer{}, badParameter("query", err)
	}
	a := answer{query: text, done: func() { // the points are the query's own until it is closed
		query.Close()
		h.gate.leave()
	}}
	r := query.Exec(ctx)
	if r.Err != nil {
		return a, r.Err
	}
	a.warnings = r.Warnings
	if truncate(r, limit) {
		a.warnings = a.warnings.Add(errTruncated)
	}
	a.found = r.Value
	return a, encodable(r.Value)
}

// maxUnquoted bounds a query but for its strings, where long lists of names are: parsing takes time that is quadratic in how deep expressions are
// nested and does not end with the request. So many characters take about half a second.
const maxUnquoted = 10_000

// queryParameter returns the parameter query, unless it is too long.
func queryParameter(q *http.Request) (string, error) {
	text := q.FormValue("query")
	if unquoted(text) > maxUnquoted {
		return "", badParameter("query", fmt.Errorf("more than %d characters outside of quotes", maxUnquoted))
	}
	return text, nil
}

// format answers a query as people would write it, over several lines if it is long.
func (h *handler) format(q *http.Request) (answer, error) {
	text, err := queryParameter(q)
	if err != nil {
		return answer{}, err
	}
	expression, err := h.parser.ParseExpr(text)
	if err != nil {
		return answer{}, badParameter("query", err)
	}
	return answer{data: expression.Pretty(0)}, nil
}

// unquoted returns how many characters of a query stand outside of strings.
func unquoted(text string) (n int) {
	for i := 0; i < len(text); i++ {
		n++
		switch quote := text[i]; quote {
		case '"', '\'', '`':
			for i++; i < len(text) && text[i] != quote; i++ {
				if text[i] == '\\' && quote != '`' {
					i++
				}
			}
		case '#': // a comment, whose quotes are none
			for i++; i < len(text) && text[i] != '\n'; i++ {
				n++
			}
		}
	}
	return n
}

// truncate cuts a list of series to limit, unless that is 0.
func truncate(r *promql.Result, limit int) bool {
	switch v := r.Value.(type) {
	case promql.Matrix:
		if limit > 0 && len(v) > limit {
			r.Value = v[:limit]
			return true
		}
	case promql.Vector:
		if limit > 0 && len(v) > limit {
			r.Value = v[:limit]
			return true
		}
	}
	return false
}

// limitParameter returns the parameter limit; 0 is none.
func limitParameter(q *http.Request) (int, error) {
	text := q.FormValue("limit")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = errors.New("limit must be non-negative")
	}
	if err != nil {
		return 0, badParameter("limit", err)
	}
	return n, nil
}

// The ends of time that Prometheus means when a parameter is not given.
var (
	minTime = time.Unix(math.MinInt64/1000+62135596801, 0).UTC()
	maxTime = time.Unix(math.MaxInt64/1000-62135596801, 999999999).UTC()
)

func timeParameter(q *http.Request, name string, unlessGiven time.Time) (time.Time, error) {
	text := q.FormValue(name)
	if text == "" {
		return unlessGiven, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return t, badParameter(name, fmt.Errorf("invalid time value for '%s': %w", name, err))
	}
	return t, nil
}

func requiredTime(q *http.Request, name string) (time.Time, error) {
	t, err := parseTime(q.FormValue(name))
	if err != nil {
		return t, badParameter(name, err)
	}
	return t, nil
}

// parseTime reads seconds since 1970, to the millisecond, or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if t, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(t) && !math.IsInf(t, 0) {
		seconds, rest := math.Modf(t)
		rest = math.Round(rest*1000) / 1000
		return time.Unix(int64(seconds), int64(rest*float64(time.Second))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, t := range []time.Time{minTime, maxTime} { // whose years have more than four digits
		if s == t.Format(time.RFC3339Nano) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", s)
}

// parseDuration reads seconds, or a duration such as 5m or 1d.
func parseDuration(s string) (time.Duration, error) {
	if d, err := strconv.ParseFloat(s, 64); err == nil {
		ns := d * float64(time.Second)
		if math.IsNaN(ns) || ns > float64(math.MaxInt64) || ns < float64(math.MinInt64) {
			return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
		}
		return time.Duration(ns), nil
	}
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
}

// exemplars answers that there are none, as Grafana asks for them.
func (h *handler) exemplars(*http.Request) (answer, error) {
	return answer{data: []struct{}{}, warnings: annotations.Annotations{}}, nil
}
