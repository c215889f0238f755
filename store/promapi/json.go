package promapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxWarnings is how many warnings, and how many remarks, an answer has.
const maxWarnings = 10

// reply writes an answer. What a query found may be large, so that it is written as it is encoded.
func (h *handler) reply(w http.ResponseWriter, a answer) {
	var about struct {
		Warnings []string `json:"warnings,omitempty"`
		Infos    []string `json:"infos,omitempty"`
	}
	about.Warnings, about.Infos = a.warnings.AsStrings(a.query, maxWarnings, maxWarnings)
	end, err := json.Marshal(about)
	var data []byte
	if a.found == nil && err == nil {
		data, err = json.Marshal(a.data)
	}
	if err != nil { // cannot be: the data are our own
		h.fail(w, err)
		return
	}
	if end[0] = ','; len(end) == len("{}") {
		end = end[1:]
	}
	w.Header().Set("Content-Type", "application/json")
	out := writer{to: w, buf: []byte(`{"status":"success","data":`)}
	if a.found != nil {
		out.result(a.found)
	}
	out.buf = append(append(out.buf, data...), end...)
	out.flush()
	if out.err != nil {
		h.Logger.Debug("answering a query", "err", out.err)
	}
}

// fail writes an error.
func (h *handler) fail(w http.ResponseWriter, err error) {
	kind, status := classify(err)
	b, _ := json.Marshal(struct {
		Status string `json:"status"`
		Kind   string `json:"errorType"`
		Error  string `json:"error"`
	}{"error", kind, err.Error()})
	if kind == "internal" {
		h.Logger.Error("a query failed", "err", err)
	}
	h.write(w, status, b)
}

func (h *handler) write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		h.Logger.Debug("answering a query", "err", err)
	}
}

// writer is a buffer that is emptied when it is full. After an error it drops what it gets.
type writer struct {
	to  io.Writer
	buf []byte
	err error
}

const fullBuffer = 32 << 10

func (w *writer) flush() {
	if w.err == nil {
		_, w.err = w.to.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// result writes {"resultType":…,"result":…} of what encodable takes.
func (w *writer) result(v parser.Value) {
	w.buf = append(w.buf, `{"resultType":"`...)
	w.buf = append(w.buf, v.Type()...)
	w.buf = append(w.buf, `","result":[`...)
	switch v := v.(type) {
	case promql.Matrix:
		for i := 0; i < len(v) && w.err == nil; i++ {
			w.buf = appendComma(w.buf, i)
			w.series(&v[i])
		}
	case promql.Vector:
		for i := 0; i < len(v) && w.err == nil; i++ {
			w.buf = append(appendComma(w.buf, i), `{"metric":`...)
			w.buf = append(appendLabels(w.buf, v[i].Metric), `,"value":`...)
			w.buf = append(appendPoint(w.buf, v[i].T, v[i].F), '}')
			w.flushFull()
		}
	case promql.Scalar:
		w.buf = append(appendTime(w.buf, v.T), ',', '"')
		w.buf = append(strconv.AppendFloat(w.buf, v.V, 'f', -1, 64), '"')
	case promql.String:
		w.buf = append(appendTime(w.buf, v.T), ',')
		w.buf = appendText(w.buf, v.V)
	}
	w.buf = append(w.buf, `]}`...)
}

// encodable returns an error for what result cannot write, which cannot be: the store takes numbers only, and no function makes histograms of them.
func encodable(v parser.Value) error {
	histogram := false
	switch v := v.(type) {
	case promql.Matrix:
		histogram = slices.ContainsFunc(v, func(s promql.Series) bool { return len(s.Histograms) > 0 })
	case promql.Vector:
		histogram = slices.ContainsFunc(v, func(s promql.Sample) bool { return s.H != nil })
	case promql.Scalar, promql.String:
	default:
		return fmt.Errorf("unexpected result of type %s", v.Type())
	}
	if histogram {
		return errors.New("the result is a histogram, and the store has none")
	}
	return nil
}

func (w *writer) series(s *promql.Series) {
	w.buf = append(w.buf, `{"metric":`...)
	w.buf = append(appendLabels(w.buf, s.Metric), `,"values":[`...)
	for i := 0; i < len(s.Floats) && w.err == nil; i++ {
		w.buf = appendPoint(appendComma(w.buf, i), s.Floats[i].T, s.Floats[i].F)
		w.flushFull()
	}
	w.buf = append(w.buf, `]}`...)
}

func (w *writer) flushFull() {
	if len(w.buf) >= fullBuffer {
		w.flush()
	}
}

func appendComma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

func appendLabels(dst []byte, l labels.Labels) []byte {
	dst = append(dst, '{')
	i := 0
	l.Range(func(l labels.Label) {
		dst = appendComma(dst, i)
		dst = append(appendText(dst, l.Name), ':')
		dst = appendText(dst, l.Value)
		i++
	})
	return append(dst, '}')
}

func appendText(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // of a string it cannot fail
	return append(dst, b...)
}

// appendPoint appends [seconds,"value"].
func appendPoint(dst []byte, t int64, v float64) []byte {
	dst = append(dst, '[')
	dst = appendTime(dst, t)
	dst = append(dst, ',', '"')
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, v, format, -1, 64)
	return append(dst, '"', ']')
}

// appendTime appends milliseconds as seconds.
func appendTime(dst []byte, t int64) []byte {
	if t < 0 {
		dst = append(dst, '-')
		t = -t
	}
	dst = strconv.AppendInt(dst, t/1000, 10)
	if rest := t % 1000; rest != 0 {
		dst = append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return dst
}
