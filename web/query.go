package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// requestError is an error of whoever asks, with the status that it is answered with.
type requestError struct {
	status int
	err    error
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

func badRequest(format string, args ...any) error {
	return &requestError{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &requestError{http.StatusNotFound, fmt.Errorf(format, args...)}
}

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxSearch    = 1000
)

// listQuery says what of a list is wanted.
type listQuery struct {
	words         []string // of search, in lower case
	sort          string
	desc          bool
	offset, limit int
}

// parseList reads the parameters that lists have in common; sorts are what may be sorted by, nil that the list says so itself.
func parseList(v url.Values, sorts ...string) (*listQuery, error) {
	q := &listQuery{sort: v.Get("sort"), limit: defaultLimit}
	search := v.Get("search")
	if len(search) > maxSearch {
		return nil, badRequest("search: at most %d octets", maxSearch)
	}
	q.words = strings.Fields(strings.ToLower(search))
	var errs []error
	for name, dst := range map[string]*int{"offset": &q.offset, "limit": &q.limit} {
		if text := v.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				errs = append(errs, badRequest("%s: %q is no number of 0 or above", name, text))
			}
			*dst = n
		}
	}
	q.limit = min(q.limit, maxLimit)
	switch text := v.Get("desc"); text {
	case "", "false":
	case "true":
		q.desc = true
	default:
		errs = append(errs, badRequest("desc: %q is neither true nor false", text))
	}
	if q.sort != "" && sorts != nil && !slices.Contains(sorts, q.sort) {
		errs = append(errs, badRequest("sort: %q is none of %s", q.sort, strings.Join(sorts, ", ")))
	}
	if len(errs) > 0 {
		return nil, &requestError{http.StatusBadRequest, errors.Join(errs...)}
	}
	return q, nil
}

// parseBefore reads the parameter before: what is older than the number is wanted; 0: all.
func parseBefore(v url.Values) (uint64, error) {
	text := v.Get("before")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, badRequest("before: %q is no number", Text(text))
	}
	return n, nil
}

// found reports whether all words of the search stand in texts.
func (q *listQuery) found(texts ...string) bool {
	if len(q.words) == 0 {
		return true
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, w := range q.words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

// matches reports whether all words stand in a row.
func (q *listQuery) matches(row []Cell) bool {
	if len(q.words) == 0 {
		return true
	}
	texts := make([]string, 0, len(row))
	for _, c := range row {
		texts = append(texts, textOf(c))
	}
	return q.found(texts...)
}

// ordered turns a comparison around where desc asks for it.
func (q *listQuery) ordered(c int) int {
	if q.desc {
		return -c
	}
	return c
}

// page returns what q wants of a list that is sorted; never nil.
func page[T any](all []T, q *listQuery) []T {
	from := min(q.offset, len(all))
	out := all[from:min(from+q.limit, len(all))]
	if out == nil {
		return []T{}
	}
	return out
}

// finite returns v for JSON, nil where that has no number for it.
func finite(v float64) Cell {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}
