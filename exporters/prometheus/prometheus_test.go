package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/snappy"

	"walkabout/exporters"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// receiver is a server that keeps what it takes.
type receiver struct {
	*httptest.Server
	t        *testing.T
	answer   func(w http.ResponseWriter, v wire, points []point) // writes the answer, and says what is taken by calling take
	requests []string                                            // version and points of each
	taken    map[string]int
}

func startReceiver(t *testing.T, answer func(w http.ResponseWriter, v wire, points []point)) *receiver {
	r := &receiver{t: t, answer: answer, taken: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	compressed, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	message, err := snappy.Decode(nil, compressed)
	if err != nil {
		r.t.Error(err)
	}
	v, want := version1, http.Header{"Content-Type": {"application/x-protobuf"}, "X-Prometheus-Remote-Write-Version": {"0.1.0"}}
	if strings.Contains(q.Header.Get("Content-Type"), "proto=io.prometheus.write.v2.Request") {
		v, want = version2, http.Header{"Content-Type": {"application/x-protobuf;proto=io.prometheus.write.v2.Request"}, "X-Prometheus-Remote-Write-Version": {"2.0.0"}}
	}
	for name := range want {
		if q.Header.Get(name) != want.Get(name) {
			r.t.Errorf("%s: %q", name, q.Header.Get(name))
		}
	}
	if q.Method != http.MethodPost || q.Header.Get("Content-Encoding") != "snappy" || !strings.HasPrefix(q.UserAgent(), "walkabout/") {
		r.t.Errorf("%s with %v", q.Method, q.Header)
	}
	points := decoded(r.t, message, v)
	r.requests = append(r.requests, fmt.Sprintf("v%d %d", v, len(points)))
	r.answer(w, v, points)
}

func (r *receiver) take(points []point) {
	for _, p := range points {
		r.taken[p.Labels+fmt.Sprint(p.At)]++
	}
}

func newExporter(t *testing.T, c Config) *Exporter {
	t.Helper()
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

const perPort = 36 // series

// simple returns samples of one series each.
func simple(n int, from time.Time) (out []metric.Sample) {
	for i := range n {
		out = append(out, metric.Sample{Measurement: "m", At: from.Add(time.Duration(i) * time.Second), Tags: []metric.Tag{{Name: "number", Value: fmt.Sprint(i)}},
			Fields: []metric.Field{{Name: "x", Kind: metric.Integer, Num: uint64(i)}}})
	}
	return out
}

func written(w http.ResponseWriter, n int) {
	w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", fmt.Sprint(n))
}

// TestVersions: which version a server is spoken to in, and how often it is asked.
func TestVersions(t *testing.T) {
	for _, test := range []struct {
		name    string
		version Version
		speaks1 func(w http.ResponseWriter, r *receiver, points []point) // what the server says to 2.0
		want    []string
		fails   bool
	}{
		{"knows 2.0", Auto, nil, []string{"v2 36", "v2 36"}, false},
		{"says 415", Auto, func(w http.ResponseWriter, _ *receiver, _ []point) { w.WriteHeader(http.StatusUnsupportedMediaType) }, []string{"v2 36", "v1 36", "v1 36"}, false},
		{"takes it for an empty message", Auto, func(w http.ResponseWriter, _ *receiver, _ []point) { w.WriteHeader(http.StatusNoContent) }, []string{"v2 36", "v1 36", "v1 36"}, false},
		{"cannot read it", Auto, func(w http.ResponseWriter, _ *receiver, _ []point) { w.WriteHeader(http.StatusBadRequest) }, []string{"v2 36", "v1 36", "v1 36"}, false},
		{"is asked for 1.0", Version1, nil, []string{"v1 36", "v1 36"}, false},
		{"must know 2.0", Version2, func(w http.ResponseWriter, _ *receiver, _ []point) { w.WriteHeader(http.StatusUnsupportedMediaType) }, []string{"v2 36", "v2 36"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r *receiver
			r = startReceiver(t, func(w http.ResponseWriter, v wire, points []point) {
				if v == version2 && test.speaks1 != nil {
					test.speaks1(w, r, points)
					return
				}
				r.take(points)
				if v == version2 {
					written(w, len(points))
				}
				w.WriteHeader(http.StatusNoContent)
			})
			e := newExporter(t, Config{URL: r.URL + "/api/v1/write", Version: test.version})
			for i := range 2 {
				err := e.Export(t.Context(), ports(1, at.Add(time.Duration(i)*time.Minute)))
				var config *exporters.ConfigError
				if errors.As(err, &config) != test.fails || err != nil && !test.fails {
					t.Errorf("Export: %v", err)
				}
			}
			if diff := cmp.Diff(test.want, r.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if want := map[bool]int{false: 2 * perPort, true: 0}[test.fails]; len(r.taken) != want {
				t.Errorf("%d points taken, want %d", len(r.taken), want)
			}
		})
	}
}

// TestRefusals has servers refuse some samples, one that rolls a refused request back (1.0) and one that writes the rest (2.0), and wants all others
// to be written and just those rejected.
func TestRefusals(t *testing.T) {
	bad := map[float64]bool{3: true, 17: true, 18: true, 40: true}
	for _, v := range []Version{Version1, Version2} {
		var r *receiver
		r = startReceiver(t, func(w http.ResponseWriter, v wire, points []point) {
			var good []point
			for _, p := range points {
				if !bad[p.Value] {
					good = append(good, p)
				}
			}
			if v == version2 {
				r.take(good)
				written(w, len(good))
			} else if len(good) == len(points) {
				r.take(points)
			}
			if len(good) < len(points) {
				http.Error(w, "out of order sample", http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		e := newExporter(t, Config{URL: r.URL + "/api/v1/write", Version: v})
		err := e.Export(t.Context(), simple(50, at))
		var partial *exporters.PartialError
		if !errors.As(err, &partial) {
			t.Fatalf("version %s: %v", v, err)
		}
		if diff := cmp.Diff([]int{3, 17, 18, 40}, partial.Rejected); diff != "" || !strings.Contains(err.Error(), "out of order sample") {
			t.Errorf("version %s: %v (-want +got):\n%s", v, err, diff)
		}
		if len(r.taken) != 46 || len(r.requests) > 40 {
			t.Errorf("version %s: %d taken in %d requests", v, len(r.taken), len(r.requests))
		}
	}
}

// TestTooOld: what is too old for the storage is found in few requests, as is what was not written at all.
func TestTooOld(t *testing.T) {
	limit := at.Add(500 * time.Second).UnixMilli()
	for _, v := range []Version{Version1, Version2} {
		var r *receiver
		r = startReceiver(t, func(w http.ResponseWriter, v wire, points []point) {
			var good []point
			for _, p := range points {
				if p.At >= limit {
					good = append(good, p)
				}
			}
			if v == version2 {
				written(w, len(good))
			}
			if len(good) < len(points) {
				if v == version2 {
					r.take(good)
				}
				http.Error(w, "out of bounds", http.StatusBadRequest)
				return
			}
			r.take(good)
		})
		e := newExporter(t, Config{URL: r.URL + "/api/v1/write", Version: v})
		var partial *exporters.PartialError
		if err := e.Export(t.Context(), simple(1000, at)); !errors.As(err, &partial) || len(partial.Rejected) != 500 || partial.Rejected[499] != 499 {
			t.Errorf("version %s: %v", v, err)
		}
		if err := e.Export(t.Context(), simple(400, at)); !errors.As(err, &partial) || len(partial.Rejected) != 400 {
			t.Errorf("version %s: %v", v, err)
		}
		if len(r.taken) != 500 || len(r.requests) > 40 {
			t.Errorf("version %s: %d taken in %d requests", v, len(r.taken), len(r.requests))
		}
	}
}

func TestTooLarge(t *testing.T) {
	var r *receiver
	r = startReceiver(t, func(w http.ResponseWriter, _ wire, points []point) {
		if len(points) > 2*perPort {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		r.take(points)
	})
	e := newExporter(t, Config{URL: r.URL + "/api/v1/write", Version: Version1})
	for i := range 2 {
		if err := e.Export(t.Context(), ports(16, at.Add(time.Duration(i)*time.Minute))); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.taken) != 2*16*perPort {
		t.Errorf("%d points", len(r.taken))
	}
	if last := r.requests[len(r.requests)-8:]; strings.Contains(strings.Join(last, ","), fmt.Sprint("v1 ", 16*perPort)) || len(r.requests) > 45 {
		t.Errorf("it did not learn: %v", r.requests)
	}
}

// TestAgain: what was written before a failure is not sent again, as the server would find it out of order.
func TestAgain(t *testing.T) {
	var r *receiver
	r = startReceiver(t, func(w http.ResponseWriter, _ wire, points []point) {
		if len(r.requests) == 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.take(points)
		written(w, len(points))
	})
	e := newExporter(t, Config{URL: r.URL + "/api/v1/write"})
	var batch []metric.Sample
	for i := range 5 { // a request for each
		batch = append(batch, ports(1, at.Add(time.Duration(i)*time.Minute))...)
	}
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), batch); !errors.As(err, &retry) {
		t.Fatal(err)
	}
	for range 2 { // and a batch that was written whole may come again
		if err := e.Export(t.Context(), append(batch, ports(1, at.Add(time.Hour))...)); err != nil {
			t.Fatal(err)
		}
	}
	counts := map[int]int{}
	for _, n := range r.taken {
		counts[n]++
	}
	if diff := cmp.Diff(map[int]int{2: 6 * perPort}, counts); diff != "" || len(r.requests) != 3+4+6 {
		t.Errorf("%d requests; how many points were taken how often (-want +got):\n%s", len(r.requests), diff)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		want   string // of the text
		reason string // of a RetryError; "" is a ConfigError
		after  time.Duration
	}{
		{"busy", func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "429", "busy", 7 * time.Second},
		{"unavailable", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, "503", "busy", 0},
		{"broken", func(w http.ResponseWriter) { http.Error(w, "disk\n full", http.StatusInternalServerError) }, "disk full", "server", 0},
		{"slow", func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) }, "504", "timeout", 0},
		{"refuses", func(w http.ResponseWriter) { http.Error(w, "no, mypassword is wrong", http.StatusUnauthorized) }, "check user", "", 0},
		{"forbids", func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, "check user", "", 0},
		{"knows no such path", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, "enable-remote-write-receiver", "", 0},
		{"redirects", func(w http.ResponseWriter) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
		}, "/login", "", 0},
		{"is something else", func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }, "418", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := startReceiver(t, func(w http.ResponseWriter, _ wire, _ []point) { test.answer(w) })
			e := newExporter(t, Config{URL: r.URL + "/api/v1/write?key=hidden", User: "me", Password: secret.New("mypassword")})
			err := e.Export(t.Context(), ports(1, at))
			var retry *exporters.RetryError
			var config *exporters.ConfigError
			if test.reason == "" && !errors.As(err, &config) || test.reason != "" && (!errors.As(err, &retry) || retry.Reason != test.reason || retry.After != test.after) {
				t.Errorf("%v", err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "mypassword") || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
		})
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	e := newExporter(t, Config{URL: gone.URL + "/write?key=hidden"})
	var retry *exporters.RetryError
	if err := e.Export(t.Context(), ports(1, at)); !errors.As(err, &retry) || retry.Reason != "unreachable" || strings.Contains(err.Error(), "hidden") {
		t.Errorf("gone: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Export(ctx, ports(1, at)); !errors.As(err, &retry) || retry.Reason != "canceled" {
		t.Errorf("canceled: %v", err)
	}
}

// TestEventsAreOmitted: notifications have no series, and are no reason for a request.
func TestEventsAreOmitted(t *testing.T) {
	r := startReceiver(t, func(http.ResponseWriter, wire, []point) { t.Error("a request") })
	e := newExporter(t, Config{URL: r.URL + "/api/v1/write"})
	if err := e.Export(t.Context(), []metric.Sample{{Measurement: "snmp_trap", Fields: []metric.Field{{Name: "x", Kind: metric.Integer}}}}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]uint64{"event": 1}, e.Omitted()); diff != "" {
		t.Error(diff)
	}
}

func TestCredentials(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   http.Header
	}{
		{Config{User: "me", Password: secret.New("pass")}, http.Header{"Authorization": {"Basic bWU6cGFzcw=="}}},
		{Config{Token: secret.New("abc")}, http.Header{"Authorization": {"Bearer abc"}}},
		{Config{Headers: map[string]secret.String{"x-scope-orgid": secret.New("tenant")}}, http.Header{"X-Scope-Orgid": {"tenant"}}},
	} {
		var got http.Header
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			got = q.Header
			written(w, perPort)
		}))
		test.config.URL = server.URL + "/api/v1/write"
		if err := newExporter(t, test.config).Export(t.Context(), ports(1, at)); err != nil {
			t.Error(err)
		}
		for name := range test.want {
			if got.Get(name) != test.want.Get(name) {
				t.Errorf("%s: %q, want %q", name, got.Get(name), test.want.Get(name))
			}
		}
		server.Close()
	}
}

func TestNew(t *testing.T) {
	const url = "http://127.0.0.1:9090/api/v1/write"
	for want, c := range map[string]Config{
		"url is missing":         {},
		"not of the form":        {URL: "127.0.0.1:9090/api/v1/write"},
		"holds a user name":      {URL: "http://me:hunter2@127.0.0.1/api/v1/write"},
		"has no path":            {URL: "http://127.0.0.1:9090"},
		"fragment":               {URL: url + "#x"},
		`version "3"`:            {URL: url, Version: "3"},
		"user and token":         {URL: url, User: "me", Token: secret.New("hunter2")},
		"user is not":            {URL: url, Password: secret.New("hunter2")},
		"control character":      {URL: url, Token: secret.New("hunter2\n")},
		"cannot be a header":     {URL: url, Headers: map[string]secret.String{"a b": secret.New("hunter2")}},
		"is set by the protocol": {URL: url, Headers: map[string]secret.String{"content-type": secret.New("hunter2")}},
		"tls: ca":                {URL: url, TLS: clienttls.Config{CA: "/does/not/exist"}},
	} {
		_, err := New(c)
		var config *exporters.ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
