// Package otlp ships samples as OpenTelemetry metrics, by gRPC or by HTTP with Protocol Buffers.
//
// Each device is a resource, each measurement an instrumentation scope, each field a metric called as the MIB object is, and each sample's tags are the
// attributes of its points. See convert.go for what becomes of which field.
package otlp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"walkabout/exporters"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// The protocols that there are.
const (
	GRPC = "grpc"
	HTTP = "http"
)

// Config says which receiver, and how to write. Zero fields take the default that each names.
type Config struct {
	URL      string // http://HOST:PORT, or https:// for TLS; of HTTP with a path, /v1/metrics if there is none
	Protocol string // GRPC or HTTP; GRPC
	Headers  map[string]secret.String
	TLS      clienttls.Config
	Timeout  time.Duration // of one request; 10 s
}

// lanes is how many requests are under way at once: one is of one device, and many a receiver is far.
const lanes = 8

// maxPoints is about the most points in one request: receivers of gRPC take 4 MiB unless told otherwise, and a point of an interface has some 200 octets.
const maxPoints = 4000

// sender sends one request, and says what became of it in ctx's outcome. It is used by one goroutine at a time.
type sender interface {
	Export(ctx context.Context, rm *metricdata.ResourceMetrics) error
	Shutdown(ctx context.Context) error
}

// Exporter writes metrics. Make one with New.
type Exporter struct {
	config  Config
	url     *url.URL
	senders []sender
	release func() error // what the senders share
	starts  starts

	overflow, notFinite, text, rejected atomic.Uint64
}

// New checks c; it sends nothing. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	c.Timeout = cmp.Or(max(c.Timeout, 0), 10*time.Second)
	c.Protocol = cmp.Or(c.Protocol, GRPC)
	e := &Exporter{config: c}
	u, tlsConfig, err := c.check()
	if err == nil {
		e.url = u
		if c.Protocol == HTTP {
			err = e.dialHTTP(tlsConfig)
		} else {
			err = e.dialGRPC(tlsConfig)
		}
	}
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("otlp output: %w", err)}
	}
	return e, nil
}

// check returns the receiver's URL and the TLS configuration, nil without TLS. No error shows what url.Parse says, as that quotes the URL, which may
// hold a password.
func (c Config) check() (*url.URL, *tls.Config, error) {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, nil, errors.New("url is missing; give the receiver's, such as http://127.0.0.1:4317")
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, nil, errors.New("url is not of the form http://HOST:PORT or https://HOST:PORT")
	case !exporters.ValidPort(u.Port()):
		return nil, nil, fmt.Errorf("url: %w", exporters.ErrPort)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, nil, errors.New("url holds a user name, a query or a fragment; secrets go into headers")
	case c.Protocol != GRPC && c.Protocol != HTTP:
		return nil, nil, fmt.Errorf("protocol %q: write %s or %s", c.Protocol, GRPC, HTTP)
	case c.Protocol == GRPC && strings.Trim(u.Path, "/") != "":
		return nil, nil, errors.New("url has a path, which gRPC has no place for; is it protocol: http?")
	case u.Scheme == "http" && !c.TLS.IsZero():
		return nil, nil, errors.New("tls is given, and url is not https://")
	}
	for name, value := range c.Headers {
		if !headerName.MatchString(name) || strings.ContainsFunc(value.Reveal(), func(r rune) bool { return r < ' ' || r >= 0x7f }) {
			return nil, nil, fmt.Errorf("headers: %q cannot be sent as a header", name)
		}
	}
	if u.Scheme == "http" {
		return u, nil, nil
	}
	t, err := c.TLS.TLS()
	if err != nil {
		return nil, nil, fmt.Errorf("tls: %w", err)
	}
	return u, t, nil
}

// headers returns the headers as they are sent.
func (c Config) headers() map[string]string {
	out := map[string]string{} // not nil, so that nothing is taken from the environment
	for name, value := range c.Headers {
		out[name] = value.Reveal()
	}
	return out
}

// Export writes batch, each device's part in requests of its own. When the receiver refuses a request for its points, it is halved until the bad samples
// are found; those are in the *exporters.PartialError with the receiver's words. Where it says only how many points it did not take, the error's words
// tell the number, and it names no sample.
func (e *Exporter) Export(ctx context.Context, batch []metric.Sample) error {
	parts := e.parts(batch)
	work := make(chan part)
	results := make([]result, len(e.senders))
	var wg sync.WaitGroup
	for i, s := range e.senders[:min(len(e.senders), len(parts))] {
		wg.Go(func() {
			for p := range work {
				if results[i].failed == nil { // after a failure all of it comes again
					e.ship(ctx, s, batch, p.samples, &results[i])
				}
			}
		})
	}
	for _, p := range parts {
		work <- p
	}
	close(work)
	wg.Wait()
	return join(results)
}

// part is the samples of one device, by their places in the batch.
type part struct{ samples []int }

// parts returns the batch's parts, each small enough for a request.
func (e *Exporter) parts(batch []metric.Sample) []part {
	byDevice := map[device]int{} // to the device's last part
	var parts []part
	var points []int
	for i := range batch {
		s := &batch[i]
		d := deviceOf(s)
		at, ok := byDevice[d]
		if n := len(s.Fields) * 2; !ok || points[at]+n > maxPoints {
			at = len(parts)
			byDevice[d] = at
			parts, points = append(parts, part{}), append(points, 0)
		}
		parts[at].samples = append(parts[at].samples, i)
		points[at] += len(s.Fields) * 2
	}
	return parts
}

// result is what became of the requests of one sender.
type result struct {
	failed   error // a RetryError or ConfigError
	rejected []int // samples
	words    error // about the first of those
}

// ship sends samples of batch, which are one device's.
func (e *Exporter) ship(ctx context.Context, s sender, batch []metric.Sample, samples []int, r *result) {
	rm, points := e.convert(batch, samples)
	if points == 0 {
		return
	}
	o := &outcome{}
	err := s.Export(context.WithValue(ctx, outcomeKey{}, o), rm)
	err = e.classify(ctx, err, o)
	var refused *refusal
	switch {
	case err == nil && o.rejected == 0:
	case err == nil:
		e.rejected.Add(uint64(o.rejected))
		words := fmt.Errorf("otlp output: %s did not take %d of %d points of %s: %s", e.url.Host, o.rejected, points, batch[samples[0]].Tag(deviceTag), e.presentable(o.words))
		r.words = cmp.Or(r.words, words)
		if o.rejected >= points {
			r.rejected = append(r.rejected, samples...)
		}
	case !errors.As(err, &refused):
		r.failed = err
	case len(samples) == 1:
		r.rejected = append(r.rejected, samples[0])
		r.words = cmp.Or(r.words, fmt.Errorf("otlp output: %w", refused))
	default:
		half := len(samples) / 2
		e.ship(ctx, s, batch, samples[:half], r)
		if r.failed == nil {
			e.ship(ctx, s, batch, samples[half:], r)
		}
	}
}

// join returns the error of all results: a failure before what was rejected, as then all of it comes again.
func join(results []result) error {
	var rejected []int
	var words error
	for _, r := range results {
		if r.failed != nil {
			return r.failed
		}
		rejected = append(rejected, r.rejected...)
		words = cmp.Or(words, r.words)
	}
	if words == nil {
		return nil
	}
	slices.Sort(rejected)
	return &exporters.PartialError{Rejected: rejected, Err: words}
}

// Omitted returns how many fields were left out, by reason: "text" for texts, which metrics cannot hold, "overflow" for integers of 2^63 and more (a
// counter's rate is kept), "not_finite" for NaN and the infinities, "rejected" for points that the receiver did not take while it took the request.
func (e *Exporter) Omitted() map[string]uint64 {
	return map[string]uint64{"text": e.text.Load(), "overflow": e.overflow.Load(), "not_finite": e.notFinite.Load(), "rejected": e.rejected.Load()}
}

// Close gives up the connections.
func (e *Exporter) Close() error {
	var errs []error
	for _, s := range e.senders {
		errs = append(errs, s.Shutdown(context.Background()))
	}
	return errors.Join(append(errs, e.release())...)
}
