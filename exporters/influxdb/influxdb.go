// Package influxdb writes samples to InfluxDB through the v2 write API, which InfluxDB 1.8 has as well as 2 and 3.
package influxdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"

	"walkabout/exporters"
	"walkabout/exporters/lineprotocol"
	"walkabout/exporters/lines"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/metric"
)

// Config says which server and bucket, and how to write. Zero fields take the default that each names.
type Config struct {
	URL    string        // of the server, such as http://127.0.0.1:8086; without user, query or fragment
	Org    string        // of InfluxDB 2; 1.8 has none
	Bucket string        // or, for 1.8, "database" or "database/retention policy"
	Token  secret.String // for 1.8 with authentication "user:password"; none if empty
	TLS    clienttls.Config
	// Unsigned is lineprotocol.Encoder's: for new databases only, and for 1.8 only if it was built with -tags uint.
	Unsigned bool
	Timeout  time.Duration // of one request; 10 s
	MaxBytes int           // most octets of lines, before gzip, in one request, though never less than a line; 1 MiB
}

// Exporter writes lines. Make one with New.
type Exporter struct {
	config    Config
	base      *url.URL
	client    influxdb2.Client
	transport *http.Transport
	write     api.WriteAPIBlocking
	batch     lines.Batch
	maxBytes  int // config's, less once the server has found a request too large
}

// New checks c; it sends nothing. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	c.Timeout = cmp.Or(max(c.Timeout, 0), 10*time.Second)
	c.MaxBytes = cmp.Or(max(c.MaxBytes, 0), 1<<20)
	base, err := check(c)
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("influxdb output: %w", err)}
	}
	tls, err := c.TLS.TLS()
	if err != nil {
		return nil, &exporters.ConfigError{Err: fmt.Errorf("influxdb output: tls: %w", err)}
	}
	transport := &http.Transport{
		TLSClientConfig:        tls,
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSHandshakeTimeout:    c.Timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	doer, err := newDoer(transport, c.Timeout)
	if err != nil {
		return nil, fmt.Errorf("influxdb output: %w", err)
	}
	options := influxdb2.DefaultOptions().SetUseGZip(false).SetApplicationName("walkabout")
	options.HTTPOptions().SetHTTPDoer(doer)
	e := &Exporter{config: c, base: base, transport: transport, maxBytes: c.MaxBytes}
	e.client = influxdb2.NewClientWithOptions(base.String(), c.Token.Reveal(), options)
	e.write = e.client.WriteAPIBlocking(c.Org, c.Bucket)
	e.batch.Encoder = &lineprotocol.Encoder{Unsigned: c.Unsigned}
	return e, nil
}

// check returns the server's URL. No error shows what url.Parse says, as that quotes the URL, which may hold a password.
func check(c Config) (*url.URL, error) {
	u, err := url.Parse(c.URL)
	database, _, _ := strings.Cut(c.Bucket, "/")
	switch {
	case c.URL == "":
		return nil, errors.New("url is missing; give the server's, such as http://127.0.0.1:8086")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("url is not of the form http://HOST:PORT or https://HOST:PORT")
	case !exporters.ValidPort(u.Port()):
		return nil, fmt.Errorf("url: %w", exporters.ErrPort)
	case u.User != nil:
		return nil, errors.New("url holds a user name; give token instead (for InfluxDB 1.8 user:password)")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("url holds a query or a fragment; give the server's address only")
	case u.Scheme == "http" && !c.TLS.IsZero():
		return nil, errors.New("tls is given, and url is not https://")
	case c.Bucket == "":
		return nil, errors.New("bucket is missing; for InfluxDB 1.8 give the database's name")
	case database == "":
		return nil, fmt.Errorf("bucket %q has no database before the slash", c.Bucket)
	case strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, errors.New("token holds a line end or another control character")
	}
	return u, nil
}

// Export writes batch in requests of at most Config.MaxBytes, one after the other. When the server refuses a request for its
// points, it is halved until the bad ones are found, so that all others are written; those, and samples that have no line,
// are in the *exporters.PartialError with the server's words. Nothing else is retried here.
func (e *Exporter) Export(ctx context.Context, batch []metric.Sample) error {
	e.batch.Encode(batch)
	s := shipment{rejected: e.batch.Skipped, err: e.batch.Err}
	for from := 0; from < e.batch.Len(); {
		to := from + 1
		for to < e.batch.Len() && e.batch.End(to)-e.batch.End(from-1) <= e.maxBytes {
			to++
		}
		if err := e.ship(ctx, from, to, &s); err != nil {
			return err
		}
		from = to
	}
	if s.garbled != nil && s.acknowledged == 0 {
		return e.retryError("server", 0, "%w", s.garbled)
	}
	if len(s.rejected) == 0 {
		return nil
	}
	slices.Sort(s.rejected)
	return &exporters.PartialError{Rejected: s.rejected, Err: s.err}
}

// shipment is what became of a batch so far.
type shipment struct {
	acknowledged int      // lines
	rejected     []int    // samples
	err          error    // about the first of those
	garbled      *refusal // the first that could not be read, about a line alone
}

// ship writes the lines from up to, but without, to.
func (e *Exporter) ship(ctx context.Context, from, to int, s *shipment) error {
	lines := e.batch.Lines(from, to)
	n := to - from
	err := e.classify(ctx, e.write.WriteRecord(ctx, string(lines)))
	var refused *refusal
	switch {
	case err == nil:
		s.acknowledged += n
		return nil
	case !errors.As(err, &refused):
		return err
	case n == 1 || refused.dropped == n:
		for line := from; line < to; line++ {
			s.rejected = append(s.rejected, e.batch.Sample(line))
		}
		if s.err == nil {
			s.err = fmt.Errorf("influxdb output: %w", refused)
		}
		if refused.garbled && s.garbled == nil {
			s.garbled = refused
		}
		return nil
	case refused.tooLarge:
		e.maxBytes = max(min(e.maxBytes, len(lines)/2), 1)
	}
	// After a refusal nothing is taken for written, though 1.8 may have written the good ones: only a success counts.
	middle := from + n/2
	if err := e.ship(ctx, from, middle, s); err != nil {
		return err
	}
	return e.ship(ctx, middle, to, s)
}

// Omitted counts what lineprotocol.Encoder left out.
func (e *Exporter) Omitted() map[string]uint64 { return e.batch.Encoder.Omitted() }

// Close gives up idle connections.
func (e *Exporter) Close() error {
	e.client.Close()
	e.transport.CloseIdleConnections()
	return nil
}
