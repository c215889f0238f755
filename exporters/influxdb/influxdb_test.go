package influxdb_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/exporters"
	"walkabout/exporters/influxdb"
	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
	"walkabout/internal/secret"
	"walkabout/metric"
	"walkabout/spool"
)

var _ exporters.Omitter = (*influxdb.Exporter)(nil)

// server stands in for InfluxDB: what judge does not answer is kept and answered 204.
type server struct {
	*httptest.Server
	judge func(w http.ResponseWriter, r *http.Request, lines []string) bool

	mu       sync.Mutex
	requests []int // lines in each
	written  map[string]bool
}

// newSpool returns a spool and its reader.
func newSpool(t *testing.T) (*spool.Spool, *spool.Reader) {
	t.Helper()
	s, err := spool.Open(spool.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(spool.ReaderOptions{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func newServer(t *testing.T, judge func(w http.ResponseWriter, r *http.Request, lines []string) bool) *server {
	s := &server{judge: judge, written: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Errorf("the body is not gzip: %v", err)
			return
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Errorf("body: %v", err)
			return
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, len(lines))
		if s.judge != nil && s.judge(w, r, lines) {
			return
		}
		for _, l := range lines {
			s.written[l] = true
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s
}

// answer returns a judge that answers always the same.
func answer(status int, header http.Header, body string) func(http.ResponseWriter, *http.Request, []string) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ []string) bool {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

func newExporter(t *testing.T, c influxdb.Config) *influxdb.Exporter {
	t.Helper()
	if c.Bucket == "" {
		c.Bucket = "snmp"
	}
	e, err := influxdb.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

// samples makes n samples; those whose numbers are in bad have a field called bad.
func samples(n int, bad ...int) []metric.Sample {
	batch := make([]metric.Sample, n)
	for i := range batch {
		batch[i] = metric.Sample{Measurement: "m", Fields: []metric.Field{{Name: "f", Kind: metric.Integer}}, At: time.Unix(0, int64(i))}
	}
	for _, i := range bad {
		batch[i].Fields[0].Name = "bad"
	}
	return batch
}

func TestRequest(t *testing.T) {
	var got http.Request
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request, _ []string) bool {
		got = *r
		return false
	})
	for _, base := range []string{s.URL, s.URL + "/", s.URL + "/behind/a/proxy"} {
		e := newExporter(t, influxdb.Config{URL: base, Org: "n o&c", Bucket: "snmp/two weeks", Token: secret.New("bob:p w"), Unsigned: true})
		batch := samples(2)
		batch[0].Fields[0].Kind = metric.Counter64
		if err := e.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(strings.TrimPrefix(base, s.URL), "/") + "/api/v2/write"
		if got.Method != "POST" || got.URL.Path != path {
			t.Errorf("%s %s, want POST %s", got.Method, got.URL.Path, path)
		}
		want := map[string][]string{"org": {"n o&c"}, "bucket": {"snmp/two weeks"}, "precision": {"ns"}}
		if diff := cmp.Diff(want, map[string][]string(got.URL.Query())); diff != "" {
			t.Errorf("query (-want +got):\n%s", diff)
		}
		if a := got.Header.Get("Authorization"); a != "Token bob:p w" {
			t.Errorf("Authorization: %q", a)
		}
		if diff := cmp.Diff(map[string]bool{"m f=0u 0": true, "m f=0i 1": true}, s.written); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
	}
}

func TestAnswers(t *testing.T) {
	v1 := func(h http.Header) http.Header {
		h.Set("X-Influxdb-Version", "1.8.3")
		h.Set("Content-Type", "application/json")
		return h
	}
	v2 := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Influxdb-Version": {"v2.7.1"}}
	words := func(s string) http.Header { return http.Header{"X-Influxdb-Error": {s}} }
	retry := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	const config = "config"
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		reason string // of the RetryError; config for a ConfigError
		after  time.Duration
		want   string // part of the text
	}{
		{"1.8 database", 404, v1(words(`database not found: "snmp"`)), `{"error":"database not found: \"snmp\""}`, config, 0, `influx -port PORT -execute 'CREATE DATABASE snmp'`},
		{"1.8 retention policy", 500, v1(words(`retention policy not found: two`)), `{"error":"retention policy not found: two"}`, config, 0, `-execute 'CREATE RETENTION POLICY two ON snmp DURATION 0s REPLICATION 1'`},
		{"1.8 authentication", 401, v1(http.Header{}), `{"error":"authorization failed"}`, config, 0, "refuses the token (401 Unauthorized"},
		{"1.8 authorization", 403, v1(words(`"bob" user is not authorized`)), `{}`, config, 0, "403 Forbidden"},
		{"1.8 broken", 500, v1(words("engine: disk full")), `{"error":"engine: disk full"}`, "server", 0, "engine: disk full"},
		{"2 bucket", 404, v2, `{"code":"not found","message":"bucket \"snmp\" not found"}`, config, 0, `influx bucket create -n snmp/two -o noc --host http://127.0.0.1:PORT`},
		{"2 organization", 404, v2, `{"code":"not found","message":"organization name \"noc\" not found"}`, config, 0, `influx org create -n noc --host http://127.0.0.1:PORT`},
		{"2 token", 401, v2, `{"code":"unauthorized","message":"unauthorized access"}`, config, 0, "unauthorized access"},
		{"2 with a field that the library trips over", 503, v2, `{"code":"unavailable","err":"x","message":"come back"}`, "busy", 0, "come back"},
		{"busy for seconds", 429, retry("17"), "", "busy", 17 * time.Second, "429 Too Many Requests: no explanation (retry after 17s)"},
		{"busy", 503, nil, "", "busy", 0, "503 Service Unavailable"},
		{"busy until a date in the past", 503, retry("Wed, 21 Oct 2015 07:28:00 GMT"), "", "busy", 0, "503"},
		{"busy for nonsense", 503, retry("-3"), "", "busy", 0, "503"},
		{"gateway", 502, nil, "<html>", "server", 0, "<html>"},
		{"gateway timeout", 504, nil, "", "timeout", 0, "504"},
		{"another server's 404", 404, nil, "404 page not found", config, 0, "no InfluxDB"},
		{"another server's 405", 405, nil, "", config, 0, "405 Method Not Allowed"},
		{"another server's 200", 200, nil, "<html>welcome", config, 0, "200 OK where InfluxDB answers 204"},
		{"redirect", 302, http.Header{"Location": {"https://elsewhere/"}}, "", config, 0, `302 Found (to "https://elsewhere/")`},
		{"permanent redirect", 308, http.Header{"Location": {"https://elsewhere/"}}, "", config, 0, "308"},
		{"endless words", 500, nil, strings.Repeat("x", 10<<20), "server", 0, "xxx…"},
		{"words that are no text", 500, nil, "\xff\xfe", "server", 0, `\xff\xfe`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, answer(tt.status, tt.header, tt.body))
			e := newExporter(t, influxdb.Config{URL: s.URL, Org: "noc", Bucket: "snmp/two", Token: secret.New("bob:pw")})
			err := e.Export(t.Context(), samples(3))
			var retry *exporters.RetryError
			var conf *exporters.ConfigError
			switch {
			case errors.As(err, &conf):
				if tt.reason != config {
					t.Errorf("ConfigError, want %s: %v", tt.reason, err)
				}
			case errors.As(err, &retry):
				if retry.Reason != tt.reason || retry.After != tt.after {
					t.Errorf("RetryError %s after %v, want %s after %v: %v", retry.Reason, retry.After, tt.reason, tt.after, err)
				}
			default:
				t.Fatalf("%v", err)
			}
			port := s.URL[strings.LastIndex(s.URL, ":")+1:]
			if want := strings.ReplaceAll(tt.want, "PORT", port); !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not contain %q", err, want)
			}
			if len(err.Error()) > 2000 {
				t.Errorf("an error of %d octets", len(err.Error()))
			}
			if len(s.requests) != 1 {
				t.Errorf("%d requests, want one", len(s.requests))
			}
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	s := newServer(t, answer(503, http.Header{"Retry-After": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}, ""))
	var retry *exporters.RetryError
	if err := newExporter(t, influxdb.Config{URL: s.URL}).Export(t.Context(), samples(1)); !errors.As(err, &retry) || retry.After < 59*time.Minute || retry.After > time.Hour {
		t.Errorf("%v, want a RetryError after an hour", err)
	}
}

func TestNoAnswer(t *testing.T) {
	release := make(chan struct{})
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request, _ []string) bool {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	defer close(release)
	var retry *exporters.RetryError
	if err := newExporter(t, influxdb.Config{URL: s.URL, Timeout: time.Second}).Export(t.Context(), samples(1)); !errors.As(err, &retry) || retry.Reason != "timeout" {
		t.Errorf("%v, want a RetryError of a timeout", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newExporter(t, influxdb.Config{URL: s.URL}).Export(ctx, samples(1)); !errors.As(err, &retry) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want a RetryError of context.Canceled", err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if err := newExporter(t, influxdb.Config{URL: gone.URL}).Export(t.Context(), samples(1)); !errors.As(err, &retry) || retry.Reason != "unreachable" {
		t.Errorf("%v, want a RetryError of an unreachable server", err)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	var conf *exporters.ConfigError
	if err := newExporter(t, influxdb.Config{URL: s.URL}).Export(t.Context(), samples(1)); !errors.As(err, &conf) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, want a ConfigError about the certificate", err)
	}
}

// TestTLS has a server whose authority is no system's and that asks for a client's certificate.
func TestTLS(t *testing.T) {
	ca, clients := tlstest.NewCA(t), tlstest.NewCA(t)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	s.TLS = ca.Server(clients, "127.0.0.1")
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	defer s.Close()
	cert, key := clients.Client(t, "walkabout")
	if err := newExporter(t, influxdb.Config{URL: s.URL, TLS: clienttls.Config{CA: ca.File, Certificate: cert, Key: key}}).Export(t.Context(), samples(1)); err != nil {
		t.Error(err)
	}
	for _, c := range []clienttls.Config{{CA: ca.File}, {CA: clients.File, Certificate: cert, Key: key}} {
		var conf *exporters.ConfigError
		if err := newExporter(t, influxdb.Config{URL: s.URL, TLS: c}).Export(t.Context(), samples(1)); !errors.As(err, &conf) || !strings.Contains(err.Error(), "check tls") {
			t.Errorf("%v, want a ConfigError about TLS", err)
		}
	}
}

// TestLeavesNothingRunning relies on synctest: it fails when a goroutine outlives the test's function.
func TestLeavesNothingRunning(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	synctest.Test(t, func(t *testing.T) {
		e, err := influxdb.New(influxdb.Config{URL: gone.URL, Bucket: "snmp"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := e.Export(t.Context(), samples(2000)); err == nil {
				t.Error("written to a server that is gone")
			}
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestConfigErrors(t *testing.T) {
	tests := []struct {
		name   string
		config influxdb.Config
		want   string
	}{
		{"no url", influxdb.Config{Bucket: "b"}, "url is missing"},
		{"no scheme", influxdb.Config{URL: "127.0.0.1:8086", Bucket: "b"}, "not of the form"},
		{"wrong scheme", influxdb.Config{URL: "ftp://h", Bucket: "b"}, "not of the form"},
		{"no host", influxdb.Config{URL: "http://", Bucket: "b"}, "not of the form"},
		{"malformed", influxdb.Config{URL: "http://bob:hunter2@[::1", Bucket: "b"}, "not of the form"},
		{"user", influxdb.Config{URL: "http://bob:hunter2@h:8086", Bucket: "b"}, "give token instead"},
		{"query", influxdb.Config{URL: "http://h:8086/?token=hunter2", Bucket: "b"}, "query or a fragment"},
		{"fragment", influxdb.Config{URL: "http://h:8086/#hunter2", Bucket: "b"}, "query or a fragment"},
		{"no bucket", influxdb.Config{URL: "http://h"}, "bucket is missing"},
		{"no database", influxdb.Config{URL: "http://h", Bucket: "/rp"}, "no database"},
		{"TLS without https", influxdb.Config{URL: "http://h", Bucket: "b", TLS: clienttls.Config{ServerName: "x"}}, "not https://"},
		{"TLS of a wrong version", influxdb.Config{URL: "https://h", Bucket: "b", TLS: clienttls.Config{MinVersion: "1"}}, "min_version"},
		{"line end in token", influxdb.Config{URL: "http://h", Bucket: "b", Token: secret.New("hunter2\n")}, "line end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := influxdb.New(tt.config)
			var conf *exporters.ConfigError
			if !errors.As(err, &conf) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want a ConfigError with %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("%v shows a secret", err)
			}
		})
	}
}

// firstLine is a log that says when it has a line.
type firstLine struct {
	bytes.Buffer
	said func()
}

func (l *firstLine) Write(b []byte) (int, error) {
	defer l.said()
	return l.Buffer.Write(b)
}

// TestTokenNeverShows lets a server repeat the token in every way it can, through a Runner's log.
func TestTokenNeverShows(t *testing.T) {
	const token = "bob:hunter2-d41d8c"
	for _, status := range []int{200, 302, 400, 401, 403, 404, 405, 413, 422, 429, 500, 503} {
		for _, header := range []http.Header{nil, {"Content-Type": {"application/json"}, "X-Influxdb-Error": {token}}} {
			s := newServer(t, func(w http.ResponseWriter, r *http.Request, lines []string) bool {
				if r.Header.Get("Authorization") != "Token "+token {
					t.Errorf("the token does not arrive: %q", r.Header)
				}
				return answer(status, header, `{"message":"`+token+`","code":"x"}`)(w, r, lines)
			})
			config := influxdb.Config{URL: s.URL, Bucket: "snmp", Token: secret.New(token)}
			e, err := influxdb.New(config)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			log := &firstLine{said: cancel}
			queue, source := newSpool(t)
			r := exporters.Start(e, source, exporters.Config{Name: "x", Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			batch := samples(2)
			if err := queue.Append(t.Context(), metric.Append(nil, metric.Batch{At: batch[0].At, Samples: batch})); err != nil {
				t.Fatal(err)
			}
			closeErr := errors.Join(r.Close(ctx), queue.Close())
			cancel()
			if log.Len() == 0 {
				t.Errorf("%d: nothing is logged", status)
			}
			for _, shown := range []string{log.String(), fmt.Sprint(closeErr), fmt.Sprintf("%v %+v %#v", e, e, e), fmt.Sprintf("%v %+v %#v", config, &config, config)} {
				if strings.Contains(shown, "hunter2") {
					t.Errorf("%d: the token shows in %s", status, shown)
				}
			}
		}
	}
}
