package otlp_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"walkabout/counter"
	"walkabout/exporters"
	"walkabout/exporters/otlp"
	"walkabout/internal/clienttls"
	"walkabout/internal/clienttls/tlstest"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Tests against receivers of both protocols, made of the server side of OpenTelemetry's own definitions.

var _ exporters.Omitter = (*otlp.Exporter)(nil)

// receiver keeps what judge does not answer.
type receiver struct {
	collector.UnimplementedMetricsServiceServer
	judge func(*collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error)

	mu       sync.Mutex
	requests int
	points   []string // as point writes them
	headers  map[string]string
}

// points in the form "resource | scope | metric kind start at attributes = value".
func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.points)
	slices.Sort(out)
	return out
}

func (r *receiver) Export(ctx context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	headers := map[string]string{}
	for name, values := range md {
		headers[name] = values[0]
	}
	return r.take(req, headers)
}

func (r *receiver) take(req *collector.ExportMetricsServiceRequest, headers map[string]string) (*collector.ExportMetricsServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.headers = headers
	if r.judge != nil {
		if resp, err := r.judge(req); resp != nil || err != nil {
			return resp, err
		}
	}
	r.points = append(r.points, pointsOf(req)...)
	return &collector.ExportMetricsServiceResponse{}, nil
}

func attributes(list []*common.KeyValue) string {
	var out []string
	for _, kv := range list {
		out = append(out, kv.GetKey()+"="+kv.GetValue().GetStringValue())
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// pointsOf writes each point of req as a line.
func pointsOf(req *collector.ExportMetricsServiceRequest) (out []string) {
	for _, rm := range req.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				kind, list := "gauge", m.GetGauge().GetDataPoints()
				if sum := m.GetSum(); sum != nil {
					kind, list = "sum", sum.GetDataPoints()
					if !sum.GetIsMonotonic() || sum.GetAggregationTemporality() != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
						kind = "another sum"
					}
				}
				for _, p := range list {
					value := fmt.Sprint(p.GetAsInt())
					if _, float := p.GetValue().(*metrics.NumberDataPoint_AsDouble); float {
						value = fmt.Sprintf("%g", p.GetAsDouble())
					}
					out = append(out, fmt.Sprintf("%s | %s | %s %s %d %d %s = %s", attributes(rm.GetResource().GetAttributes()), sm.GetScope().GetName(),
						m.GetName(), kind, p.GetStartTimeUnixNano(), p.GetTimeUnixNano(), attributes(p.GetAttributes()), value))
				}
			}
		}
	}
	return out
}

// serveGRPC serves r until the test ends and returns its URL.
func serveGRPC(t *testing.T, r *receiver, c *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var options []grpc.ServerOption
	scheme := "http://"
	if c != nil {
		options, scheme = append(options, grpc.Creds(credentials.NewTLS(c))), "https://"
	}
	s := grpc.NewServer(options...)
	collector.RegisterMetricsServiceServer(s, r)
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return scheme + l.Addr().String()
}

// serveHTTP does the same for HTTP, at /v1/metrics.
func serveHTTP(t *testing.T, r *receiver, c *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost || req.URL.Path != "/v1/metrics" || req.Header.Get("Content-Type") != "application/x-protobuf" {
			http.NotFound(w, req)
			return
		}
		headers := map[string]string{}
		for name := range req.Header {
			headers[strings.ToLower(name)] = req.Header.Get(name)
		}
		resp, err := r.take(requestOf(t, req), headers)
		if err != nil {
			t.Error(err)
		}
		answer, err := proto.Marshal(resp)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if c != nil {
		s.TLS = c
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// requestOf reads a request of HTTP.
func requestOf(t *testing.T, r *http.Request) *collector.ExportMetricsServiceRequest {
	t.Helper()
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Errorf("the body is not gzip: %v", err)
		return nil
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Error(err)
	}
	var m collector.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &m); err != nil {
		t.Error(err)
	}
	return &m
}

// both runs a test with each protocol.
func both(t *testing.T, run func(t *testing.T, protocol string, serve func(*testing.T, *receiver, *tls.Config) string)) {
	t.Run("grpc", func(t *testing.T) { run(t, otlp.GRPC, serveGRPC) })
	t.Run("http", func(t *testing.T) { run(t, otlp.HTTP, serveHTTP) })
}

func newExporter(t *testing.T, c otlp.Config) *otlp.Exporter {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	e, err := otlp.New(c)
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

var at = time.Unix(1000, 7)

// port is a sample of an interface of a device that started 100 s before.
func port(device, name string, in uint64, v counter.Verdict) metric.Sample {
	s := metric.Sample{Measurement: "interface", At: at, Started: at.Add(-100 * time.Second),
		Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: device}, {Name: "hostname", Value: ""}, {Name: "ifName", Value: name}},
		Fields: []metric.Field{{Name: "ifHCInOctets", Kind: metric.Counter64, Num: in, Verdict: v}, {Name: "ifOperStatus", Kind: metric.Integer, Num: 1},
			{Name: "ifAlias", Kind: metric.String, Str: "uplink"}}}
	if v.HasRate() {
		s.Fields[0].Rate = 1.5
	}
	return s
}

func TestExport(t *testing.T) {
	both(t, func(t *testing.T, protocol string, serve func(*testing.T, *receiver, *tls.Config) string) {
		r := &receiver{}
		e := newExporter(t, otlp.Config{URL: serve(t, r, nil), Protocol: protocol, Headers: map[string]secret.String{"X-Token": secret.New("hunter2")}})
		discontinued := port("a", "eth1", 2, counter.Discontinuity)
		discontinued.Fields = append(discontinued.Fields, metric.Field{Name: "ifCounterDiscontinuityTime", Kind: metric.Unsigned, Num: 4000})
		odd := metric.Sample{Measurement: "od\xffd", At: at, Tags: []metric.Tag{{Name: "hostname", Value: "h"}}, Fields: []metric.Field{
			{Name: "neg", Kind: metric.Integer, Num: math.MaxUint64}, {Name: "huge", Kind: metric.Counter64, Num: 1 << 63, Rate: 0.25, Verdict: counter.OK},
			{Name: "nan", Kind: metric.Float, Num: math.Float64bits(math.NaN())}, {Name: "inf", Kind: metric.Counter32, Num: 3, Rate: math.Inf(1), Verdict: counter.OK},
			{Name: "float", Kind: metric.Float, Num: math.Float64bits(-0.5)}, {Name: "bool", Kind: metric.Boolean, Num: 1}}}
		texts := metric.Sample{Measurement: "texts", At: at, Fields: []metric.Field{{Name: "t", Kind: metric.String, Str: "x"}}}
		if err := e.Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK), odd, discontinued, port("b", "eth0", 3, counter.First), texts}); err != nil {
			t.Fatal(err)
		}
		const (
			a     = "agent_host=192.0.2.1,device=a,service.instance.id=a,service.name=snmpcollect | interface | "
			b     = "agent_host=192.0.2.1,device=b,service.instance.id=b,service.name=snmpcollect | interface | "
			other = "hostname=h,service.name=snmpcollect | od\uFFFDd | "
		)
		want := []string{
			a + "ifCounterDiscontinuityTime gauge 0 1000000000007 ifName=eth1 = 4000",
			a + "ifHCInOctets sum 900000000007 1000000000007 ifName=eth0 = 1",
			a + "ifHCInOctets sum 940000000007 1000000000007 ifName=eth1 = 2",
			a + "ifHCInOctets_rate gauge 0 1000000000007 ifName=eth0 = 1.5",
			a + "ifOperStatus gauge 0 1000000000007 ifName=eth0 = 1", a + "ifOperStatus gauge 0 1000000000007 ifName=eth1 = 1",
			b + "ifHCInOctets sum 900000000007 1000000000007 ifName=eth0 = 3", b + "ifOperStatus gauge 0 1000000000007 ifName=eth0 = 1",
			other + "bool gauge 0 1000000000007  = 1", other + "float gauge 0 1000000000007  = -0.5", other + "huge_rate gauge 0 1000000000007  = 0.25",
			other + "inf sum 0 1000000000007  = 3", other + "neg gauge 0 1000000000007  = -1",
		}
		if diff := cmp.Diff(want, r.got()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff(map[string]uint64{"text": 4, "overflow": 1, "not_finite": 2, "rejected": 0}, e.Omitted()); diff != "" {
			t.Errorf("omitted (-want +got):\n%s", diff)
		}
		if r.headers["x-token"] != "hunter2" || r.requests != 3 {
			t.Errorf("%d requests, with %v", r.requests, r.headers)
		}
	})
}

// starts returns when the points of a counter began, in seconds since 1970, as one Exporter tells a receiver.
func startsOf(t *testing.T, samples ...metric.Sample) (out []float64) {
	t.Helper()
	r := &receiver{judge: func(req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
		start := req.GetResourceMetrics()[0].GetScopeMetrics()[0].GetMetrics()[0].GetSum().GetDataPoints()[0].GetStartTimeUnixNano()
		out = append(out, float64(start)/1e9)
		return nil, nil
	}}
	e := newExporter(t, otlp.Config{URL: serveGRPC(t, r, nil)})
	for _, s := range samples {
		if err := e.Export(t.Context(), []metric.Sample{s}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestStart: the start of an agent's counters stays what it was until the agent certainly started anew.
func TestStart(t *testing.T) {
	poll := func(at, started float64) metric.Sample {
		s := port("a", "eth0", 1, counter.OK)
		s.At, s.Started = time.UnixMilli(int64(at*1000)), time.UnixMilli(int64(started*1000))
		return s
	}
	unknown := poll(0, 0)
	unknown.At, unknown.Started = time.Unix(5000, 0), time.Time{}
	got := startsOf(t, poll(1000, 500), poll(1030, 500.3), poll(1060, 502.9), poll(1090, 505.5), // clocks drift apart
		poll(1120, 1110), poll(1150, 1110.2), // a restart
		poll(1045, 500.4), // from before it, and late
		poll(1180, 1110), unknown)
	if diff := cmp.Diff([]float64{500, 500, 500, 500, 1110, 1110, 500.4, 1110, 0}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRenamedDevice: where a filter renamed the tag that tells devices apart, each keeps its own address and its own start.
func TestRenamedDevice(t *testing.T) {
	r := &receiver{}
	e := newExporter(t, otlp.Config{URL: serveGRPC(t, r, nil)})
	var want []string
	for poll := range 2 {
		var batch []metric.Sample
		for i := range 2 {
			batch = append(batch, metric.Sample{Measurement: "m", At: time.Unix(1000, int64(poll)), Started: time.Unix(int64(100*i+100), int64(poll)),
				Tags:   []metric.Tag{{Name: "agent_host", Value: fmt.Sprint("192.0.2.", i)}, {Name: "host", Value: fmt.Sprint("core", i)}},
				Fields: []metric.Field{{Name: "c", Kind: metric.Counter64, Num: 7}}})
			want = append(want, fmt.Sprintf("agent_host=192.0.2.%d,service.name=snmpcollect | m | c sum %d %d host=core%d = 7", i, (100*i+100)*1e9, int64(1000e9)+int64(poll), i))
		}
		if err := e.Export(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	got := r.got()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestParts: the requests of one device are bounded, those of many go side by side.
func TestParts(t *testing.T) {
	var most int
	r := &receiver{judge: func(req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
		most = max(most, len(pointsOf(req)))
		return nil, nil
	}}
	e := newExporter(t, otlp.Config{URL: serveGRPC(t, r, nil)})
	var batch []metric.Sample
	for i := range 3000 {
		batch = append(batch, port("big", fmt.Sprint("eth", i), 1, counter.OK))
	}
	for i := range 50 {
		batch = append(batch, port(fmt.Sprint("device", i), "eth0", 1, counter.OK))
	}
	if err := e.Export(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := len(r.got()); got != 3*len(batch) || most > 4000 || r.requests > 55 {
		t.Errorf("%d points in %d requests of at most %d", got, r.requests, most)
	}
}

func BenchmarkExport(b *testing.B) {
	var batch []metric.Sample
	for i := range 48 {
		s := port("core1", fmt.Sprint("GigabitEthernet1/0/", i), uint64(i), counter.OK)
		for j := range 12 {
			s.Fields = append(s.Fields, metric.Field{Name: fmt.Sprint("ifHCCounter", j), Kind: metric.Counter64, Num: uint64(j), Rate: 1.5, Verdict: counter.OK})
		}
		batch = append(batch, s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	collector.RegisterMetricsServiceServer(s, &discard{})
	go func() { _ = s.Serve(l) }()
	defer s.Stop()
	e, err := otlp.New(otlp.Config{URL: "http://" + l.Addr().String()})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Export(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Error(err)
	}
}

// discard takes everything.
type discard struct {
	collector.UnimplementedMetricsServiceServer
}

func (*discard) Export(context.Context, *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	return &collector.ExportMetricsServiceResponse{}, nil
}

// judged wants a RetryError of the reason and pause, or a ConfigError if the reason is "".
func judged(t *testing.T, err error, reason string, after time.Duration, words string) {
	t.Helper()
	var retry *exporters.RetryError
	var config *exporters.ConfigError
	switch {
	case reason == "" && !errors.As(err, &config):
		t.Errorf("%v, want a ConfigError", err)
	case reason != "" && (!errors.As(err, &retry) || retry.Reason != reason || retry.After != after):
		t.Errorf("%v, want a RetryError of %s after %v", err, reason, after)
	case !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 2000:
		t.Errorf("%v, want %q in it", err, words)
	}
}

func TestTLS(t *testing.T) {
	ca, clients := tlstest.NewCA(t), tlstest.NewCA(t)
	cert, key := clients.Client(t, "walkabout")
	both(t, func(t *testing.T, protocol string, serve func(*testing.T, *receiver, *tls.Config) string) {
		r := &receiver{}
		url := serve(t, r, ca.Server(clients, "127.0.0.1"))
		good := clienttls.Config{CA: ca.File, Certificate: cert, Key: key}
		if err := newExporter(t, otlp.Config{URL: url, Protocol: protocol, TLS: good}).Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK)}); err != nil {
			t.Error(err)
		}
		if len(r.got()) != 3 {
			t.Errorf("%q", r.points)
		}
		for _, c := range []clienttls.Config{{CA: clients.File, Certificate: cert, Key: key}, {CA: ca.File, Certificate: cert, Key: key, ServerName: "elsewhere.example"}} {
			err := newExporter(t, otlp.Config{URL: url, Protocol: protocol, TLS: c}).Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK)})
			judged(t, err, "", 0, "check tls")
		}
	})
}

func TestConfigErrors(t *testing.T) {
	good := otlp.Config{URL: "http://127.0.0.1:4317"}
	tests := []struct {
		name   string
		change func(*otlp.Config)
		want   string
	}{
		{"no url", func(c *otlp.Config) { c.URL = "" }, "url is missing"},
		{"no scheme", func(c *otlp.Config) { c.URL = "127.0.0.1:4317" }, "not of the form"},
		{"port", func(c *otlp.Config) { c.URL = "http://h:99999" }, "url: the port is not between 1 and 65535"},
		{"user", func(c *otlp.Config) { c.URL = "http://bob:hunter2@h" }, "secrets go into headers"},
		{"malformed", func(c *otlp.Config) { c.URL = "http://bob:hunter2@[::1" }, "not of the form"},
		{"protocol", func(c *otlp.Config) { c.Protocol = "udp" }, `protocol "udp": write grpc or http`},
		{"path", func(c *otlp.Config) { c.URL += "/v1/metrics" }, "is it protocol: http?"},
		{"TLS without https", func(c *otlp.Config) { c.TLS.ServerName = "x" }, "not https://"},
		{"TLS", func(c *otlp.Config) { c.URL, c.TLS.MinVersion = "https://h", "1" }, "min_version"},
		{"a header's name", func(c *otlp.Config) { c.Headers = map[string]secret.String{"a b": secret.New("hunter2")} }, "cannot be sent as a header"},
		{"a header's value", func(c *otlp.Config) { c.Headers = map[string]secret.String{"a": secret.New("hunter2\n")} }, "cannot be sent as a header"},
	}
	for _, tt := range tests {
		c := good
		tt.change(&c)
		_, err := otlp.New(c)
		var config *exporters.ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want a ConfigError with %q", tt.name, err, tt.want)
		}
	}
}
