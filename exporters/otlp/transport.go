package otlp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"walkabout/exporters"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
)

var headerName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// outcome is what the receiver answered to one request. The SDK's exporters keep it to themselves, so it is noted where it passes by.
type outcome struct {
	code     codes.Code    // of gRPC
	status   int           // of HTTP
	after    time.Duration // that it asked to be left alone
	rejected int           // points, of a request that it took
	words    string
	taken    bool // the request, but for what is rejected
	foreign  bool // HTTP: a page, and no answer of a receiver's
}

type outcomeKey struct{}

func outcomeOf(ctx context.Context) *outcome {
	if o, ok := ctx.Value(outcomeKey{}).(*outcome); ok {
		return o
	}
	return &outcome{}
}

// dialGRPC makes the senders of gRPC, which share a connection.
func (e *Exporter) dialGRPC(t *tls.Config) error {
	transport := insecure.NewCredentials()
	if t != nil {
		transport = credentials.NewTLS(t)
	}
	host := e.url.Host
	if e.url.Port() == "" {
		host = net.JoinHostPort(e.url.Hostname(), "4317")
	}
	conn, err := grpc.NewClient("dns:///"+host, grpc.WithTransportCredentials(transport), grpc.WithUserAgent("walkabout"),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)), grpc.WithChainUnaryInterceptor(note))
	if err != nil {
		return err
	}
	e.release = conn.Close
	for range lanes {
		s, err := otlpmetricgrpc.New(context.Background(), otlpmetricgrpc.WithGRPCConn(conn), otlpmetricgrpc.WithHeaders(e.config.headers()),
			otlpmetricgrpc.WithTimeout(e.config.Timeout), otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
		if err != nil {
			return errors.Join(err, conn.Close())
		}
		e.senders = append(e.senders, s)
	}
	return nil
}

// note is a grpc.UnaryClientInterceptor.
func note(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	o := outcomeOf(ctx)
	err := invoke(ctx, method, req, reply, conn, opts...)
	s := status.Convert(err)
	o.code, o.words, o.taken = s.Code(), s.Message(), err == nil
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			o.after = info.GetRetryDelay().AsDuration()
		}
	}
	if r, ok := reply.(*collector.ExportMetricsServiceResponse); ok && err == nil {
		o.partial(r)
	}
	return err
}

func (o *outcome) partial(r *collector.ExportMetricsServiceResponse) {
	if p := r.GetPartialSuccess(); p != nil {
		o.rejected, o.words = int(p.GetRejectedDataPoints()), p.GetErrorMessage()
	}
}

// dialHTTP makes the senders of HTTP, which share connections.
func (e *Exporter) dialHTTP(t *tls.Config) error {
	transport := &http.Transport{
		TLSClientConfig:        t,
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: e.config.Timeout}).DialContext,
		TLSHandshakeTimeout:    e.config.Timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    lanes,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	e.release = func() error { transport.CloseIdleConnections(); return nil }
	client := &http.Client{Transport: noting{transport}, Timeout: e.config.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	u := *e.url
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/metrics"
	}
	for range lanes {
		s, err := otlpmetrichttp.New(context.Background(), otlpmetrichttp.WithEndpointURL(u.String()), otlpmetrichttp.WithHTTPClient(client),
			otlpmetrichttp.WithHeaders(e.config.headers()), otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression),
			otlpmetrichttp.WithTimeout(e.config.Timeout), otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
		if err != nil {
			return err
		}
		e.senders = append(e.senders, s)
	}
	return nil
}

// noting is an http.RoundTripper.
type noting struct{ http.RoundTripper }

// maxAnswer bounds what is read of a receiver's answer.
const maxAnswer = 64 << 10

func (n noting) RoundTrip(req *http.Request) (*http.Response, error) {
	o := outcomeOf(req.Context())
	resp, err := n.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	o.status, o.after, o.words = resp.StatusCode, exporters.RetryAfter(resp.Header), string(body)
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	o.foreign = kind == "text/html" || o.status/100 == 3
	o.taken = o.status/100 == 2 && !o.foreign
	if kind != "application/x-protobuf" {
		return resp, nil
	}
	if o.taken {
		var r collector.ExportMetricsServiceResponse
		if err := proto.Unmarshal(body, &r); err != nil {
			return nil, fmt.Errorf("the answer makes no sense: %w", err)
		}
		o.partial(&r)
		return resp, nil
	}
	o.words = describe(body)
	return resp, nil
}

// refusal is an answer that blames the points of a request, or their number.
type refusal struct{ words string }

func (e *refusal) Error() string { return "receiver answers " + e.words }

// classify turns what a sender returned into nil, a *refusal, or an error of package exporters.
func (e *Exporter) classify(ctx context.Context, err error, o *outcome) error {
	switch {
	case o.foreign:
		return e.configError("%s is no OTLP receiver (%d %s); check url", e.url.Host, o.status, http.StatusText(o.status))
	case o.taken: // the SDK calls a mere warning an error
		return nil
	case o.status != 0:
		return e.classifyHTTP(o)
	case ctx.Err() != nil:
		return retryError("canceled", 0, "%w", ctx.Err())
	case e.config.Protocol == GRPC && o.code != codes.OK:
		return e.classifyGRPC(o)
	case clienttls.Untrusted(err):
		return e.configError("no trust by TLS: %w; check tls", err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return retryError("timeout", 0, "%w", err)
	}
	return retryError("unreachable", 0, "%w", err)
}

// classifyHTTP follows the OTLP specification, 1.3: what may be retried says so.
func (e *Exporter) classifyHTTP(o *outcome) error {
	said := fmt.Sprintf("%d %s: %s", o.status, http.StatusText(o.status), e.presentable(o.words))
	switch o.status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &refusal{said}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return retryError("busy", o.after, "receiver answers %s", said)
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return retryError("timeout", o.after, "receiver answers %s", said)
	case http.StatusUnauthorized, http.StatusForbidden:
		return e.configError("%s refuses us (%s); check headers", e.url.Host, said)
	}
	if o.status >= http.StatusInternalServerError {
		return retryError("server", o.after, "receiver answers %s", said)
	}
	return e.configError("%s takes no metrics (%s); check url", e.url.Host, said)
}

// classifyGRPC does the same for gRPC, with its own codes.
func (e *Exporter) classifyGRPC(o *outcome) error {
	said := fmt.Sprintf("%s: %s", o.code, e.presentable(o.words))
	switch o.code {
	case codes.InvalidArgument:
		return &refusal{said}
	case codes.ResourceExhausted:
		if o.after == 0 && strings.Contains(o.words, "larger than max") { // as grpc-go says it
			return &refusal{said}
		}
		return retryError("busy", o.after, "receiver answers %s", said)
	case codes.Unauthenticated, codes.PermissionDenied:
		return e.configError("%s refuses us (%s); check headers", e.url.Host, said)
	case codes.Unimplemented, codes.NotFound:
		return e.configError("%s takes no metrics (%s); check url", e.url.Host, said)
	case codes.DeadlineExceeded:
		return retryError("timeout", o.after, "receiver answers %s", said)
	case codes.Unavailable:
		if strings.Contains(o.words, "authentication handshake failed") {
			return e.configError("no trust by TLS: %s; check tls", said)
		}
		return retryError("unreachable", o.after, "%s", said)
	}
	return retryError("server", o.after, "receiver answers %s", said)
}

func (e *Exporter) configError(format string, args ...any) error {
	return &exporters.ConfigError{Err: fmt.Errorf("otlp output: "+format, args...)}
}

func retryError(reason string, after time.Duration, format string, args ...any) error {
	return &exporters.RetryError{Reason: reason, After: after, Err: fmt.Errorf("otlp output: "+format, args...)}
}

// maxSaid is the most octets of a receiver's words that are repeated.
const maxSaid = 1000

// presentable returns a receiver's words for people: cut short, and without what the headers hold, should it repeat that.
func (e *Exporter) presentable(words string) string {
	for _, value := range e.config.Headers {
		if v := value.Reveal(); v != "" {
			words = strings.ReplaceAll(words, v, secret.Mask)
		}
	}
	words = strings.TrimSpace(words)
	if len(words) > maxSaid {
		words = words[:maxSaid] + "…"
	}
	if words == "" {
		return "no explanation"
	}
	return strings.ToValidUTF8(words, "\uFFFD")
}

// describe returns the message of a google.rpc.Status, which a receiver of HTTP answers errors with; the octets themselves if it is none.
func describe(body []byte) string {
	var s spb.Status
	if err := proto.Unmarshal(body, &s); err != nil || s.GetMessage() == "" {
		return string(body)
	}
	return s.GetMessage()
}
