package sd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"walkabout/internal/secret"
	"walkabout/internal/version"
)

// HTTPConfig says where a list is had over HTTP, as with Prometheus' http_sd.
type HTTPConfig struct {
	URL     secret.String            // http or https; it may hold a password
	Token   secret.String            // sent as Authorization: Bearer, if there is one
	Headers map[string]secret.String // sent besides
	Timeout time.Duration            // for an answer, with its body; 0 is 10 s
	Refresh time.Duration            // told to the server in X-Prometheus-Refresh-Interval-Seconds
}

// Validate returns what is wrong with c. It sends nothing, and its error shows no secret.
func (c HTTPConfig) Validate() error {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("url is not of the form http://HOST/PATH or https://HOST/PATH")
	}
	return nil
}

// HTTP is a list over HTTP.
type HTTP struct {
	config HTTPConfig
	client *http.Client
}

// NewHTTP returns the list at c.URL, or what is wrong with c. It sends nothing.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // it is a long time to the next request
	return &HTTP{c, &http.Client{Transport: transport, Timeout: cmp.Or(c.Timeout, 10*time.Second), CheckRedirect: c.redirect}}, nil
}

// redirect follows a redirection where that gives no secret away: net/http keeps the token from other hosts, and not the headers, nor
// from the same one without TLS.
func (c HTTPConfig) redirect(r *http.Request, via []*http.Request) error {
	const most = 10
	from := via[0].URL
	switch {
	case len(via) >= most:
		return fmt.Errorf("more than %d redirections", most)
	case from.Scheme == "https" && r.URL.Scheme != "https":
		return fmt.Errorf("the server redirects from https to %s", r.URL.Scheme)
	case r.URL.Host != from.Host:
		for name := range c.Headers {
			r.Header.Del(name)
		}
		r.Header.Del("Authorization")
	}
	return nil
}

// Fetch asks for the list. Everything but status 200 and a list in JSON is an error.
func (h *HTTP) Fetch(ctx context.Context) ([]Group, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.config.URL.Reveal(), nil)
	if err != nil {
		return nil, plain(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "snmpcollect/"+version.Version())
	r.Header.Set("X-Prometheus-Refresh-Interval-Seconds", strconv.FormatFloat(h.config.Refresh.Seconds(), 'f', -1, 64))
	for name, value := range h.config.Headers {
		r.Header.Set(name, value.Reveal())
	}
	if !h.config.Token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+h.config.Token.Reveal())
	}
	answer, err := h.client.Do(r)
	if err != nil {
		return nil, plain(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxList+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(text) > maxList {
		return nil, errTooLong
	}
	return ParseJSON(text)
}

// plain takes the URL, which may hold a password, out of the library's error.
func plain(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
