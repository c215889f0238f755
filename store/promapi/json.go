package promapi

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxWarnings is how many warnings, and how many remarks, an answer has.
const maxWarnings = 10

// reply writes an answer.
func (h *handler) reply(w http.ResponseWriter, a answer) {
	body := struct {
		Status   string   `json:"status"`
		Data     any      `json:"data,omitempty"`
		Warnings []string `json:"warnings,omitempty"`
		Infos    []string `json:"infos,omitempty"`
	}{Status: "success", Data: a.data}
	body.Warnings, body.Infos = a.warnings.AsStrings(a.query, maxWarnings, maxWarnings)
	b, err := json.Marshal(body)
	if err != nil { // cannot be: the data are our own
		h.fail(w, err)
		return
	}
	h.write(w, http.StatusOK, b)
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

// appendResult appends {"resultType":…,"result":…}.
func appendResult(dst []byte, v parser.Value) (json.RawMessage, error) {
	dst = append(dst, `{"resultType":"`...)
	dst = append(dst, v.Type()...)
	dst = append(dst, `","result":`...)
	switch v := v.(type) {
	case promql.Matrix:
		dst = append(dst, '[')
		for i := range v {
			dst = appendComma(dst, i)
			dst = appendSeries(dst, &v[i])
		}
		dst = append(dst, ']')
	case promql.Vector:
		dst = append(dst, '[')
		for i := range v {
			dst = appendComma(dst, i)
			dst = append(dst, `{"metric":`...)
			dst = appendLabels(dst, v[i].Metric)
			if v[i].H != nil {
				return nil, errHistogram
			}
			dst = append(dst, `,"value":`...)
			dst = append(appendPoint(dst, v[i].T, v[i].F), '}')
		}
		dst = append(dst, ']')
	case promql.Scalar:
		dst = append(dst, '[')
		dst = appendTime(dst, v.T)
		dst = append(dst, ',', '"')
		dst = append(strconv.AppendFloat(dst, v.V, 'f', -1, 64), '"', ']')
	case promql.String:
		dst = append(dst, '[')
		dst = appendTime(dst, v.T)
		dst = append(dst, ',')
		dst = append(appendText(dst, v.V), ']')
	default:
		return nil, fmt.Errorf("unexpected result of type %s", v.Type())
	}
	return append(dst, '}'), nil
}

// errHistogram cannot be: the store takes numbers only, and no function makes histograms of them.
var errHistogram = fmt.Errorf("the result is a histogram, and the store has none")

func appendSeries(dst []byte, s *promql.Series) []byte {
	dst = append(dst, `{"metric":`...)
	dst = appendLabels(dst, s.Metric)
	dst = append(dst, `,"values":[`...)
	for i, p := range s.Floats {
		dst = appendComma(dst, i)
		dst = appendPoint(dst, p.T, p.F)
	}
	return append(dst, `]}`...)
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
