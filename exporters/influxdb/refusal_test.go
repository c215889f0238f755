package influxdb_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/influxdb"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

// TestFindsBadPoints has a server that refuses what contains a bad line, as 2 does (all of it) or 1.8 (but for the good ones).
func TestFindsBadPoints(t *testing.T) {
	tests := []struct {
		name     string
		n        int
		bad      []int
		status   int
		body     string // %d is the number of bad lines
		requests int    // at most
	}{
		{"none", 100, nil, 0, "", 1},
		{"one", 1000, []int{617}, 422, `{"code":"unprocessable entity","message":"no"}`, 21},
		{"first and last", 64, []int{0, 63}, 400, `{"code":"invalid","message":"no"}`, 24},
		{"neighbours", 64, []int{31, 32, 33}, 400, `{"code":"invalid","message":"no"}`, 30},
		{"all", 5, []int{0, 1, 2, 3, 4}, 400, `{"code":"invalid","message":"no"}`, 9},
		{"all, and said so", 1000, nil, 400, `{"code":"invalid","message":"partial write: no dropped=%d"}`, 1},
		{"half, and said so", 1000, nil, 422, `{"code":"x","message":"partial write: no dropped=%d"}`, 40},
		{"said wrong", 8, []int{3}, 400, `{"code":"x","message":"partial write: field \"a dropped=8\" dropped=x%d"}`, 7},
		{"alone", 1, []int{0}, 400, `{"code":"invalid","message":"no"}`, 1},
	}
	for i, half := 0, 0; i < 1000; i++ {
		tests[5].bad = append(tests[5].bad, i)
		if i < 500 {
			tests[6].bad = append(tests[6].bad, half)
			half++
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
				bad := 0
				for _, l := range lines {
					if strings.Contains(l, "bad=") {
						bad++
					}
				}
				if bad == 0 {
					return false
				}
				body := tt.body
				if strings.Contains(body, "%d") {
					body = fmt.Sprintf(body, bad)
				}
				return answer(tt.status, http.Header{"Content-Type": {"application/json"}}, body)(w, nil, nil)
			})
			err := newExporter(t, influxdb.Config{URL: s.URL}).Export(t.Context(), samples(tt.n, tt.bad...))
			var rejected []int
			var partial *exporters.PartialError
			if errors.As(err, &partial) {
				rejected = partial.Rejected
				if !strings.Contains(err.Error(), http.StatusText(tt.status)) {
					t.Errorf("%q does not repeat what the server said", err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.bad, rejected); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			if len(s.written) != tt.n-len(tt.bad) {
				t.Errorf("%d of %d good lines were written", len(s.written), tt.n-len(tt.bad))
			}
			if len(s.requests) > tt.requests {
				t.Errorf("%d requests, want at most %d", len(s.requests), tt.requests)
			}
		})
	}
}

// TestGarbledAnswers has a server that repeats a bad line's control octets in a header, as 1.8 does.
func TestGarbledAnswers(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
		if !strings.Contains(strings.Join(lines, ""), "bad=") {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nX-Influxdb-Error: unable to parse '\x01'\r\n\r\n")
		_ = conn.Close()
		return true
	})
	e := newExporter(t, influxdb.Config{URL: s.URL})
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), samples(10, 4)); !errors.As(err, &partial) || !strings.Contains(err.Error(), "unable to parse") {
		t.Fatalf("%v, want a PartialError", err)
	}
	if diff := cmp.Diff([]int{4}, partial.Rejected); diff != "" || len(s.written) != 9 {
		t.Errorf("%d lines written, rejected (-want +got):\n%s", len(s.written), diff)
	}
	// When every answer is garbled, the server is broken, and nothing is given up.
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), samples(3, 0, 1, 2)); !errors.As(err, &retry) || retry.Reason != "server" {
		t.Errorf("%v, want a RetryError", err)
	}
}

func TestSamplesWithoutALine(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, lines []string) bool {
		return strings.Contains(strings.Join(lines, ""), "bad=") && answer(400, nil, "no")(w, r, lines)
	})
	e := newExporter(t, influxdb.Config{URL: s.URL})
	batch := samples(6, 2)
	batch[1].Measurement, batch[4].Fields = "", nil
	var partial *exporters.PartialError
	if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || !errors.Is(err, lineprotocol.ErrNoMeasurement) {
		t.Fatalf("%v, want a PartialError with ErrNoMeasurement", err)
	}
	if diff := cmp.Diff([]int{1, 2, 4}, partial.Rejected); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	s.requests = nil
	if err := e.Export(t.Context(), batch[1:2]); !errors.As(err, &partial) || len(s.requests) != 0 {
		t.Errorf("%v and %d requests for nothing to write", err, len(s.requests))
	}
}

func TestMaxBytes(t *testing.T) {
	s := newServer(t, nil)
	// "m f=0i N\n" has 9 octets below 10, 10 below 100.
	if err := newExporter(t, influxdb.Config{URL: s.URL, MaxBytes: 27}).Export(t.Context(), samples(15)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{3, 3, 3, 2, 2, 2}, s.requests); diff != "" {
		t.Errorf("lines in each request (-want +got):\n%s", diff)
	}
	s.requests = nil
	if err := newExporter(t, influxdb.Config{URL: s.URL, MaxBytes: 1}).Export(t.Context(), samples(3)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 1, 1}, s.requests); diff != "" {
		t.Errorf("lines in each request (-want +got):\n%s", diff)
	}
}

func TestTooLarge(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, lines []string) bool {
		return len(strings.Join(lines, "\n")) > 100 && answer(413, nil, "Request Entity Too Large")(w, r, lines)
	})
	e := newExporter(t, influxdb.Config{URL: s.URL})
	batch := samples(40)
	batch[7].Fields = append(batch[7].Fields, metric.Field{Name: "s", Kind: metric.String, Str: strings.Repeat("x", 200)})
	for range 2 {
		var partial *exporters.PartialError
		if err := e.Export(t.Context(), batch); !errors.As(err, &partial) {
			t.Fatalf("%v, want a PartialError", err)
		}
		if diff := cmp.Diff([]int{7}, partial.Rejected); diff != "" {
			t.Errorf("rejected (-want +got):\n%s", diff)
		}
		if len(s.written) != 39 {
			t.Errorf("%d lines written of 39", len(s.written))
		}
	}
	s.requests = nil
	if err := e.Export(t.Context(), samples(40)); err != nil || len(s.requests) > 10 {
		t.Errorf("%v: the limit is not remembered: requests of %v lines", err, s.requests)
	}
}

func TestFailureWhileSearching(t *testing.T) {
	n := 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request, lines []string) bool {
		n++
		return n < 3 && answer(400, nil, "no")(w, r, lines) || n == 3 && answer(503, nil, "")(w, r, lines)
	})
	var retry *exporters.RetryError
	if err := newExporter(t, influxdb.Config{URL: s.URL}).Export(t.Context(), samples(9)); !errors.As(err, &retry) || n != 3 {
		t.Errorf("%v after %d requests, want a RetryError after 3", err, n)
	}
}
