// Package prometheus writes samples by Prometheus' remote write, version 2.0 and 1.0.
package prometheus

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/snappy"

	"walkabout/exporters"
	"walkabout/exporters/series"
	"walkabout/internal/clienttls"
	"walkabout/internal/secret"
	"walkabout/internal/version"
	"walkabout/metric"
)

// Version is which of the protocol's versions is spoken.
type Version string

// The versions. Auto speaks 2.0 until the server shows that it knows 1.0 only.
const (
	Auto     Version = "auto"
	Version1 Version = "1"
	Version2 Version = "2"
)

// Config says which server, and how to write. Zero fields take the default that each names.
type Config struct {
	URL      string // of the receiver, such as http://127.0.0.1:9090/api/v1/write; without user or fragment
	Version  Version
	User     string // of basic authentication; none if empty
	Password secret.String
	Token    secret.String // a bearer token; none if empty
	Headers  map[string]secret.String
	TLS      clienttls.Config
	Timeout  time.Duration // of one request; 30 s
	MaxBytes int           // most octets of one request before it is compressed, though never less than a sample; 1 MiB
	Series   series.Config
}

// Exporter writes series. Make one with New.
type Exporter struct {
	config    Config
	target    string // the URL as it is shown
	client    http.Client
	transport *http.Transport
	request   *request
	speak     wire
	maxBytes  int // config's, less once the server has found a request too large

	message, body []byte // of one request, used again
	events        atomic.Uint64
}

// New checks c; it sends nothing. The error is a *exporters.ConfigError.
func New(c Config) (*Exporter, error) {
	c.Version = cmp.Or(c.Version, Auto)
	c.Timeout = cmp.Or(max(c.Timeout, 0), 30*time.Second)
	c.MaxBytes = cmp.Or(max(c.MaxBytes, 0), 1<<20)
	target, err := check(c)
	if err != nil {
		return nil, configError("%w", err)
	}
	tls, err := c.TLS.TLS()
	if err != nil {
		return nil, configError("tls: %w", err)
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: c.Timeout}).DialContext,
		TLSClientConfig:        tls,
		TLSHandshakeTimeout:    c.Timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
	e := &Exporter{config: c, target: target, transport: transport, request: newRequest(series.New(c.Series)), speak: version2, maxBytes: c.MaxBytes}
	if c.Version == Version1 {
		e.speak = version1
	}
	// A redirect could turn the POST into a GET.
	e.client = http.Client{Transport: transport, Timeout: c.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return e, nil
}

// check returns the URL without what may be a secret. No error shows what url.Parse says, as that quotes the URL, which may hold a password.
func check(c Config) (string, error) {
	u, err := url.Parse(c.URL)
	control := func(s secret.String) bool {
		return strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f })
	}
	switch {
	case c.URL == "":
		return "", errors.New("url is missing; give the receiver's, such as http://127.0.0.1:9090/api/v1/write")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("url is not of the form http://HOST:PORT/PATH or https://HOST:PORT/PATH")
	case !exporters.ValidPort(u.Port()):
		return "", fmt.Errorf("url: %w", exporters.ErrPort)
	case u.User != nil:
		return "", errors.New("url holds a user name; give user and password instead")
	case u.Fragment != "":
		return "", errors.New("url holds a fragment")
	case u.Path == "" || u.Path == "/":
		return "", errors.New("url has no path; Prometheus and VictoriaMetrics receive at /api/v1/write, Mimir at /api/v1/push")
	case c.Version != Auto && c.Version != Version1 && c.Version != Version2:
		return "", fmt.Errorf("version %q: write auto, 1 or 2", string(c.Version))
	case c.User != "" && !c.Token.IsZero():
		return "", errors.New("user and token are given; a request carries one of them")
	case c.User == "" && !c.Password.IsZero():
		return "", errors.New("password is given, and user is not")
	case control(c.Token) || control(c.Password):
		return "", errors.New("password or token holds a line end or another control character")
	}
	for name, value := range c.Headers {
		if !token(name) || control(value) {
			return "", fmt.Errorf("headers: %q cannot be a header with this value", name)
		}
		if slices.Contains(ownHeaders, http.CanonicalHeaderKey(name)) {
			return "", fmt.Errorf("headers: %s is set by the protocol", name)
		}
	}
	u.RawQuery = ""
	return u.String(), nil
}

var ownHeaders = []string{"Content-Encoding", "Content-Length", "Content-Type", "Host", "User-Agent", "X-Prometheus-Remote-Write-Version"}

// token reports whether name has the form of a header's (RFC 9110, 5.6.2).
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r) })
}

// Export writes batch in requests of at most Config.MaxBytes, one after the other. When the server refuses a request for its samples, it is halved until
// the bad ones are found; those are in the *exporters.PartialError with the server's words. Nothing else is retried here. After another error what was
// written until then is left out when the batch comes again: most servers take no sample that is older than the last of its series.
func (e *Exporter) Export(ctx context.Context, batch []metric.Sample) error {
	s := shipment{batch: batch}
	if err := e.ship(ctx, 0, len(batch), &s); err != nil {
		return err
	}
	for i := range batch {
		if series.Event(&batch[i]) {
			e.events.Add(1)
		}
	}
	e.request.forget()
	if len(s.rejected) == 0 {
		return nil
	}
	slices.Sort(s.rejected)
	return &exporters.PartialError{Rejected: s.rejected, Err: s.err}
}

// shipment is what became of a batch so far.
type shipment struct {
	batch    []metric.Sample
	rejected []int     // samples
	err      error     // about the first of those
	tooOld   time.Time // the newest that the server found too old for its storage, whatever the series; zero if none was
	old      error     // its words
}

func (s *shipment) reject(i int, err error) {
	s.rejected = append(s.rejected, i)
	if s.err == nil {
		s.err = fmt.Errorf("prometheus output: %w", err)
	}
}

// ship writes the samples from up to, but without, to.
func (e *Exporter) ship(ctx context.Context, from, to int, s *shipment) error {
	for from < to {
		if !s.tooOld.IsZero() && !s.batch[from].At.After(s.tooOld) { // what is not newer needs no asking
			s.reject(from, s.old)
			from++
			continue
		}
		end := from + e.request.encode(s.batch[from:to], e.speak, e.maxBytes)
		if e.request.points > 0 {
			if err := e.settle(ctx, e.send(ctx), from, end, s); err != nil {
				return err
			}
		}
		from = end
	}
	return nil
}

// settle deals with what a request of the samples from up to, but without, to came to.
func (e *Exporter) settle(ctx context.Context, err error, from, to int, s *shipment) error {
	var refused *refusal
	switch {
	case err == nil:
		e.request.written()
		return nil
	case errors.Is(err, errOnlyVersion1):
		if e.config.Version == Version2 {
			return configError("%s: %w; write version: auto or 1", e.target, err)
		}
		e.speak = version1
		return e.ship(ctx, from, to, s)
	case !errors.As(err, &refused):
		return err
	case to-from == 1 || refused.all:
		for i := from; i < to; i++ {
			s.reject(i, refused)
		}
		if refused.tooOld && to-from == 1 && s.batch[from].At.After(s.tooOld) {
			s.tooOld, s.old = s.batch[from].At, refused
		}
		return nil
	case refused.tooLarge:
		e.maxBytes = max(min(e.maxBytes, len(e.message)/2), 1)
	}
	// The newer half first: the newest sample that is too old tells of all others. Their order does not matter, as no series is in both.
	middle := from + (to-from)/2
	if err := e.ship(ctx, middle, to, s); err != nil {
		return err
	}
	return e.ship(ctx, from, middle, s)
}

// send posts e.request and returns nil, errOnlyVersion1, a *refusal or an error of package exporters.
func (e *Exporter) send(ctx context.Context) error {
	e.message = e.request.appendTo(e.message[:0])
	if most := snappy.MaxEncodedLen(len(e.message)); cap(e.body) < most {
		e.body = make([]byte, most)
	}
	compressed := snappy.Encode(e.body[:cap(e.body)], e.message)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.config.URL, bytes.NewReader(compressed))
	if err != nil {
		return configError("%s: no request can be made", e.target)
	}
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("User-Agent", "walkabout/"+version.Version())
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	if e.speak == version2 {
		r.Header.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")
		r.Header.Set("X-Prometheus-Remote-Write-Version", "2.0.0")
	}
	for name, value := range e.config.Headers {
		r.Header.Set(name, value.Reveal())
	}
	switch {
	case e.config.User != "":
		r.SetBasicAuth(e.config.User, e.config.Password.Reveal())
	case !e.config.Token.IsZero():
		r.Header.Set("Authorization", "Bearer "+e.config.Token.Reveal())
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return e.unanswered(ctx, err)
	}
	defer answer.Body.Close()
	words, _ := io.ReadAll(io.LimitReader(answer.Body, maxWords)) // as far as they come: the status decides
	_, _ = io.CopyN(io.Discard, answer.Body, maxDiscarded)        // so that the connection can be used again
	return e.classify(answer, string(words))
}

// Omitted counts the events among the samples, which have no series.
func (e *Exporter) Omitted() map[string]uint64 {
	return map[string]uint64{"event": e.events.Load()}
}

// Close gives up idle connections.
func (e *Exporter) Close() error {
	e.transport.CloseIdleConnections()
	return nil
}
