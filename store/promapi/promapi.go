// Package promapi answers Prometheus' HTTP API over a store, as far as Grafana and people at a terminal ask for it: queries, series, labels, metadata and
// rules. Requests and answers have the forms of Prometheus' own (its documentation, "HTTP API"); nothing can be changed through it.
package promapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"walkabout/store"
)

// Options are what a Handler answers from, and its limits. Zero limits take the default that each names.
type Options struct {
	Store storage.Queryable
	// Metadata returns what is known of metrics, by name; nil: nothing is.
	Metadata func() map[string]store.Metadata
	Rules    Rules // nil: there are none
	Version  string
	Logger   *slog.Logger // slog.Default()

	Lookback    time.Duration // how long a sample counts when no other follows; 5 min, as Prometheus has it
	Timeout     time.Duration // of one query, also the most that a request may ask for; 25 s
	MaxSamples  int           // that one query may hold in memory; 10 million, which take up to 0.8 GB
	Concurrency int           // queries at a time, until their answers are taken; more wait; 8
	MaxSeries   int           // that /series, /labels and the values of a label list; 100,000
}

// DefaultLookback is how long a sample counts when no other follows, as Prometheus has it.
const DefaultLookback = 5 * time.Minute

// NewEngine returns an engine of PromQL with the options that Prometheus has when none are given, but for these limits, and the look-back unless that is 0.
func NewEngine(lookback, timeout time.Duration, maxSamples int, log *slog.Logger) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger: log, MaxSamples: maxSamples, Timeout: timeout, LookbackDelta: cmp.Or(lookback, DefaultLookback),
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true, Parser: newParser(),
	})
}

func newParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// handler answers.
type handler struct {
	Options
	engine *promql.Engine
	parser parser.Parser
	gate   gate
}

// New returns what answers below the path /api/v1/.
func New(o Options) http.Handler {
	o.Timeout = cmp.Or(o.Timeout, 25*time.Second)
	o.MaxSamples = cmp.Or(o.MaxSamples, 10_000_000)
	o.Concurrency = cmp.Or(o.Concurrency, 8)
	o.MaxSeries = cmp.Or(o.MaxSeries, 100_000)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	h := &handler{Options: o, gate: make(gate, o.Concurrency), parser: newParser()}
	h.engine = NewEngine(o.Lookback, o.Timeout, o.MaxSamples, o.Logger)
	mux := http.NewServeMux()
	for path, serve := range map[string]func(*http.Request) (answer, error){
		"/query": h.query, "/query_range": h.queryRange, "/series": h.series, "/labels": h.labelNames, "/label/{name}/values": h.labelValues,
		"/metadata": h.metadata, "/rules": h.rules, "/alerts": h.alerts, "/status/buildinfo": h.buildInfo, "/query_exemplars": h.exemplars,
		"/format_query": h.format,
	} {
		mux.Handle("GET /api/v1"+path, h.serve(serve))
		switch path {
		case "/query", "/query_range", "/series", "/labels", "/query_exemplars", "/format_query":
			mux.Handle("POST /api/v1"+path, h.serve(serve))
		}
	}
	return mux
}

// answer is what a request is answered.
type answer struct {
	data     any
	found    parser.Value // by a query, in the place of data; good until done
	done     func()       // called when the answer is written; nil: nothing is to be done
	query    string       // that the warnings are about
	warnings annotations.Annotations
}

// maxForm bounds the body of a request.
const maxForm = 1 << 20

func (h *handler) serve(f func(*http.Request) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.Body = http.MaxBytesReader(w, q.Body, maxForm)
		ctx, cancel := context.WithTimeout(q.Context(), h.Timeout)
		defer cancel()
		q = q.WithContext(ctx)
		if err := q.ParseForm(); err != nil {
			h.fail(w, badData(fmt.Errorf("error parsing form values: %w", err)))
			return
		}
		a, err := f(q)
		if a.done != nil {
			defer a.done()
		}
		if err != nil {
			h.fail(w, err)
			return
		}
		h.reply(w, a)
	})
}

// failure is an error with the word that clients tell kinds of errors by.
type failure struct {
	kind string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func badData(err error) error { return &failure{"bad_data", err} }

func badParameter(name string, err error) error {
	return badData(fmt.Errorf("invalid parameter %q: %w", name, err))
}

// classify returns the kind of err, and the status of HTTP that goes with it.
func classify(err error) (kind string, status int) {
	const clientClosedConnection = 499 // nginx' code, which Prometheus uses
	var f *failure
	var canceled promql.ErrQueryCanceled
	var timeout promql.ErrQueryTimeout
	var stored promql.ErrStorage
	switch {
	case errors.As(err, &f):
		return f.kind, http.StatusBadRequest
	case errors.Is(err, store.ErrOpening), errors.Is(err, store.ErrClosed):
		return "unavailable", http.StatusServiceUnavailable
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded):
		return "timeout", http.StatusServiceUnavailable
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return "canceled", clientClosedConnection
	case errors.As(err, &stored):
		return "internal", http.StatusInternalServerError
	default:
		return "execution", http.StatusUnprocessableEntity
	}
}

// gate lets so many queries run at a time, until their answers are written: only so the memory that they take has a bound.
type gate chan struct{}

// enter waits until a query may run, or ctx ends.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("query timed out in query queue: %w", ctx.Err())
	}
}

// leave ends a query.
func (g gate) leave() { <-g }
