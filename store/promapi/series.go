package promapi

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"walkabout/store"
)

// selection is what requests for series and labels have in common.
type selection struct {
	storage.Querier
	from, to int64 // milliseconds since 1970
	sets     [][]*labels.Matcher
	limit    int
	done     func()
}

// choose reads match[], start, end and limit. Its done must be called.
func (h *handler) choose(q *http.Request) (s selection, err error) {
	if s.limit, err = limitParameter(q); err != nil {
		return s, err
	}
	if s.limit == 0 || s.limit > h.MaxSeries {
		s.limit = h.MaxSeries
	}
	from, err := timeParameter(q, "start", minTime)
	if err != nil {
		return s, err
	}
	to, err := timeParameter(q, "end", maxTime)
	if err != nil {
		return s, err
	}
	s.from, s.to = from.UnixMilli(), to.UnixMilli()
	if s.sets, err = h.matchers(q.Form["match[]"]); err != nil {
		return s, badData(err)
	}
	if err := h.gate.enter(q.Context()); err != nil {
		return s, err
	}
	if s.Querier, err = h.Store.Querier(s.from, s.to); err != nil {
		h.gate.leave()
		return s, err
	}
	s.done = func() { // reading is over, so that an error of closing is of no interest
		_ = s.Close()
		h.gate.leave()
	}
	return s, nil
}

// matchers reads selectors, each of which must demand something.
func (h *handler) matchers(texts []string) ([][]*labels.Matcher, error) {
	sets, err := h.parser.ParseMetricSelectors(texts)
	if err != nil {
		return nil, err
	}
	for _, set := range sets {
		if !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return m != nil && !m.Matches("") }) {
			return nil, errors.New("match[] must contain at least one non-empty matcher")
		}
	}
	return sets, nil
}

func (h *handler) series(q *http.Request) (answer, error) {
	if len(q.Form["match[]"]) == 0 {
		return answer{}, badData(errors.New("no match[] parameter provided"))
	}
	if _, err := h.matchers(q.Form["match[]"]); err != nil {
		return answer{}, badParameter("match[]", err) // here Prometheus names the parameter
	}
	s, err := h.choose(q)
	if err != nil {
		return answer{}, err
	}
	defer s.done()
	hints := &storage.SelectHints{Start: s.from, End: s.to, Func: "series", Limit: s.limit + 1}
	var sets []storage.SeriesSet
	for _, m := range s.sets {
		sets = append(sets, s.Select(q.Context(), true, hints, m...))
	}
	set := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	found := []labels.Labels{}
	warnings := annotations.New()
	for set.Next() {
		if err := q.Context().Err(); err != nil {
			return answer{}, err
		}
		if len(found) == s.limit {
			warnings.Add(errTruncated)
			break
		}
		found = append(found, set.At().Labels())
	}
	warnings.Merge(set.Warnings())
	return answer{data: found, warnings: *warnings}, set.Err()
}

func (h *handler) labelNames(q *http.Request) (answer, error) {
	return h.list(q, func(s selection, hints *storage.LabelHints, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return s.LabelNames(q.Context(), hints, m...)
	})
}

func (h *handler) labelValues(q *http.Request) (answer, error) {
	name := q.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return answer{}, badData(fmt.Errorf("invalid label name: %q", name))
	}
	return h.list(q, func(s selection, hints *storage.LabelHints, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return s.LabelValues(q.Context(), name, hints, m...)
	})
}

// list answers what read finds by each set of matchers, sorted and distinct.
func (h *handler) list(q *http.Request, read func(selection, *storage.LabelHints, []*labels.Matcher) ([]string, annotations.Annotations, error)) (answer, error) {
	s, err := h.choose(q)
	if err != nil {
		return answer{}, err
	}
	defer s.done()
	if len(s.sets) == 0 {
		s.sets = [][]*labels.Matcher{nil}
	}
	found := []string{}
	warnings := annotations.New()
	for _, m := range s.sets {
		more, w, err := read(s, &storage.LabelHints{Limit: s.limit + 1}, m)
		if err != nil {
			return answer{}, err
		}
		warnings.Merge(w)
		found = append(found, more...)
	}
	slices.Sort(found)
	if found = slices.Compact(found); len(found) > s.limit {
		found = found[:s.limit]
		warnings.Add(errTruncated)
	}
	return answer{data: found, warnings: *warnings}, nil
}

func (h *handler) metadata(q *http.Request) (answer, error) {
	limit := -1
	if text := q.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			return answer{}, badData(errors.New("limit must be a number"))
		}
	}
	known := map[string]store.Metadata{}
	if h.Metadata != nil {
		known = h.Metadata()
	}
	type metadata struct {
		Type string `json:"type"`
		Help string `json:"help"`
		Unit string `json:"unit"`
	}
	out := map[string][]metadata{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if limit >= 0 && len(out) >= limit {
			break
		}
		if metric := q.FormValue("metric"); metric == "" || metric == name {
			out[name] = []metadata{{Type: known[name].Type.String(), Help: known[name].Help}}
		}
	}
	return answer{data: out}, nil
}

// prometheusVersion is the release whose library this is: module v0.315.0 is Prometheus 3.15.0. Grafana decides by it what it may ask.
const prometheusVersion = "3.15.0"

func (h *handler) buildInfo(*http.Request) (answer, error) {
	return answer{data: map[string]string{"version": prometheusVersion, "revision": h.Version, "branch": "walkabout", "buildUser": "", "buildDate": "",
		"goVersion": runtime.Version()}}, nil
}
