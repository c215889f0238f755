package otlp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"walkabout/counter"
	"walkabout/exporters"
	"walkabout/exporters/otlp"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// What receivers answer, by the OTLP specification 1.3.

func TestGRPCAnswers(t *testing.T) {
	tests := []struct {
		code   codes.Code
		after  time.Duration
		reason string
		words  string
	}{
		{codes.Unavailable, 17 * time.Second, "unreachable", "come back"},
		{codes.Unavailable, 0, "unreachable", "Unavailable: come back"},
		{codes.ResourceExhausted, 3 * time.Second, "busy", "ResourceExhausted"},
		{codes.ResourceExhausted, 0, "busy", ""},
		{codes.DeadlineExceeded, 0, "timeout", ""},
		{codes.Aborted, 0, "server", "Aborted"},
		{codes.Internal, 0, "server", "Internal"},
		{codes.Unauthenticated, 0, "", "check headers"},
		{codes.PermissionDenied, 0, "", "check headers"},
		{codes.Unimplemented, 0, "", "check url"},
	}
	for _, tt := range tests {
		r := &receiver{judge: func(*collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
			s := status.New(tt.code, "come back with hunter2")
			if tt.after > 0 {
				var err error
				if s, err = s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(tt.after)}); err != nil {
					t.Error(err)
				}
			}
			return nil, s.Err()
		}}
		e := newExporter(t, otlp.Config{URL: serveGRPC(t, r, nil), Headers: map[string]secret.String{"token": secret.New("hunter2")}})
		judged(t, e.Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK), port("a", "eth1", 1, counter.OK)}), tt.reason, tt.after, tt.words)
		if r.requests != 1 {
			t.Errorf("%v: %d requests, want one", tt.code, r.requests)
		}
	}
}

func TestHTTPAnswers(t *testing.T) {
	tests := []struct {
		status int
		header http.Header
		body   string
		reason string
		after  time.Duration
		words  string
	}{
		{429, http.Header{"Retry-After": {"17"}}, "", "busy", 17 * time.Second, "429 Too Many Requests: no explanation"},
		{503, nil, "come back with hunter2", "busy", 0, "come back"},
		{502, nil, strings.Repeat("x", 1<<20), "server", 0, "xxx…"},
		{504, nil, "", "timeout", 0, "504"},
		{500, nil, "\xff", "server", 0, "500"},
		{401, nil, "", "", 0, "check headers"},
		{403, nil, "hunter2", "", 0, "check headers"},
		{404, nil, "", "", 0, "check url"},
		{405, nil, "", "", 0, "check url"},
		{302, http.Header{"Location": {"https://elsewhere/"}}, "", "", 0, "is no OTLP receiver"},
		{200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<html>welcome", "", 0, "is no OTLP receiver"},
	}
	for _, tt := range tests {
		requests := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests++
			for name, values := range tt.header {
				w.Header()[name] = values
			}
			if w.Header().Get("Content-Type") == "" {
				w.Header().Set("Content-Type", "text/plain")
			}
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		e := newExporter(t, otlp.Config{URL: s.URL, Protocol: otlp.HTTP, Headers: map[string]secret.String{"token": secret.New("hunter2")}})
		judged(t, e.Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK), port("a", "eth1", 1, counter.OK)}), tt.reason, tt.after, tt.words)
		if requests != 1 {
			t.Errorf("%d: %d requests, want one", tt.status, requests)
		}
		s.Close()
	}
}

// TestHTTPWithoutAnswer: receivers that say nothing in their 200 have taken it all the same.
func TestHTTPWithoutAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	defer s.Close()
	if err := newExporter(t, otlp.Config{URL: s.URL, Protocol: otlp.HTTP}).Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK)}); err != nil {
		t.Error(err)
	}
}

// TestFindsBadPoints has receivers that refuse a request for one sample in it, or for its size.
func TestFindsBadPoints(t *testing.T) {
	bad := func(req *collector.ExportMetricsServiceRequest) bool {
		return strings.Contains(strings.Join(pointsOf(req), "\n"), "=bad ")
	}
	grpcJudge := func(code codes.Code, words string) func(*testing.T) string {
		return func(t *testing.T) string {
			return serveGRPC(t, &receiver{judge: func(req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
				if bad(req) {
					return nil, status.Error(code, words)
				}
				return nil, nil
			}}, nil)
		}
	}
	httpJudge := func(t *testing.T) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := requestOf(t, r); bad(m) {
				answer, err := proto.Marshal(&spb.Status{Message: "no such luck"})
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", "application/x-protobuf")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write(answer)
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for _, tt := range []struct {
		name, protocol string
		serve          func(*testing.T) string
		words          string
	}{
		{"grpc", otlp.GRPC, grpcJudge(codes.InvalidArgument, "no such luck"), "InvalidArgument: no such luck"},
		{"grpc, too large", otlp.GRPC, grpcJudge(codes.ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"), "larger than max"},
		{"http", otlp.HTTP, httpJudge, "400 Bad Request: no such luck"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newExporter(t, otlp.Config{URL: tt.serve(t), Protocol: tt.protocol})
			var batch []metric.Sample
			for i := range 20 {
				batch = append(batch, port(fmt.Sprint("device", i%2), fmt.Sprint("eth", i), 1, counter.OK))
			}
			batch[5].Tags[3].Value, batch[12].Tags[3].Value = "bad", "bad"
			var partial *exporters.PartialError
			err := e.Export(t.Context(), batch)
			if !errors.As(err, &partial) || cmp.Diff([]int{5, 12}, partial.Rejected) != "" || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%v, want samples 5 and 12 rejected with %q", err, tt.words)
			}
		})
	}
}

// TestPartialSuccess: a receiver that took some points is not asked again, and what it said is told.
func TestPartialSuccess(t *testing.T) {
	both(t, func(t *testing.T, protocol string, serve func(*testing.T, *receiver, *tls.Config) string) {
		rejected := int64(2)
		r := &receiver{judge: func(*collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
			return &collector.ExportMetricsServiceResponse{PartialSuccess: &collector.ExportMetricsPartialSuccess{RejectedDataPoints: rejected, ErrorMessage: "too old"}}, nil
		}}
		e := newExporter(t, otlp.Config{URL: serve(t, r, nil), Protocol: protocol})
		batch := []metric.Sample{port("a", "eth0", 1, counter.OK), port("a", "eth1", 1, counter.OK)}
		var partial *exporters.PartialError
		err := e.Export(t.Context(), batch)
		if !errors.As(err, &partial) || len(partial.Rejected) != 0 || !strings.Contains(err.Error(), "did not take 2 of 6 points of a: too old") {
			t.Errorf("%v", err)
		}
		if got := e.Omitted()["rejected"]; got != 2 || r.requests != 1 {
			t.Errorf("%d points counted as rejected, %d requests", got, r.requests)
		}
		rejected = 6 // all of them
		if err := e.Export(t.Context(), batch); !errors.As(err, &partial) || cmp.Diff([]int{0, 1}, partial.Rejected) != "" {
			t.Errorf("%v", err)
		}
		rejected = 0 // a mere warning
		if err := e.Export(t.Context(), batch); err != nil {
			t.Error(err)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	for _, protocol := range []string{otlp.GRPC, otlp.HTTP} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		e := newExporter(t, otlp.Config{URL: "http://" + l.Addr().String(), Protocol: protocol, Timeout: 200 * time.Millisecond})
		judged(t, e.Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK)}), "timeout", 0, "")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		judged(t, e.Export(ctx, []metric.Sample{port("a", "eth0", 1, counter.OK)}), "canceled", 0, "")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		e = newExporter(t, otlp.Config{URL: "http://" + l.Addr().String(), Protocol: protocol})
		judged(t, e.Export(t.Context(), []metric.Sample{port("a", "eth0", 1, counter.OK)}), "unreachable", 0, "")
	}
}
