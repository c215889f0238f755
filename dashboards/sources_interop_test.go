//go:build interop

package dashboards_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ask posts a form or a document and returns the answer.
func ask(t *testing.T, method, address, contentType, body string) (string, error) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	q.Header.Set("Content-Type", contentType)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", r.Status, b)
	}
	return string(b), err
}

const form = "application/x-www-form-urlencoded"

// influxQL asks InfluxDB. The time of a row is moved to the end of its window.
func influxQL(t *testing.T, base, statement string, step time.Duration) ([]frame, error) {
	t.Helper()
	body, err := ask(t, http.MethodPost, base+"/query", form, url.Values{"db": {"snmp"}, "q": {statement}, "epoch": {"ms"}}.Encode())
	if err != nil {
		return nil, err
	}
	var answer struct {
		Results []struct {
			Error  string
			Series []struct {
				Tags    map[string]string
				Columns []string
				Values  [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	var out []frame
	for _, r := range answer.Results {
		if r.Error != "" {
			return nil, errors.New(r.Error)
		}
		for _, s := range r.Series {
			f := frame{labels: s.Tags}
			for _, values := range s.Values {
				row := map[string]any{}
				for name, v := range s.Tags {
					row[name] = v
				}
				for i, v := range values {
					switch ms, isTime := v.(float64); {
					case s.Columns[i] == "time" && isTime:
						row[at] = ms/1000 + step.Seconds()
					case v != nil:
						row[s.Columns[i]] = v
					}
				}
				f.rows = append(f.rows, row)
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// flux asks InfluxDB in Flux.
func flux(t *testing.T, base, query string) ([]frame, error) {
	t.Helper()
	request, err := json.Marshal(map[string]any{"query": query, "dialect": map[string]any{"annotations": []string{"datatype", "group", "default"}, "header": true}})
	if err != nil {
		return nil, err
	}
	body, err := ask(t, http.MethodPost, base+"/api/v2/query", "application/json", string(request))
	if err != nil {
		return nil, err
	}
	reader := csv.NewReader(strings.NewReader(body))
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	var out []frame
	var types, groups, header []string
	table := ""
	for _, r := range records {
		switch {
		case r[0] == "#datatype":
			types, header, table = r, nil, ""
		case r[0] == "#group":
			groups = r
		case r[0] == "#default":
		case header == nil:
			header = r
			for _, name := range r {
				if name == "error" {
					return nil, errors.New(body)
				}
			}
		default:
			if r[2] != table || len(out) == 0 {
				table = r[2]
				out = append(out, frame{labels: map[string]string{}})
			}
			f := &out[len(out)-1]
			row, err := fluxRow(types, groups, header, r, f.labels)
			if err != nil {
				return nil, err
			}
			f.rows = append(f.rows, row)
		}
	}
	return out, nil
}

// fluxRow reads a record; columns that are of the group are labels as well.
func fluxRow(types, groups, header, record []string, labels map[string]string) (map[string]any, error) {
	row := map[string]any{}
	for i, v := range record {
		name := header[i]
		switch {
		case i < 3 || v == "" || name == "_start" || name == "_stop":
		case name == "_time":
			when, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return nil, err
			}
			row[at] = float64(when.UnixMilli()) / 1000
		case strings.HasPrefix(types[i], "dateTime"):
		case types[i] == "string":
			row[name] = v
			if groups[i] == "true" {
				labels[name] = v
			}
		default:
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			row[name] = n
		}
	}
	return row, nil
}

// promQL asks Prometheus, or what speaks as it does.
func promQL(t *testing.T, base, query string, s span, instant bool) ([]frame, error) {
	t.Helper()
	seconds := func(t time.Time) string { return fmt.Sprint(t.Unix()) }
	path, values := "/api/v1/query_range", url.Values{"query": {query}, "start": {seconds(s.from)}, "end": {seconds(s.to)}, "step": {fmt.Sprint(int(s.step.Seconds()))}}
	if instant {
		path, values = "/api/v1/query", url.Values{"query": {query}, "time": {seconds(s.to)}}
	}
	body, err := ask(t, http.MethodPost, base+path, form, values.Encode())
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	var out []frame
	for _, r := range answer.Data.Result {
		f := frame{labels: r.Metric}
		if instant {
			r.Values = [][2]any{r.Value}
		}
		for _, v := range r.Values {
			text, _ := v[1].(string)
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, err
			}
			row := map[string]any{at: v[0], "Value": n}
			for name, value := range r.Metric {
				row[name] = value
			}
			f.rows = append(f.rows, row)
		}
		out = append(out, f)
	}
	return out, nil
}
